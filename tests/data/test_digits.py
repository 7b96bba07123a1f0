import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from da.data.digits import Digits
from da.data.shifts import SHIFTS
from da.data.validity import check_task
from da.errors import ConfigError


@pytest.fixture(scope="module")
def tasks():
    return {shift: Digits(shift=shift).load() for shift in SHIFTS}


@pytest.fixture
def unshifted(monkeypatch):
    monkeypatch.setitem(SHIFTS, "sensor", lambda x, rng: x)
    return Digits().load().parts()


@pytest.mark.parametrize("shift", SHIFTS)
def test_counts_types_and_classes(shift, tasks):
    task = tasks[shift]
    check_task(task)
    counts = {name: len(d) for name, d in task.parts().items()}
    assert counts == {"source/train": 719, "source/test": 180, "target/train": 628, "target/test": 270}
    for d in task.parts().values():
        assert (d.x.dtype, d.y.dtype, d.sample_shape) == (np.uint8, np.int64, (1, 28, 28))
        assert set(d.y) == set(range(10))
        assert np.ptp(d.x) > 200  # bytes of the full range, not fractions cut to 0 and 1
    assert (task.n_classes, task.transductive) == (10, False)


def test_no_original_is_in_two_parts(unshifted):
    images = np.concatenate([part.x for part in unshifted.values()])
    assert len(np.unique(load_digits().images, axis=0)) == 1797  # all different, so that equal images were one
    assert len(images) == len(np.unique(images, axis=0)) == 1797


def test_labels_belong_to_the_images(unshifted):
    train, *others = unshifted.values()
    reference = KNeighborsClassifier(1).fit(train.x.reshape(len(train), -1), train.y)
    for part in others:
        assert reference.score(part.x.reshape(len(part), -1), part.y) > 0.95


def test_the_source_is_the_same_under_every_shift(tasks):
    first, *others = (task.sources[0] for task in tasks.values())
    for other in others:
        assert np.array_equal(first.train.x, other.train.x)
        assert np.array_equal(first.test.y, other.test.y)


@pytest.mark.parametrize("shift", SHIFTS)
def test_the_seed_alone_decides(shift, tasks):
    assert Digits(shift=shift).load().fingerprint() == tasks[shift].fingerprint()
    assert Digits(shift=shift, split_seed=1).load().fingerprint() != tasks[shift].fingerprint()


def test_an_unknown_shift_is_refused():
    with pytest.raises(ConfigError, match=r"data\.shift='sensors' is unknown; did you mean 'sensor'\?"):
        Digits(shift="sensors")
