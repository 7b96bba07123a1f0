"""Which bytes a file holds: known without reading it again, until it is written to."""

import os
import time

import pytest

from da.data import contents
from da.errors import DataError

HOUR = 3600 * 10**9


@pytest.fixture(autouse=True)
def _fresh(tmp_path, monkeypatch):
    """As in a new process, with a cache of its own."""
    monkeypatch.setenv("DA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(contents, "_KNOWN", {})


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b", "deep/c"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(name.encode())
    return tmp_path / "set"


@pytest.fixture
def read(monkeypatch):
    """Names of the files read from now on."""
    seen = []
    digest = contents._digest
    monkeypatch.setattr(contents, "_digest", lambda file: seen.append(file.name) or digest(file))
    return seen


@pytest.fixture
def later(monkeypatch):
    """The clock of this process goes an hour ahead of the files'."""
    now = time.time_ns
    monkeypatch.setattr(contents.time, "time_ns", lambda: now() + HOUR)


def test_files_are_read_once_and_again_where_they_were_written_to(folder, read, later):
    names = ["a", "deep/c", "a"]
    first = contents.digests(folder, names)
    assert sorted(read) == ["a", "c"]
    assert first[0] == first[2] != first[1]
    assert contents.digests(folder, names) == first
    assert sorted(read) == ["a", "c"]
    times = (folder / "a").stat()
    (folder / "a").write_bytes(b"A")
    os.utime(folder / "a", ns=(times.st_atime_ns, times.st_mtime_ns))  # as copying tools do; its entry still tells
    assert contents.digests(folder, names)[0] != first[0]
    assert sorted(read) == ["a", "a", "c"]
    (folder / "new").write_bytes(b"C")
    (folder / "new").replace(folder / "deep/c")
    assert contents.digests(folder, names)[1] != first[1]


def test_another_file_of_the_same_size_and_times_is_read(folder, read, later, monkeypatch):
    """Moved there from elsewhere on a disk whose clock stood still: its number is another one."""
    first = contents.digests(folder, ["a"])
    (folder / "new").write_bytes(b"b")
    stamps = {(folder / name).stat().st_ino: (folder / "a").stat() for name in ("a", "new")}
    own = contents._stamp
    monkeypatch.setattr(contents, "_stamp", lambda found: (own(found)[0], *own(stamps[found.st_ino])[1:]))
    assert contents.digests(folder, ["a"]) == first
    (folder / "new").replace(folder / "a")
    assert contents.digests(folder, ["a"]) != first
    assert read == ["a", "a"]


def test_what_was_written_a_moment_ago_is_not_trusted(folder, read):
    first = contents.digests(folder, ["a"])
    for content in (b"x", b"y"):
        (folder / "a").write_bytes(content)
        first.append(contents.digests(folder, ["a"])[0])
    assert len(set(first)) == 3
    assert contents.state([folder]) != contents.state([folder])


def test_another_process_reads_much_only_once(folder, read, later, monkeypatch):
    contents.digests(folder, ["a", "b"])
    monkeypatch.setattr(contents, "_KNOWN", {})
    contents.digests(folder, ["a"])
    assert len(read) == 3, "a few bytes are not worth a file"
    monkeypatch.setattr(contents, "WORTH", 2)
    first = contents.digests(folder, ["a", "b", "deep/c"])
    read.clear()
    monkeypatch.setattr(contents, "_KNOWN", {})
    assert contents.digests(folder, ["a", "b", "deep/c"]) == first
    assert not read
    (file,) = (folder.parent / "cache" / "contents").iterdir()
    for damaged in (file.read_text().replace(first[0], first[1]), "", "{}"):
        file.write_text(damaged)
        monkeypatch.setattr(contents, "_KNOWN", {})
        assert contents.digests(folder, ["a"])[0] == first[0]


def test_without_a_folder_to_keep_them_hashes_are_made_every_time(folder, later, monkeypatch, capsys):
    (folder.parent / "file").write_text("")
    monkeypatch.setenv("DA_CACHE_DIR", str(folder.parent / "file"))
    monkeypatch.setattr(contents, "WORTH", 0)
    assert len(contents.digests(folder, ["a"])) == 1
    assert "are not kept" in capsys.readouterr().out


def test_the_state_follows_every_file_below(folder, later, tmp_path):
    states = [contents.state([folder])]
    assert contents.state([folder]) == states[0]
    (tmp_path / "far").write_bytes(b"1")
    for change in (
        lambda: (folder / "deep/c").write_bytes(b"other"),
        lambda: (folder / "deep/d").write_bytes(b"new"),
        lambda: (folder / "deep/d").unlink(),
        lambda: (folder / "link").symlink_to(tmp_path / "far"),
        lambda: (tmp_path / "far").write_bytes(b"22"),
    ):
        change()
        states.append(contents.state([folder]))
    assert len(set(states)) == 6 - 1, "the file that came and went"
    assert contents.state([folder / "a"]) != contents.state([folder / "b"])


def test_links_are_followed_and_loops_are_not(tmp_path):
    (tmp_path / "far" / "within").mkdir(parents=True)
    (tmp_path / "far" / "within" / "x").write_text("")
    (tmp_path / "top" / "a").mkdir(parents=True)
    (tmp_path / "top" / "a" / "y").write_text("")
    for name, place in {
        "one": "../far",
        "two": "../far",
        "a/up": "..",
        "all": "/",
        "none": "nowhere",
        "self": "self",
    }.items():
        (tmp_path / "top" / name).symlink_to(place)
    found = [name for name, _ in contents.below(tmp_path / "top")]
    assert sorted(found) == ["a/y", "none", "one/within/x", "self", "two/within/x"]


def test_a_folder_that_may_not_be_read_is_named(folder, monkeypatch):
    def refuse(path):
        raise PermissionError("permission denied")

    monkeypatch.setattr(contents.os, "scandir", refuse)
    with pytest.raises(DataError, match=r"The folder '.*set' cannot be read \(permission denied\)"):
        list(contents.below(folder))


@pytest.mark.parametrize("name", ["pipe", "device"])
def test_what_is_no_file_is_not_waited_for(folder, name):
    if name == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to("/dev/zero")
    with pytest.raises(OSError, match="no regular file"):
        contents.digests(folder, [name])
