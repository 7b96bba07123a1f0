"""Read which domain each sample of a table is of, and which of its labels only fill a place."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from da.errors import UsageError, nearest

TARGET, LABELLED = 1, 2
WORDS = {"source": 0, "target": TARGET, "labelled_target": LABELLED}
FURTHER = re.compile(r"source([2-9]|[1-9]\d+)")
CONVENTIONS = {
    "da": "0 for source samples (-1, -2, ... without a gap for further sources), 1 for target samples, and 2 for "
    "target samples whose label may be used",
    "skada": "positive whole numbers for sources and negative ones for target samples, whose labels are masked (-1, or "
    "NaN where labels are numbers) unless the estimator needs a few of them",
}
UNLIKELY = 10
"""Equal labels that are taken for a filler: so many samples of two equal classes agree by chance once in 500 tables."""


def read(
    domain: Any, y: Any, convention: str, *, few: bool, masked: Callable[[Any], bool], partial: bool = False
) -> np.ndarray | None:
    """The role of each sample: 0, -1, -2, ... for sources, 1 for the target, 2 where a target label may be used.

    Args:
        domain: as given: numbers, or words, which mean the same under either convention; None stays None.
        y: the labels; under skada's convention they show which ones are masked.
        convention: one of :data:`CONVENTIONS`.
        few: whether target labels may be used.
        masked: function of a label that returns whether it is masked; missing values always are.
        partial: the samples may be a part of a table, which need not have samples of every source.

    Raises:
        UsageError: a word is misspelt.
        ValueError: ``domain`` does not follow the convention; the message explains both conventions.
    """
    if convention not in CONVENTIONS:
        raise ValueError(f"convention={convention!r} is unknown; give {' or '.join(map(repr, CONVENTIONS))}.")
    if domain is None:
        return None
    values = np.asarray(domain)
    if values.ndim == 1 and len(values) and all(isinstance(value, str) for value in values.tolist()):
        return _checked(np.array([_role(word) for word in values.tolist()]), convention, partial)
    if (
        values.dtype.kind not in "iuf"
        or values.ndim != 1
        or not (np.isfinite(values) & (values == np.round(values))).all()
    ):
        raise ValueError(_outside(convention, "it must be one whole number, or one word, a sample"))
    roles = values.astype(int)
    if convention == "da":
        return _checked(roles, convention, partial)
    if (roles == 0).any():
        raise ValueError(_outside(convention, "0 is neither a source nor a target"))
    if not (roles > 0).any() and not partial:
        raise ValueError(_outside(convention, "it has no source"))
    numbers = {number: -k for k, number in enumerate(np.unique(roles[roles > 0]).tolist())}
    converted = np.array([numbers.get(number, TARGET) for number in roles.tolist()])
    labels = np.asarray(y, dtype=object)
    if labels.shape == roles.shape:  # other shapes are refused later
        known = np.array([not (missing(label) or masked(label)) for label in labels]) & (converted == TARGET)
        if known.any() and not few:
            raise ValueError(_outside(convention, f"{known.sum()} target samples have labels that are not masked"))
        converted[known] = LABELLED
    return converted


def _role(word: str) -> int:
    further = FURTHER.fullmatch(word)
    if word not in WORDS and not further:
        known = [*WORDS, "source2"]
        raise UsageError(
            f"`domain` has {word!r}, which is no domain: {nearest(word, known)} The words are 'source' ('source2', "
            "'source3', ... for further sources), 'target', and 'labelled_target' for target samples whose label may "
            "be used."
        )
    return 1 - int(further[1]) if further else WORDS[word]


def _checked(roles: np.ndarray, convention: str, partial: bool) -> np.ndarray:
    """Roles as they are, checked to be sources without a gap, targets, and nothing else."""
    sources = np.unique(roles[roles <= 0])
    if not partial and (not len(sources) or sources[-1] != 0):
        raise ValueError(_outside(convention, "no sample is of source 0"))
    if not partial and len(sources) != 1 - sources[0]:
        raise ValueError(_outside(convention, f"its sources {sources[::-1].tolist()} have a gap"))
    if (roles > LABELLED).any():
        raise ValueError(_outside(convention, f"{roles.max()} is neither a source nor a target"))
    return roles


def missing(label: Any) -> bool:
    """Whether a label is None or NaN."""
    return label is None or (isinstance(label, float | np.floating) and bool(np.isnan(label)))


def _outside(convention: str, what: str) -> str:
    """The message for a domain that does not follow a convention."""
    both = "; ".join(f"convention={name!r} reads {meaning}" for name, meaning in CONVENTIONS.items())
    return (
        f"`domain` does not follow convention={convention!r}: {what}. {both}; either reads the words 'source' "
        "('source2', ...), 'target' and 'labelled_target'."
    )


def counted(roles: np.ndarray | None, n: int) -> np.ndarray:
    """Roles of n samples, all of one source where none are given.

    Raises:
        ValueError: there is not one role a sample.
    """
    if roles is None:
        return np.zeros(n, dtype=int)
    if roles.shape != (n,):
        raise ValueError(f"`domain` needs one entry a sample, got {len(roles)} for {n}.")
    return roles


def named(roles: np.ndarray) -> dict[str, int]:
    """How many samples are of each domain, by its word."""
    words = {role: word for word, role in WORDS.items()}
    numbers, counts = np.unique(roles, return_counts=True)
    return {words.get(role, f"source{1 - role}"): n for role, n in zip(numbers.tolist(), counts.tolist(), strict=True)}


def covered(y: Any, hidden: np.ndarray) -> np.ndarray:
    """Replace the target's labels, which may be anything, even missing values, by one of the known labels."""
    y = np.asarray(y)
    if hidden.shape != y.shape or hidden.all():
        return y  # refused later, where the inputs are known as well
    known = np.array(y[~hidden].tolist())  # without what was missing, objects may turn out to be numbers
    filled = np.full(y.shape, known[0], dtype=known.dtype)
    filled[~hidden] = known
    return filled


def filler_of(y: Any, hidden: np.ndarray) -> Any:
    """The one label that all hidden samples have; None where they differ, are missing, or there are none."""
    y = np.asarray(y)
    if hidden.shape != y.shape or not hidden.any():
        return None
    first, *others = y[hidden].tolist()
    return first if not missing(first) and all(label == first for label in others) else None


def warn_if_numbered(filler: Any, classes: np.ndarray) -> None:
    """Warn where the labels look as scikit-learn's ensembles number them, which take a filler of -1 for a class.

    Args:
        filler: the label of all unlabelled samples.
        classes: ``(K,)`` of the labelled ones, sorted.
    """
    if filler == 0 and classes.dtype.kind in "iu" and np.array_equal(classes, np.arange(1, len(classes) + 1)):
        warnings.warn(
            f"The unlabelled target samples have the label 0 and all others 1 to {len(classes)}. If an ensemble such "
            "as VotingClassifier numbered them, it took the filler for a class, and what it predicts is wrong: give it "
            "any class's label for the target's samples.",
            stacklevel=3,
        )


def warn_if_unused(method: Any, target: Any) -> None:
    """Warn where target samples are given to a method that learns from labelled ones, and none of them is."""
    if target is not None:
        warnings.warn(
            f"{type(method).__name__} learns from labelled target samples, and there are none, so that the source "
            "alone is trained on; give some with the domain 'labelled_target'.",
            stacklevel=4,
        )


def warn_of_filler(filler: Any, n: int, instead: str) -> None:
    """Warn that a filler could be taken for the truth by whoever scores the samples; of a few samples it may be.

    Args:
        filler: the label.
        n: number of samples that have it.
        instead: what to give in its place.
    """
    if n < UNLIKELY:
        return
    warnings.warn(
        f"All {n} unlabelled target samples have the label {filler!r}, as labelled samples may. It is not used to fit, "
        "but a score, or a search, over these samples would take it for the truth: test on labelled samples only "
        f"(TransferKFold), and where these samples are scored give {instead} in its place.",
        stacklevel=3,
    )
