"""Find the images in folders of domains and classes, on disk or in a zip, and report those that are left out."""

from __future__ import annotations

import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from da.data.contents import below, regular
from da.data.limits import check_size
from da.data.pixels import FORMATS
from da.errors import DataError, few, nearest

BESIDE = {"__macosx", "@eadir", "thumbs.db", "desktop.ini"}
"""Files and folders that operating systems create without hiding them elsewhere, in lower case."""


PARTS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing", "eval"}
"""Usual folder names of the splits of a data set."""


@dataclass(frozen=True)
class Found:
    """The images of a domain.

    Args:
        paths: in the :class:`Tree`, sorted.
        classes: the class of each; None where the domain has no class folders.
        notes: a sentence for everything that was left out or assumed.
    """

    paths: list[str]
    classes: list[str] | None
    notes: tuple[str, ...]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


class Tree:
    """The files below a folder or in a zip, without hidden ones.

    Args:
        root: the folder or zip.
        sizes: uncompressed size of each file in bytes, by its path with forward slashes.
        read: function that reads the bytes of a file.
        wanted: names of domains; if a single folder holds all images and is none of them, its subfolders are the
            domains.
    """

    def __init__(self, root: Path, sizes: Mapping[str, int], read: Callable[[str], bytes], wanted: Collection[str]):
        self.root, self.sizes, self.read = root, sizes, read
        parts = {path: PurePosixPath(path).parts for path in sorted(sizes) if not hidden(path)}
        while len(tops := {p[0] for path, p in parts.items() if is_picture(path)}) == 1 and not tops & set(wanted):
            parts = {path: p[1:] for path, p in parts.items() if p[0] in tops and len(p) > 1}
        self._parts = parts
        self._hidden = [p for p in sorted(sizes) if is_picture(p) and hidden(p) and not left_by_system(p)]

    def domains(self) -> set[str]:
        """Names of the folders that hold images."""
        return {p[0] for path, p in self._parts.items() if len(p) > 1 and is_picture(path)}

    def domain(self, name: str) -> Found:
        """The images of a domain: ``name/class/...``, or ``name/...`` without labels.

        Raises:
            DataError: there are none, or it is not clear which folders are classes.
        """
        for other in sorted(self.domains() - {name}):
            if _folded(other) == _folded(name):
                raise DataError(
                    f"'{self.root}' has folders '{name}' and '{other}', which differ by case or by how accents are "
                    "stored alone; give them one name, or other ones."
                )
        inside = {path: p[1:] for path, p in self._parts.items() if p[0] == name and len(p) > 1}
        pictures = {path: p for path, p in inside.items() if is_picture(path)}
        broken = [path for path in inside if path not in pictures and _leads_nowhere(self.root / path)]
        others = Counter(
            PurePosixPath(path).suffix.lower() or "no suffix" for path in inside if path not in {*pictures, *broken}
        )
        suffixes = ", ".join(f"{count} of {suffix}" for suffix, count in others.most_common(5))
        if not pictures:
            there = (
                f"but {suffixes}; known suffixes: {', '.join(FORMATS)}." if others else nearest(name, self.domains())
            )
            raise DataError(f"'{self.root}' has no images in {name}/class/{',' if others else ';'} {there}")
        notes = []
        if unseen := [path for path in self._hidden if name in PurePosixPath(path).parts]:
            notes.append(
                f"{len(unseen)} images of '{name}' are hidden, or in hidden folders, and are left out, such as "
                f"'{unseen[0]}'."
            )
        if broken:
            notes.append(
                f"{len(broken)} links of '{name}' lead nowhere, and what they stood for is left out: {few(broken)}."
            )
        if others:
            notes.append(f"Files of '{name}' without the suffix of an image are left out: {suffixes}.")
        filed = {path: p for path, p in pictures.items() if len(p) > 1}
        if not filed:
            return Found(list(pictures), None, tuple(notes))
        if loose := [path for path in pictures if path not in filed]:
            notes.append(
                f"{len(loose)} images of '{name}' lie beside its class folders and are left out, such as '{loose[0]}'."
            )
        place = name
        while len({p[0] for p in filed.values()}) == 1 and min(map(len, filed.values())) > 2:
            place += f"/{next(iter(filed.values()))[0]}"
            filed = {path: p[1:] for path, p in filed.items()}
        if place != name:
            notes.append(f"The class folders of '{name}' are those in '{place}'.")
        outer = {p[0] for p in filed.values()}
        if (
            len(outer) > 1
            and {folder.lower() for folder in outer} <= PARTS
            and all(len(p) == 2 for p in filed.values())
        ):
            raise DataError(
                f"'{self.root}' has all images of '{place}' in {' and '.join(sorted(outer))}, which seem to be parts "
                f"of a data set and no classes; bring the images to {place}/class/, or to {name}/ without labels."
            )
        if nested := {path: p for path, p in filed.items() if len(p) > 2}:
            self._check_depth(place, filed, nested)
            notes.append(
                f"{len(nested)} of {len(filed)} images of '{name}' lie in folders within class folders, such as "
                f"'{next(iter(nested))}', and are of these classes."
            )
        return Found(list(filed), [p[0] for p in filed.values()], tuple(notes))

    def _check_depth(self, place: str, filed: Mapping[str, Sequence[str]], nested: Mapping[str, Sequence[str]]) -> None:
        """Refuse nested folders such as ``train/cat`` and ``test/cat``, whose outer level is probably not the class."""
        outer = {p[0] for p in filed.values()}
        pairs = Counter((p[0], p[1]) for p in nested.values())
        inner = Counter(within for _, within in pairs)
        twice = [pair for pair in pairs if pair[1] in outer or (len(nested) == len(filed) and inner[pair[1]] > 1)]
        if twice:
            shown = ", ".join(f"{place}/{a}/{b} with {pairs[a, b]}" for a, b in twice[:4])
            raise DataError(
                f"'{self.root}' has images in folders of one name in several folders of '{place}' ({shown}, "
                f"{len(nested)} in all), so either may be the classes; bring them to {place}/class/."
            )
        if len(nested) == len(filed) and {folder.lower() for folder in outer} <= PARTS:
            raise DataError(
                f"'{self.root}' has all images of '{place}' in {' and '.join(sorted(outer))}, which seem to be parts "
                f"of a data set and no classes; bring the images to {place}/class/."
            )


@contextmanager
def opened(root: Path, wanted: Collection[str]) -> Iterator[Tree]:
    """Open the tree of a folder or zip for the ``wanted`` domains of :class:`Tree`.

    Raises:
        DataError: it is neither.
    """
    if root.is_dir():
        sizes = {name: status.st_size for name, status in below(root)}
        yield Tree(root, sizes, lambda name: regular(root / name).read_bytes(), wanted)
        return
    try:
        archive = zipfile.ZipFile(root)
    except zipfile.BadZipFile as error:
        raise DataError(f"'{root}' is neither a folder nor a zip; give the folder that holds the domains.") from error
    with archive:
        # Some programs write backslashes or absolute paths. Of a name that occurs twice, the last entry is the current.
        members = {
            PurePosixPath(m.filename.replace("\\", "/").lstrip("/")).as_posix(): m
            for m in archive.infolist()
            if not m.is_dir()
        }
        yield Tree(
            root, {name: m.file_size for name, m in members.items()}, lambda name: archive.read(members[name]), wanted
        )


def is_picture(path: str) -> bool:
    """Whether a file name has the suffix of an image."""
    return path.lower().endswith(tuple(FORMATS))


def hidden(path: str) -> bool:
    """Whether a file or a folder above it is hidden, or was created by an operating system."""
    return left_by_system(path) or any(part.startswith(".") for part in PurePosixPath(path).parts)


def left_by_system(path: str) -> bool:
    """Whether a file was created by an operating system beside a file of the user."""
    return any(part.startswith("._") or part.lower() in BESIDE for part in PurePosixPath(path).parts)


def check_total(tree: Tree, domains: Sequence[Found], size: int) -> None:
    """Refuse files whose total size, or that of their decoded images, exceeds the limit of :mod:`da.data.limits`.

    Args:
        tree: the tree of the files.
        domains: its domains.
        size: height and width in pixels of the decoded images.

    Raises:
        DataError: the total exceeds the limit.
    """
    paths = [path for domain in domains for path in domain.paths]
    check_size(tree.root, sum(tree.sizes[path] for path in paths))
    check_size(tree.root, 3.0 * size * size * len(paths))


def check_spelling(domains: Mapping[str, Found]) -> None:
    """Refuse class names, within or between domains, that differ only by case or by the encoding of accents.

    Raises:
        DataError: there are two such names, which probably mean the same class.
    """
    spelt: dict[str, dict[str, str]] = {}
    for name, domain in domains.items():
        for spelling, count in Counter(domain.classes or ()).items():
            alike = spelt.setdefault(_folded(spelling), {})
            alike.setdefault(spelling, f"'{spelling}' (of '{name}', with {count} images)")
    for alike in spelt.values():
        if len(alike) > 1:
            raise DataError(
                f"The class folders {' and '.join(alike.values())} differ by case or by how accents are stored alone; "
                "give them one name."
            )
