"""Ranges of the keywords of third-party classes, and keywords that may not be set."""

from __future__ import annotations

from da.signatures import Signature

ANNOTATIONS: dict[str, dict[str, str]] = {
    "torch.optim.": {
        "lr": "Positive",
        "weight_decay": "NonNegative",
        "momentum": "ProperFraction",
        "dampening": "Fraction",
        "betas": "tuple[ProperFraction, ProperFraction]",
        "eps": "NonNegative",
    },
    "sklearn.neighbors.": {
        "n_neighbors": "Count",
        "weights": "Literal['uniform', 'distance']",
        "algorithm": "Literal['auto', 'ball_tree', 'kd_tree', 'brute']",
        "leaf_size": "Count",
        "p": "Positive",
        "metric": 'Literal["minkowski", "euclidean", "manhattan", "chebyshev", "cosine", "canberra", "braycurtis"]',
        "metric_params": "dict[str, Real] | None",
        "n_jobs": "Count | Literal[-1] | None",
    },
    "pytorch_lightning.": {
        "accelerator": "Literal['cpu', 'gpu', 'cuda', 'mps', 'auto']",
        "strategy": "Literal['auto', 'ddp', 'ddp_find_unused_parameters_true']",
        "devices": "Count",
        "max_epochs": "Steps",
        "precision": "Literal['32-true', 'bf16-mixed', '16-mixed', '32', 32]",
        "enable_progress_bar": "bool",
        "enable_model_summary": "bool",
        "deterministic": "bool | Literal['warn'] | None",
        "benchmark": "bool | None",
        "inference_mode": "bool",
        "detect_anomaly": "bool",
        "sync_batchnorm": "bool",
        "profiler": "Literal['simple', 'advanced'] | None",
    },
}
"""Annotations with types of :mod:`da.bounds` that replace a class's own, by the beginning of the class's path."""

_OWN = "is set by the run itself; remove it"
_GRADIENTS = "is for training loops of another kind (gradients through steps, captured graphs); remove it"
_SHORT = "would end a run early and count it as finished; use trainer.max_epochs and steps_per_epoch"
_EXAM = "belongs to a loop that a run does not have; use evaluate_every"
_CLIP = "would clip behind the method's back; use clip"
RESERVED: dict[str, dict[str, str]] = {
    "torch.optim.": {"params": _OWN, "differentiable": _GRADIENTS, "capturable": _GRADIENTS},
    "pytorch_lightning.": {
        **dict.fromkeys(
            (
                "logger",
                "callbacks",
                "default_root_dir",
                "enable_checkpointing",
                "log_every_n_steps",
                "num_nodes",
                "use_distributed_sampler",
                "reload_dataloaders_every_n_epochs",
                "enable_autolog_hparams",
                "model_registry",
                "plugins",
            ),
            _OWN,
        ),
        **dict.fromkeys(
            (
                "max_time",
                "max_steps",
                "min_steps",
                "min_epochs",
                "fast_dev_run",
                "overfit_batches",
                "barebones",
                "limit_train_batches",
                "limit_val_batches",
                "limit_test_batches",
                "limit_predict_batches",
            ),
            _SHORT,
        ),
        **dict.fromkeys(("val_check_interval", "check_val_every_n_epoch", "num_sanity_val_steps"), _EXAM),
        **dict.fromkeys(("gradient_clip_val", "gradient_clip_algorithm"), _CLIP),
        "accumulate_grad_batches": "would make one update of several steps, which count as one each; raise batch_size",
    },
}
"""Keywords that a configuration may not set, with the reason, which follows the key in a sentence."""


def annotation(signature: Signature, key: str) -> str:
    """The annotation of a keyword: ours if there is one, else the one in its source, or an empty string."""
    parameter = signature.keywords().get(key)
    own = parameter.annotation if parameter else ""
    if signature.path.startswith("da."):
        return own
    for place, types in ANNOTATIONS.items():
        if signature.path.startswith(place) and key in types:
            return types[key]
    return own if own in ("bool", "str", "int", "float", "bool | None", "str | None", "Optional[bool]") else ""


def reserved(signature: Signature, key: str) -> str | None:
    """The reason why a keyword may not be set; None if it may."""
    return next(
        (keys[key] for place, keys in RESERVED.items() if signature.path.startswith(place) and key in keys), None
    )
