from __future__ import annotations

import ast
import re

import pytest
from jinja2 import UndefinedError
from processes import ROOT, finished

from da.report import svg
from da.report.templating import FOLDER, SUFFIX, environment, join_lines, render

TEMPLATES = sorted(file.name for file in FOLDER.glob(f"*{SUFFIX}"))
TRUSTED = {"part_significance.html.j2": ["content.diagram|safe"], "section.html.j2": ["part.body|safe"]}
"""What is drawn as it is: a diagram of matplotlib's, which escapes the texts in it."""


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_escape_all_but_what_is_excused(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert re.findall(r"[\w.]+\s*\|\s*safe\b", text) == TRUSTED.get(name, [])
    for word in ("autoescape", "Markup", "forceescape", "xmlattr", "tojson", "urlize"):
        assert word not in text
    environment().get_template(name)


def test_values_stand_in_text_or_in_quotes():
    """Nowhere in style or script, in a tag's name, or in an attribute without quotes: escaping helps there little."""
    for name in TEMPLATES:
        text = re.sub(r"{#.*?#}|{%.*?%}", "", (FOLDER / name).read_text(encoding="utf-8"), flags=re.DOTALL)
        for tag in re.findall(r"<[^>]*>", text):
            assert "{{" not in re.sub(r"\"[^\"]*\"|'[^']*'", "", tag.replace('{{ "\\n" }}', "")), (name, tag)
        for kind in ("style", "script"):
            assert not re.search(rf"<{kind}>(?!{{{{ \"\\n\" }}}}\s*</{kind}>)", text), name


def test_no_module_trusts_text_or_makes_an_environment_of_its_own():
    for file in sorted((ROOT / "da").rglob("*.py")):
        names = {
            name
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        }
        found = {str(name).split(".")[0] for name in names} & {"jinja2", "markupsafe"}
        assert found <= ({"jinja2"} if file.name == "templating.py" else set()), file


def test_a_value_is_escaped_and_an_unknown_one_refused():
    fact = {"name": "<a & 'b'>", "value": '"'}
    text = render("environment.html.j2", page={"environment": [fact]})
    assert "<th scope='row'>&lt;a &amp; &#39;b&#39;&gt;</th><td>&#34;</td>" in text
    with pytest.raises(UndefinedError, match="value"):
        render("environment.html.j2", page={"environment": [{"name": "a"}]})
    with pytest.raises(UndefinedError, match="page"):
        render("environment.html.j2")


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ("<ul>\n  <li>", "<ul><li>"),
        ("<p>\n  two\n  words\n</p>", "<p>two words</p>"),
        ('<a class="b"\n   href="', '<a class="b" href="'),
        ("\n  beside an expression ", "beside an expression "),
        (" before one\n", " before one"),
        ("<b>a</b> <i>", "<b>a</b> <i>"),
        ("\n\n", ""),
    ],
)
def test_lines_are_joined(lines, line):
    assert join_lines(lines) == line


def test_lines_of_values_style_and_script_stay():
    kind = {"methods": "a", "kind": "b", "error": "c", "traceback": "one\n  two\n", "directories": []}
    failures = {"reasons": [], "kinds": [kind], "left_out": 0}
    page = {"title": "t", "sections": [], "failures": failures, "environment": []}
    text = render("page.html.j2", page=page)
    assert "<pre>one\n  two\n</pre>" in text
    for name in ("page.css", "page.js"):
        assert f">\n{(FOLDER / name).read_text(encoding='utf-8')}</" in text


@pytest.mark.parametrize("shape", [kind.shape for kind in svg.Shape.__args__])
def test_every_shape_has_its_macro(shape):
    assert hasattr(environment().get_template("shapes.svg.j2").module, shape)


def test_no_template_is_read_before_a_page_is_written():
    done = finished("-c", "import sys, da.cli.report; assert 'jinja2' not in sys.modules")
    assert (done.returncode, done.stderr) == (0, "")
