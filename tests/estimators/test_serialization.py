"""Fitted estimators come back from JSON and arrays as they were, and nothing else is read."""

import io
import json

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

from da.errors import DataError
from da.estimators.serialization import Unsaved, decode, encode

pytestmark = pytest.mark.versions


def through_files(value):
    node, arrays = encode(value)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as loaded:
        return decode(json.loads(json.dumps(node, allow_nan=False)), dict(loaded))


@pytest.mark.parametrize(
    "value", [None, True, 3, 0.1, "é", [1, [2.5, None]], (1, ("a",)), {"a": 1, 2: (3,)}, float("inf"), -float("inf")]
)
def test_plain_values_come_back(value):
    back = through_files(value)
    assert back == value
    assert type(back) is type(value)


def test_arrays_come_back_with_their_types():
    value = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "y": np.array(["a", "bc"]), "n": np.float64(0.1)}
    back = through_files(value)
    for key, part in value.items():
        assert back[key].dtype == part.dtype
        np.testing.assert_array_equal(back[key], part)
    rows = sparse.random(5, 4, 0.5, format="csr", random_state=0)
    again = through_files(rows)
    assert sparse.isspmatrix_csr(again)
    np.testing.assert_array_equal(again.toarray(), rows.toarray())


def test_what_is_shared_stays_shared():
    x = np.arange(3.0)
    node, arrays = encode([x, (x, [x])])
    assert len(arrays) == 1
    a, (b, (c,)) = decode(node, arrays)
    assert a is b is c


@pytest.mark.parametrize("dense", [True, False])
def test_neighbours_are_found_again(dense):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
    rows = x if dense else sparse.csr_matrix(x)
    model = KNeighborsClassifier(3).fit(rows, y + 5)
    back = through_files(model)
    queries = rng.normal(size=(40, 3))
    np.testing.assert_array_equal(back.predict_proba(queries), model.predict_proba(queries))
    np.testing.assert_array_equal(back.classes_, [5, 6, 7])
    assert not hasattr(through_files(KNeighborsClassifier(2)), "classes_")


def test_what_needs_pickle_is_refused():
    forest = RandomForestClassifier(2, random_state=0).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(Unsaved, match=r"^RandomForestClassifier .* without pickle.* its predictions are\."):
        encode([forest])
    with pytest.raises(Unsaved):
        encode(io.StringIO())


@pytest.mark.parametrize("path", ["os.system", "subprocess.Popen", "builtins.eval", "svm.SVC", "pipeline.Pipeline"])
@pytest.mark.parametrize("kind", ["name", "object"])
def test_no_other_name_is_read(path, kind, monkeypatch, tmp_path):
    for module in ("svm", "pipeline"):  # in the working folder
        (tmp_path / f"{module}.py").write_text("raise SystemExit('was run')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DataError, match="is not read"):
        decode({"$": kind, "number": 0, "path": path, "class": path, "state": {}}, {})


@pytest.mark.parametrize("node", [{}, {"$": "what", "number": 0}, {"$": "array", "number": 0, "name": "a9"}])
def test_damage_is_said(node):
    with pytest.raises(DataError, match="damaged"):
        decode(node, {})
