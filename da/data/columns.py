"""Match the columns of different tables by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from da.data.tables import Table
from da.errors import DataError, few


def match(files: Sequence[Path], tables: Sequence[Table], n_sources: int) -> list[Table]:
    """Reorder the columns of the tables to those of the first source, where their names are the same.

    Sources must agree among themselves, and the target with its test file; a target of other columns is for methods
    of several feature spaces, and stays unchanged. So does a table whose columns have no names.

    Raises:
        DataError: files that must agree have different names of columns.
    """
    matched = list(tables)
    for first, others in ((0, range(1, len(tables))), (n_sources, range(n_sources + 1, len(tables)))):
        known = matched[first].columns
        for k in others:
            if (names := matched[k].columns) is None or known is None:
                continue
            if set(names) == set(known):
                order = [names.index(name) for name in known]
                matched[k] = matched[k]._replace(x=matched[k].x[:, order], columns=known)
            elif (first < n_sources) == (k < n_sources):
                raise DataError(differing(str(files[first]), known, str(files[k]), names))
    return matched


def differing(a: str, of_a: Sequence[str], b: str, of_b: Sequence[str]) -> str:
    """A sentence on the columns that one table has and another lacks."""
    lacking = [(b, [name for name in of_a if name not in of_b]), (a, [name for name in of_b if name not in of_a])]
    clauses = [f"'{where}' lacks {few(names)}" for where, names in lacking if names]
    return f"{', and '.join(clauses)}; give both the same columns (data.drop=[...] leaves some out)."
