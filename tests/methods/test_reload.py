"""Checkpoints are loaded with nothing but the file: hyper-parameters, network and weights, without pickle."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from deep import subject

from da.checks.harness import SMALL, build, task_for, train
from da.domain import Batch
from da.errors import DataError
from da.estimators.base import Weighting
from da.estimators.weighting.logistic_ratio import LogisticRatio
from da.methods.base import Method, Optimization, Spec, Terms
from da.methods.inductive.fine_tune import FineTune
from da.methods.instance.weighted_risk import WeightedRisk
from da.methods.transductive.cdan import CDAN
from da.methods.transductive.dann import DANN
from da.methods.transductive.deep_coral import DeepCORAL
from da.methods.transductive.mcd import MCD
from da.nn import weights
from da.nn.factories import describe, factory_of
from da.nn.networks import MLP, Network, auto
from da.schedules import inverse_decay
from da.setting import ALL, Access


def saved(method: Method, file: Path) -> Path:
    """A checkpoint as Lightning writes it, of a method that may never have been trained."""
    trainer = pl.Trainer(logger=False, enable_checkpointing=False, enable_model_summary=False, accelerator="cpu")
    trainer.strategy.connect(method)
    trainer.save_checkpoint(file, weights_only=True)
    return file


def made(kind: Any, **options: Any) -> tuple[Any, Any]:
    task = task_for(kind.needs)
    method = build(subject(kind), task, **options)
    return method, task


@pytest.mark.parametrize(
    ("kind", "options"),
    [(MCD, {"generator_steps": 2}), (CDAN, {"map_limit": 5}), (WeightedRisk, {"weighting": LogisticRatio(C=0.5)})],
    ids=["phases", "random map", "an estimator"],
)
def test_a_checkpoint_alone_gives_equal_predictions(kind: Any, options: Any, tmp_path: Path) -> None:
    method, task = made(kind, **options)
    train(method, task)
    file = saved(method, tmp_path / "x.ckpt")
    torch.load(file, weights_only=True)  # no class is pickled
    again = kind.load_from_checkpoint(file)
    for a, b in zip(method.predict(task.target.train), again.predict(task.target.train), strict=True):
        np.testing.assert_array_equal(a, b)
    assert dict(again.hparams) == dict(method.hparams)
    for name in options:
        stored = getattr(again, name)
        assert stored == options[name] if not hasattr(stored, "get_params") else stored.C == 0.5
    assert again.steps_done == method.steps_done > 0
    assert again.optimization.described() == method.optimization.described() is not None


def test_hyper_parameters_are_the_constructor_s_keywords_with_their_defaults() -> None:
    assert dict(MCD(weight=0.5).hparams) == {"weight": 0.5, "generator_steps": 4}
    assert dict(DANN().hparams) == {"weight": 1.0, "hidden": 256}
    with pytest.raises(TypeError, match="unexpected keyword argument 'wieght'"):
        DANN(wieght=1.0)


class Changed(Method):
    """Changes what it was given before it calls its base class, and its base class by name."""

    needs = Access(source_y=ALL, target_x=True)

    def __init__(self, *, width: int | None = None, given: Weighting | None = None):
        width = 2 * (width or 3)
        Method.__init__(self)
        self.width, self.given = width, given

    def build(self, spec: Spec) -> None:
        self.network = spec.network(spec.shape, spec.n_classes)
        self.extra = torch.nn.Linear(self.width, 1)

    def terms(self, batch: Batch, progress: float) -> Terms:
        return {"task": self.embed(batch.source).logits.square().mean()}


def test_an_author_writes_nothing_for_it(tmp_path: Path) -> None:
    method, task = made(Changed, width=5)
    assert method.hparams["width"] == 5
    again = Changed.load_from_checkpoint(saved(method, tmp_path / "x.ckpt"))
    assert again.width == 10
    np.testing.assert_array_equal(method.predict(task.target.train)[1], again.predict(task.target.train)[1])


class Own:
    """An object of a class that is not written without pickle."""

    needs = Access(source_y=ALL, target_x=True)


def test_what_cannot_be_written_must_be_given_and_is_named(tmp_path: Path) -> None:
    method, task = made(Changed, given=Own())
    file = saved(method, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match=r"lacks given, which needs pickle to be stored; give given="):
        Changed.load_from_checkpoint(file)
    assert Changed.load_from_checkpoint(file, given=None).given is None
    method, task = made(DANN, network=lambda shape, n: MLP(shape, n, hidden=[4]))
    file = saved(method, tmp_path / "y.ckpt")
    with pytest.raises(DataError, match="does not say how its network is made; give network="):
        DANN.load_from_checkpoint(file)
    again = DANN.load_from_checkpoint(file, network=partial(MLP, hidden=[4]))
    np.testing.assert_array_equal(method.predict(task.target.train)[1], again.predict(task.target.train)[1])


def test_a_checkpoint_of_another_method_or_of_nothing_is_refused(tmp_path: Path) -> None:
    file = saved(made(DANN)[0], tmp_path / "x.ckpt")
    with pytest.raises(DataError, match=r"is of DANN; call DANN\.load_from_checkpoint"):
        DeepCORAL.load_from_checkpoint(file)
    with pytest.raises(DataError, match="There is no checkpoint"):
        DANN.load_from_checkpoint(tmp_path / "none.ckpt")
    (tmp_path / "cut.ckpt").write_bytes(file.read_bytes()[:200])
    with pytest.raises(DataError, match="is no checkpoint of a method of da"):
        DANN.load_from_checkpoint(tmp_path / "cut.ckpt")


def test_hyper_parameters_can_be_replaced(tmp_path: Path) -> None:
    file = saved(made(MCD)[0], tmp_path / "x.ckpt")
    again = MCD.load_from_checkpoint(file, weight=0.25)
    assert (again.weight, again.generator_steps) == (0.25, 4)


def test_files_that_a_method_began_from_are_not_read_again(tmp_path: Path) -> None:
    start = weights.write(tmp_path / "model.safetensors", made(DANN)[0])
    method, task = made(FineTune, checkpoint=str(start))
    file = saved(method, tmp_path / "x.ckpt")
    start.unlink()
    again = FineTune.load_from_checkpoint(file)
    assert again.hparams["checkpoint"] == str(start)
    np.testing.assert_array_equal(method.predict(task.target.train)[1], again.predict(task.target.train)[1])


@pytest.mark.parametrize("factory", [MLP, auto, partial(MLP, hidden=[3], features=None), partial(partial(MLP, dropout=0.1), hidden=[2])])  # fmt: skip
def test_factories_are_written_as_data_and_made_again(factory: Any) -> None:
    node = describe(factory)
    assert node is not None
    again = factory_of(node, Network, "")
    assert describe(again) == node
    assert str(again((4,), 3)) == str(factory((4,), 3))


def test_factories_that_are_no_data_are_not_described() -> None:
    for factory in (lambda shape, n: MLP(shape, n), partial(MLP, (4,)), partial(MLP, hidden=object())):
        assert describe(factory) is None


@pytest.mark.parametrize(
    "target", ["os.system", "da.nn.networks.Output", "torch.optim.Adam", "nowhere.Net", "da.nn.gather.distributed"]
)
def test_a_checkpoint_names_no_code_but_networks(target: str) -> None:
    with pytest.raises(DataError, match="is no Network that is imported here"):
        factory_of({"_target_": target}, Network, "")


def test_the_optimisation_comes_back(tmp_path: Path) -> None:
    method, _ = made(DANN)
    method.optimization = Optimization(partial(torch.optim.AdamW, lr=0.003), inverse_decay, 2.0)
    again = DANN.load_from_checkpoint(saved(method, tmp_path / "x.ckpt"))
    assert again.optimization.optimizer([torch.nn.Parameter(torch.zeros(1))]).defaults["lr"] == 0.003
    assert (again.optimization.schedule, again.optimization.clip) == (inverse_decay, 2.0)
    method.optimization = Optimization(lambda parameters: torch.optim.SGD(parameters, lr=1.0))
    assert DANN.load_from_checkpoint(saved(method, tmp_path / "y.ckpt")).optimization.optimizer is torch.optim.SGD


def test_network_of_the_checks_is_written() -> None:
    assert describe(SMALL) == {"_target_": "da.nn.networks.MLP", "hidden": [16], "features": 8}
