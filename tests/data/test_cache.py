import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from da.data.cache import CachedRows, cached
from da.errors import DataError

FILE = "features/a.npy"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def made() -> np.ndarray:
    return np.arange(12, dtype=np.float32).reshape(4, 3)


def never() -> np.ndarray:
    raise AssertionError("computed again")


def test_computed_once_then_read_through_a_memory_map(folder, capsys) -> None:
    first = cached(FILE, made, "features of a")
    assert f"The features of a are kept in {folder / FILE}." in capsys.readouterr().out
    second = cached(FILE, never, "features of a")
    assert f"The features of a are read from {folder / FILE}." in capsys.readouterr().out
    for found in (first, second):
        assert isinstance(found, np.memmap)
        assert not found.flags.writeable
        np.testing.assert_array_equal(found, made())
    assert [f.name for f in (folder / "features").iterdir()] == ["a.npy"], "no temporary file is left"
    np.testing.assert_array_equal(np.load(folder / FILE), made())  # an ordinary file of NumPy's


def test_the_folder_is_cache_where_nothing_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("DA_CACHE_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    cached(FILE, made, "features of a")
    assert (tmp_path / "cache" / FILE).is_file()


@pytest.mark.parametrize("damage", ["empty", "cut in the head", "cut", "a bit flipped", "no checksum", "other file"])
def test_a_damaged_file_is_computed_anew_with_a_sentence(folder, capsys, damage) -> None:
    cached(FILE, made, "features of a")
    path = folder / FILE
    whole = path.read_bytes()
    content = {
        "empty": b"",
        "cut in the head": whole[:40],
        "cut": whole[:-40],
        "a bit flipped": whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:],
        "no checksum": whole[:-32],
        "other file": b"x" * 1000,
    }[damage]
    path.write_bytes(content)
    capsys.readouterr()
    np.testing.assert_array_equal(cached(FILE, made, "features of a"), made())
    out = capsys.readouterr().out
    assert "is damaged (" in out
    assert "); the features of a are computed anew." in out
    assert path.read_bytes() == whole


def test_a_failed_computation_leaves_nothing(folder) -> None:
    with pytest.raises(AssertionError):
        cached(FILE, never, "features of a")
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DA_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"features of a cannot be kept below '.*file' \(.*\); point DA_CACHE_DIR at"):
        cached(FILE, made, "features of a")


def large() -> np.ndarray:
    return np.full((500, 512), 7.0, dtype=np.float32)


def work(_: int) -> float:
    return float(cached("features/b.npy", large, "features of b").mean())


def test_processes_at_once_do_no_harm(folder) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.map(work, range(12), chunksize=1) == [7.0] * 12
    assert [f.name for f in (folder / "features").iterdir()] == ["b.npy"]
    assert work(0) == 7.0


def test_rows_answer_as_an_array_does() -> None:
    array = np.arange(20.0).reshape(5, 4)
    index = np.array([4, 0, 0, 2])
    rows = CachedRows(array, index)
    assert (rows.shape, rows.dtype, len(rows)) == ((4, 4), np.float64, 4)
    for pick in (1, slice(1, 3), np.array([3, 1]), np.array([True, False, True, False])):
        np.testing.assert_array_equal(rows[pick], array[index][pick])
    np.testing.assert_array_equal(np.asarray(rows), array[index])
    assert np.asarray(rows, dtype=np.float32).dtype == np.float32
    chosen = rows.subset(np.array([3, 0]))
    assert isinstance(chosen, CachedRows)
    np.testing.assert_array_equal(chosen, array[index][[3, 0]])


def test_one_row_leads_to_no_other() -> None:
    array = np.arange(20.0).reshape(5, 4)
    rows = CachedRows(array, np.array([4, 0]))
    for pick in (0, slice(0, 1), np.array([1])):
        assert not np.shares_memory(rows[pick], array)
