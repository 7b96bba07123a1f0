"""Files that change: between runs, within a process, and what is no file at all."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small import SMALL

from da.config.compose import compose
from da.config.validate import validate
from da.data.features import Features
from da.data.image_folder import ImageFolder
from da.engine import run as runs
from da.errors import DataError
from da.files import named_by
from da.results import record

CHANGED = "The data of an earlier run have changed"


def config(tmp_path: Path, *overrides: str) -> dict[str, Any]:
    own = [f"output={tmp_path}/runs", "method=unadapted", "classifier=one_nn", "trainer.enable_progress_bar=false"]
    return compose([*own, *overrides])


def table(file: Path, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(20, 3))
    file.write_text("a,b,c,label\n" + "".join(f"{','.join(map(str, row))},{k % 2}\n" for k, row in enumerate(x)))


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "s.csv", 0)
    table(tmp_path / "t.csv", 1)
    return ["data=features", "data.source=s.csv", "data.target=t.csv"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for place in ("a/cat", "a/dog", "b/cat", "b/dog"):
        (tmp_path / "photos" / place).mkdir(parents=True)
        for k in range(4):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            image.fromarray(pixels).save(tmp_path / "photos" / place / f"{k}.bmp")
    return tmp_path / "photos"


def test_a_table_that_is_rewritten_in_one_process_is_read_again(tables: list[str], tmp_path: Path) -> None:
    first = runs.run(config(tmp_path, *tables))
    assert first.record.notes == ()
    assert not runs.run(config(tmp_path, *tables)).fresh
    table(tmp_path / "t.csv", 2)
    with pytest.warns(
        UserWarning, match=rf"{CHANGED}.*{first.directory.name} is of data {first.record.fingerprint[:8]}"
    ):
        second = runs.run(config(tmp_path, *tables))
    assert second.fresh
    assert second.record.fingerprint != first.record.fingerprint
    (note,) = second.record.notes
    assert note.startswith(CHANGED)
    assert record.read(first.directory) == first.record, "what was finished stays"
    table(tmp_path / "t.csv", 1)
    again = runs.run(config(tmp_path, *tables))
    assert (again.fresh, again.directory) == (False, first.directory)
    runs.run(config(tmp_path, *tables, "seed=1"))  # another run, which has no earlier one


def test_a_picture_that_is_rewritten_in_one_process_is_read_again(photos: Path, tmp_path: Path) -> None:
    data = ["data=image_folder", f"data.root={photos}", "data.source=a", "data.target=b", "data.size=8"]
    first = runs.run(config(tmp_path, *data))
    file = photos / "b" / "dog" / "3.bmp"
    file.write_bytes(file.read_bytes()[:-1] + bytes([file.read_bytes()[-1] ^ 255]))  # of the same size
    with pytest.warns(UserWarning, match=CHANGED):
        assert runs.run(config(tmp_path, *data)).record.fingerprint != first.record.fingerprint


def test_pictures_that_are_decoded_on_access_are_known_by_all_their_bytes(photos: Path, tmp_path: Path) -> None:
    for name, place in {"a": "amazon", "b": "webcam"}.items():
        (photos / place).mkdir()
        (photos / name).rename(photos / place / "images")
    data = ["data=office31", f"data.root={photos}", "data.size=8", "data.scale=8", "data.complete=false"]
    options = [*SMALL[2:], "method=source_only", "batch_size=4", *data]
    first = runs.run(compose([*options, f"output={tmp_path}/runs"]))
    file = photos / "webcam" / "images" / "dog" / "3.bmp"
    file.write_bytes(file.read_bytes()[:-1] + bytes([file.read_bytes()[-1] ^ 255]))
    with pytest.warns(UserWarning, match=CHANGED):
        other = runs.run(compose([*options, f"output={tmp_path}/runs"]))
    assert other.record.fingerprint != first.record.fingerprint


def test_what_was_left_out_is_said_and_recorded(photos: Path, tmp_path: Path) -> None:
    (photos / "a" / "cat" / "0.bmp").write_bytes(b"")
    data = ["data=image_folder", f"data.root={photos}", "data.source=a", "data.target=b", "data.size=8"]
    with pytest.raises(DataError, match=r"data\.skip_unreadable=true"):
        runs.run(config(tmp_path, *data))
    with pytest.warns(UserWarning, match="1 of 8 images of 'a' cannot be read and are left out: 'a/cat/0.bmp'"):
        found = runs.run(config(tmp_path, *data, "data.skip_unreadable=true")).record
    (note,) = found.notes
    assert note.startswith("1 of 8 images of 'a' cannot be read")
    assert found.task.classes == ("cat", "dog")


def test_files_named_like_values_of_other_keys_change_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = validate(compose(["method=bda", "data=digits", "network=lenet"]))
    before = record.run_id(plan.config, "data")
    texts: set[str] = set()

    def gather(node: Any) -> None:
        for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            gather(value)
            if isinstance(value, str) and "/" not in value:
                texts.add(value)

    gather(plan.config)
    assert len(texts) > 3
    for word in texts | {"bda", "digits", "lenet"}:
        (tmp_path / word).write_text(word)
    assert record.run_id(plan.config, "data") == before


@pytest.mark.parametrize(
    ("method", "key"), [("method=bda", "method.kernel"), ("method=fine_tune", "method.checkpoint")]
)
def test_paths_are_known_by_their_content_and_other_words_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, key: str
) -> None:
    monkeypatch.chdir(tmp_path)
    config = validate(compose([method, "data=toy"])).config
    group, name = key.split(".")
    config[group][name] = "linear"
    found = [record.run_id(config, "data")]
    for content in ("1", "2"):
        (tmp_path / "linear").write_text(content)
        found.append(record.run_id(config, "data"))
    assert len(set(found)) == (3 if name == "checkpoint" else 1)


def test_paths_are_those_that_signatures_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("s.npz", "t.npz", "w.pt", "label"):
        (tmp_path / name).write_text("")
    (tmp_path / "photos").mkdir()
    frozen = {"_target_": "da.data.frozen.Frozen", "dtype": "label", "weights": None}
    frozen["network"] = {"_target_": "da.nn.torchvision.ResNet", "weights": "w.pt"}
    kinds = {Features: {"source": ["s.npz", "none.npz"], "target": "t.npz", "label_column": "label"}}
    kinds[ImageFolder] = {"root": "photos", "source": "s.npz", "target": "t.npz"}
    found = [
        [str(path) for path in named_by(node)]
        for node in (*({"_target_": f"{k.__module__}.{k.__name__}"} | v for k, v in kinds.items()), frozen, {})
    ]
    assert found == [["s.npz", "t.npz"], ["photos"], ["w.pt"], []]
