"""What the pages need beside mkdocs: files of the repository that they link, formulas as MathML, methods by family."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import latex2mathml.converter
from mkdocs.structure.files import File
from mkdocs.utils import get_relative_url

from da.cli.pages import methods

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
AWAY = "repository"
"""Folder of the site with the files of the repository that stand outside ``docs``."""
LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=[)#])")
FENCE = re.compile(r"^ *```.*?^ *```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
SHIM = re.compile(r"https://unpkg\.com/iframe-worker/shim")
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def links(text: str) -> Iterator[str]:
    """Addresses of the links of a page to files, but for those in code."""
    yield from (link for link in LINK.findall(FENCE.sub("", text)) if not re.match(r"\w+:", link))


def uri(file: Path) -> str:
    """Where a file of the repository stands in the site."""
    inside = file.is_relative_to(DOCS)
    return file.relative_to(DOCS).as_posix() if inside else f"{AWAY}/{file.relative_to(ROOT).as_posix()}"


def on_config(config: Any) -> Any:
    """Put the pages of the methods into the navigation, by family, and last what it does not name."""
    by_family = [{family: [f"methods/{name}.md" for name in names]} for family, names in methods.families().items()]
    config.nav = [{"Methods": ["methods/index.md", *by_family]} if "Methods" in part else part for part in config.nav]
    named = set(re.findall(r"[\w/-]+\.md", str(config.nav)))
    others = sorted(file.name for file in DOCS.glob("*.md") if file.name not in named)
    config.nav += [{"More": others}] if others else []
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add what pages link outside ``docs``, and what these pages link in turn."""
    seen: set[Path] = set()
    waiting = sorted(DOCS.rglob("*.md"))
    while waiting:
        page = waiting.pop()
        for link in links(page.read_text(encoding="utf-8")):
            file = (page.parent / link).resolve()
            if file in seen or not file.is_file() or not file.is_relative_to(ROOT) or file.is_relative_to(DOCS):
                continue
            seen.add(file)
            files.append(File.generated(config, uri(file), abs_src_path=str(file)))
            waiting += [file] if file.suffix == ".md" else []
    return files


def on_page_markdown(text: str, *, page: Any, **kwargs: Any) -> str:
    """Lead links to files of the repository to where these stand in the site."""
    source = Path(page.file.abs_src_path)
    place = os.path.dirname(uri(source))

    def moved(link: re.Match[str]) -> str:
        file = (source.parent / link[1]).resolve()
        return os.path.relpath(uri(file), place) if file.is_file() and file.is_relative_to(ROOT) else link[1]

    pieces = re.split(f"({FENCE.pattern})", text, flags=FENCE.flags)
    return "".join(piece if FENCE.fullmatch(piece) else LINK.sub(moved, piece) for piece in pieces)


def on_post_page(text: str, *, page: Any, **kwargs: Any) -> str:
    """Lead the script by which pages search from disk to our own, as the theme would load it from a server."""
    return SHIM.sub(get_relative_url("javascripts/iframe_worker.js", page.url), text)


def on_post_template(text: str, *, template_name: str, **kwargs: Any) -> str:
    """The same on the page of a wrong address, the only template with scripts."""
    return SHIM.sub("javascripts/iframe_worker.js", text)


def on_page_content(text: str, **kwargs: Any) -> str:
    """Write formulas as MathML, which browsers render by themselves."""
    return FORMULA.sub(lambda m: mathml(html.unescape(m[2]).strip(), "inline" if m[1] == "span" else "block"), text)


SIZED = re.compile(r'<mo minsize="([\d.]+em)" maxsize="[\d.]+em">([^<]+)</mo>')
NAMES = {r"\Vert": "\u2016", r"\|": "\u2016", r"\{": "{", r"\}": "}"}
"""Brackets as MathML writes them."""


def mathml(formula: str, display: str) -> str:
    """A formula of LaTeX as MathML, ``inline`` or as a ``block``.

    Brackets of a given size have a larger letter, as they grow by themselves in fonts for formulas alone.
    """
    known = re.sub(r"\\arg\b", r"\\operatorname{arg}", re.sub(r"(\\[Bb]igg?)[lrm]?\s*\\\|", r"\1\\Vert ", formula))
    text = str(latex2mathml.converter.convert(known, display=display))
    return SIZED.sub(lambda m: f'<mo stretchy="false" mathsize="{m[1]}">{NAMES.get(m[2], m[2])}</mo>', text)
