"""The pages build into a site without network, strictly, and the site loads nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from processes import ROOT

from da.config import catalog

pytest.importorskip("material", reason="mkdocs-material is not installed: pip install 'da[docs]'")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed: pip install 'da[docs]'")

OFFLINE = """
import socket, sys
def refused(*arguments, **options):
    raise OSError("a build of the pages must not reach for the network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refused
sys.argv = ["mkdocs", "build", "--strict", "--quiet", "--site-dir", sys.argv[1]]
from mkdocs.__main__ import cli
cli()
"""
LOADED = re.compile(r"<(?:script|img|iframe|source|audio|video|embed)\b[^>]*\bsrc=[\"']?([^\s\"'>]+)"
                    r"|<link\b[^>]*\bhref=[\"']?([^\s\"'>]+)|url\(([^)]+)\)|@import [\"']([^\"']+)")  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-c", OFFLINE, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=None, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    for name in catalog.options("method"):
        assert f'href="{name}.html"' in (site / "methods" / "index.html").read_text()
        assert f"<h1 id={name!r}".replace("'", '"') in (site / "methods" / f"{name}.html").read_text()
    assert (site / "repository" / "benchmarks" / "RESULTS.html").is_file()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(pages) > 80
    for page in pages:
        found = {next(filter(None, m)) for m in LOADED.findall(page.read_text(encoding="utf-8"))}
        away = [link for link in found if re.match(r"[\"']?(?:https?:)?//", link)]
        assert not away, f"{page.relative_to(site)} loads {away}"


def test_pages_search_from_disk(site: Path) -> None:
    """The index is a script that every page can load, and so is what stands in for a worker."""
    assert "kmm" in (site / "search" / "search_index.js").read_text(encoding="utf-8")
    for page, up in ((site / "index.html", ""), (site / "methods" / "kmm.html", "../")):
        assert f'src="{up}javascripts/iframe_worker.js"' in page.read_text(encoding="utf-8")
    assert (site / "javascripts" / "iframe_worker.js").is_file()


def test_a_bracket_of_a_given_size_is_large(site: Path) -> None:
    text = (site / "methods" / "soft_transfer.html").read_text(encoding="utf-8")
    assert re.search(r'<mo stretchy="false" mathsize="1.\d+em">(\(|\N{DOUBLE VERTICAL LINE})</mo>', text)
    assert "minsize" not in text


def test_formulas_are_mathml_and_complete(site: Path) -> None:
    for page in site.rglob("methods/*.html"):
        text = page.read_text(encoding="utf-8")
        assert "arithmatex" not in text
        for formula in re.findall(r"<math.*?</math>", text, re.DOTALL):
            assert "\\" not in formula, f"{page.name} has a command of LaTeX that is not known: {formula[:300]}"
    assert "<math" in (site / "methods" / "jda.html").read_text()
