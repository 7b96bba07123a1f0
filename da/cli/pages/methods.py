"""A page for each method, from its docstring, YAML, needs and rows of committed tables, and an index of all."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from da.cli import listing
from da.cli.pages import docstring
from da.cli.pages.docstring import cell
from da.config import catalog
from da.config.catalog import Entry
from da.setting import DIFFERENT, FEW, MANY, NONE, setting_of
from da.tables import leaderboard, markdown
from da.tables import results_page as page
from da.tables.leaderboard import Line
from da.tables.spec import EvaluationProtocol, TableSpec
from da.tables.summary import Summary
from da.tables.wording import ABSENT, ORACLE
from da.tables.writer import Sheet

FOLDER = catalog.ROOT / "docs" / "methods"
INDEX = FOLDER / "index.md"
NOTE = "<!-- python scripts/render_docs.py -->"
"""Last line of a rendered page: what renders it."""
SECTIONS = {
    "transductive": "transductive",
    "custom": "few-labels",
    "inductive": "few-labels",
    "heterogeneous": "different-features",
    "unsupervised": "no-labels",
}
"""Heading of the page of settings by the name of a setting; others have none."""
LABEL_SHIFT = ("bbse", "em_prior", "mmd_target_shift", "rlls")
"""Weightings whose shift is one of class shares; that of the others is one of inputs."""
SEVERAL = 'data=pacs "data.source=[cartoon,photo,sketch]" data.target=art_painting'


def pages() -> dict[Path, str]:
    """The text of the index and of each method's page, by file."""
    built_in = [e for e in catalog.entries("method").values() if e.is_built_in]
    return {INDEX: index(), **{FOLDER / f"{e.name}.md": method(e) for e in built_in}}


def index() -> str:
    """The table of all methods."""
    return (
        "\n\n".join(
            [
                "# Methods",
                '`x` are inputs, `y` labels; "few y" are `shots` labels of each class. [Settings](../settings.md) says '
                "which suits yours, and `python scripts/train.py --list` which method runs on which data.",
                listing.methods_table(),
                NOTE,
            ]
        )
        + "\n"
    )


def method(entry: Entry) -> str:
    """The page of a method."""
    doc = docstring.read(entry.signature.doc, address)
    parts = [
        f"# {entry.name}",
        doc.summary,
        _facts(entry),
        example(entry),
        doc.body,
        f"## Hyper-parameters\n\n{_hyper_parameters(entry, doc)}",
        f"```yaml\n# {_relative(catalog.CONF / 'method' / f'{entry.name}.yaml')}\n{_yaml(entry)}\n```",
        f"## Reference\n\n{doc.reference[0].upper()}{doc.reference[1:]}" if doc.reference else "",
        f"## Differences from the paper\n\n{doc.deviates[0].upper()}{doc.deviates[1:]}" if doc.deviates else "",
        f"## Measured\n\n{_measured(entry)}",
        _gallery(entry),
        NOTE,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def address(path: str) -> str | None:
    """The page of the method whose class this is, from another method's page."""
    return next((f"{e.name}.md" for e in catalog.entries("method").values() if e.path == path), None)


def example(entry: Entry) -> str:
    """A block of commands that shows a method on data with what it is for."""
    command = f"python scripts/train.py method={entry.name}"
    if entry.name == "fine_tune":
        before = "python scripts/train.py method=source_only data=digits"
        return _bash(before, f"{command} data=digits method.checkpoint=DEEP_RUN    # the folder of that run")
    if entry.access.sources == MANY:
        return f"<!-- needs data -->\n{_bash(f'{command} {SEVERAL}')}"
    return _bash(f"{command} {_example_data(entry)}")


def _example_data(entry: Entry) -> str:
    if entry.access.spaces == DIFFERENT:
        return "data=toy_dimensions"
    if entry.family == "weighting":
        return f"data=toy data.shift={'target' if entry.name in LABEL_SHIFT else 'covariate'}"
    few = " shots=3" if entry.access.target_y == FEW else ""
    return f"data={'toy' if entry.is_estimator else 'digits'}{few}"  # closed-form methods take seconds on toy


def _bash(*commands: str) -> str:
    return "\n".join(["```bash", *commands, "```"])


def _facts(entry: Entry) -> str:
    source, target, spaces, sources = listing.needs_cells(entry)
    code = Path(*entry.path.split(".")[:-1]).with_suffix(".py")
    rows = [
        ["family", f"{entry.family} ({'closed form' if entry.is_estimator else 'deep'})"],
        ["setting", _setting(entry)],
        ["sees of the source", source],
        ["sees of the target", target],
        ["feature spaces", spaces],
        ["several sources", sources],
        ["code", f"[`{code}`](../../{code})"],
    ]
    return Sheet(rows[0], rows[1:], words=(0, 1)).markdown()


def _setting(entry: Entry) -> str:
    """The name of a method's setting, linked to what the page of settings says of it."""
    name = setting_of(entry.access)
    anchor = SECTIONS.get(name, "")
    if entry.family == "weighting":
        anchor = "label-shift" if entry.name in LABEL_SHIFT else "covariate-shift"
    return f"[{name}](../settings.md{f'#{anchor}' if anchor else ''})"


def _hyper_parameters(entry: Entry, doc: docstring.Docstring) -> str:
    keys = {key: value for key, value in entry.config.items() if key != "_target_"}
    if not keys:
        return "It has none."
    ranges = _ranges(entry)
    body = [
        [f"`method.{key}`", f"`{as_written(value)}`", ranges.get(key, ""), cell(doc.arguments.get(key, ""))]
        for key, value in keys.items()
    ]
    return Sheet(["key", "default", "searched in", "meaning"], body, words=(0, 1, 2, 3)).markdown()


def as_written(value: object) -> str:
    """A value of a YAML as one writes it on the command line."""
    return value if isinstance(value, str) else json.dumps(value)


def _ranges(entry: Entry) -> dict[str, str]:
    node = entry.signature.constants.get("search_space")
    if not isinstance(node, ast.Dict):
        return {}
    return {
        key.value: f"`{cell(ast.unparse(value))}`"
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _yaml(entry: Entry) -> str:
    return (catalog.CONF / "method" / f"{entry.name}.yaml").read_text(encoding="utf-8").strip()


def _relative(file: Path) -> str:
    return file.relative_to(catalog.ROOT).as_posix()


@dataclass(frozen=True)
class Row:
    """A row of a committed table, with what the table's page says of it.

    Args:
        spec: the table.
        summary: what came of it.
        line: the row.
        plain: the row without adaptation that it is to be compared with; None where the table has none.
        settings: overrides of the row beside its method.
    """

    spec: TableSpec
    summary: Summary
    line: Line
    plain: Line | None
    settings: tuple[str, ...]


@cache
def rows() -> dict[str, list[Row]]:
    """Rows of all committed tables by the name of their method."""
    found: dict[str, list[Row]] = {}
    for spec, summary in page.committed()[0]:
        lines = {line.row: line for line in leaderboard.lines(spec, summary)}
        for row, (first, *settings) in spec.protocol.rows().items():
            if row in lines and lines[row].runs:
                plain = lines.get(without_adaptation(spec.protocol, row) or "")
                name = first.removeprefix("method=")
                found.setdefault(name, []).append(Row(spec, summary, lines[row], plain, tuple(settings)))
    return found


def without_adaptation(protocol: EvaluationProtocol, row: str) -> str | None:
    """The row of a table that differs from another in the adaptation alone.

    Of a closed-form method it is the row of ``unadapted``, of a deep one that of ``source_only``, with the same
    overrides (classifier, optimiser, epochs); else the table's baseline, if that is the same method under the same
    overrides, with other hyper-parameters.

    Args:
        protocol: of the table.
        row: of the table.

    Returns:
        None where the table has no such row, the row is one itself, or it has clusters in place of classes.
    """
    rows, methods = protocol.rows(), catalog.entries("method")
    first, *settings = rows[row]
    entry = methods.get(first.removeprefix("method="))
    if entry is None or max(entry.access.source_y, entry.access.target_y) == NONE:
        return None
    wanted = {f"method={'unadapted' if entry.is_estimator else 'source_only'}", *_of_the_run(settings)}
    if {first, *_of_the_run(settings)} == wanted:
        return None
    found = next((name for name, given in rows.items() if set(given) == wanted), None)
    base = protocol.baseline if protocol.baseline in rows else row
    same = base != row and {rows[base][0], *_of_the_run(rows[base][1:])} == {first, *_of_the_run(settings)}
    return found or (base if same else None)


def _of_the_run(settings: Sequence[str]) -> list[str]:
    """Overrides but those of the method's hyper-parameters."""
    return [given for given in settings if not given.startswith("method.")]


def _measured(entry: Entry) -> str:
    there = rows().get(entry.name, [])
    if not there:
        return "No committed table has a row of this method yet."
    columns = ["table", "row", "ours", "without adaptation", "published", "selection", "tasks"]
    sheet = Sheet(columns, [_row(row) for row in there], words=(0, 1, 5)).markdown()
    plain = "unadapted" if entry.is_estimator else "source_only"
    marked = any(_is_oracle(row) for row in there)
    return (
        "Means over the tasks of each table in %, on the target's test split, at the epoch that the rule of the column "
        '"selection" chooses; ± is the standard deviation over seeds. '
        + ("Figures in italics are an oracle's, which reads target test labels: bounds, no results. " if marked else "")
        + f'"Without adaptation" is `{plain}` under the same settings, or the method itself with its adaptation off, '
        'where the table has such a row. "Published" is a figure of the same protocol († recomputed, ‡ from memory).'
        f"\n\n{sheet}"
    )


def _is_oracle(row: Row) -> bool:
    return row.spec.protocol.selection.startswith(ORACLE)


def _row(row: Row) -> list[str]:
    places = markdown.digits(row.summary)
    anchor = markdown.anchor(row.spec.protocol.title)
    shown = markdown.apart if _is_oracle(row) else str
    ours, plain = (
        ABSENT if line is None else shown(markdown.number(line.mean, line.std, places))
        for line in (row.line, row.plain)
    )
    return [
        f"[{row.spec.protocol.name}](../../benchmarks/RESULTS.md#{anchor})",
        cell(row.line.row) + (f" (`{cell(' '.join(row.settings))}`)" if row.settings else ""),
        ours,
        plain,
        re.sub(r" \[\d+\]", "", markdown.paper_cell(row.line.paper, row.spec)),
        shown(row.spec.protocol.selection),
        str(len(row.spec.protocol.tasks)),
    ]


def _gallery(entry: Entry) -> str:
    file = page.RESULTS / f"gallery_{entry.family}.png"
    if not (entry.is_estimator and file.is_file()):
        return ""
    return (
        f"## What it does to a toy\n\nAll {entry.family} methods on two-dimensional data "
        f"(`python scripts/gallery.py {entry.family}`):\n\n"
        f"![{entry.family} methods on two-dimensional toy shifts](../../{_relative(file)})"
    )


def families() -> dict[str, Sequence[str]]:
    """Names of the methods by family, in the order of the index."""
    found: dict[str, list[str]] = {}
    for entry in listing.by_family("method"):
        found.setdefault(entry.family, []).append(entry.name)
    return dict(found)
