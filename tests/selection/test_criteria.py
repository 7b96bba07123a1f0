import math
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

import da.selection
from da.config.validate import criteria
from da.selection import Evidence, criterion, names, score


def made(n=12, k=3, d=5, seed=0):
    """What may be known of a linear classifier on samples around one centre a class."""
    rng = np.random.default_rng(seed)
    centres = 3.0 * rng.normal(size=(k, d))
    y_s, y_t = rng.integers(0, k, n), rng.integers(0, k, n)
    z_s, z_t = centres[y_s] + rng.normal(size=(n, d)), centres[y_t] + rng.normal(size=(n, d)) + 0.5
    weights = centres.T + rng.normal(size=(d, k))
    return {
        "epoch": 3,
        "source_z": z_s,
        "source_logits": z_s @ weights,
        "source_y": y_s,
        "target_x": z_t,
        "target_z": z_t,
        "target_logits": z_t @ weights,
        "answer": lambda x: x @ weights,
        "test_accuracy": 61.5,
    }


FULL = made()
SAMPLED = [n for n in names() if n not in {"last", "oracle_accuracy"}]


def judged(name, logits):
    return score(name, Evidence(target_logits=np.asarray(logits, dtype=float)))


def certain(classes, k=4, margin=50.0):
    return margin * np.eye(k)[np.asarray(classes)]


# --- what every criterion owes


def test_all_criteria_are_found_by_file():
    assert {"entropy", "infomax", "last", "oracle_accuracy", "soft_neighbourhood_density", "source_accuracy"} <= set(
        names()
    )
    assert names() == sorted(names()) == criteria()  # what the configuration offers
    assert not any(name.startswith("_") for name in names())


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


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_few_samples_have_a_score_or_none_without_a_warning(name, n):
    value = score(name, Evidence(**made(n)))
    assert value is None or math.isfinite(value)


def odd(kind):
    """Evidence of models that went wrong, and of methods that know the predicted class only."""
    found = made(20)
    floored = {f"{part}_logits": np.full((20, 3), -50.0) for part in ("source", "target")}
    for part in ("source", "target"):
        floored[f"{part}_logits"][np.arange(20), found[f"{part}_logits"].argmax(1)] = 0.0
    one = {f"{part}_logits": np.tile([5.0, 0.0, 0.0], (20, 1)) for part in ("source", "target")}
    constant = {f"{part}_z": np.ones((20, 5)) for part in ("source", "target")}
    large = {f"{part}_z": (1e30 * found[f"{part}_z"]).astype(np.float32) for part in ("source", "target")}
    broken = {f"{part}_z": np.full((20, 5), np.inf, np.float32) for part in ("source", "target")}
    return found | {
        "floored log-probabilities": floored,
        "one class predicted": one,
        "constant features": constant,
        "collapsed": one | constant,
        "large features": large,
        "infinite features": broken,
        "extreme logits": {f"{part}_logits": 1e6 * found[f"{part}_logits"] for part in ("source", "target")},
        "features of other widths": {"source_z": found["source_z"][:, :2]},
        "domains far apart": {"source_z": found["source_z"] + 1e3},
    }[kind]  # fmt: skip


ODD = ["floored log-probabilities", "one class predicted", "constant features", "collapsed", "large features",
       "infinite features", "extreme logits", "features of other widths", "domains far apart"]  # fmt: skip


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("kind", ODD)
def test_models_that_went_wrong_have_a_score_or_none_without_a_warning(name, kind):
    value = score(name, Evidence(**odd(kind)))
    assert value is None or math.isfinite(value)


@pytest.mark.parametrize("name", ["bnm", "corr_c", "entropy", "infomax", "soft_neighbourhood_density"])
def test_extreme_logits_are_finite(name):
    assert math.isfinite(score(name, Evidence(**odd("extreme logits"))))


@pytest.mark.parametrize("name", SAMPLED)
def test_the_order_of_samples_and_classes_and_an_offset_of_a_sample_do_not_matter(name):
    found = made(60, k=4)
    rng = np.random.default_rng(1)
    classes = np.array([2, 0, 3, 1])
    other = dict(found)
    for part in ("source", "target"):
        order = rng.permutation(60)
        for field in (f for f in found if f.startswith(part)):
            other[field] = found[field][order]
        other[f"{part}_logits"] = (other[f"{part}_logits"] + np.arange(60)[:, None])[:, classes]
    other["source_y"] = np.argsort(classes)[other["source_y"]]
    other["answer"] = lambda x: found["answer"](x)[:, classes]
    assert score(name, Evidence(**other)) == pytest.approx(score(name, Evidence(**found)), abs=1e-9)


@pytest.mark.parametrize(
    "name", [n for n in SAMPLED if n != "soft_neighbourhood_density"]
)  # smooth, not sharp, wins there
def test_a_good_model_scores_higher_than_one_that_lost_the_classes(name):
    good = made(80, seed=2)
    rng = np.random.default_rng(3)
    lost = good | {f"{part}_z": rng.normal(size=(80, 5)) for part in ("source", "target")}
    lost |= {f"{part}_logits": rng.normal(size=(80, 3)) for part in ("source", "target")}
    noise = iter(rng.normal(size=(9, 1000, 3)))
    lost["answer"] = lambda x: next(noise)[: len(x)]
    assert score(name, Evidence(**good)) > score(name, Evidence(**lost))


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
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.5, 0.0]])
    assert score("source_accuracy", Evidence(source_logits=logits, source_y=np.array([0, 1, 1, 0]))) == 75.0


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
