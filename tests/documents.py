"""The pages of the project: their blocks of code, their links, and the names that they mention."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from processes import ROOT

BLOCK = re.compile(
    r"^(?P<mark><!-- [^\n]* -->\n)?(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^ *```$", re.M | re.S
)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Args:
        page: the page.
        language: such as ``bash``.
        body: its lines.
        mark: the comment before it, such as ``needs data``; empty for none.
    """

    page: Path
    language: str
    body: str
    mark: str

    def commands(self) -> list[str]:
        """The commands of a block of bash, without comments; lines that are continued are one."""
        lines = re.sub(r" \\\n *", " ", self.body).splitlines()
        return [line for line in (re.sub(r"(^| ) *# .*$", "", line).strip() for line in lines) if line]


def pages() -> list[Path]:
    """All pages, the README first."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def linked() -> list[Path]:
    """All files in Markdown that people read, those of committed results among them."""
    return [*dict.fromkeys([*pages(), *sorted(ROOT.glob("*.md")), *sorted((ROOT / "benchmarks").glob("*.md"))])]


def guides() -> list[Path]:
    """Pages with commands of their own: those of single methods have one each, and CONTRIBUTING.md its own tests."""
    return [page for page in pages() if page.parent.name != "methods" and page.name != "CONTRIBUTING.md"]


def name(page: Path) -> str:
    """A page as it is called in messages."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """The blocks of a page in some languages."""
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if found["language"] in languages:
            yield Block(page, found["language"], found["body"], (found["mark"] or "").strip("<!-> \n"))


def prose(page: Path) -> str:
    """A page without its blocks."""
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ +(.*)$", prose(page), re.M)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).replace("`", "").strip().lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in plain}


def begun() -> set[str]:
    """Names of methods, data sets and terms that the pages begin, by a scaffold or a YAML, and so need not be there."""
    texts = [page.read_text(encoding="utf-8") for page in pages()]
    made = {found for text in texts for found in re.findall(r"new_\w+\.py (\w+)", text)}
    own = {b.body.split()[1] for page in guides() for b in blocks(page, "yaml") if b.body.startswith("# conf/")}
    return made | {Path(file).stem for file in own if not (ROOT / file).is_file()}
