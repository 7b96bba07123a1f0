"""A method, its data, its evaluation and what trains it, put together in the one way that runs and checks share.

What the other kind of method needs is not imported: a closed-form run starts without PyTorch, a deep one without
scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.domain import Task
from da.engine.observer import RunObserver
from da.engine.runner import Runner, Settings
from da.engine.tracking.tracker import RunLogger
from da.errors import DataError
from da.setting import SAME

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from da.estimators.base import Estimator
    from da.methods.base import Method, Optimization
    from da.nn.networks import NetworkFactory

__all__ = ["Runner", "Settings", "assemble", "build"]


def build(
    method: Method | Estimator,
    task: Task,
    *,
    network: NetworkFactory | None = None,
    classifier: BaseEstimator | None = None,
    optimization: Optimization | None = None,
    embedding: str = "joint",
    seed: int = 0,
) -> Any:
    """A method ready to be trained on a task; from equal seeds equal weights.

    Args:
        method: fresh from its constructor.
        task: the data that it is built for.
        network: makes a deep method's network from a shape and a number of classes.
        classifier: follows an estimator; deep methods need none.
        optimization: how a deep method's parameters are updated; None leaves what it has.
        embedding: whether both domains pass the network in one forward (``joint``) or in one each (``apart``).
        seed: of the weights.

    Returns:
        The deep method with its modules, or the estimator and the classifier as a
        :class:`~da.methods.closed_form.ClosedForm`.

    Raises:
        DataError: the domains have different shapes, and the method needs one space.
    """
    source, target = task.sources[0].train.sample_shape, task.target.train.sample_shape
    if source != target and method.needs.spaces == SAME and method.needs.source_x:
        raise DataError(
            f"Source inputs have shape {source} and target inputs {target}; {type(method).__name__} needs one space. "
            "Use a heterogeneous method."
        )
    untyped: Any = method
    if method.single_step:
        from da.engine import closed_form

        assert classifier is not None, "an estimator needs a classifier after it"
        return closed_form.build(untyped, classifier, task, seed=seed)
    from da.engine import deep

    assert network is not None, "a deep method needs a network"
    return deep.build(untyped, task, network, optimization or untyped.optimization, embedding=embedding, seed=seed)


def assemble(
    method: Any,
    task: Task,
    settings: Settings,
    *,
    directory: Path | None = None,
    trainer: Mapping[str, Any] | None = None,
    loggers: Sequence[RunLogger] = (),
    observer: RunObserver | None = None,
    title: str = "",
) -> Runner:
    """Everything that a built method needs to be trained and judged on a task.

    Args:
        method: built.
        task: cut here into what the method is granted and what it is judged on.
        settings: of the run.
        directory: of the run; checkpoints go there, and without one there are none.
        trainer: keywords of Lightning's ``Trainer``; closed-form methods heed ``accelerator`` alone.
        loggers: are given the metrics of every evaluated epoch.
        observer: is told of every evaluated epoch.
        title: of the progress bar.
    """
    if method.single_step:
        from da.engine import closed_form

        kind = str((trainer or {}).get("accelerator", "auto"))
        return closed_form.assemble(method, task, settings, accelerator=kind, loggers=loggers, observer=observer)
    from da.engine import deep

    return deep.assemble(
        method, task, settings, directory=directory, trainer=trainer or {}, loggers=loggers, observer=observer,
        title=title,
    )  # fmt: skip
