"""Render the documentation, whole pages and parts of others, from the catalogue and from committed results."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from da import places
from da.cli import listing
from da.cli.pages import methods, references
from da.config import catalog
from da.tables import choice_page, rules
from da.tables import results_page as page

DOCS = catalog.ROOT / "docs"


def parts() -> dict[str, str]:
    """Rendered Markdown by the name of its place in a page that is written by hand."""
    bodies = {
        "overview": page.overview(),
        "mutants": mutants_table(),
        "selection": references.selection_rules(),
        "help": f"```text\n{listing.help_text()}```",
    }
    bodies["choice"] = choice_page.wrapped(choice_page.first_sentences())
    for file in sorted((catalog.ROOT / "benchmarks" / "results").glob("*.md")):
        bodies[f"results/{file.stem}"] = file.read_text(encoding="utf-8").strip()
    return bodies


def mutants_table() -> str:
    """The table of mutants that the tests of each module detect, from the committed counts."""
    file = catalog.ROOT / "tests" / "mutants.json"
    counts = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    rows = [f"| `{name}` | {c['total']} | {c['killed']} | {c['excused']} |" for name, c in counts.items()]
    total, killed, excused = (sum(c[key] for c in counts.values()) for key in ("total", "killed", "excused"))
    head = ["| module | wrong versions | noticed | excused |", "| --- | ---: | ---: | ---: |"]
    return "\n".join([*head, *rows, f"| all | {total} | {killed} | {excused} |"])


def written() -> list[Path]:
    """The pages that are written by hand, and may have rendered parts."""
    top = [catalog.ROOT / "README.md", catalog.ROOT / "CONTRIBUTING.md"]
    return [*top, *(file for file in sorted(DOCS.glob("*.md")) if file not in references.FILES)]


def whole() -> dict[Path, str]:
    """The pages that are rendered from the first line to the last."""
    return {
        **methods.pages(),
        **references.pages(),
        page.PAGE: page.text(),
        rules.PAGE: rules.committed(),
        choice_page.PAGE: choice_page.text(),
    }


def advice(stale: Sequence[str]) -> str:
    """What is out of date, and the command that renders it."""
    return f"out of date: {', '.join(stale)}; run `python scripts/render_docs.py`, which renders them."


def render(*, write: bool) -> list[str]:
    """Names of outdated pages and parts of pages; with ``write`` all of them are updated.

    A part is between ``<!-- rendered: NAME -->`` and ``<!-- end -->``. Pages of methods that are no more are removed.
    """
    places.checkout("Rendering pages")
    stale = []
    bodies = parts()
    for file in written():
        text = file.read_text(encoding="utf-8")
        for part, body in bodies.items():
            place = re.compile(rf"(<!-- rendered: {re.escape(part)} -->\n).*?\n?(<!-- end -->)", re.DOTALL)
            new = place.sub(lambda m, body=body: m[1] + body + "\n" + m[2], text)  # type: ignore[misc]  # the default binds the loop's body
            if new != text:
                stale.append(part)
            text = new
        if write:
            file.write_text(text, encoding="utf-8")
    wanted: dict[Path, str | None] = {**dict.fromkeys(methods.FOLDER.glob("*.md")), **whole()}
    for file, new_text in sorted(wanted.items()):
        if (file.read_text(encoding="utf-8") if file.is_file() else None) == new_text:
            continue
        stale.append(file.relative_to(catalog.ROOT).as_posix())
        if write and new_text is None:
            file.unlink()
        elif write and new_text is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(new_text, encoding="utf-8")
    return stale
