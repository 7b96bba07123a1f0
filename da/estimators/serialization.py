"""Fitted estimators as JSON and arrays, and back, without pickle: what is read can name no code but the listed one.

A part is written as plain JSON, an array as a reference to a named one, an object of this package or of a listed class
of scikit-learn as its class and attributes. The same object is written once.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from da.domain import is_tensor
from da.errors import DataError, UsageError

OURS = ("da.estimators.", "da.data.")
"""Packages whose classes and functions may be written and read."""
LISTED = {
    *("discriminant_analysis.LinearDiscriminantAnalysis", "discriminant_analysis.QuadraticDiscriminantAnalysis"),
    *("decomposition.PCA", "decomposition.TruncatedSVD"),
    *("linear_model.LogisticRegression", "linear_model.RidgeClassifier", "linear_model.Ridge"),
    *("naive_bayes.GaussianNB", "neighbors.KNeighborsClassifier", "neighbors.NearestCentroid", "pipeline.Pipeline"),
    *("preprocessing.LabelBinarizer", "preprocessing.LabelEncoder", "preprocessing.MaxAbsScaler"),
    *("preprocessing.MinMaxScaler", "preprocessing.Normalizer", "preprocessing.RobustScaler"),
    *("preprocessing.StandardScaler", "svm.LinearSVC", "svm.SVC"),
}
"""Classes of scikit-learn whose attributes are plain values, arrays and listed objects."""
KIND = "$"
"""Key of a node that is no plain JSON: what kind it is."""
REBUILT = ("_tree",)
"""Attributes of nearest neighbours that are made again from the rows."""


class Unsaved(UsageError):
    """Something that is not written without pickle."""


def encode(fitted: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """A fitted object as JSON and the arrays that it refers to.

    Args:
        fitted: built of plain values, lists, tuples, dictionaries, arrays, sparse rows and known objects.

    Returns:
        What JSON can hold, and arrays by name.

    Raises:
        Unsaved: a part of it has another class; the message names it.
    """
    writer = _Writer()
    return writer.node(fitted), writer.arrays


def decode(node: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The object that :func:`encode` wrote.

    Raises:
        DataError: the content is damaged, or names a class that is not read.
    """
    try:
        return _Reader(arrays).value(node)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise DataError(
            f"The saved model is damaged ({type(error).__name__}: {error}); train and save it anew."
        ) from error


class _Writer:
    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.seen: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no identity is used twice

    def node(self, value: Any) -> Any:
        """The JSON of a value."""
        if value is None or type(value) in (bool, int, float, str):
            return value if not isinstance(value, float) or np.isfinite(value) else {KIND: "float", "is": str(value)}
        if type(value) is list:
            return [self.node(part) for part in value]
        if id(value) in self.seen:
            return {KIND: "same", "as": self.seen[id(value)]}
        number = self.seen[id(value)] = len(self.kept)
        self.kept.append(value)
        return {"number": number} | self._known(value)

    def _known(self, value: Any) -> dict[str, Any]:
        if type(value) is tuple:
            return {KIND: "tuple", "parts": [self.node(part) for part in value]}
        if type(value) is dict:
            pairs = [[self.node(key), self.node(part)] for key, part in value.items()]
            return {KIND: "dict", "pairs": pairs}
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufU":
            return {
                KIND: "array" if isinstance(value, np.ndarray) else "number",
                "name": self._array(np.asarray(value)),
            }
        if sparse.issparse(value):
            rows = value.tocsr()
            parts = {name: self._array(getattr(rows, name)) for name in ("data", "indices", "indptr")}
            return {KIND: "sparse", "shape": list(rows.shape), "matrix": isinstance(value, sparse.spmatrix)} | parts
        if is_tensor(value):  # of an accelerator
            return {KIND: "array", "name": self._array(value.detach().cpu().numpy())}
        if inspect.isfunction(value) or inspect.isclass(value):
            return {KIND: "name", "path": _path(value)}
        if hasattr(value, "__array__"):  # rows that are read on access
            return {KIND: "array", "name": self._array(np.asarray(value))}
        path = _path(type(value))
        if isinstance(value, tuple):  # with names
            return {KIND: "named tuple", "class": path, "parts": [self.node(part) for part in value]}
        if not hasattr(value, "__dict__"):
            raise Unsaved(
                f"{path} has no attributes that can be written, so the model is not kept; its predictions are."
            )
        attributes = value.__getstate__() if "__getstate__" in vars(type(value)) else vars(value)
        state = {name: part for name, part in attributes.items() if not _rebuilt(value, name)}
        return {KIND: "object", "class": path, "state": {name: self.node(part) for name, part in state.items()}}

    def _array(self, array: np.ndarray) -> str:
        name = f"a{len(self.arrays)}"
        self.arrays[name] = array
        return name


class _Reader:
    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self.arrays = arrays
        self.made: dict[int, Any] = {}

    def value(self, node: Any) -> Any:
        """The value of a node."""
        if isinstance(node, list):
            return [self.value(part) for part in node]
        if not isinstance(node, dict):
            return node
        kind = node[KIND]
        if kind == "float":
            return float(node["is"])
        if kind == "same":
            return self.made[node["as"]]
        made = self._object(node) if kind == "object" else self._plain(kind, node)
        self.made[node["number"]] = made
        return made

    def _plain(self, kind: str, node: Mapping[str, Any]) -> Any:
        if kind == "tuple":
            return tuple(self.value(part) for part in node["parts"])
        if kind == "named tuple":
            return _class(node["class"])._make(self.value(part) for part in node["parts"])
        if kind == "dict":
            return {self.value(key): self.value(part) for key, part in node["pairs"]}
        if kind == "array":
            return self.arrays[node["name"]]
        if kind == "number":
            return self.arrays[node["name"]][()]
        if kind == "sparse":
            parts = tuple(self.arrays[node[name]] for name in ("data", "indices", "indptr"))
            return (sparse.csr_matrix if node["matrix"] else sparse.csr_array)(parts, shape=tuple(node["shape"]))
        if kind == "name":
            return _found(node["path"])
        raise KeyError(kind)

    def _object(self, node: Mapping[str, Any]) -> Any:
        known = _class(node["class"])
        made = known.__new__(known)
        self.made[node["number"]] = made
        vars(made).update({name: self.value(part) for name, part in node["state"].items()})
        if _has_tree(made) and hasattr(made, "_fit_X"):  # its tree is made again from its rows
            rows, labels = made._fit_X, made.classes_[made._y]
            made.fit(rows, labels)
        return made


def _rebuilt(value: Any, name: str) -> bool:
    return name in REBUILT and _has_tree(value)


def _has_tree(value: Any) -> bool:
    """Whether a value is a classifier by nearest neighbours; their module is not imported to tell."""
    neighbors = sys.modules.get("sklearn.neighbors")
    return neighbors is not None and isinstance(value, neighbors.KNeighborsClassifier)


def _path(known: Any) -> str:
    """The public path of a class or function.

    Raises:
        Unsaved: it is not listed.
    """
    public = ".".join(part for part in known.__module__.split(".") if not part.startswith("_"))
    if public.startswith("sklearn."):
        public = ".".join(public.split(".")[:2])
    path = f"{public}.{known.__qualname__}"
    if not _allowed(path) or _resolved(path) is not known:
        raise Unsaved(
            f"{known.__qualname__} (of {known.__module__}) cannot be written without pickle, which can run code, so "
            "the model is not kept; its predictions are. Use a classifier such as logistic, svm or one_nn to keep it."
        )
    return path


def _allowed(path: str) -> bool:
    return path.startswith((*OURS, "sklearn.")) and (path.startswith(OURS) or path.removeprefix("sklearn.") in LISTED)


def _found(path: str) -> Any:
    """The class or function of a path that may be read.

    Raises:
        DataError: it is not listed, or is not here.
    """
    known = _resolved(path) if _allowed(path) else None
    if known is None:
        raise DataError(f"The saved model names {path}, which is not read; it is damaged, or of another version.")
    return known


def _class(path: str) -> Any:
    """The class of a path that may be read.

    Raises:
        TypeError: it is no class.
    """
    known = _found(path)
    if not inspect.isclass(known):
        raise TypeError(f"{path} is no class")
    return known


def _resolved(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
