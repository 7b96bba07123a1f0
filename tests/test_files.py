import hashlib
import os
import stat

import pytest

from da.errors import DataError
from da.files import data_dir, locate, require, write_atomically


def test_the_folder_follows_the_variable_and_defaults_to_data(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    assert data_dir() == tmp_path
    for value in (None, ""):
        monkeypatch.delenv("DA_DATA_DIR") if value is None else monkeypatch.setenv("DA_DATA_DIR", value)
        assert str(data_dir()) == "data"


def test_a_file_that_is_there_and_unchanged_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "a.bin").write_bytes(b"abc")
    assert require("digits/a.bin") == tmp_path / "digits" / "a.bin"
    assert require("digits/a.bin", hashlib.sha256(b"abc").hexdigest()).is_file()


def test_a_missing_file_names_the_file_the_variable_and_its_value(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError) as error:
        require("digits/a.bin")
    assert "digits/a.bin" in str(error.value)
    assert f"DA_DATA_DIR={tmp_path}" in str(error.value)
    monkeypatch.delenv("DA_DATA_DIR")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="DA_DATA_DIR is not set"):
        require("digits/a.bin")


def test_a_changed_file_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    (tmp_path / "a.bin").write_bytes(b"abd")
    with pytest.raises(DataError, match=r"'a.bin'.*damaged or another version.*fetch it anew"):
        require("a.bin", hashlib.sha256(b"abc").hexdigest())


def test_a_users_file_is_sought_as_given_and_in_the_data_folder(monkeypatch, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "store").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path / "store"))
    (tmp_path / "store" / "both.csv").write_text("store")
    assert locate("both.csv").read_text() == "store"
    (tmp_path / "work" / "both.csv").write_text("work")
    assert locate("both.csv").read_text() == "work"
    with pytest.raises(DataError, match=r"no 'none\.csv'.*DA_DATA_DIR="):
        locate("none.csv")


def test_a_link_stays_a_link_and_a_pipe_is_written_to(tmp_path):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "a.txt", tmp_path / "link.txt"
    target.write_bytes(b"old")
    link.symlink_to(target)
    assert write_atomically(link, b"new") == link
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
