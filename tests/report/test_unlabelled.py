"""The page where the target has no labels: nothing is called best, and all that is shown is said to be what it is."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pages import page, words
from records import unlabelled

from da.report import examples
from da.report.svg import Cross, Dot, Ring
from da.results import store
from da.tables import regret
from da.tables.regret import Regret


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """What the committed tables say of rules, made up."""
    monkeypatch.setattr(regret, "method_choice", lambda: {"infomax": Regret(1.25, 0.5, 2.0, 30)})
    monkeypatch.setattr("da.engine.result.record.code_version", lambda: {"source": "one", "commit": ""})


SAMPLES = [0, 1, 2] * 10


@pytest.fixture
def runs(tmp_path):
    for seed in (0, 1):
        unlabelled(tmp_path, "dann", {"last": [1, 2], "infomax": [0.9, 0.5]}, SAMPLES, seed)
    unlabelled(tmp_path, "coral", {"last": [1], "infomax": [0.6]}, [0] * 30)
    unlabelled(tmp_path, "unadapted", {"last": [1], "infomax": [0.7]}, [0, 1, 1] * 10)
    return tmp_path


def test_scores_stand_where_accuracies_would_and_nothing_is_best(runs):
    text = page(runs)
    assert "has no labels: nothing here is an accuracy on it" in text
    board = words(text, "Scores without target labels")
    assert board.index("dann") < board.index("unadapted") < board.index("coral")
    assert "dann 0.900 ± 0.000 70.0 ± 0.0" in board
    body = text.partition("<main>")[2].partition("<script>")[0]
    assert not re.search(r"\bbest:|\(best\)|\(worst\)|oracle|nan", body)
    for title in ("Leaderboard", "Significance", "Learning curves", "Selection rules", "Accuracy against time"):
        assert f"<h3>{title}</h3>" not in text
    assert "highest infomax: dann" in text


def test_a_named_rule_orders_the_page(runs):
    unlabelled(runs, "tca", {"last": [1], "infomax": [0.1], "entropy": [-0.5]}, SAMPLES)
    board = words(page(runs, rule="entropy"), "Scores without target labels")
    assert board.index("tca") < board.index("dann")
    assert "Rows are ordered by entropy (as named)" in board


def test_regret_agreement_and_classes_have_tables(runs):
    text = page(runs)
    assert "infomax 1.2 0.5 2.0 30" in words(text, "What is known of these rules")
    assert "coral 33.3 33.3 -" in words(text, "Agreement of predictions")
    shares = words(text, "Predicted classes")
    assert "source (labels) 50.0 25.0 25.0" in shares
    assert "unadapted 33.3 66.7 0.0" in shares


def test_clusters_have_scores_but_no_classes_and_no_source_accuracy(runs):
    unlabelled(runs, "aligned_autoencoder", {"last": [1], "infomax": [0.65]}, [2, 1, 0] * 10)
    text = page(runs)
    board = words(text, "Scores without target labels")
    assert "aligned_autoencoder 0.650 - 1" in board
    for part in ("Agreement of predictions", "Predicted classes"):
        assert not re.search(r"aligned_autoencoder [\d-]", words(text, part))
    assert "aligned_autoencoder finds clusters without names, so nothing is said of its classes." in text


def test_runs_from_near_are_called_by_the_rule(runs):
    near = words(page(runs), "Runs from near", "<h2>")
    for title in ("dann (highest infomax)", "unadapted (baseline)", "coral (lowest infomax)"):
        assert title in near
    assert "Colours are predicted classes: there are no labels." in near
    assert "no target labels, 30 target test samples" in near


def shapes(embedding):
    assert embedding.cloud is not None
    return embedding.cloud.shapes


def test_logits_are_coloured_by_prediction(runs):
    (dann,) = (r for r in store.load(runs) if (r.method, r.seed) == ("dann", 0))
    made = examples.example("dann", dann, asked=False)
    colours = [s.colour for s in shapes(made.embedding) if isinstance(s, Dot)]
    keys = [key.colour for key in made.embedding.legend]
    assert colours == [keys[label] for label in SAMPLES]
    assert made.matrix is None


def test_features_are_coloured_by_prediction_of_the_target_and_say_so(runs, monkeypatch):
    (dann,) = (r for r in store.load(runs) if (r.method, r.seed) == ("dann", 0))
    (dann.place / "model.pt").touch()
    z = np.random.default_rng(0).normal(size=(20, 3))
    source, target = np.arange(20) % 2, np.full(20, 2)
    monkeypatch.setattr(examples, "_features", lambda directory: (z, source, z + 1.0, target))
    made = examples.example("dann", dann, asked=False).embedding
    keys = [key.colour for key in made.legend]
    assert [s.colour for s in shapes(made) if isinstance(s, Ring)] == [keys[label] for label in source]
    assert {s.colour for s in shapes(made) if isinstance(s, Cross)} == {keys[2]}
    assert "predicted classes of target samples, which have no labels" in made.note


def test_one_deep_run_alone_has_a_page(tmp_path):
    unlabelled(tmp_path, "dann", {"last": [1, 2, 3], "infomax": [0.1, 0.3, 0.2]}, SAMPLES)
    text = page(tmp_path)
    assert "dann 0.300 71.0 1" in words(text, "Scores without target labels")
    assert "<h3>Agreement of predictions</h3>" not in text


def test_tasks_with_and_without_labels_have_sections_of_their_own(runs, keep, record):
    keep(record("tca", "art->clip", 50.0, data="digits"))
    text = page(runs)
    assert "data=digits, target without labels" in text
    assert "tca 50.00" in words(text, "Leaderboard")
    assert "dann" in words(text, "Scores without target labels")


def test_damaged_predictions_leave_the_rest_of_the_page(runs):
    (runs / "dann-0" / "predictions.npz").write_bytes(b"PK")
    with pytest.warns(UserWarning, match=r"dann \(highest infomax\).*dann-0\) cannot be drawn: DataError: The pred"):
        text = page(runs)
    near = words(text, "Runs from near", "<h2>")
    assert f"The predictions of {runs / 'dann-0'} are damaged or cut off" in near
    assert "coral (lowest infomax)" in near
    assert "coral 33.3 33.3 -" in words(text, "Agreement of predictions")  # of the other seed
    assert f"{runs / 'dann-0'} are damaged" in words(text, "Agreement of predictions")
