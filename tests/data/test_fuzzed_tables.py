"""The same table, however it is written: the same numbers, or a sentence; never other numbers, never a traceback."""

import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from da.data.features import Features
from da.data.readers import read_table
from da.errors import UsageError

FUZZ = settings(
    max_examples=int(os.environ.get("DA_EXAMPLES", "100")),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),  # they look at the clock, and at how much of what is drawn is thrown away
)
NAMES = ("f0", "f1", "b c", "größe", "1st", "x.y", "NA", "x,y", "u;v", 'say "q"', "tab\tbed")
WORDS = (("cat", "dog", "bird"), ("NA", "None", "nan"), ("01", "02", "1"), ("A, b", "c;d", "e f"), ("Größe", "Äpfel", "Öl"),
         ("True", "False", "true"), ('say "a"', "it's", "=1+1"), ("1e5x", "-", "?"))  # fmt: skip
NUMBERS = ((0, 1, 2), (1, 2, 10), (-1, 1, 3), (7, 1000000, 12), (0, 1))
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1")
HOLDS = {"eighths": ("float64", "float32", "float16", ">f8", "longdouble"), "whole": ("int64", "int16", ">i4", "float32"),
         "bits": ("bool", "uint8", "int8", "float64")}  # fmt: skip


@dataclass
class Written:
    """A table, and how it is written.

    Args:
        x: ``(n, d)`` values, exact in every type that they are written as.
        y: labels as they are meant.
        names: of the columns.
        order: of the columns in the file.
        rows: their order in the file.
        kind: the format.
        labels: given, absent (no column), or empty.
    """

    x: np.ndarray
    y: list[Any]
    names: list[str]
    order: list[int]
    rows: list[int]
    kind: str
    dtype: str
    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = "."
    newline: str = "\n"
    number: str = "repr"
    spell: str = "plain"
    place: int = 0
    labels: str = "given"

    @property
    def named(self) -> bool:
        return self.kind in ("csv", "parquet")

    def save(self, stem: Path) -> Path:
        path = stem.with_suffix(f".{self.kind.removesuffix('73')}")
        x = self.x[np.ix_(self.rows, self.order)].astype(self.dtype)
        y = [self.y[k] for k in self.rows]
        WRITERS[self.kind](path, self, x, y)
        return path


def csv(path: Path, how: Written, x: np.ndarray, y: list[Any]) -> None:
    lines = [[how.names[k] for k in how.order], *([number(value, how) for value in row] for row in builtin(x))]
    cells = [spelt(value, how) if how.labels == "given" else "" for value in y]
    for line, label in zip(lines, ["label", *cells] if how.labels != "absent" else [], strict=how.labels != "absent"):
        line.insert(min(how.place, len(line)), label)
    text = how.newline.join(how.separator.join(quoted(cell, how.separator) for cell in line) for line in lines)
    path.write_bytes((text + how.newline).encode(how.encoding))


def builtin(x: np.ndarray) -> list[list[Any]]:
    return (x.astype("float64") if x.dtype.kind == "f" else x).tolist()


def quoted(cell: str, separator: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"' if any(mark in cell for mark in (separator, '"', "\n")) else cell


def number(value: Any, how: Written) -> str:
    if isinstance(value, bool):
        return str(value)
    text = {"repr": repr(value), "scientific": f"{value:.6e}", "plus": f"{value:+}", "short": repr(value)}[how.number]
    if how.number == "short":
        text = text.removesuffix(".0")
    return text.replace(".", how.decimal)


def spelt(label: Any, how: Written) -> str:
    if isinstance(label, str):
        return label
    return {"plain": str(label), "float": f"{label}.0", "plus": f"{label:+}", "power": f"{label}e0", "padded": f" {label} "}[
        how.spell
    ]  # fmt: skip


def labels_of(y: list[Any], how: Written) -> np.ndarray:
    made = np.array(y)
    if made.dtype.kind == "i":
        return made.astype(
            {"plain": "int64", "float": "float64", "plus": "int32", "power": "float32", "padded": "str"}[how.spell]
        )
    return made


def parquet(path: Path, how: Written, x: np.ndarray, y: list[Any]) -> None:
    plain = np.dtype(how.dtype).newbyteorder("=").name.replace("longdouble", "float64").replace("float128", "float64")
    frame = pd.DataFrame(x.astype(plain), columns=[how.names[k] for k in how.order])
    column = pd.Series(labels_of(y, how).tolist())
    column = column if how.labels == "given" else pd.Series([None] * len(x), dtype="string")
    if how.labels != "absent":
        frame.insert(
            min(how.place, len(how.order)), "label", column.astype("category") if how.spell == "power" else column
        )
    frame.to_parquet(path, index=False)


def npz(path: Path, how: Written, x: np.ndarray, y: list[Any]) -> None:
    np.savez(path, x=x, **({"y": labels_of(y, how)} if how.labels == "given" else {}))


def mat(path: Path, how: Written, x: np.ndarray, y: list[Any]) -> None:
    content = {"fea": x.astype("float64") if x.dtype.kind == "f" else x, "labels": labels_of(y, how)}
    savemat(path, {name: content[name] for name in (content if how.labels == "given" else ("fea",))})


def h5(path: Path, how: Written, x: np.ndarray, y: list[Any]) -> None:
    with h5py.File(path, "w") as file:
        file["X"] = x
        made = labels_of(y, how)
        if how.labels == "given":
            file["y"] = made if made.dtype.kind != "U" else np.array([str(v).encode() for v in made.tolist()])


def mat73(path: Path, how: Written, x: np.ndarray, y: list[Any]) -> None:
    with h5py.File(path, "w") as file:
        file["X"] = x.T
        if how.labels == "given":
            file["y"] = np.atleast_2d(np.array(y)).T


WRITERS: dict[str, Callable[[Path, Written, np.ndarray, list[Any]], None]] = {
    "csv": csv, "parquet": parquet, "npz": npz, "mat": mat, "h5": h5, "mat73": mat73,
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> list[Written]:
    """The source's and the target's table, of the same columns and classes."""
    kinds = [draw(st.sampled_from(["csv", "csv", *WRITERS])) for _ in range(2)]
    width = draw(st.integers(1, 5))
    names = draw(st.permutations(NAMES))[:width]
    values = draw(st.sampled_from(list(HOLDS)))
    words = draw(st.booleans()) and "mat73" not in kinds  # which holds numbers alone
    classes = list(draw(st.sampled_from(WORDS if words else NUMBERS)))
    free = all(kind in ("csv", "parquet") for kind in kinds)  # columns of arrays have no names to be matched by
    made = []
    for kind in kinds:
        n = draw(st.integers(3, 12))
        low, high = {"eighths": (-800, 800), "whole": (-100, 100), "bits": (0, 1)}[values]
        cells = draw(st.lists(st.integers(low, high), min_size=n * width, max_size=n * width))
        x = np.array(cells, dtype=np.float64).reshape(n, width) / (8 if values == "eighths" else 1)
        y = [*classes, *(draw(st.sampled_from(classes)) for _ in range(n - len(classes)))]
        separator = draw(st.sampled_from([",", ";", "\t"]))
        made.append(
            Written(
                x, y, names, draw(st.permutations(range(width))) if free else list(range(width)),
                draw(st.permutations(range(n))), kind, draw(st.sampled_from(HOLDS[values])),
                draw(st.sampled_from(ENCODINGS)), separator,
                draw(st.sampled_from([".", "."] if separator == "," else [".", ","])),
                draw(st.sampled_from(["\n", "\r\n"])), draw(st.sampled_from(["repr", "scientific", "plus", "short"])),
                draw(st.sampled_from(["plain", "float", "plus", "power", "padded"])), draw(st.integers(0, width)),
            )
        )  # fmt: skip
    made[1].labels = draw(st.sampled_from(["given", "given", "absent", "empty"]))
    assume(len({str(sorted(how.x.tolist())) for how in made}) == 2)  # a domain is not adapted to itself
    return made


def plain(how: Written, other: Written) -> bool:
    """Nothing about a table gives a reason to refuse it."""
    text = "".join([*how.names, *map(str, how.y)])
    awkward = any(mark in "".join(how.names) for mark in ',;"\t') or "NA" in how.names
    spelling = {how.spell, other.spell} <= {"plain", "float"}
    return (how.encoding != "latin-1" or text.isascii() or how.kind != "csv") and not awkward and spelling


@FUZZ
@given(tables())
def test_a_table_is_the_same_however_it_is_written(made: list[Written]) -> None:
    source, target = made
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        files = [how.save(Path(folder) / name) for how, name in zip(made, ("s", "t"), strict=True)]
        try:
            task = Features(
                source=str(files[0]), target=str(files[1]), test_fraction=0.0, validation_fraction=0.0
            ).load()
        except UsageError as error:
            event("refused")
            refused = str(error)
        else:
            refused = ""
    if refused:
        assert "\n" not in refused
        assert not (plain(source, target) and plain(target, source)), refused
        return
    event("read")
    classes = np.array(task.classes)
    for how, domain in ((source, task.sources[0].train), (target, task.target.train)):
        assert domain.x.dtype in (np.float32, np.float64), domain.x.dtype
        assert domain.x.dtype.isnative
        expected = how.x[np.ix_(how.rows, source.order)]
        np.testing.assert_array_equal(domain.x, expected, str(how))
        if how.labels == "given":
            assert classes[domain.y].tolist() == [str(how.y[k]) for k in how.rows], how
        else:
            assert domain.y is None, how


@FUZZ
@given(tables(), st.data())
def test_a_damaged_file_is_a_sentence_or_a_table(made: list[Written], data: st.DataObject) -> None:
    how = made[0]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = how.save(Path(folder) / "a")
        content = bytearray(path.read_bytes())
        if how.kind in ("csv", "npz") and data.draw(st.booleans()):
            place = data.draw(st.integers(0, len(content) - 1))
            content[place] = data.draw(st.integers(0, 255))
        else:
            del content[data.draw(st.integers(0, len(content) - 1)) :]
        path.write_bytes(content)
        try:
            table = read_table(path)
        except UsageError as error:
            sentence = str(error)
        else:
            sentence = ""
            assert table.x.dtype.kind == "f"
            assert table.y is None or len(table.y) == len(table.x)
        assert "\n" not in sentence
