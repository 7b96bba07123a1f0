"""Closed-form runs: without PyTorch, on one device, and as those of deep methods in all that people see."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
from processes import finished

from da.checks import CheckedMethod
from da.checks.harness import assembled, build, task_for, train
from da.checks.withheld import references_to_withheld
from da.config import catalog
from da.domain import Granted
from da.engine import closed_form
from da.engine.observer import Pruned
from da.estimators.subspace.coral import CORAL
from da.methods.closed_form import ClosedForm
from da.setting import DIFFERENT

NEEDS_TORCH: dict[str, str] = {}
"""Methods whose closed-form runs import PyTorch, each with its reason."""
CODE = """
import sys, warnings
warnings.simplefilter("ignore")
from da.config import compose
from da.cli import train
for name, data in {methods!r}:
    code = train.train([f"method={{name}}", f"data={{data}}", "data.samples=60", "output={output}"])
    loaded = {{"torch", "pytorch_lightning", "lightning"}} & set(sys.modules)
    assert code == 0 and not loaded, (name, code, loaded)
"""
"""Runs of all methods in one process, as the command line starts them; nothing but the first is to blame."""


def subject():
    return SimpleNamespace(new=CORAL, needs=CORAL.needs, is_estimator=True)


def test_no_closed_form_run_imports_pytorch(tmp_path):
    entries = [entry for entry in catalog.entries("method").values() if entry.is_estimator]
    methods = [
        (entry.name, "toy_dimensions" if entry.access.spaces == DIFFERENT else "toy")
        for entry in entries
        if entry.name not in NEEDS_TORCH
    ]
    assert len(methods) >= 40
    done = finished("-c", CODE.format(methods=methods, output=tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("finished method=") == len(methods)


def test_planning_lists_tables_and_reports_import_neither_pytorch_nor_lightning():
    code = "import sys\nfrom da.cli import benchmark, demo, docs, listing, report, scaffold, train\n"
    code += "from da.tables import results_page\nresults_page.committed()\nlisting.overview()\n"
    code += "train.train(['method=coral', 'data=toy', '--dry-run'])\n"
    code += "assert not {'torch', 'pytorch_lightning', 'lightning'} & set(sys.modules)"
    done = finished("-c", code)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_deep_run_reaches_its_first_step_without_scikit_learn(tmp_path):
    code = "import os, sys\nfrom da.cli import train\nfrom da.methods.transductive.dann import DANN\n"
    code += "DANN.terms = lambda *_: (print('imported', 'sklearn' in sys.modules, flush=True), os._exit(0))\n"
    code += f"train.train(['method=dann', 'data=toy', 'output={tmp_path}', 'trainer.enable_progress_bar=false'])"
    assert "imported False" in finished("-c", code).stdout


def test_an_observer_is_told_of_the_only_epoch_and_may_give_it_up():
    told = []
    observer = SimpleNamespace(epoch=lambda epoch, scores: told.append((epoch, scores["last"])) or True)
    task = task_for(CORAL.needs)
    with pytest.raises(Pruned):
        train(build(subject(), task), task, observer=observer)
    assert told == [(1, 1.0)]


def test_loggers_are_given_the_metrics_of_the_epoch():
    rows = []
    logger = SimpleNamespace(name="list", log_metrics=lambda metrics, step: rows.append((step, metrics)))
    task = task_for(CORAL.needs)
    scorer = train(build(subject(), task), task, loggers=[logger])
    ((step, metrics),) = rows
    assert (step, metrics["epoch"]) == (1, 1)
    assert metrics["target_test/accuracy"] == scorer.history[0]["target_test"]["accuracy"]
    assert metrics["selection/last"] == 1.0


def test_predictions_in_parts_are_those_of_the_whole():
    task = task_for(CORAL.needs)
    method: ClosedForm = build(subject(), task)
    train(method, task)
    x = np.repeat(task.target.train.x, 20, axis=0)  # more rows than are predicted at a time
    z, logits = method.predict(task.target.train.__class__(x))
    assert z.shape[0] == logits.shape[0] == len(x)
    np.testing.assert_allclose(z[::20], method.predict(task.target.train)[0], rtol=1e-6)
    assert z.dtype == logits.dtype == np.float32
    assert np.allclose(np.exp(logits).sum(1), 1.0)


def test_seeds_reach_the_generators_that_packages_draw_from():
    task, drawn = task_for(CORAL.needs), []
    for seed in (3, 3, 4):
        build(subject(), task, seed=seed)
        drawn.append((random.random(), np.random.random()))  # noqa: NPY002  # the generator that is seeded
    assert drawn[0] == drawn[1]
    assert not set(drawn[1]) & set(drawn[2])


def test_it_is_granted_what_it_needs_and_nothing_else(monkeypatch):
    task = task_for(CORAL.needs)
    granted = assembled(build(subject(), task), task).granted
    assert granted.target.y is None
    assert granted.source.y is not None
    assert list(granted.parts()) == ["source0", "target"]
    assert references_to_withheld(CheckedMethod("coral", CORAL, CORAL.needs)) == []

    def everything(task, needs, **_):
        return Granted(tuple(source.train for source in task.sources), task.target.train)

    monkeypatch.setattr(closed_form, "grant", everything)
    (leak, *_) = references_to_withheld(CheckedMethod("coral", CORAL, CORAL.needs))
    assert leak.startswith("granted")


@pytest.mark.parametrize("accelerator", ["cpu", "mps"])
def test_devices_without_double_precision_are_left_to_numpy(accelerator, monkeypatch):
    monkeypatch.setattr("da.config.machine.has_driver", lambda: True)
    assert closed_form.device_of(accelerator) is None
