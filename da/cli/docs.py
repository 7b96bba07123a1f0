"""Render parts of the documentation from the catalogue and from committed results."""

from __future__ import annotations

import json
import re

from da.cli import listing
from da.config import catalog
from da.tables import choice_page, rules
from da.tables import results_page as page


def parts() -> dict[str, str]:
    """Rendered Markdown by the name of its place."""
    data = "\n".join(
        [
            "| data | what it is |",
            "| --- | --- |",
            *(f"| `{e.name}` | {e.summary} |" for e in catalog.entries("data").values()),
        ]
    )
    bodies = {"methods": listing.methods_table(), "data": data, "overview": page.overview(), "mutants": mutants_table()}
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


PAGES = ("README.md", "CONTRIBUTING.md")


def render(*, write: bool) -> list[str]:
    """Names of outdated parts of the pages; with ``write`` all of them are updated.

    A part is between ``<!-- rendered: NAME -->`` and ``<!-- end -->``.
    """
    stale = []
    bodies = parts()
    for name in PAGES:
        file = catalog.ROOT / name
        text = file.read_text(encoding="utf-8")
        for part, body in bodies.items():
            place = re.compile(rf"(<!-- rendered: {re.escape(part)} -->\n).*?\n?(<!-- end -->)", re.DOTALL)
            new = place.sub(lambda m, body=body: m[1] + body + "\n" + m[2], text)  # type: ignore[misc]  # the default binds the loop's body
            if new != text:
                stale.append(part)
            text = new
        if write:
            file.write_text(text, encoding="utf-8")
    for file, wanted in (
        (page.PAGE, page.text()),
        (rules.PAGE, rules.committed()),
        (choice_page.PAGE, choice_page.text()),
    ):
        if not file.is_file() or file.read_text(encoding="utf-8") != wanted:
            stale.append(file.relative_to(catalog.ROOT).as_posix())
        if write:
            file.write_text(wanted, encoding="utf-8")
    return stale
