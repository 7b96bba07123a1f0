"""What is rendered from the catalogue and from committed results, never written by hand: README parts, RESULTS.md."""

from __future__ import annotations

import re

from da import catalog, listing
from da.benchmark import page


def parts() -> dict[str, str]:
    """Rendered Markdown by the name of its place."""
    data = "\n".join(
        [
            "| data | what it is |",
            "| --- | --- |",
            *(f"| `{e.name}` | {e.summary} |" for e in catalog.entries("data").values()),
        ]
    )
    made = {"methods": listing.methods_table(), "data": data, "overview": page.overview()}
    for file in sorted((catalog.ROOT / "benchmarks" / "results").glob("*.md")):
        made[f"results/{file.stem}"] = file.read_text(encoding="utf-8").strip()
    return made


def render(*, write: bool) -> list[str]:
    """What is out of date, parts of the README by name; with ``write`` all is brought up to date.

    A part stands between ``<!-- rendered: NAME -->`` and ``<!-- end -->``.
    """
    readme = catalog.ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    stale = []
    for name, body in parts().items():
        place = re.compile(rf"(<!-- rendered: {re.escape(name)} -->\n).*?\n?(<!-- end -->)", re.DOTALL)
        new = place.sub(lambda m, body=body: m[1] + body + "\n" + m[2], text)  # type: ignore[misc]  # the default binds the loop's body
        if new != text:
            stale.append(name)
        text = new
    results = page.PAGE.read_text(encoding="utf-8") if page.PAGE.is_file() else ""
    if results != page.text():
        stale.append("benchmarks/RESULTS.md")
    if write:
        readme.write_text(text, encoding="utf-8")
        page.write()
    return stale
