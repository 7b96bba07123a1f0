"""The image benchmarks on twins: the same folders, a few images in each."""

import numpy as np
import pytest

from da.config.compose import compose
from da.data.domainnet import COUNTS, DOMAINS, DomainNet
from da.data.frozen import Frozen
from da.data.grant import grant
from da.data.images import Images, paths
from da.data.module import PairedData
from da.data.office31 import Office31
from da.data.office_home import OfficeHome
from da.data.validity import check_task
from da.data.visda2017 import CLASSES, VisDA2017
from da.engine import run as runs
from da.errors import ConfigError, DataError
from da.nn.networks import LeNet
from da.setting import ALL, Access

Image = pytest.importorskip("PIL.Image")
SMALL = {"size": 16, "scale": 18, "complete": False}


def save(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 30, 3), value, dtype=np.uint8)).save(path)


def fill(root, places, classes, n=3):
    """``n`` images in each class folder of each place; class c has the value 50 c."""
    for place in places:
        for c, name in enumerate(classes):
            for k in range(n):
                save(root / place / name / f"frame_{k:04}.jpg", 50 * c)


def put_list(file, names, label_of):
    file.write_text("".join(f"{name} {label_of(name)}\n" for name in names))


def files(root, place):
    return sorted(path.relative_to(root).as_posix() for path in (root / place).rglob("*.jpg"))


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def office31(root):
    fill(root / "office31", [f"{name}/images" for name in ("amazon", "dslr", "webcam")], ["bike", "mug"])


@pytest.fixture
def office_home(root):
    fill(root / "office_home", ["Art", "Clipart", "Product", "Real World"], ["Alarm_Clock", "Bed", "TV"])


@pytest.fixture
def visda(root):
    folder = root / "visda2017"
    for place in ("train", "validation"):
        fill(folder, [place], ["aeroplane", "bicycle", "truck"], n=4 if place == "train" else 2)
        put_list(
            folder / place / "image_list.txt",
            files(folder / place, "."),
            lambda name: CLASSES.index(name.split("/")[0]),
        )
    return folder


@pytest.fixture
def domainnet(root):
    folder = root / "domainnet"
    fill(folder, DOMAINS, ["ant", "zebra"], n=4)
    labels = {"ant": 6, "zebra": 343}
    for name in DOMAINS:
        for part in ("train", "test"):
            listed = [file for file in files(folder, name) if ("0000" in file) == (part == "test")]
            put_list(folder / f"{name}_{part}.txt", listed, lambda file: labels[file.split("/")[1]])
    return folder


def check(task, value_of):
    """The task is sound, and every label is that of its image."""
    check_task(task)
    for domain in task.parts().values():
        assert isinstance(domain.x, Images), "images must not be held in memory"
        assert domain.sample_shape == (3, 16, 16)
        np.testing.assert_allclose(domain.x[:].mean(axis=(1, 2, 3)), [value_of(label) for label in domain.y], atol=2)


def sizes(task):
    return {name: len(domain) for name, domain in task.parts().items()}


def test_office31(office31):
    task = Office31(**SMALL).load()
    check(task, lambda c: 50 * c)
    assert (task.name, task.classes, task.transductive) == ("amazon->webcam", ("bike", "mug"), True)
    assert sizes(task) == {"source/train": 6, "target/train": 6, "target/test": 6}
    task = Office31(source=["amazon", "dslr"], validation_fraction=0.3, **SMALL).load()
    check(task, lambda c: 50 * c)
    assert [(len(s.train), len(s.test)) for s in task.sources] == [(4, 2), (4, 2)]


def test_office_home(office_home):
    task = OfficeHome(source="clipart", target="real_world", **SMALL).load()
    check(task, lambda c: 50 * c)
    assert (task.name, task.classes) == ("clipart->real_world", ("Alarm_Clock", "Bed", "TV"))
    assert sizes(task) == {"source/train": 9, "target/train": 9, "target/test": 9}
    assert paths(task.target.train.x)[0] == "Real World/Alarm_Clock/frame_0000.jpg"


def test_visda2017(visda):
    task = VisDA2017(**SMALL).load()
    check(task, lambda c: {0: 0, 1: 50, 11: 100}[c])
    assert (task.name, task.classes, task.transductive) == ("train->validation", CLASSES, True)
    assert task.metric == "mean_class_accuracy"
    assert sizes(task) == {"source/train": 12, "target/train": 6, "target/test": 6}


def test_domainnet(domainnet):
    task = DomainNet(source=["clipart", "real"], target="sketch", **SMALL).load()
    check(task, lambda c: {6: 0, 343: 50}[c])
    assert (task.name, task.transductive, task.n_classes) == ("clipart+real->sketch", False, 345)
    assert (task.classes[6], task.classes[343]) == ("ant", "zebra")
    assert sizes(task) == {
        "source1/train": 6, "source1/test": 2, "source2/train": 6, "source2/test": 2, "target/train": 6, "target/test": 2,
    }  # fmt: skip
    assert not set(paths(task.target.train.x)) & set(paths(task.target.test.x))


@pytest.mark.parametrize("method", ["source_only", "dann"])
def test_a_run_reports_the_metric_of_the_data_first(visda, root, method):
    options = [
        "data=visda2017",
        "data.size=32",
        "data.scale=36",
        "data.complete=false",
        "network=lenet",
        f"method={method}",
    ]
    options += ["batch_size=4", "steps_per_epoch=2", "trainer.max_epochs=1", "trainer.enable_progress_bar=false"]
    record = runs.run(compose([*options, f"output={root}", "logger=none"])).record
    assert list(record.target_test) == ["mean_class_accuracy", "accuracy"]
    assert record.selection["oracle_accuracy"].score == record.target_test["mean_class_accuracy"]
    with np.load(next(root.rglob("predictions.npz"))) as file:
        right = file["predicted"] == file["y"]
        expected = 100 * np.mean([right[file["y"] == c].mean() for c in np.unique(file["y"])])
    assert record.target_test["mean_class_accuracy"] == pytest.approx(expected)


def test_pairing_domains_decodes_nothing(domainnet, monkeypatch):
    task = DomainNet(source=["clipart", "real"], target="sketch", **SMALL).load()
    monkeypatch.setattr(Images, "__getitem__", lambda *_: pytest.fail("images must stay unread"))
    data = PairedData(grant(task, Access(source_y=ALL, target_x=True)), batch_size=4)
    assert len(data.granted.sources[0]) == 12


def test_published_counts():
    """586575 images, as the authors of the cleaned version say."""
    assert sum(COUNTS.values()) == 586575


@pytest.mark.parametrize(
    ("made", "folder", "layout", "url"),
    [
        (Office31, "office31", "amazon/images/back_pack/frame_0001.jpg", "faculty.cc.gatech.edu/~judy/domainadapt"),
        (OfficeHome, "office_home", "Real World/Alarm_Clock/00001.jpg", "hemanthdv.org/officeHomeDataset"),
        (VisDA2017, "visda2017", "validation/aeroplane/NAME.jpg", "github.com/VisionLearningGroup/taskcv-2017-public"),
        (DomainNet, "domainnet", "clipart/aircraft_carrier/clipart_001_000001.jpg", "ai.bu.edu/M3SDA"),
    ],
)
def test_a_folder_that_is_absent_empty_or_a_file(root, made, folder, layout, url):
    def sentence():
        with pytest.raises(DataError) as caught:
            made().load()
        assert f"in which images lie as '{layout}'" in str(caught.value)
        assert url in str(caught.value)
        return str(caught.value)

    assert f"There is no '{folder}', neither in the working folder" in sentence()
    (root / folder).mkdir()
    assert "has no" in sentence()
    (root / folder).rmdir()
    (root / folder).write_text("a file")
    assert "is no folder" in sentence()
    with pytest.raises(ConfigError, match=r"data\.size=300 must be from 1 to data\.scale=256"):
        made(size=300).load()


def test_another_layout_is_named(root):
    fill(root / "office31", ["amazon", "webcam"], ["bike", "mug"])
    with pytest.raises(DataError, match=r"has no images in 'amazon/images/CLASS/'.*amazon/images/back_pack"):
        Office31(**SMALL).load()


@pytest.mark.parametrize(
    ("fixture", "made", "sentence"),
    [
        ("office31", Office31, "Office-31 has 2817 images of amazon, but 'office31' holds 6"),
        ("office_home", OfficeHome, "Office-Home has 2427 images of art, but 'office_home' holds 9"),
        ("visda", VisDA2017, "VisDA-2017 has 152397 images of train, but 'visda2017' holds 12"),
        ("domainnet", DomainNet, "DomainNet has 33525 images of clipart_train, but 'domainnet' holds 6"),
    ],
)
def test_a_part_of_a_benchmark_is_refused_unless_asked_for(request, fixture, made, sentence):
    request.getfixturevalue(fixture)
    with pytest.raises(DataError, match=f"{sentence}.*data.complete=false"):
        made().load()


def test_classes_that_differ(office31, root):
    save(root / "office31" / "webcam" / "images" / "pen" / "a.jpg", 0)
    with pytest.raises(DataError, match=r"class folders of 'webcam' and 'amazon' differ \(pen\)"):
        Office31(**SMALL).load()


@pytest.mark.parametrize("line", ["aeroplane/a.jpg", "aeroplane/a.jpg 12", "aeroplane/a.jpg -1", "aeroplane/a.jpg one"])
def test_a_line_of_a_list_that_is_none(visda, line):
    with (visda / "validation" / "image_list.txt").open("a") as file:
        file.write(line)
    with pytest.raises(DataError, match=rf"Line 7 of '.*image_list\.txt' is '{line}'"):
        VisDA2017(**SMALL).load()


def test_an_image_of_a_list_that_is_not_there(visda):
    (visda / "train" / "truck" / "frame_0000.jpg").unlink()
    task = VisDA2017(**SMALL).load()
    with pytest.raises(DataError, match=r"missing .*train/truck/frame_0000\.jpg.*unpack the data set anew"):
        task.fingerprint()


def test_lists_that_number_classes_differently(domainnet):
    (domainnet / "painting_test.txt").write_text("painting/ant/frame_0000.jpg 7\npainting/zebra/frame_0000.jpg 6\n")
    with pytest.raises(DataError, match=r"'painting_test\.txt' gives the label 6 to 'zebra', another list to 'ant'"):
        DomainNet(**SMALL).load()


@pytest.mark.parametrize(
    ("made", "keywords", "sentence"),
    [
        (Office31, {"source": "caltech"}, r"data\.source='caltech' is unknown"),
        (OfficeHome, {"target": "Real World"}, r"data\.target='Real World' is unknown; did you mean 'real_world'\?"),
        (VisDA2017, {"target": "train"}, r"data\.target='train' is unknown"),
        (DomainNet, {"source": "painting"}, "are both 'painting'"),
    ],
)
def test_bad_names(made, keywords, sentence):
    with pytest.raises(ConfigError, match=sentence):
        made(**keywords).load()


def test_features_of_a_frozen_network_stand_in_for_the_images(office31, root, monkeypatch):
    monkeypatch.setenv("DA_CACHE_DIR", str(root / "cache"))
    frozen = Frozen(network=lambda shape, n: LeNet(shape, n, maps=[2, 3], features=5))
    made = frozen.apply(Office31(**SMALL).load())
    assert made.target.test.x.shape == (6, 5)
    monkeypatch.setattr(Images, "__getitem__", lambda *_: pytest.fail("what is cached must not be decoded"))
    assert frozen.apply(Office31(validation_fraction=0.3, **SMALL).load()).sources[0].train.x.shape == (4, 5)
