import numpy as np
import pytest

from da.data.frozen import digests
from da.data.grant import grant
from da.data.images import Images, paths
from da.data.module import PairedData
from da.data.splits import hold_out
from da.domain import Domain, Split, Task, pool
from da.errors import DataError
from da.setting import ALL, FEW, Access

Image = pytest.importorskip("PIL.Image")


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def grey(value, height=8, width=8):
    return np.full((height, width, 3), value, dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Twelve images: image k has the value 20 k in all pixels."""
    for k in range(12):
        save(tmp_path / f"{k:02}.png", grey(20 * k, 5 + k, 9))
    return tmp_path


@pytest.fixture
def images(folder):
    return Images(folder, [f"{k:02}.png" for k in range(12)], size=4, scale=6)


@pytest.fixture
def opened(monkeypatch):
    """Names of the images decoded from now on."""
    seen = []
    read = Images._read

    def counted(self, name):
        seen.append(name)
        return read(self, name)

    monkeypatch.setattr(Images, "_read", counted)
    return seen


def values(x):
    """The one value of each image."""
    flat = np.asarray(x).reshape(len(x), -1)
    assert (flat == flat[:, :1]).all()
    return (flat[:, 0] // 20).tolist()


def task(images):
    y = np.arange(12) % 2
    return Task("a->b", (Split(Domain(images, y, name="a")),), Split(Domain(images, y, name="b")), ("even", "odd"))


def test_only_what_is_asked_for_is_decoded(images, opened):
    assert (images.shape, len(images), images.dtype) == ((12, 3, 4, 4), 12, np.uint8)
    assert not opened
    assert values(images[np.array([7, 2, 2])]) == [7, 2, 2]
    assert sorted(opened) == ["02.png", "02.png", "07.png"]
    assert values(images[3:5]) == [3, 4]
    assert images[5].shape == (3, 4, 4)
    assert images[np.empty(0, dtype=int)].shape == (0, 3, 4, 4)
    assert values(images) == list(range(12))


def test_the_whole_image_is_squeezed_and_the_middle_kept(tmp_path):
    pixels = grey(0, 8, 24)
    pixels[2:6, 6:18] = 200  # the middle half of both sides
    save(tmp_path / "a.png", pixels)
    names = ["a.png"]
    assert (Images(tmp_path, names, size=8, scale=8)[0] == 200).sum() <= 3 * 16
    assert (Images(tmp_path, names, size=2, scale=8)[0] == 200).all()
    corner = Images(tmp_path, names, size=8, scale=8)[0][:, :2, :2]
    assert not corner.any()


def test_splitting_and_pooling_decode_nothing(images, opened):
    domain = Domain(images, np.arange(12) % 2, name="a")
    split = hold_out(domain, 0.25, 0)
    both = pool((split.test, split.train))
    assert not opened
    held = values(split.test.x[:])
    assert len(held) == 3
    assert values(both.x[np.arange(12)]) == held + [k for k in range(12) if k not in held]
    np.testing.assert_array_equal(both.y, np.array(values(both.x[:])) % 2)


def test_training_reads_a_batch_at_a_time(images, opened):
    data = PairedData(grant(task(images), Access(source_y=ALL, target_x=True, target_y=FEW), shots=2), batch_size=4)
    assert not opened
    batch = data.train_dataloader().at(0)
    assert len(opened) == 4 + 4 + 4  # source, target, and the two labelled of each class
    for part in (batch.source, batch.labelled):
        np.testing.assert_array_equal(np.array(values(part.x)) % 2, part.y)
    x = batch.source.tensors().x
    assert x.max() <= 1
    np.testing.assert_allclose(x[:, 0, 0, 0].numpy(), np.array(values(batch.source.x)) * 20 / 255, rtol=1e-6)


def test_the_fingerprint_sees_names_bytes_and_decoding_but_decodes_nothing(images, folder, opened, monkeypatch):
    first = task(images).fingerprint()
    assert not opened
    assert task(Images(folder, paths(images), size=4, scale=6)).fingerprint() == first
    others = [
        images.subset(np.arange(11, -1, -1)),
        Images(folder, paths(images), size=3, scale=6),
        Images(folder, paths(images), size=4, scale=7),
    ]
    assert first not in {task(other).fingerprint() for other in others}
    before, digest = (folder / "03.png").read_bytes(), images.digests()[3]
    (folder / "03.png").write_bytes(before[:-13] + bytes([before[-13] ^ 1]) + before[-12:])
    assert task(images).fingerprint() != first, "one bit, the same size and perhaps the same time"
    assert images.digests()[3] != digest
    (folder / "03.png").write_bytes(before)
    assert task(images).fingerprint() == first
    monkeypatch.setattr("da.data.pixels.VERSION", 99)
    assert task(images).fingerprint() != first, "another decoder"
    assert images.digests()[3] != digest, "cached features are named by it"


def test_digests_are_of_the_content(images, folder):
    before = digests(Domain(images))
    assert len(set(before)) == 12
    np.testing.assert_array_equal(digests(Domain(images.subset(np.array([4, 1])))), before[[4, 1]])
    save(folder / "04.png", grey(20))
    changed = digests(Domain(images)) != before
    assert np.flatnonzero(changed).tolist() == [4]
    assert not set(digests(Domain(Images(folder, paths(images), size=4, scale=7)))) & set(before)


def test_a_missing_image_is_named(images, folder):
    (folder / "03.png").unlink()
    for use in (images.fingerprint, images.digests, lambda: images[[3]]):
        with pytest.raises(DataError, match=r"03\.png"):
            use()
