"""Lightning's callbacks in a run: what they see, what is recorded, and resuming with them."""

import csv
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from deep import subject
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar

import da
from da.checks.harness import assembled, build, same, task_for, weights_of
from da.engine.deep import CHECKPOINTS
from da.engine.result import one_line
from da.engine.runner import CHECKPOINT
from da.methods.transductive.dann import DANN
from da.results import record

RULES = ("infomax", "entropy", "source_accuracy")


def run(folder: Path, *words: str) -> Any:
    common = ("method=dann", "data=toy", "steps_per_epoch=3", f"output={folder}", "trainer.enable_progress_bar=false")
    return da.run(*common, *words)


def rows(directory: Path) -> list[dict[str, str]]:
    with open(directory / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


STOPPED = ("callbacks=early_stopping", "callbacks.early_stopping.monitor=terms/task", "trainer.max_epochs=6",
           "callbacks.early_stopping.mode=max", "callbacks.early_stopping.patience=2")  # fmt: skip


@pytest.mark.parametrize("every", [1, 2, 5])
def test_a_run_that_is_stopped_early_is_finished_and_says_so(every: int, tmp_path: Path) -> None:
    """The task's loss falls, so that a rising one is never seen; the last epoch is evaluated though none was due."""
    made = run(tmp_path, *STOPPED, f"evaluate_every={every}")
    assert made.record.is_finished
    assert made.record.stopped_early == 3
    assert made.record.epochs[-1].epoch == 3
    assert made.record.epochs[-1].target_test == made.record.target_test
    assert "stopped early after epoch 3 of 6" in one_line(made.record, made.directory, fresh=True)
    assert json.loads((made.directory / record.FILE).read_text())["stopped_early"] == 3
    assert not run(tmp_path, *STOPPED, f"evaluate_every={every}").fresh
    seconds = [epoch.seconds for epoch in made.record.epochs]
    assert made.record.seconds["train"] == pytest.approx(seconds[-1])
    assert [int(row["epoch"]) for row in rows(made.directory)] == [epoch.epoch for epoch in made.record.epochs]


def test_a_run_that_goes_to_its_end_is_not_stopped_early(tmp_path: Path) -> None:
    made = run(tmp_path, *STOPPED, "trainer.max_epochs=3")
    assert made.record.stopped_early is None
    assert "stopped early" not in one_line(made.record, made.directory, fresh=True)


class Looks(pl.Callback):
    """Keeps what a callback may read when an epoch ends."""

    def __init__(self) -> None:
        self.seen: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: Any, method: Any) -> None:
        self.seen.append({name: float(value) for name, value in trainer.callback_metrics.items()})


def test_callbacks_read_scores_and_terms_but_nothing_of_the_target_s_test_labels() -> None:
    task = task_for(DANN.needs)
    looks = Looks()
    scorer = assembled(build(subject(DANN), task), task, epochs=2, every=1, callbacks=[looks]).fit()
    assert len(looks.seen) == 2
    for seen, entry in zip(looks.seen, scorer.history, strict=True):
        assert not [name for name in seen if "oracle" in name or "target_test" in name]
        for rule in ("infomax", "entropy", "last"):
            assert seen[f"selection/{rule}"] == pytest.approx(entry["scores"][rule], abs=1e-12)
        for name, value in entry["source_test"].items():
            assert seen[f"source_test/{name}"] == pytest.approx(value, abs=1e-12)
        for name, value in entry["terms"].items():
            assert seen[f"terms/{name}"] == pytest.approx(value, rel=1e-5)


def test_rows_have_what_callbacks_log_in_the_epoch_that_it_is_of(tmp_path: Path) -> None:
    words = ("callbacks=learning_rate", "schedule=cosine_decay", "trainer.max_epochs=3")
    made = run(tmp_path, *words)
    found = rows(made.directory)
    assert [row["epoch"] for row in found] == ["1", "2", "3"]
    rates = [float(row["lr-Adam"]) for row in found]
    assert rates[0] == 0.001
    assert rates == sorted(rates, reverse=True)
    assert rates[1] == pytest.approx(0.001 * (1 + math.cos(math.pi * 2 / 9)) / 2, rel=1e-6)  # as epoch 2 begins
    assert "lr-Adam" not in rows(run(tmp_path / "plain", *words[1:]).directory)[0]


class Logging(DANN):
    """Logs a number of its own."""

    def training_step(self, batch: Any, index: int) -> None:
        super().training_step(batch, index)
        self.log("own", float(self.steps_done), on_step=False, on_epoch=True, batch_size=1)


def test_what_a_method_logs_itself_stands_in_the_row_of_its_epoch() -> None:
    logged: list[dict[str, float]] = []
    logger = SimpleNamespace(name="kept", log_metrics=lambda metrics, step: logged.append(metrics | {"step": step}))
    task = task_for(DANN.needs)
    assembled(build(subject(Logging), task), task, epochs=3, steps=2, every=1, loggers=[logger]).fit()
    assert [(row["epoch"], row["step"], row["own"]) for row in logged] == [(1, 2, 1.5), (2, 4, 3.5), (3, 6, 5.5)]


def test_checkpoints_of_lightning_lie_in_the_run_and_load(tmp_path: Path) -> None:
    words = ("callbacks=checkpoint", "callbacks.checkpoint.monitor=terms/task", "callbacks.checkpoint.mode=min")
    made = run(tmp_path, *words, "trainer.max_epochs=2")
    plain = run(tmp_path / "plain", "trainer.max_epochs=2")
    assert made.record.run_id == plain.record.run_id
    assert made.record.target_test == plain.record.target_test
    assert made.record.notes == plain.record.notes == ()
    (file,) = (made.directory / CHECKPOINTS).iterdir()
    method, final = DANN.load_from_checkpoint(file), da.load(made.directory).method
    assert same(weights_of(method), weights_of(final))  # the loss falls, so that the last is the best
    again = run(tmp_path, "trainer.max_epochs=2", "rerun=all")
    assert not (again.directory / CHECKPOINTS).exists()


class Interrupted(BaseException):
    """What Ctrl-C raises is no error of the run."""


class Interrupts(pl.Callback):
    """Raises at a step, or when an epoch has been stopped."""

    def __init__(self, step: int | None = None):
        self.step = step

    def on_train_batch_start(self, trainer: Any, method: Any, batch: Any, batch_idx: int) -> None:
        if method.steps_done == self.step:
            raise Interrupted

    def on_train_end(self, trainer: Any, method: Any) -> None:
        if self.step is None:
            raise Interrupted


def stopping() -> list[pl.Callback]:
    return [
        EarlyStopping("terms/task", mode="max", patience=3),
        ModelCheckpoint(monitor="terms/task", enable_version_counter=False),
    ]


def trained(directory: Path, more: Callable[[], list[pl.Callback]] = list, resume: bool = False) -> Any:
    task = task_for(DANN.needs)
    callbacks = [*stopping(), *more()]
    runner = assembled(
        build(subject(DANN), task, seed=3 if resume else 0), task, epochs=8, steps=5, every=1, directory=directory,
        callbacks=callbacks,
    )  # fmt: skip
    runner.fit(runner.checkpoint() if resume else None)
    return runner, callbacks


@pytest.mark.parametrize("step", [3, 5, 8, 12, 17, None])
def test_interrupted_and_resumed_with_callbacks_is_as_if_never_interrupted(step: int | None, tmp_path: Path) -> None:
    """In an epoch, at its beginning, and after the decision to stop."""
    whole, (stop, best) = trained(tmp_path / "whole")
    assert whole.stopped_early == 4
    with pytest.raises(Interrupted):
        trained(tmp_path / "cut", lambda: [Interrupts(step)])
    resumed, (stop_again, best_again) = trained(tmp_path / "cut", resume=True)
    assert resumed.stopped_early == 4
    assert same(weights_of(whole.method), weights_of(resumed.method))
    assert stop.state_dict() == stop_again.state_dict()
    assert best.best_model_score == best_again.best_model_score
    assert Path(best.best_model_path).name == Path(best_again.best_model_path).name
    times = {"seconds"}
    for a, b in zip(whole.scorer.history, resumed.scorer.history, strict=True):
        assert {k: v for k, v in a.items() if k not in times} == {k: v for k, v in b.items() if k not in times}


def test_the_file_to_resume_from_holds_the_state_of_this_epoch(tmp_path: Path) -> None:
    class Reads(pl.callbacks.Checkpoint):
        waited: list[int] = []

        def on_train_epoch_end(self, trainer: Any, method: Any) -> None:
            if (tmp_path / CHECKPOINT).is_file():
                states = torch.load(tmp_path / CHECKPOINT, weights_only=True)["callbacks"]
                self.waited.append(next(v["wait_count"] for k, v in states.items() if k.startswith("EarlyStopping")))

    trained(tmp_path, lambda: [Reads()])
    assert Reads.waited == [0, 1, 2]  # seen one epoch later: none is written after the decision to stop


@pytest.mark.parametrize("wanted", [True, False])
def test_a_bar_is_left_out_where_nothing_redraws_it(
    wanted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = task_for(DANN.needs)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    words = {"callbacks": [TQDMProgressBar()], "enable_progress_bar": wanted}
    assembled(build(subject(DANN), task), task, **words).fit()
    assert capsys.readouterr().out == ""


def test_a_bar_that_is_chosen_takes_the_place_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("da.engine.deep.is_redrawn", lambda: True)
    task = task_for(DANN.needs)
    runner: Any = assembled(build(subject(DANN), task), task, callbacks=[TQDMProgressBar()], enable_progress_bar=True)
    names = [type(callback).__name__ for callback in runner.trainer.callbacks]
    assert names == ["Evaluation", "TQDMProgressBar"]


def test_a_term_that_is_not_there_is_said_by_the_record(tmp_path: Path) -> None:
    words = ("callbacks=early_stopping", "callbacks.early_stopping.monitor=terms/tsk", "trainer.max_epochs=2")
    with pytest.raises(Exception, match=r"`terms/tsk` which is not available.*`terms/task`"):
        run(tmp_path, *words)
