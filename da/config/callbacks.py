"""Lightning's callbacks of a run: which may be chosen, and what they may monitor."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from da.config import catalog, evidence
from da.errors import ConfigError, Incompatible, nearest
from da.metrics import METRICS
from da.renamed import hint
from da.signatures import derives, evaluate

PLACE = "pytorch_lightning.callbacks."
_WEIGHTS = "puts other weights in the place of those that were evaluated, so that the record would not be the model's"
REFUSED = {
    "stochastic_weight_avg.StochasticWeightAveraging": _WEIGHTS,
    "weight_averaging.WeightAveraging": _WEIGHTS,
    "pruning.ModelPruning": _WEIGHTS,
    "timer.Timer": "ends a run by the clock, so that equal runs differ; use trainer.max_epochs",
    "gradient_accumulation_scheduler.GradientAccumulationScheduler": "makes one update of several steps, which count "
    "as one each; raise batch_size",
    "batch_size_finder.BatchSizeFinder": "trains before the run begins; set batch_size",
    "lr_finder.LearningRateFinder": "trains before the run begins; set optimizer.lr",
    "finetuning.BaseFinetuning": "freezes parameters behind the method's back; use method=fine_tune",
    "prediction_writer.BasePredictionWriter": "belongs to trainer.predict; a run writes predictions.csv",
    "on_exception_checkpoint.OnExceptionCheckpoint": "is not needed: an interrupted run keeps last.ckpt",
    "lambda_function.LambdaCallback": "takes functions, which a configuration cannot hold; derive a Callback instead",
}
"""Callbacks of Lightning that a run cannot have, with the reason, which follows the class in a sentence."""
LOGGING = ("lr_monitor.LearningRateMonitor", "device_stats_monitor.DeviceStatsMonitor")
PACKAGES = {
    "progress.rich_progress.RichProgressBar": "rich",
    "rich_model_summary.RichModelSummary": "rich",
    "device_stats_monitor.DeviceStatsMonitor": "psutil",
}
"""Packages that callbacks need and Lightning does not."""
_NOTHING = ast.Dict(keys=[], values=[])
CHOICES = "selection/RULE, source_test/METRIC or terms/NAME"


def check(config: Mapping[str, Any], method: catalog.Entry) -> None:
    """Refuse callbacks that cannot work in a run, or that would choose by what is reported.

    Args:
        config: whose nodes are checked.
        method: of the run.

    Raises:
        ConfigError: one sentence on the first of them.
        Incompatible: the method is not trained in epochs.
    """
    named = config.get("callbacks", {})
    if named and method.is_estimator:
        raise Incompatible(
            f"callbacks={','.join(named)} belongs to training in epochs, and method={method.name} is fitted in one "
            "step; leave it out."
        )
    bars = [name for name, node in named.items() if _is(node, "progress.progress_bar.ProgressBar")]
    if len(bars) > 1:
        raise ConfigError(f"callbacks={','.join(bars)} are two progress bars; choose one.")
    for name, node in named.items():
        _check_class(f"callbacks.{name}", node, config)
        if node.get("monitor") is not None:
            _check_monitor(f"callbacks.{name}", node, config, method)
        if "/" in str(node.get("filename") or "").replace("\\", "/"):
            raise ConfigError(
                f"callbacks.{name}.filename={node['filename']} must be a name without slashes; the files are in the "
                "run's folder 'checkpoints'."
            )


def _is(node: Mapping[str, Any], path: str) -> bool:
    return derives(str(node["_target_"]), f"{PLACE}{path}")


def _check_class(where: str, node: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    for path, reason in REFUSED.items():
        if _is(node, path):
            raise ConfigError(f"{where}: {str(node['_target_']).rpartition('.')[2]} {reason}.")
    if any(_is(node, path) for path in LOGGING) and str(config["logger"]["_target_"]).endswith(".none"):
        raise ConfigError(f"{where} logs values, and logger=none keeps none; use logger=csv.")
    for path, package in PACKAGES.items():
        if _is(node, path) and find_spec(package) is None:
            raise ConfigError(f"{where} needs the package {package}, which is not installed: pip install {package}")


def _check_monitor(where: str, node: Mapping[str, Any], config: Mapping[str, Any], method: catalog.Entry) -> None:
    monitor = str(node["monitor"])
    part, _, rest = monitor.partition("/")
    rules = evidence.criteria()
    if monitor in rules:
        raise ConfigError(f"{where}.monitor={monitor} is written {where}.monitor=selection/{monitor}.")
    if part not in ("selection", "source_test", "terms", "target_test") or not rest:
        raise ConfigError(f"{where}.monitor={monitor} is nothing that a run logs; monitor {CHOICES}.")
    if part == "selection" and rest not in rules:
        raise ConfigError(f"{where}.monitor={monitor} is no selection rule; {hint(rest, rules)}")
    if part == "target_test" or (part == "selection" and evidence.reads(rest) & evidence.LABELS):
        raise ConfigError(
            f"{where}.monitor={monitor} reads labels of the target's test samples, by which the reported score "
            "would be chosen; monitor a label-free score, such as selection/infomax."
        )
    known = [*METRICS, *evaluate(method.signature.constants.get("metrics", _NOTHING), {})]
    if part == "source_test" and rest not in known:
        raise ConfigError(f"{where}.monitor={monitor} is no metric; {nearest(rest, known)}")
    if part == "terms":
        return
    if node.get("mode", "min") != "max":
        raise ConfigError(f"{where}.monitor={monitor} is better the higher; set {where}.mode=max.")
    if config["evaluate_every"] != 1:
        raise ConfigError(
            f"{where}.monitor={monitor} is known where a run is evaluated, and evaluate_every="
            f"{config['evaluate_every']} leaves epochs out; set evaluate_every=1, or monitor a term (terms/NAME)."
        )
