"""What a run is warned of: printed as a line, kept in its record, said once by a sweep and in reports."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from da.cli import train as entry
from da.config.compose import compose, expand
from da.config.titles import run_title
from da.domain import Domain
from da.engine import run, warned
from da.engine.deep import DeepRunner
from da.estimators.base import Predictor
from da.estimators.classifiers.linear import LogisticRegression
from da.estimators.transfer import Transfer
from da.results import store
from da.setting import ALL, Access
from da.tables.summarize import summarize
from da.tables.task_table import task_tables

SHORT = ["method=tsl", "method.max_iter=1", "data=toy", "data.samples=60", "logger=none"]
SAID = "TSL did not converge within 1 steps: its objective may still get better; raise `max_iter`."


def warn(text, category=UserWarning, file="/x/y.py"):
    warnings.warn_explicit(text, category, file, 1)


def test_sentences_are_collected_once_and_shown_all_the_same():
    with warnings.catch_warnings(record=True) as shown, warned.collected() as found:
        warnings.simplefilter("always")
        warn("a\n b")
        warn("a b")
        warn("overflow", RuntimeWarning)
        warn("use more workers", UserWarning, "/site-packages/pytorch_lightning/trainer.py")
    assert found == ["a b", "RuntimeWarning: overflow"]
    assert len(shown) == 4


def test_what_one_run_was_warned_of_the_next_is_again():
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        for _ in range(2):
            with warned.collected() as found:
                warn("the same")
            assert found == ["the same"]


def test_numbers_apart_sentences_are_alike():
    assert warned.alike("an effective 3.4 of 675 (1e-05)") == warned.alike("an effective 12.0 of 20 (3.2e+10)")
    assert warned.alike("raise max_iter") != warned.alike("raise tolerance")


def test_a_line_each_without_the_code_that_said_it(monkeypatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    usual = warnings.formatwarning("old", DeprecationWarning, "f.py", 3)
    warned.in_lines()
    assert warnings.formatwarning("much is lost", ConvergenceWarning, "f.py", 3) == "warning: much is lost\n"
    assert warnings.formatwarning("old", DeprecationWarning, "f.py", 3) == usual


@pytest.mark.filterwarnings("default")  # that a run is warned is the subject
def test_a_run_keeps_it_in_its_record_and_a_report_says_it(tmp_path):
    made = run.run(compose([*SHORT, f"output={tmp_path}"])).record
    assert made.notes == (SAID,)
    assert made.epochs[-1].diagnostics["converged"] == 0.0
    (table,) = task_tables(summarize(store.load(tmp_path)))
    assert table.notes == (f"Warning of tsl: {SAID}",)


@pytest.mark.filterwarnings("default")  # that a run is warned is the subject
def test_cautions_of_a_configuration_are_kept_too(tmp_path):
    asked = ["method=ot_emd", *files(tmp_path), "data.standardize=true", "logger=none", f"output={tmp_path}/runs"]
    made = run.run(compose(asked)).record
    assert made.notes[0].startswith("method=ot_emd moves samples by their distances, and data.standardize=true")


def files(folder):
    rng = np.random.default_rng(0)
    for name in "st":
        np.savez(
            folder / f"{name}.npz", x=rng.normal(size=(30, 3)) + 2.0 * (np.arange(30) % 2)[:, None], y=np.arange(30) % 2
        )
    return ["data=features", f"data.source={folder}/s.npz", f"data.target={folder}/t.npz"]


@pytest.mark.filterwarnings("default")  # that a run is warned is the subject
@pytest.mark.parametrize("launcher", ["in_process", pytest.param("processes", marks=pytest.mark.slow)])
def test_a_sweep_says_once_what_many_of_its_runs_are_warned_of(tmp_path, capsys, launcher):
    several = [*SHORT, "data.split_seed=0,1", f"launcher={launcher}", f"output={tmp_path}"]
    assert entry.train(["-m", *several]) == 0
    said = capsys.readouterr().err
    assert said.count(f"{SAID}\n") - said.count(f"warning: {SAID}\n") == 1, "the sweep's own line"
    assert "warning: method=tsl method.max_iter=1 data=toy" in said
    assert [r.notes for r in store.load(tmp_path)] == [(SAID,)] * 2


class Few(Predictor):
    """Says that a single sample is in effect."""

    needs = Access(source_y=ALL, target_x=True)
    effective_sample_size_ = 1.0

    def fit(self, source, target):
        self.classes_ = np.unique(source.y)
        return self


def test_what_trains_on_a_few_samples_by_itself_warns():
    source = Domain(np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2)
    with pytest.warns(UserWarning, match=r"an effective 1\.0 of 60 source samples remain"):
        Transfer(Few(), LogisticRegression()).fit((source,), Domain(source.x))


@pytest.mark.parametrize(("size", "warns"), [(2.0, True), (3.0, False), (None, False)])
def test_a_deep_run_that_ends_on_a_few_samples_warns(size, warns):
    history = [
        {"diagnostics": {"effective_sample_size": 1.0}},
        {"diagnostics": {} if size is None else {"effective_sample_size": size}},
    ]
    granted = SimpleNamespace(sources=(range(40), range(20)))
    made = SimpleNamespace(
        is_first=True, scorer=SimpleNamespace(history=history), data=SimpleNamespace(granted=granted)
    )
    with warned.collected() as found, warnings.catch_warnings():
        warnings.simplefilter("always")
        warned_of = found
        DeepRunner.warn_if_degenerate(made)
    assert bool(warned_of) is warns


def test_a_title_names_the_features_and_what_was_set_of_them():
    (plan,) = expand(
        [
            "method=coral",
            "data=office_caltech10",
            "features=resnet",
            "features.network.weights=random",
            "features.dtype=float16",
        ],
        multirun=False,
    ).plans
    assert "features=resnet" in run_title(plan)
    assert "features.dtype=float16" in run_title(plan)
