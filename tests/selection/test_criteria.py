import math
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

import da.selection
from da.selection import Evidence, criterion, names, score

FULL = {
    "epoch": 3,
    "source_logits": np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.5, 0.0]]),
    "source_y": np.array([0, 1, 1, 0]),
    "target_z": np.zeros((4, 3)),
    "target_logits": np.array([[3.0, 0.0], [0.0, 2.0], [0.0, 1.0], [0.5, 0.0]]),
    "test_accuracy": 61.5,
}


def judged(name, logits):
    return score(name, Evidence(target_logits=np.asarray(logits, dtype=float)))


def certain(classes, k=4, margin=50.0):
    return margin * np.eye(k)[np.asarray(classes)]


# --- what every criterion owes


def test_all_criteria_are_found_by_file():
    assert {"entropy", "infomax", "last", "oracle_accuracy", "soft_neighbourhood_density", "source_accuracy"} <= set(
        names()
    )
    assert names() == sorted(names())


@pytest.mark.parametrize("name", names())
def test_every_criterion_says_what_it_reads(name):
    module = criterion(name)
    assert module.READS
    assert isinstance(module.READS, frozenset)
    assert {field.name for field in fields(Evidence)} >= module.READS
    assert ("test_accuracy" in module.READS) == name.startswith("oracle_")


@pytest.mark.parametrize("name", names())
def test_every_criterion_scores_what_it_reads_and_nothing_when_that_is_missing(name):
    value = score(name, Evidence(**FULL))
    assert type(value) is float
    assert math.isfinite(value)
    reads = criterion(name).READS
    assert score(name, Evidence(**{field: FULL[field] for field in reads})) == value
    for field in reads:
        assert score(name, Evidence(**(FULL | {field: None}))) is None, field
    assert score(name, Evidence()) is None


@pytest.mark.parametrize("name", [n for n in names() if "target_logits" in criterion(n).READS])
@pytest.mark.parametrize("n", [1, 2])
def test_tiny_targets_have_a_score_or_none_without_a_warning(name, n):
    value = judged(name, FULL["target_logits"][:n])
    assert value is None or math.isfinite(value)


@pytest.mark.parametrize("name", [n for n in names() if "target_logits" in criterion(n).READS])
def test_extreme_logits_are_finite(name):
    assert math.isfinite(judged(name, 1e6 * FULL["target_logits"]))


@pytest.mark.parametrize("name", [n for n in names() if "target_logits" in criterion(n).READS])
def test_an_offset_of_a_sample_or_the_order_of_samples_does_not_matter(name):
    logits = np.random.default_rng(0).normal(size=(30, 4))
    other = (logits + np.arange(30)[:, None])[::-1][:, [2, 0, 3, 1]]
    assert judged(name, other) == pytest.approx(judged(name, logits), abs=1e-9)


# --- the evidence that is handed over


def spy_on(monkeypatch, reads, answer=1.0):
    seen = []

    def look(evidence):
        seen.append(evidence)
        return answer

    monkeypatch.setattr(da.selection, "criterion", lambda name: SimpleNamespace(READS=frozenset(reads), score=look))
    return seen


@pytest.mark.parametrize("field", FULL)
def test_evidence_is_stripped_to_what_is_read(field, monkeypatch):
    seen = spy_on(monkeypatch, {field})
    assert score("spy", Evidence(**FULL)) == 1.0
    assert {name for name, value in vars(seen[0]).items() if value is not None} == {field}
    assert getattr(seen[0], field) is FULL[field]


def test_a_criterion_is_not_called_without_its_evidence(monkeypatch):
    seen = spy_on(monkeypatch, {"target_z", "epoch"})
    assert score("spy", Evidence(**(FULL | {"target_z": None}))) is None
    assert seen == []


@pytest.mark.parametrize("answer", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_is_none(answer, monkeypatch):
    spy_on(monkeypatch, {"epoch"}, answer)
    assert score("spy", Evidence(**FULL)) is None


def test_falsy_evidence_is_not_missing(monkeypatch):
    spy_on(monkeypatch, {"epoch", "test_accuracy"}, 0.0)
    assert score("spy", Evidence(epoch=0, test_accuracy=0.0)) == 0.0


# --- known answers


def test_last_rises_with_the_epoch():
    assert [score("last", Evidence(epoch=k)) for k in (1, 2, 30)] == [1.0, 2.0, 30.0]


def test_source_accuracy_is_a_share_in_percent():
    assert score("source_accuracy", Evidence(**FULL)) == 75.0


def test_the_oracle_repeats_the_accuracy():
    assert score("oracle_accuracy", Evidence(**FULL)) == 61.5


def test_entropy_runs_from_minus_log_k_to_zero():
    assert judged("entropy", np.zeros((5, 4))) == pytest.approx(-math.log(4.0))
    assert judged("entropy", certain([0, 0, 1])) == pytest.approx(0.0, abs=1e-12)
    half = judged("entropy", np.vstack([np.zeros((2, 4)), certain([0, 1])]))
    assert half == pytest.approx(-0.5 * math.log(4.0))


def test_infomax_wants_confidence_and_diversity():
    assert judged("infomax", certain([2] * 8)) == pytest.approx(0.0, abs=1e-12)  # collapsed
    assert judged("infomax", np.zeros((8, 4))) == pytest.approx(0.0, abs=1e-12)  # undecided
    assert judged("infomax", certain([0, 1, 2, 3] * 2)) == pytest.approx(math.log(4.0))
    assert judged("infomax", certain([0, 0, 1, 1])) == pytest.approx(math.log(2.0))


def test_infomax_is_the_mutual_information_of_the_table():
    logits = np.random.default_rng(0).normal(size=(12, 3))
    joint = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) / 12.0
    independent = joint.sum(axis=0, keepdims=True) / 12.0
    assert judged("infomax", logits) == pytest.approx((joint * np.log(joint / independent)).sum())


def density(logits, temperature=0.05):
    """Saito et al., ICCV 2021, eq. 2 and 3, a pair of samples at a time."""
    p = [np.exp(row) / np.exp(row).sum() for row in logits]
    p = [row / np.sqrt((row**2).sum()) for row in p]
    total = 0.0
    for i, row in enumerate(p):
        near = [math.exp(row @ other / temperature) for j, other in enumerate(p) if j != i]
        total -= sum(s / sum(near) * math.log(s / sum(near)) for s in near)
    return total / len(p)


def test_density_equals_the_definition():
    logits = np.random.default_rng(0).normal(size=(15, 3))
    assert judged("soft_neighbourhood_density", logits) == pytest.approx(density(logits), rel=1e-10)


def test_density_prefers_tight_clusters_to_a_diffuse_cloud():
    rng = np.random.default_rng(0)
    tight = judged("soft_neighbourhood_density", certain([0] * 20 + [1] * 20, k=8))
    assert tight == pytest.approx(math.log(19.0), abs=1e-6)  # every one of the other 19 is as near as the next
    assert judged("soft_neighbourhood_density", 3.0 * rng.normal(size=(40, 8))) < tight - 0.5


def test_density_compares_a_bounded_number_of_evenly_spaced_samples(monkeypatch):
    logits = np.random.default_rng(0).normal(size=(25, 3))
    monkeypatch.setattr(criterion("soft_neighbourhood_density"), "LIMIT", 10)
    assert judged("soft_neighbourhood_density", logits) == pytest.approx(density(logits[::3]), rel=1e-10)
    assert judged("soft_neighbourhood_density", logits[:10]) == pytest.approx(density(logits[:10]), rel=1e-10)
