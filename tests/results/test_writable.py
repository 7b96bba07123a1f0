"""Where results can be written is known before anything is computed."""

import errno
import os

import pytest

from da.errors import ConfigError
from da.results import writable

pytestmark = pytest.mark.usefixtures("of_this_code")


def test_a_folder_that_can_be_made_passes_and_is_not_made(tmp_path):
    for output in (tmp_path, tmp_path / "a" / "b"):
        writable.check(output)
    assert not list(tmp_path.iterdir())


def test_a_relative_folder_is_one_of_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writable.check(tmp_path.relative_to(tmp_path) / "runs")
    (tmp_path / "runs").write_text("")
    with pytest.raises(ConfigError, match="output=runs cannot be a folder: 'runs' is a file"):
        writable.check(tmp_path.relative_to(tmp_path) / "runs")


@pytest.mark.parametrize("below", ["", "a", "a/b"])
def test_a_file_is_no_folder(tmp_path, below):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ConfigError, match=r"cannot be a folder: '.*/file' is a file; name another"):
        writable.check(tmp_path / "file" / below)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_link_that_leads_nowhere_is_no_folder(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="cannot be a folder"):
        writable.check(tmp_path / "link" / "runs")


@pytest.mark.parametrize("parts", [["x" * 300], ["new", "x" * 300], ["x" * 100] * 50, ["x" * 80] * 47])
def test_names_and_paths_that_are_too_long_are_refused_in_a_short_sentence(tmp_path, parts):
    with pytest.raises(ConfigError, match=r"cannot be written to \(File name too long\)") as caught:
        writable.check(tmp_path.joinpath(*parts))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_takes_no_files_is_refused(tmp_path, monkeypatch, number):
    """As root every folder takes files, so the system's refusal is played."""

    def refuse(dir):
        assert dir == tmp_path
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(ConfigError, match=rf"cannot be written to \({os.strerror(number)}\); name another folder"):
        writable.check(tmp_path / "new" / "runs")
