"""Lightning's trainer validates, tests and predicts a method on plain loaders, as a run evaluates it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import da
from da.checks.harness import SMALL, task_for
from da.config.compose import compose
from da.config.validate import validate
from da.data.grant import grant
from da.data.module import PairedData
from da.domain import Domain
from da.engine import assembly
from da.engine.run import load, restore
from da.errors import DataError
from da.methods import loops
from da.methods.base import Method, Optimization
from da.methods.heterogeneous.soft_transfer import SoftTransfer
from da.methods.inference import predict
from da.methods.transductive.dann import DANN
from da.methods.transductive.mcd import MCD
from da.methods.unsupervised.aligned_autoencoder import AlignedAutoencoder
from da.metrics import scores

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers.*", "ignore:.*no `val_dataloader`.*", "ignore:.*treespec.*"
)


def plain(**keywords: Any) -> pl.Trainer:
    fixed = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return pl.Trainer(accelerator="cpu", enable_model_summary=False, **fixed, **keywords)


def loader(domain: Domain, size: int = 7, labels: bool = True) -> DataLoader[Any]:
    x = torch.as_tensor(np.asarray(domain.x))
    return DataLoader(TensorDataset(x, torch.as_tensor(domain.y)) if labels else TensorDataset(x), batch_size=size)


def built(made: Callable[..., Method], **options: Any) -> tuple[Any, Any]:
    task = task_for(made.needs)
    optimization = Optimization(partial(torch.optim.Adam, lr=0.01))
    return assembly.build(made(**options), task, network=SMALL, optimization=optimization), task


def fitted(made: Callable[..., Method], trainer: pl.Trainer) -> tuple[Any, Any]:
    method, task = built(made)
    trainer.fit(method, PairedData(grant(task, method.needs), batch_size=16, steps_per_epoch=3))
    return method, task


RUNS = {
    "two classifiers": ("method=mcd", "data=toy"),
    "an encoder for each domain": ("method=soft_transfer", "data=toy_dimensions"),
    "clusters": ("method=aligned_autoencoder", "data=toy"),
    "images": ("method=dann", "data=image_folder", "data.root=.", "data.source=a", "data.target=b", "data.size=16"),
}


@pytest.fixture
def images(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two folders of images of two classes, in the working folder."""
    image = pytest.importorskip("PIL.Image")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for domain in "ab":
        for k in range(40):
            folder = tmp_path / domain / f"class{k % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 120, (16, 16, 3)) + 120 * (k % 2)
            image.fromarray(pixels.astype(np.uint8)).save(folder / f"{k}.png")


@pytest.mark.parametrize("kind", RUNS)
def test_the_accuracy_of_a_plain_trainer_is_the_record_s(kind: str, images: None, tmp_path: Any) -> None:
    made = da.run(
        *RUNS[kind], "trainer.max_epochs=2", "steps_per_epoch=4", "logger=none", f"output={tmp_path / 'runs'}",
        "trainer.enable_progress_bar=false",
    )  # fmt: skip
    restored = restore(made.directory)
    test = restored.exam.domains["target_test"]
    for method in (da.load(made.directory).method, restored.method):
        for trained in (plain().test, plain().validate):
            (metrics,) = trained(method, loader(test), verbose=False)
            assert metrics == pytest.approx(dict(made.record.target_test), abs=1e-6)
    probabilities = torch.cat(plain().predict(da.load(made.directory).method, loader(test, labels=False)))
    assert probabilities.shape == (len(test), len(restored.task.classes))
    torch.testing.assert_close(probabilities.sum(1), torch.ones(len(test)))
    with np.load(made.directory / "predictions.npz") as saved:
        assert (probabilities.argmax(1).numpy() == saved["predicted"]).all()


def test_metrics_are_of_all_samples_and_no_mean_over_batches() -> None:
    method, task = built(DANN)
    test = task.target.train.take(np.arange(11))
    (metrics,) = plain().test(method, loader(test, size=10), verbose=False)
    expected = scores(np.asarray(test.y), predict(method, test)[1], method.metrics)
    assert metrics == pytest.approx(expected, abs=1e-9)
    right = [expected["accuracy"] for part in (test.take(np.arange(10)), test.take([10])) for expected in
             [scores(np.asarray(part.y), predict(method, part)[1], method.metrics)]]  # fmt: skip
    assert np.mean(right) != pytest.approx(metrics["accuracy"])  # the mean over batches is another number


def test_several_loaders_have_a_metric_each() -> None:
    method, task = built(DANN)
    parts = [task.target.train.take(np.arange(k, k + 20)) for k in (0, 20)]
    metrics = plain().test(method, [loader(part) for part in parts], verbose=False)[0]
    for k, part in enumerate(parts):
        expected = scores(np.asarray(part.y), predict(method, part)[1], method.metrics)
        assert metrics[f"accuracy/dataloader_idx_{k}"] == pytest.approx(expected["accuracy"], abs=1e-9)


def test_what_is_learnt_from_whole_domains_is_there_after_a_plain_fit() -> None:
    method, task = fitted(AlignedAutoencoder, trainer := plain(max_epochs=1))
    assert method.centres.abs().max() > 0
    (metrics,) = trainer.test(method, loader(task.target.train), verbose=False)
    assert metrics == pytest.approx(scores(task.target.train.y, method.predict(task.target.train)[1], method.metrics))


def test_validation_within_a_fit_can_be_monitored_and_terms_are_logged() -> None:
    method, task = built(MCD)
    stop = pl.callbacks.EarlyStopping("accuracy", mode="max", stopping_threshold=0.0)
    trainer = plain(max_epochs=9, callbacks=[stop])
    paired = PairedData(grant(task, method.needs), batch_size=16, steps_per_epoch=3)
    paired.val_dataloader = lambda: loader(task.target.train)
    trainer.fit(method, paired)
    assert trainer.current_epoch == 1
    terms = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("terms/")}
    assert set(terms) == {"terms/task", "terms/task_heads", "terms/disagree", "terms/agree"}
    assert terms["terms/task"] == pytest.approx(float(method.term_sums["task"]) / 3)


def test_terms_of_an_epoch_are_of_that_epoch_alone() -> None:
    seen = []

    class Note(pl.Callback):
        def on_train_epoch_end(self, trainer: Any, method: Any) -> None:
            seen.append((float(trainer.callback_metrics["terms/task"]), float(method.term_sums["task"]) / 3))

    fitted(DANN, plain(max_epochs=3, callbacks=[Note()]))
    assert len({round(a, 6) for a, _ in seen}) == 3
    for logged, summed in seen:
        assert logged == pytest.approx(summed)
        assert logged < 2.0  # a sum over epochs would grow beyond the loss of three classes


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (lambda x, y: x, r"Batches must be \(x, y\)"),
        (lambda x, y: (x[:, :1], y), r"Inputs have shape \(1,\); the method was built for \(2,\)"),
        (lambda x, y: (x, y.float()), "whole numbers, got torch.float32"),
        (lambda x, y: (x, y + 1), "from 0 to 2, got 1 to 3"),
        (lambda x, y: (x, y[:, None]), "of shape"),
    ],
    ids=["no labels", "other inputs", "labels of another type", "unknown labels", "labels of another shape"],
)
def test_batches_that_do_not_fit_are_refused(batch: Any, message: str) -> None:
    method, task = built(DANN)
    target = task.target.train
    x, y = torch.as_tensor(target.x), torch.as_tensor(target.y)
    with pytest.raises(DataError, match=message):
        method.test_step(batch(x, y), 0)


def test_heterogeneous_methods_predict_the_target() -> None:
    method, task = built(SoftTransfer)
    rows = plain().predict(method, DataLoader(torch.as_tensor(task.target.train.x), batch_size=50))
    expected = torch.as_tensor(predict(method, task.target.train)[1]).softmax(1)
    torch.testing.assert_close(torch.cat(rows), expected)
    with pytest.raises(DataError, match="the method was built for"):
        method.predict_step(torch.as_tensor(task.sources[0].train.x), 0)


def test_bytes_are_scaled_as_in_training() -> None:
    method, _ = built(DANN)
    x = torch.randint(0, 256, (5, 2), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(method.eval().predict_step(x, 0), method.predict_step(x.float() / 255.0, 0))


def test_a_run_that_is_loaded_needs_no_trainer_of_its_own(tmp_path: Any) -> None:
    words = ("method=dann", "data=toy", "trainer.max_epochs=1", "steps_per_epoch=2", f"output={tmp_path}")
    task, _ = load(validate(compose([*words, "logger=none"])))
    method = da.load(da.run(*words, "trainer.enable_progress_bar=false").directory).method
    (metrics,) = plain().test(method, loader(task.target.test), verbose=False)
    assert set(metrics) == {"accuracy", "mean_class_accuracy"}


def test_processes_count_every_sample_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A distributed sampler repeats the first samples, so that all processes have as many; metrics do not."""
    method, task = built(DANN)
    test = task.target.train.take(np.arange(11))
    logits, y = predict(method, test)[1], np.asarray(test.y)
    data = loader(test).dataset
    shares, loaders = [], []
    for rank in range(3):
        sampler = DistributedSampler(data, num_replicas=3, rank=rank, shuffle=False)
        index = np.array(list(sampler))
        shares.append((logits[index], y[index]))
        loaders.append(DataLoader(data, sampler=sampler))
    assert sum(len(share[1]) for share in shares) == 12

    def gathered(found: list[Any], own: Any) -> None:
        found[:] = shares

    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 3)
    monkeypatch.setattr(torch.distributed, "all_gather_object", gathered)
    pooled = loops._pooled(*shares[0], loaders[0])
    np.testing.assert_array_equal(pooled[0], logits)
    np.testing.assert_array_equal(pooled[1], y)
    assert len(loops._pooled(*shares[0], loader(test))[1]) == 12  # of a sampler that is the user's
