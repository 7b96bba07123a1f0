import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from da.data.mnist2000_usps1800 import Mnist2000Usps1800
from da.data.validity import check_task
from da.errors import ConfigError, DataError


@pytest.mark.data
def test_counts_and_protocol(published):
    task = Mnist2000Usps1800().load()
    check_task(task)
    source, target = task.sources[0].train, task.target.test
    assert (task.name, task.n_classes, task.transductive) == ("mnist2000->usps1800", 10, True)
    assert (source.x.shape, target.x.shape) == ((2000, 256), (1800, 256))
    assert task.target.train is target
    np.testing.assert_allclose(np.linalg.norm(source.x, axis=1), 1.0)
    assert set(source.y) == set(target.y) == set(range(10))
    raw = Mnist2000Usps1800(normalize=False).load().sources[0].train.x
    assert 0.0 <= raw.min() < raw.max() <= 1.0


@pytest.mark.data
@pytest.mark.parametrize(("source", "target", "accuracy"), [("mnist", "usps", 65.94), ("usps", "mnist", 44.70)])
def test_nearest_neighbours_give_the_published_figure(published, source, target, accuracy):
    """The "NN" row of Long et al., ICCV 2013, table 3."""
    task = Mnist2000Usps1800(source=source, target=target).load()
    train, test = task.sources[0].train, task.target.test
    predicted = KNeighborsClassifier(1, algorithm="brute").fit(train.x, train.y).predict(test.x)
    assert round(100 * float(np.mean(predicted == test.y)), 2) == accuracy


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"source": "mnst"}, r"data\.source='mnst' is unknown; did you mean 'mnist'\?"),
        ({"target": "mnist"}, "are both 'mnist'; name two different ones"),
    ],
)
def test_bad_keywords(keywords, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Mnist2000Usps1800(**keywords).load()


def test_missing_file(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"digits/mnist2000_usps1800.npz.*DA_DATA_DIR="):
        Mnist2000Usps1800().load()
