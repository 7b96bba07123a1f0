import numpy as np
import pytest

from da.data.shifts import SHIFTS, background, rotation, sensor


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(size=(6, 1, 12, 12)).astype(np.float32)


def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
def test_shifts_are_pure_and_stay_in_range(shift, images):
    before = images.copy()
    shifted = shift(images, rng())
    assert np.array_equal(images, before)
    assert (shifted.shape, shifted.dtype) == (images.shape, np.float32)
    assert shifted.min() >= 0.0
    assert shifted.max() <= 1.0
    assert np.array_equal(shift(images, rng()), shifted)
    assert np.abs(shifted - images).mean() > 0.05


@pytest.mark.parametrize("shift", [sensor, background])
def test_random_shifts_depend_on_the_generator(shift, images):
    assert not np.array_equal(shift(images, rng()), shift(images, np.random.default_rng(2)))


def test_sensor_without_noise_is_its_formula(images):
    found = sensor(images, rng(), blur=3, black=0.1, contrast=0.5, noise=0.0)
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    box = sum(padded[:, :, r : r + 12, c : c + 12] for r in range(3) for c in range(3)) / 9.0
    np.testing.assert_allclose(found, 0.1 + 0.5 * box, atol=1e-6)


def test_the_noise_of_the_sensor_has_its_deviation():
    grey = np.zeros((50, 1, 20, 20), dtype=np.float32)
    found = sensor(grey, rng(), black=0.5, noise=0.1)
    assert found.mean() == pytest.approx(0.5, abs=0.01)
    assert found.std() == pytest.approx(0.1, rel=0.05)


def test_rotation_is_counter_clockwise(images):
    np.testing.assert_allclose(rotation(images, rng(), degrees=90.0), np.rot90(images, axes=(2, 3)), atol=1e-5)
    right = np.zeros((1, 1, 21, 21), dtype=np.float32)
    right[0, 0, 9:12, 16:19] = 1.0
    row, column = np.argwhere(rotation(right, rng(), degrees=40.0)[0, 0] > 0.5).mean(0)
    turned = np.degrees(np.arctan2(10.0 - row, column - 10.0))  # rows count downwards
    assert turned == pytest.approx(40.0, abs=3.0)


def test_rotation_turns_every_channel_alike():
    channels = np.random.default_rng(0).uniform(size=(1, 3, 9, 9)).astype(np.float32)
    found = rotation(channels, rng())
    for c in range(3):
        np.testing.assert_allclose(found[:, [c]], rotation(channels[:, [c]], rng()), atol=1e-6)


def test_background_is_the_absolute_difference_to_a_photograph():
    black, white = np.zeros((8, 1, 28, 28), dtype=np.float32), np.ones((8, 1, 28, 28), dtype=np.float32)
    photograph = background(black, rng())
    np.testing.assert_allclose(background(white, rng()), 1.0 - photograph, atol=1e-6)
    assert photograph.std() > 0.05
    assert len(np.unique(photograph.reshape(8, -1), axis=0)) == 8
