import builtins
import io
import sys
import zipfile

import numpy as np
import pytest

from da.data.image_folder import ImageFolder
from da.data.validity import check_task
from da.errors import ConfigError, DataError

pytestmark = pytest.mark.versions

Image = pytest.importorskip("PIL.Image")

COLOURS = {"blue": (0, 0, 255), "red": (255, 0, 0)}


def save(path, pixels, mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path, **options)


def plain(colour, height=8, width=8):
    return np.full((height, width, 3), colour, dtype=np.uint8)


@pytest.fixture(autouse=True)
def _another_domain(tmp_path):
    """Where a test looks at one domain, there is still another to adapt to."""
    for name in ("a", "b"):
        save(tmp_path / "t" / name / "1.png", plain((1, 2, 3)))


@pytest.fixture
def root(tmp_path):
    for domain, count in (("photo", 10), ("sketch", 6), ("art", 10)):
        for name, colour in COLOURS.items():
            for k in range(count):
                shade = (colour[0], 3 if domain == "art" else 0, colour[2])  # no domain is a copy of another
                save(tmp_path / "root" / domain / name / f"{k}.png", plain(shade, 8 + k, 12))
    (tmp_path / "root" / "photo" / "red" / "Thumbs.db").write_bytes(b"no image")
    (tmp_path / "root" / "photo" / "red" / "._0.png").write_bytes(b"no image")
    return tmp_path / "root"


def check_colours(task):
    for domain in task.parts().values():
        for c, colour in enumerate(COLOURS.values()):
            np.testing.assert_array_equal(domain.x[domain.y == c].mean(axis=(0, 2, 3)), colour)


def test_folders_become_domains_and_classes(root):
    task = ImageFolder(root=str(root), source="photo", target="sketch", size=6).load()
    check_task(task)
    assert (task.name, task.classes) == ("photo->sketch", ("blue", "red"))
    assert {k: len(d) for k, d in task.parts().items()} == {
        "source/train": 18, "source/test": 2, "target/train": 8, "target/test": 4,
    }  # fmt: skip
    assert all(d.x.dtype == np.uint8 and d.x.shape[1:] == (3, 6, 6) for d in task.parts().values())
    check_colours(task)


def test_a_zip_gives_the_same_task(root, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "root.zip", "w") as archive:
        for file in sorted(root.rglob("*.*"), reverse=True):
            archive.write(file, file.relative_to(root))
    keywords = {"source": ["photo", "art"], "target": "sketch", "size": 5}
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    zipped, unzipped = (ImageFolder(root=name, **keywords).load() for name in ("root.zip", str(root)))
    assert zipped.fingerprint() == unzipped.fingerprint()
    assert [split.train.name for split in zipped.sources] == ["photo", "art"]


def test_fraction_zero_is_transductive(root):
    task = ImageFolder(root=str(root), source="photo", target="sketch", test_fraction=0, validation_fraction=0).load()
    assert task.transductive
    assert task.sources[0].test is None
    assert len(task.target.test) == 12


def test_a_target_without_class_folders_is_unlabelled(root):
    save(root / "wild" / "a.png", plain((0, 0, 255)))
    save(root / "wild" / "b.jpg", plain((0, 0, 255)))
    task = ImageFolder(root=str(root), source="photo", target="wild").load()
    check_task(task)
    assert task.target.train.y is None
    assert task.transductive  # every image is predicted
    assert (task.id_name, task.target.test.ids.tolist()) == ("file", ["a.png", "b.jpg"])


def test_the_shorter_side_is_scaled_and_the_middle_kept(tmp_path):
    pixels = np.zeros((10, 30, 3), dtype=np.uint8)
    pixels[:, 10:20] = 200  # exactly the middle square
    pixels[:5, 10:20, 0] = 100
    for name in ("a", "b"):
        save(tmp_path / "s" / name / "wide.png", pixels)
        save(tmp_path / "s" / name / "tall.png", pixels.swapaxes(0, 1))
    task = ImageFolder(root=str(tmp_path), source="s", target="t", size=10, validation_fraction=0).load()
    tall, wide = task.sources[0].train.x[:2]
    np.testing.assert_array_equal(wide, pixels[:, 10:20].transpose(2, 0, 1))
    np.testing.assert_array_equal(tall, pixels[:, 10:20].transpose(2, 1, 0))


def test_other_pixel_formats_become_rgb(tmp_path):
    grey = np.full((8, 8), 100, dtype=np.uint8)
    for name in ("a", "b"):
        folder = tmp_path / "s" / name
        save(folder / "1_grey.png", grey, "L")
        save(folder / "2_cmyk.jpg", plain((100, 100, 100)), "CMYK", quality=100)
        save(folder / "3_alpha.png", plain((100, 100, 100)), "RGBA")
        save(folder / "5_palette.gif", grey, "P", transparency=0)
        deep = (np.full((8, 8), 100, dtype=np.uint16) * 257).astype(np.uint16)
        Image.fromarray(deep).save(folder / "4_deep.png")
        Image.fromarray(deep).save(folder / "6_deep.tif")
        Image.fromarray(deep.astype(np.int32)).save(folder / "7_deep.pgm")
        image = Image.fromarray(grey).convert("P")
        image.save(folder / "8_palette.png", transparency=bytes([255] * 255 + [0]))
    task = ImageFolder(root=str(tmp_path), source="s", target="t", size=8, validation_fraction=0).load()
    x = task.sources[0].train.x.astype(int)
    assert len(x) == 16
    assert np.abs(x - 100).max() <= 3, x.mean(axis=(1, 2, 3))


def test_a_damaged_image_is_named(root):
    whole = io.BytesIO()
    Image.fromarray(plain((1, 2, 3), 64, 64)).save(whole, "jpeg")
    for content in (b"", b"no image at all", whole.getvalue()[: len(whole.getvalue()) // 2]):
        (root / "photo" / "red" / "broken.jpg").write_bytes(content)
        with pytest.raises(DataError, match=r"image 'photo/red/broken\.jpg' cannot be read .*; repair or remove it"):
            ImageFolder(root=str(root), source="photo", target="sketch").load()


def test_without_pillow_the_extra_is_named(root, monkeypatch):
    real = builtins.__import__

    def without_pillow(name, *rest, **more):
        if name.split(".")[0] == "PIL":
            raise ImportError(name)
        return real(name, *rest, **more)

    for name in [name for name in sys.modules if name.split(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without_pillow)
    with pytest.raises(DataError, match=r'pip install "da\[vision\]"'):
        ImageFolder(root=str(root), source="photo", target="sketch").load()


def test_bad_keywords(root, tmp_path):
    with pytest.raises(ConfigError, match=r"data=image_folder needs data\.root=FOLDER_OR_ZIP"):
        ImageFolder().load()
    with pytest.raises(ConfigError, match=r"data\.size=0"):
        ImageFolder(root=str(root), source="photo", target="sketch", size=0).load()
    with pytest.raises(DataError, match=r"no images in phto/class/; did you mean 'photo'\?"):
        ImageFolder(root=str(root), source="phto", target="sketch").load()
    with pytest.raises(DataError, match=r"There is no '.*nowhere'"):
        ImageFolder(root=str(tmp_path / "nowhere"), source="photo", target="sketch").load()
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match="neither a folder nor a zip"):
        ImageFolder(root=str(tmp_path / "a.zip"), source="photo", target="sketch").load()
    save(root / "sketch" / "green" / "a.png", plain((0, 255, 0)))
    with pytest.raises(
        DataError, match=r"'sketch' has labels that no source has \(green; the sources have blue, red\)"
    ):
        ImageFolder(root=str(root), source="photo", target="sketch").load()


@pytest.mark.data
def test_the_office_caltech10_zip_is_in_the_order_of_its_features(real_data, monkeypatch):
    monkeypatch.setenv("DA_DATA_DIR", str(real_data))
    task = ImageFolder(
        root="office_caltech10/office_caltech10_images_max224.zip",
        source="webcam",
        target="dslr",
        test_fraction=0,
        validation_fraction=0,
    ).load()
    check_task(task)
    assert (len(task.sources[0].train), len(task.target.test), task.n_classes) == (295, 157, 10)
    with np.load(real_data / "office_caltech10/squeezenet512/webcam_squeezenet512.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(task.sources[0].train.y, file["y"])
        assert task.classes == tuple(file["classes"])


def test_without_cropping_the_whole_image_is_squeezed(tmp_path):
    pixels = np.zeros((10, 30, 3), dtype=np.uint8)
    pixels[:, :15] = 200  # the left half
    for name in ("a", "b"):
        save(tmp_path / "s" / name / "wide.png", pixels)
        save(tmp_path / "s" / name / "wide2.png", pixels)
    task = ImageFolder(root=str(tmp_path), source="s", target="t", size=8, crop=False, validation_fraction=0).load()
    image = task.sources[0].train.x[0].astype(int)
    assert (image[:, :, :3] == 200).all()
    assert (image[:, :, 5:] == 0).all()
