"""Folders of pictures as people have them: every picture is found, or what becomes of it is said."""

import shutil
import zipfile

import numpy as np
import pytest

from da.data.image_folder import ImageFolder
from da.data.office31 import Office31
from da.errors import DataError

Image = pytest.importorskip("PIL.Image")


def put(root, *places, n=4):
    """``n`` different pictures in each folder."""
    for place in places:
        (root / place).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(sum(str(place).encode()))
        for k in range(n):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(root / place / f"{k}.png")


@pytest.fixture
def photos(tmp_path):
    put(tmp_path / "photos", "a/cat", "a/dog", "b/cat", "b/dog")
    return tmp_path / "photos"


def load(root, source="a", target="b", **options):
    keywords = {"size": 8, "test_fraction": 0, "validation_fraction": 0} | options
    return ImageFolder(root=str(root), source=source, target=target, **keywords).load()


def counts(task):
    """Pictures of each class in each domain."""
    parts = [*[s.train for s in task.sources], task.target.train]
    return {
        d.name: dict(zip(task.classes, np.bincount(d.y, minlength=task.n_classes).tolist(), strict=True)) for d in parts
    }


PLAIN = {"a": {"cat": 4, "dog": 4}, "b": {"cat": 4, "dog": 4}}


@pytest.mark.parametrize(
    "place", ["a/.ipynb_checkpoints", "b/.git/objects", "__MACOSX/a/cat", "a/__MACOSX", "a/cat/@eaDir", "a/.trash/cat"]
)
def test_hidden_folders_are_no_classes(photos, place):
    before = load(photos).fingerprint()
    put(photos, place, n=1)
    task = load(photos)
    said = f"1 images of '{place[0]}' are hidden, or in hidden folders, and are left out, such as '{place}/0.png'."
    assert (counts(task), task.notes) == (PLAIN, (said,) if "/." in place else ())
    assert task.fingerprint() == before


def test_hidden_folders_of_a_benchmark_are_no_classes(tmp_path):
    put(tmp_path / "office31", "amazon/images/mug", "amazon/images/pen", "webcam/images/mug", "webcam/images/pen")
    put(tmp_path / "office31", "amazon/images/.ipynb_checkpoints", "webcam/images/@eaDir")
    task = Office31(root=str(tmp_path / "office31"), size=8, scale=8, complete=False).load()
    assert task.classes == ("mug", "pen")
    assert len(task.sources[0].train) == 8


def test_links_to_folders_and_files_are_followed(photos, tmp_path):
    for name in ("a", "b"):
        put(tmp_path / "far", name)
        (photos / name / "eel").symlink_to(tmp_path / "far" / name)
        (photos / name / "dog" / "link.png").symlink_to(tmp_path / "far" / name / "0.png")
        (photos / name / "cat" / "loop").symlink_to(photos)
    task = load(photos)
    assert counts(task) == {"a": {"cat": 4, "dog": 5, "eel": 4}, "b": {"cat": 4, "dog": 5, "eel": 4}}
    assert task.notes == ()
    (photos / "c").symlink_to(photos / "a")
    with pytest.raises(DataError, match="'a' and the target 'c' hold the same inputs"):
        load(photos, target="c")


def test_a_link_that_leads_nowhere_is_said(photos):
    (photos / "a" / "eel").symlink_to("nowhere")
    task = load(photos)
    assert counts(task) == PLAIN
    assert task.notes == ("1 links of 'a' lead nowhere, and what they stood for is left out: a/eel.",)
    (photos / "a" / "dog" / "lost.png").symlink_to("nowhere.png")
    with pytest.raises(DataError, match=r"image 'a/dog/lost\.png' cannot be read"):
        load(photos)


def test_domain_folders_that_differ_by_case_are_refused(photos):
    put(photos, "A/CAT", n=2)
    with pytest.raises(DataError, match=r"has folders 'a' and 'A', which differ by case"):
        load(photos)


def test_parts_of_a_data_set_without_classes_are_no_classes(photos):
    shutil.rmtree(photos / "a")
    put(photos, "a/train", "a/test")
    with pytest.raises(DataError, match="in test and train, which seem to be parts of a data set and no classes"):
        load(photos)


def test_pictures_below_a_class_folder_are_of_the_class(photos):
    put(photos, "a/cat/more/still", n=3)
    task = load(photos)
    assert counts(task)["a"] == {"cat": 7, "dog": 4}
    (note,) = task.notes
    assert note.startswith(
        "3 of 11 images of 'a' lie in folders within class folders, such as 'a/cat/more/still/0.png'"
    )
    shutil.rmtree(photos / "a")
    put(photos, "a/cat/tom", "a/cat/tim", "a/dog/rex")
    assert counts(load(photos))["a"] == {"cat": 8, "dog": 4}


def test_one_folder_above_the_classes_is_entered(tmp_path):
    put(tmp_path, "a/images/cat", "a/images/dog", "b/cat", "b/dog")
    task = load(tmp_path)
    assert counts(task) == PLAIN
    assert task.notes == ("The class folders of 'a' are those in 'a/images'.",)


@pytest.mark.parametrize(
    "places", [("a/train/cat", "a/train/dog", "a/test/cat", "a/test/dog"), ("a/cat", "a/dog", "a/test/cat")]
)
def test_folders_of_which_either_may_be_the_classes_are_refused_with_counts(tmp_path, places):
    put(tmp_path, *places, "b/cat", "b/dog")
    with pytest.raises(
        DataError, match=r"in several folders of 'a' \(.*a/test/cat with 4.* in all\).*bring them to a/class/"
    ):
        load(tmp_path)


def test_what_lies_beside_class_folders_and_other_files_are_counted(photos):
    put(photos, "a", n=2)
    for name in ("a/cat/1.txt", "a/2.TXT", "a/dog/3.heic", "b/cat/Thumbs.db", "list.csv"):
        (photos / name).write_bytes(b"1")
    task = load(photos)
    assert counts(task) == PLAIN
    assert task.notes == (
        "Files of 'a' without the suffix of an image are left out: 2 of .txt, 1 of .heic.",
        "2 images of 'a' lie beside its class folders and are left out, such as 'a/0.png'.",
    )
    (photos / "c" / "cat").mkdir(parents=True)
    (photos / "c" / "cat" / "1.heic").write_bytes(b"1")
    with pytest.raises(DataError, match=r"no images in c/class/, but 1 of \.heic; known suffixes: \.jpg"):
        load(photos, target="c")


def packed(folder, file, name_of, *, extra=()):
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.writestr(name_of(path.relative_to(folder).as_posix()), path.read_bytes())
        for name in extra:
            archive.writestr(name, b"")
    return file


@pytest.mark.parametrize(
    "name_of",
    [
        lambda name: f"photos/{name}",
        lambda name: f"deep/photos/{name}",
        lambda name: name.replace("/", "\\"),
        lambda name: "photos\\" + name.replace("/", "\\"),
        lambda name: f"./{name}",
        lambda name: f"/{name}" if name.startswith("a/cat") else name,
    ],
    ids=["a folder on top", "two", "backslashes", "both", "dot", "some absolute"],
)
def test_zips_as_programs_write_them(photos, tmp_path, name_of):
    extra = ("__MACOSX/photos/a/cat/._0.png", "__MACOSX/a/1.png", "README.txt")
    task = load(packed(photos, tmp_path / "p.zip", name_of, extra=extra))
    assert (counts(task), task.notes) == (PLAIN, ())
    assert task.fingerprint() == load(photos).fingerprint()


def test_a_folder_on_top_of_folders(photos):
    assert load(photos.parent).fingerprint() == load(photos).fingerprint()


def test_what_a_zip_holds_twice_counts_once(photos, tmp_path):
    file = packed(photos, tmp_path / "p.zip", str)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("a/cat/0.png", (photos / "b/dog/0.png").read_bytes())
    task = load(file)
    assert counts(task) == PLAIN
    np.testing.assert_array_equal(task.sources[0].train.x[0], load(photos).target.train.x[4])


def test_a_zip_that_unpacks_to_more_than_the_limit_is_refused_before_it_is_read(photos, tmp_path, monkeypatch):
    file = packed(photos, tmp_path / "p.zip", str)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/cat/bomb.png", bytes(10_000_000))
        archive.writestr("other/video.mp4", bytes(50_000_000))
    assert file.stat().st_size < 100_000
    monkeypatch.setenv("DA_MAX_GB", "0.001")
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was read"))
    with pytest.raises(DataError, match=r"p\.zip' unpacks to 0\.01 GB, and 0\.001 GB is the limit; .*set DA_MAX_GB"):
        load(file)


def test_what_pictures_are_decoded_to_is_limited_too(photos, monkeypatch):
    monkeypatch.setenv("DA_MAX_GB", "0.01")
    load(photos, size=100)
    with pytest.raises(DataError, match=r"photos' unpacks to 0\.012 GB"):
        load(photos, size=500)


@pytest.mark.parametrize("names", [("dog", "Dog"), ("caf\u00e9", "cafe\u0301"), ("stra\u00dfe", "STRASSE")])
def test_classes_that_differ_by_case_or_accents_alone_are_named(tmp_path, names):
    put(tmp_path, "a/cat", f"a/{names[0]}", "b/cat", f"b/{names[1]}", "c/cat", f"c/{names[0]}", n=2)
    for options in ({"target": "b"}, {"source": ["a", "b"], "target": "c"}):
        with pytest.raises(
            DataError, match=rf"'{names[0]}' \(of 'a', with 2 images\) and '{names[1]}' \(of 'b', with 2"
        ):
            load(tmp_path, **options)
    assert load(tmp_path, target="c").n_classes == 2


def test_a_domain_copied_under_another_name_is_refused(photos):
    shutil.copytree(photos / "a", photos / "copy")
    with pytest.raises(DataError, match="'a' and the target 'copy' hold the same inputs"):
        load(photos, target="copy")


def test_unreadable_pictures_are_refused_or_counted(photos):
    (photos / "a/cat/0.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    (photos / "a/dog/9.png").write_bytes((photos / "a/dog/0.png").read_bytes()[:60])
    with pytest.raises(
        DataError, match=r"'a/cat/0\.png' cannot be read \(its content is none of BMP.*data\.skip_unreadable=true\."
    ):
        load(photos)
    task = load(photos, skip_unreadable=True)
    assert counts(task) == PLAIN | {"a": {"cat": 3, "dog": 4}}
    (note,) = task.notes
    assert note.startswith(
        "2 of 9 images of 'a' cannot be read and are left out: 'a/cat/0.png' (its content is none of"
    )
    assert "'a/dog/9.png' (" in note
    kept = task.sources[0].train.x
    (photos / "a/cat/0.png").unlink()
    (photos / "a/dog/9.png").unlink()
    np.testing.assert_array_equal(kept, load(photos).sources[0].train.x)


def test_a_class_without_a_readable_picture_is_not_lost(photos):
    for k in range(4):
        (photos / "a/cat" / f"{k}.png").write_bytes(b"")
        (photos / "b/cat" / f"{k}.png").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"4 of 8 images of 'a' cannot be read .*\.\.\., so that none of the class 'cat' remains"
    ):
        load(photos, skip_unreadable=True)


def test_parts_of_a_data_set_are_no_classes(tmp_path):
    put(tmp_path, "a/train/cat", "a/train/dog", "a/val/eel", "b/cat", "b/dog")
    said = r"all images of 'a' in train and val, which seem to be parts of a data set and no classes; bring .* a/class/"
    with pytest.raises(DataError, match=said):
        load(tmp_path)
