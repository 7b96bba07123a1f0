"""Whole runs with terms: what they record, leave, and are called."""

import numpy as np
import pytest
from omegaconf import OmegaConf
from small import SMALL

import da
from da.config import catalog
from da.config.compose import compose
from da.config.validate import Plan, validate
from da.engine.run import restore
from da.results import frame, store
from da.sweeps.search import distributions
from da.sweeps.wandb_file import sweep_file
from da.tables.task_runs import grouped_by_task


def run(output, *words):
    return da.run("method=dann", *SMALL, f"output={output}", *words)


def test_a_run_with_terms_is_recorded_named_and_restored(tmp_path) -> None:
    alone, joined = run(tmp_path), run(tmp_path, "terms=[mcc,bsp]", "term_weights.mcc=0.5")
    off = run(tmp_path, "terms=[mcc]", "term_weights.mcc=0")
    assert joined.record.label == "dann+bsp+mcc"
    assert set(joined.record.epochs[-1].terms) == {"task", "domain", "bsp", "mcc"}
    assert set(alone.record.epochs[-1].terms) == set(off.record.epochs[-1].terms) == {"task", "domain"}
    assert off.record.target_test == alone.record.target_test
    assert off.directory != alone.directory
    records = store.load(tmp_path)
    (task,) = grouped_by_task(records)
    assert set(task.rows) == {"dann", "dann+bsp+mcc", "dann+mcc"}
    assert sorted(frame.frame(records)["method"]) == ["dann", "dann+bsp+mcc", "dann+mcc"]
    x = restore(joined.directory).task.target.test.x
    again = restore(joined.directory).method.predict(restore(joined.directory).task.target.test)[1].argmax(1)
    assert np.array_equal(da.load(joined.directory).predict(x), again)


def test_configurations_of_one_term_are_told_apart_in_tables(tmp_path) -> None:
    for weight in (0.1, 1.0):
        run(tmp_path, "terms=[mcc]", f"term_weights.mcc={weight}")
    (task,) = grouped_by_task(store.load(tmp_path))
    assert set(task.rows) == {"dann+mcc (term_weights.mcc=0.1)", "dann+mcc (term_weights.mcc=1.0)"}


def test_a_model_predicts_without_the_terms_that_trained_it(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A term with parameters of one's own, whose code is not where the model is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf" / "term").mkdir(parents=True)
    (tmp_path / "conf" / "term" / "own_map.yaml").write_text("_target_: own_map.OwnMap\nweight: 0.5\n")
    (tmp_path / "own_map.py").write_text(
        "from torch import nn\nfrom da.bounds import NonNegative\nfrom da.setting import Access\n"
        "from da.terms.base import Term\n\n\nclass OwnMap(Term):\n    needs = Access(target_x=True)\n\n"
        "    def __init__(self, *, weight: NonNegative = 0.5):\n        super().__init__(weight=weight)\n\n"
        "    def build(self, features, n_classes):\n        self.map = nn.Linear(features, 2)\n\n"
        "    def forward(self, source, target, progress):\n"
        "        return (self.map(source.z).mean(0) - self.map(target.z).mean(0)).square().sum()\n"
    )
    made = run("runs", "terms=[own_map]")
    kept = restore(made.directory)
    expected = kept.method.predict(kept.task.target.test)[1].argmax(1)
    assert any(name.startswith("added.own_map.") for name in kept.method.state_dict())
    (tmp_path / "conf" / "term" / "own_map.yaml").unlink()
    assert np.array_equal(da.load(made.directory).predict(kept.task.target.test.x), expected)


def plan(*words: str) -> Plan:
    return validate(compose(["method=dann", *SMALL, *words]))


def test_weights_and_keywords_of_terms_are_searched() -> None:
    made = distributions(plan("terms=[mcc,bsp]"))
    assert set(made) == {"weight", "term_weights.mcc", "term.mcc.temperature", "term_weights.bsp", "term.bsp.k"}
    space = catalog.named("term", "mcc").locate().search_space
    assert (made["term_weights.mcc"].low, made["term_weights.mcc"].log) == (space["weight"].low, True)
    assert set(distributions(plan())) == {"weight"}
    file = sweep_file(["method=dann", "terms=[mcc]", *SMALL])
    assert {"method.weight", "term_weights.mcc", "term.mcc.temperature"} == set(file["parameters"])
    assert file["name"] == "dann+mcc on toy"


def test_a_trial_sets_them_in_its_runs_and_says_so(tmp_path) -> None:
    from da.sweeps.job import Outcome
    from da.sweeps.search import Search

    made = Search(trials=3).study([plan("terms=[mcc]", f"output={tmp_path}", "seed=1")], tmp_path)
    tried = []
    for job in made:
        tried.append(job.plan.config)
        made.done(job, Outcome("failed", message="none"))
    assert len({config["term_weights"]["mcc"] for config in tried}) == 3
    assert len({config["term"]["mcc"]["temperature"] for config in tried}) == 3
    assert "dann+mcc on toy" in made.verdict()
    assert "term_weights.mcc=" in made.verdict()
    for config in tried:
        assert validate(config).config == config


def test_an_experiment_may_name_terms() -> None:
    node = OmegaConf.create({"terms": ["mcc"], "term_weights": {"mcc": 0.2}})
    found = validate({**compose(["method=dann", *SMALL]), **OmegaConf.to_container(node)})
    assert found.config["term_weights"] == {"mcc": 0.2}
