"""What a finished run leaves to predict with: the model alone, without the data that it was trained on.

``model.json`` says what it is (configuration, shapes, classes, how inputs are prepared); ``model.safetensors`` holds
the weights of a deep method, ``model.npz`` the arrays of a closed-form one. Nothing is pickled, and reading runs no
code but this package's.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from da.config import catalog
from da.config.pretrained import without_files
from da.config.validate import Plan
from da.data.inputs import as_inputs, check_fit, probe
from da.domain import Domain, Task
from da.engine import predictions
from da.engine.closed_form import ClosedFormRunner
from da.engine.result import MODEL
from da.engine.runner import Runner
from da.errors import DataError, UsageError, few
from da.estimators.serialization import KIND, Unsaved, decode, encode
from da.files import write_atomically
from da.metrics import Prediction
from da.results import record

ARRAYS, WEIGHTS = "model.npz", "model.safetensors"
FORMAT = 1
BESIDE = (ARRAYS, WEIGHTS, "features.safetensors")
"""Files that belong to a model, whose content it knows."""
KEPT = ("_fit_X", "support_vectors_")
"""Attributes of scikit-learn's classifiers that hold training samples."""
PARTS = ("method", "classifier", "network", "embedding", "seed")


def save(directory: Path, plan: Plan, task: Task, made: Runner) -> str:
    """Write a trained method; returns a sentence on why it is not kept, empty where it is.

    Args:
        directory: of the run.
        plan: of the run.
        task: that it was trained on.
        made: the finished run.
    """
    content: dict[str, Any] = {
        "format": FORMAT,
        "method": plan.method.name,
        "config": {key: plan.config[key] for key in PARTS if key in plan.config},
        "closed_form": plan.method.is_estimator,
        "shapes": {"source": task.sources[0].train.sample_shape, "target": task.target.train.sample_shape},
        "classes": predictions.names_of(task.classes, made.method.needs),
        "clusters": predictions.is_clustering(made.method.needs),
        "task": task.name,
        "id_name": task.id_name,
        "probabilities": made.method.tells_probabilities,
        "versions": record.package_versions(),
    }
    parts = {"inputs": task.inputs, "probe": probe(task.target.train)}
    if plan.method.is_estimator:
        parts["model"] = made.method.model
    try:
        node, arrays = encode(parts)
    except Unsaved as error:
        return str(error)
    if features := plan.config.get("features"):
        content["features"] = features
        task.inputs.write(directory)
    seen = [len(domain) for domain in made.granted.parts().values()] if isinstance(made, ClosedFormRunner) else []
    held = training_rows(node, arrays, seen)
    content |= {"parts": node, "training_samples": held}
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]  # names are not those of its options
    write_atomically(directory / ARRAYS, stream.getvalue())
    if not plan.method.is_estimator:
        made.save_weights(directory / WEIGHTS)
    content["sha256"] = {name: _digest(directory / name) for name in BESIDE if (directory / name).is_file()}
    write_atomically(directory / MODEL, json.dumps(record.portable(content), indent=1).encode())
    return ""


def clear(directory: Path) -> None:
    """Remove the model that an earlier attempt left in a run's directory."""
    for name in (MODEL, *BESIDE):
        (directory / name).unlink(missing_ok=True)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def training_rows(node: Any, arrays: Mapping[str, np.ndarray], seen: Sequence[int]) -> int:
    """How many training samples the parts of a closed-form model hold, because it predicts by them.

    They are the rows of nearest neighbours and support vectors, and of every matrix with as many rows as one domain
    that the method saw, or as several have together.

    Args:
        node: of the encoded parts.
        arrays: that it refers to.
        seen: sizes of the domains that it learnt from; none where it keeps no rows.
    """
    sizes = {sum(group) for n in range(1, len(seen) + 1) for group in combinations(seen, n)}
    found = [0]

    def rows(part: Mapping[str, Any]) -> int:
        if part.get(KIND) == "sparse":
            return int(part["shape"][0])
        array = arrays[part["name"]] if part.get(KIND) == "array" else np.zeros(0)
        return len(array) if array.ndim == 2 else 0

    def walk(part: Any, name: str = "") -> None:
        if isinstance(part, list):
            for inner in part:
                walk(inner)
        elif isinstance(part, dict):
            if (count := rows(part)) and (name in KEPT or count in sizes):
                found.append(count)
            for key, inner in part.get("state", {}).items():
                walk(inner, key)
            walk(part.get("parts"))
            walk(part.get("pairs"))

    if seen:
        walk(node)
    return max(found)


class TrainedModel:
    """A trained method that predicts new samples of its target; see :func:`load`.

    Args:
        method: fitted.
        content: of its ``model.json``.
        inputs: how samples are read and prepared; None takes arrays as they are.
        probe: a few values of the target that it was trained on.

    Attributes:
        classes_: ``(k,)`` names of the classes, whole numbers where all names are such; ``cluster 0``, ... of a method
            that sees no label.
    """

    def __init__(self, method: Any, content: Mapping[str, Any], inputs: Any, probe: np.ndarray):
        self.method, self.content, self.inputs, self.probe = method, content, inputs, probe
        names = [str(name) for name in content["classes"]]
        whole = all(name.lstrip("-").isdecimal() and str(int(name)) == name for name in names)  # 01 is text
        self.classes_ = np.array([int(name) for name in names] if whole else names)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample, as the data set has it."""
        return getattr(self.inputs, "shape", None) or tuple(self.content["shapes"]["target"])

    def predict(self, samples: Any) -> np.ndarray:
        """``(n,)`` classes, as in ``classes_``.

        Args:
            samples: ``(n, ...)`` inputs as the data set's files have them, a data frame with the columns of the
                target, or the path of a file or folder.

        Raises:
            DataError: the samples do not fit the model; the message says why.
        """
        labels: np.ndarray = self.classes_[self.answer(self.read(samples))[1].argmax(axis=1)]
        return labels

    def predict_proba(self, samples: Any) -> np.ndarray:
        """``(n, k)`` probabilities in the order of ``classes_``; arguments as :meth:`predict`.

        Raises:
            UsageError: the classifier knows margins alone.
        """
        if not self.content["probabilities"]:
            raise UsageError(
                f"The classifier of this {self.content['method']} has no probabilities; train with classifier=logistic."
            )
        return predictions.probabilities(self.answer(self.read(samples))[1])

    def transform(self, samples: Any) -> np.ndarray:
        """``(n, d)`` features of samples, as the classifier sees them; arguments as :meth:`predict`."""
        return self.answer(self.read(samples))[0]

    def read(self, samples: Any) -> Domain:
        """Samples as inputs of the method, with their names and labels where a file has them.

        Raises:
            DataError: they do not fit the model, or it reads no files.
        """
        if isinstance(samples, str | Path):
            if self.inputs is None:
                raise DataError(f"A model trained on {self.content['task']} reads no files; give it arrays.")
            return self.checked(self.inputs.read(Path(samples).expanduser()))
        return self.checked(Domain(as_inputs(samples) if self.inputs is None else self.inputs.prepare(samples)))

    def known_labels(self, samples: Domain) -> np.ndarray | None:
        """``(n,)`` classes of samples as numbers, where a file has labels.

        Raises:
            DataError: a label is none of the model's classes, or these are clusters.
        """
        if samples.y is None:
            return None
        if self.content["clusters"]:
            raise DataError(f"{self.content['method']} finds clusters, which have no names to compare with labels.")
        words = [str(int(y)) if isinstance(y, float | np.floating) and y == int(y) else str(y) for y in samples.y]
        number = {str(name): k for k, name in enumerate(self.classes_)}
        if strange := sorted(set(words) - number.keys()):
            raise DataError(
                f"The samples have labels that the model does not know ({few(strange)}); it knows "
                f"{few(self.classes_)}. Drop these rows, or the column of labels."
            )
        return np.array([number[word] for word in words])

    def checked(self, domain: Domain) -> Domain:
        """The samples, if their shape, values and units are those of the target.

        Raises:
            DataError: they are not.
        """
        check_fit(domain.x, tuple(self.content["shapes"]["target"]), self.probe)
        return domain

    def answer(self, domain: Domain) -> Prediction:
        """Features and logits of checked samples, in order.

        Raises:
            DataError: there are none.
        """
        if not len(domain):
            raise DataError("There are no samples to predict; give at least one.")
        result: Prediction = self.method.predict(domain.without_labels())
        if result[1].shape[1] != len(self.classes_):
            raise DataError("The model is damaged: it knows other classes than it says; copy the whole folder again.")
        return result


def load(directory: str | Path) -> TrainedModel:
    """The model that a finished run left.

    Args:
        directory: of the run, or a copy of it, on any machine; no data are needed.

    Raises:
        DataError: it holds no model, or one that cannot be read here.
    """
    directory = Path(directory).expanduser()
    file = directory / MODEL
    if not file.is_file():
        raise DataError(f"{directory} holds no {MODEL}; name the folder of a finished run, or train it with rerun=all.")
    try:
        content = json.loads(file.read_bytes())
        if content["format"] > FORMAT:
            raise DataError(f"{file} was written by a later version of da; update da to read it.")
        if changed := [name for name, known in content["sha256"].items() if _digest(directory / name) != known]:
            raise DataError(f"{directory / changed[0]} is damaged or of another run; copy the whole folder again.")
        with np.load(directory / ARRAYS, allow_pickle=False) as arrays:
            parts = decode(content["parts"], dict(arrays))
        if features := content.get("features"):
            network = catalog.factory(without_files(features["network"]), where="network")
            parts["inputs"].open(directory, network)
        method = (_closed_form if content["closed_form"] else _deep)(content, parts, directory)
        return TrainedModel(method, content, parts["inputs"], parts["probe"])
    except UsageError:
        raise
    except Exception as error:  # a damaged file raises errors of many kinds
        raise DataError(
            f"The model in {directory} cannot be read ({error}); copy the whole folder of the run."
        ) from error


def _closed_form(content: Mapping[str, Any], parts: Mapping[str, Any], directory: Path) -> Any:
    from da.methods.closed_form import ClosedForm

    model = parts["model"]
    method = ClosedForm(model.estimator, model.classifier, len(content["classes"]))
    method.model = model
    return method


def _deep(content: Mapping[str, Any], parts: Mapping[str, Any], directory: Path) -> Any:
    from da.methods.base import Spec
    from da.nn import weights

    config = content["config"]
    method = catalog.build(without_files(config["method"]), where="method")
    network = catalog.factory(without_files(config["network"]), where="network")
    shapes = {name: tuple(shape) for name, shape in content["shapes"].items()}
    source = shapes["source"] if method.needs.source_x else shapes["target"]
    method.build(Spec(source, shapes["target"], len(content["classes"]), network))
    method.load_state_dict(weights.tensors(directory / WEIGHTS))
    return method.eval()
