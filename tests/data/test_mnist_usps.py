import gzip

import numpy as np
import pytest

from da.data.mnist_usps import MnistUsps, read_idx
from da.data.validity import check_task
from da.errors import ConfigError, DataError


@pytest.fixture
def digits(real_data, monkeypatch):
    monkeypatch.setenv("DA_DATA_DIR", str(real_data))


@pytest.mark.data
def test_counts_shapes_and_labels(digits):
    task = MnistUsps().load()
    check_task(task)
    counts = {name: len(domain) for name, domain in task.parts().items()}
    assert counts == {"source/train": 60000, "source/test": 10000, "target/train": 7291, "target/test": 2007}
    for domain in task.parts().values():
        assert domain.x.dtype == np.uint8
        assert domain.x.shape[1:] == (1, 28, 28)
        assert domain.y.dtype == np.int64
        assert set(np.unique(domain.y)) == set(range(10))
        assert domain.x.max() >= 250  # the full range is used, so that 0..255 means the same in both
    assert (task.name, task.n_classes, task.transductive) == ("mnist->usps, usps 16", 10, False)
    # the class counts that are published for the MNIST test set
    assert np.bincount(task.sources[0].test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert task.sources[0].train.y[:6].tolist() == [5, 0, 4, 1, 9, 2]


@pytest.mark.data
@pytest.mark.parametrize("size", [16, 20, 28])
def test_usps_is_framed_not_garbled(digits, real_data, size):
    train = MnistUsps(source="usps", target="mnist", usps_size=size).load().sources[0].train
    with np.load(real_data / "digits" / "usps.npz", allow_pickle=False) as file:
        original = file["X_train"][:200] / 2000.0
    margin = (28 - size) // 2
    inner = train.x[:200, 0, margin : margin + size, margin : margin + size]
    assert inner.sum() == train.x[:200].sum(), "all ink lies in the frame"
    np.testing.assert_allclose(inner.mean(axis=(1, 2)) / 255.0, original.mean(axis=(1, 2)), atol=0.01)
    if size == 16:
        np.testing.assert_allclose(inner / 255.0, original, atol=0.002)


@pytest.mark.parametrize("size", [14, 17, 30])
def test_a_size_that_does_not_fit_is_refused(size):
    with pytest.raises(ConfigError, match="usps_size"):
        MnistUsps(usps_size=size).load()


@pytest.mark.data
def test_limit_draws_the_same_training_samples_each_time_and_leaves_the_tests(digits):
    one, two = MnistUsps(limit=50).load(), MnistUsps(limit=50).load()
    assert one.fingerprint() == two.fingerprint()
    assert len(one.sources[0].train) == len(one.target.train) == 50
    assert len(one.target.test) == 2007
    assert len(np.unique(one.sources[0].train.y)) > 5
    assert one.sources[0].train.y[:6].tolist() != [5, 0, 4, 1, 9, 2]


@pytest.mark.data
def test_a_changed_mnist_file_is_refused(real_data, monkeypatch, tmp_path):
    (tmp_path / "digits").mkdir()
    for file in (real_data / "digits").glob("*.gz"):
        (tmp_path / "digits" / file.name).write_bytes(file.read_bytes())
    changed = tmp_path / "digits" / "train-labels-idx1-ubyte.gz"
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte.gz.*damaged"):
        MnistUsps().load()


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"source": "minst"}, r"data\.source='minst' is unknown; did you mean 'mnist'\?"),
        ({"target": "ups"}, r"data\.target='ups' is unknown; did you mean 'usps'\?"),
        ({"target": "mnist"}, "are both 'mnist'; name two different ones"),
        ({"limit": 0}, r"data\.limit=0 keeps nothing"),
    ],
)
def test_bad_keywords(keywords, sentence):
    with pytest.raises(ConfigError, match=sentence):
        MnistUsps(**keywords).load()


def test_missing_files(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"digits/train-images-idx3-ubyte.gz.*DA_DATA_DIR="):
        MnistUsps().load()


def test_idx_files_are_read_in_their_shape(tmp_path):
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write(bytes([0, 0, 8, 3]) + np.array(values.shape, dtype=">i4").tobytes() + values.tobytes())
    np.testing.assert_array_equal(read_idx(tmp_path / "a.gz"), values)
