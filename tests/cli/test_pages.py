"""The pages are current, small enough, and what they name exists: methods, data, keys, scripts, files, anchors."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import documents
import pytest
import torch
from documents import LINK, SPAN, blocks, guides, name, pages, prose
from processes import ROOT
from torch.nn.functional import binary_cross_entropy_with_logits

from da.cli import benchmark, choose, docs, export, listing, main, new, predict
from da.cli import train as entry
from da.cli.pages import docstring, methods, references
from da.config import catalog
from da.config.compose import expand
from da.config.evidence import criteria
from da.config.validate import KEYS
from da.divergences.adversarial import domain_confusion
from da.setting import setting_of
from da.tables import spec

ASSIGNED = re.compile(r"(?<![\w.\-/{])([a-z_][\w.]*)=([^\s'\"`;)]*)")
PLACEHOLDERS = {*documents.begun(), "NAME", "OPTION", "ROW", "A", "B", "null", "none", "None", "N", ""}
WORDS = {*KEYS, *benchmark.OWN, *choose.OWN, *predict.KEYS, *export.KEYS, "hydra", "runs", "KEY", "GROUP"}
WORDS |= catalog.groups()
"""What may stand left of a sign of equality on a command line; in the text, Python's keywords may as well."""
VALUES = {
    "selection": criteria,
    "rule": criteria,
    "sweep.objective": criteria,
    "table": spec.names,
    "terms": lambda: catalog.options("term"),
}


def test_rendered_pages_are_current() -> None:
    stale = docs.render(write=False)
    assert not stale, docs.advice(stale)
    text = "".join(page.read_text(encoding="utf-8") for page in docs.written())
    for part in docs.parts():
        assert f"<!-- rendered: {part} -->" in text, f"no page has a place for {part}"


def test_the_readme_is_read_in_minutes() -> None:
    size = len((ROOT / "README.md").read_bytes())
    assert size <= 8000, f"README.md has {size} bytes, and is to have 8000 at most: move a passage to a page of docs/"


def test_the_help_fits_on_a_screen_and_begins_with_options() -> None:
    lines = listing.help_text().splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= listing.WIDTH
    heads = [line.split()[0] for line in lines if line and not line.startswith(" ")]
    assert heads.index("options") < heads.index("methods") < heads.index("data") < heads.index("other")
    for method in catalog.entries("method").values():
        (line,) = (k for k, text in enumerate(lines) if re.search(rf"\b{method.name}\b(?!=)", text) and k > 8)
        family = next(text for text in reversed(lines[: line + 1]) if re.match(r"  \w", text))
        assert family.split()[0] == method.family


def pieces(page: Path) -> Iterator[str]:
    """What stands in a page as code: spans of the text, and commands of its blocks."""
    yield from SPAN.findall(prose(page))
    for block in blocks(page, "bash", "sh"):
        yield from block.commands()


EXAMPLE = re.compile("mean_matching|location_scale|mean_gap|tumours")
"""What readers of CONTRIBUTING.md make themselves; tests/test_contributing.py follows it."""


def unknown(piece: str) -> Iterator[str]:
    """Names of a piece of code that nothing has."""
    groups = catalog.groups()
    predicted = "predict.py" in piece or "export.py" in piece
    for key, value in ASSIGNED.findall(piece):
        group, dot, inner = key.partition(".")
        given = (v.strip("[]") for v in re.split(r"[,+]", value))  # method=dann+mcc is dann with a term
        values = [v for v in given if v not in PLACEHOLDERS and not re.search(r"[./:$<{]", v)]
        if key in VALUES:
            yield from (f"{key}={v}" for v in values if v not in VALUES[key]())
        elif group in groups and not dot and not predicted:
            known = {*catalog.options(group), *(catalog.options("term") if key == "method" else ())}
            yield from (f"{key}={v}" for v in values if v not in known)
        elif group == "term" and dot:
            of, _, keyword = inner.partition(".")
            known = catalog.entries("term")
            if of != "NAME" and (of not in known or keyword not in {*known[of].config} - {"weight"}):
                yield key
        elif group == "term_weights":
            if inner not in {*catalog.options("term"), "NAME"}:
                yield key
        elif group in groups and dot:
            known = {"pairs", "_target_", *catalog.options(group)} | {k for e in entries(group) for k in e}
            if inner.split(".")[0] not in known and inner != "KEY":
                yield key
        elif group not in WORDS and (piece.startswith("python scripts") or get_close_matches(key, WORDS, cutoff=0.8)):
            yield key
    for script in re.findall(r"\b(?:scripts|benchmarks)/[a-z_/]+\.py", piece):
        if not (ROOT / script).is_file():
            yield script
    for module in re.findall(r"python -m (da[\w.]*)", piece):
        if not (ROOT / module.replace(".", "/")).exists():
            yield module
    if re.fullmatch(r"(?:da|tests|benchmarks|conf|docs)/[a-z0-9_./]+", piece) and not (ROOT / piece).exists():
        yield from [] if any(found in piece for found in documents.begun()) else [piece]


def entries(group: str) -> list[dict]:
    if group == "experiment":
        return []
    return [dict(e.config) for e in catalog.entries(group).values()]


@pytest.mark.parametrize("page", pages(), ids=name)
def test_what_a_page_names_exists(page: Path) -> None:
    written = [piece for piece in pieces(page) if not EXAMPLE.search(piece)]
    wrong = {f"{found} in `{piece}`" for piece in written for found in unknown(piece)}
    assert not wrong, sorted(wrong)


@pytest.mark.parametrize(
    "piece",
    ["python scripts/train.py method=dnan", "data=digit", "method.wieght=2", "`steps_per_epochs=3`".strip("`"),
     "python scripts/trian.py", "python -m da.chekcs x", "da/methods/dann.py", "selection=infomx", "table=office",
     "python scripts/train.py sed=1", "network.dpeth=50", "term.bsp.weight=1", "term.mcc.temprature=2", "term_weights.bps=1"],
)  # fmt: skip
def test_a_misspelt_name_is_found(piece: str) -> None:
    assert list(unknown(piece))


@pytest.mark.parametrize("page", documents.linked(), ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{name(page)} links {link}, which is not there"
        if anchor and file.suffix == ".md":
            assert anchor in documents.anchors(file), f"{name(page)} links {link}, and there is no such heading"


def train_commands() -> list[str]:
    there = (block for page in [*guides(), ROOT / "CONTRIBUTING.md"] for block in blocks(page, "bash"))
    found = {
        command for block in there for command in block.commands() if command.startswith("python scripts/train.py")
    }
    return sorted(command for command in found if not any(name in command for name in documents.begun()))


@pytest.mark.parametrize("command", train_commands())
def test_training_commands_are_valid(command: str) -> None:
    """Composed and validated exactly as the command line does, without training."""
    words = shlex.split(command)[2:]
    if not {"--list", "--help"} & set(words):
        known = [w for w in words if w not in ("-m", "--dry-run") and "runs/" not in w]
        expand(known, multirun="-m" in words)


def consoles() -> list[tuple[str, str]]:
    """Commands of the pages with what they print."""
    found = (re.split(r"^\$ ", b.body, flags=re.M)[1:] for page in pages() for b in blocks(page, "console"))
    return [tuple(part.strip().split("\n", 1)) for parts in found for part in parts]  # type: ignore[misc]


@pytest.mark.parametrize(("command", "said"), consoles())
def test_a_refusal_reads_as_the_page_says(command: str, said: str, capsys: pytest.CaptureFixture) -> None:
    script, *words = command.removeprefix("python ").split()
    assert (script, entry.train(words)) == ("scripts/train.py", 2)
    assert capsys.readouterr().err.strip() == said


def test_every_command_of_the_project_stands_on_the_page_of_commands() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    assert [file.name for file in sorted((ROOT / "scripts").glob("*.py")) if f"scripts/{file.name}`" not in page] == []


def test_every_command_of_the_installed_package_stands_there_too() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    named = {*main.COMMANDS} - {"new"} | {f"new {kind}" for kind in new.kinds()}
    assert set(re.findall(r"`da ([\w -]+)`", page)) == named


def test_every_extra_stands_on_the_page_of_installing() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    there = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page, re.M)))
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(there) == set(known)


def test_every_page_can_be_reached() -> None:
    """From the README by links, and from the navigation of the site."""
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        there = {
            (page.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose(page)) if ":" not in link
        }
        waiting += [file for file in sorted(there - seen) if file.suffix == ".md" and file.is_file()]
        seen |= there
    navigation = set(re.findall(r"[\w./-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    for page in (ROOT / "docs").rglob("*.md"):
        assert page in seen, f"no link of the README, or of a page that it leads to, leads to {name(page)}"
        assert page.parent == methods.FOLDER or page.relative_to(ROOT / "docs").as_posix() in navigation


def counterparts() -> list[tuple[str, str]]:
    """Rows of the page for people from other libraries: what stands in the column of ours, and the remark."""
    rows = re.findall(r"^\| (.*) \|$", (ROOT / "docs" / "coming-from.md").read_text(), re.M)
    cells = [re.split(r" \| ?", row) for row in rows if "---" not in row]
    return [(row[1], row[2] if len(row) > 2 else "") for row in cells if row[1] != "here"]


def test_counterparts_in_other_libraries_are_ours_in_earnest() -> None:
    """Every name and key exists, and a key of a method is one that this very method has."""
    rows = counterparts()
    assert len(rows) > 100
    for ours, remark in rows:
        assert ours == "-" or re.search("`.+`", ours), f"a row says what is here, or a dash: {ours}"
        named = re.findall(r"method=(\w+)", ours)
        keys = {key for method in named for key in catalog.entries("method")[method].config}
        wrong = [key for key in re.findall(r"method\.(\w+)", f"{ours} {remark}") if named and key not in keys]
        assert not wrong, f"{named} have no {wrong}"
        spans = SPAN.findall(f"{ours} {remark}")
        for key, of in ((span, of) for span in spans for of in re.findall(r"^term(?:_weights)?\.(\w+)", span)):
            assert of in ours, f"{key} is of a term that the row does not add: {ours}"
            expand(["method=dann", "data=digits", f"terms=[{of}]", f"{key.partition('=')[0]}=0.5"], multirun=False)
        for given in (span for span in spans if span.startswith("method=") and "." in span):
            expand([*given.split(), "data=digits"], multirun=False)
        for module in re.findall(r"da\.estimators\.[\w.]+", f"{ours} {remark}"):
            assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file()


def test_a_halved_domain_loss_is_converted() -> None:
    """TLlib averages over both domains what DANN and CDAN add up here."""
    rows = {row.split(" | ")[0]: row for row in (ROOT / "docs" / "coming-from.md").read_text().splitlines()}
    for script in ("dann.py", "cdan.py", "bsp.py"):
        assert "`--trade-off 1` is `method.weight=0.5`" in rows[f"| `{script}`"]
    loss = domain_confusion(torch.zeros(4), torch.zeros(4))
    mean = binary_cross_entropy_with_logits(torch.zeros(8), torch.tensor([1.0] * 4 + [0.0] * 4))
    assert float(mean) == pytest.approx(0.5 * float(loss))


def test_a_docstring_becomes_markdown() -> None:
    doc = docstring.read(
        "Say :math:`a_b` of ``x``.\n\n.. math:: a\n   + b\n\nThen :class:`~da.x.Y`.\n\nArgs:\n    k: one\n        more, :math:`|c|`.\n"
        "    n: two.\n\nReference: Paper, 2020.\n\nDeviates: not at all.",
        lambda path: "y.md" if path == "da.x.Y" else None,
    )
    assert doc.summary == "Say $a_b$ of `x`."
    assert doc.body == "$$\na + b\n$$\n\nThen [`Y`](y.md)."
    assert doc.arguments == {"k": "one more, $|c|$.", "n": "two."}
    assert (doc.reference, doc.deviates) == ("Paper, 2020.", "not at all.")
    assert docstring.cell(doc.arguments["k"]) == r"one more, $\vert c\vert $."


def test_a_method_page_has_what_its_yaml_docstring_and_tables_say() -> None:
    page = methods.method(catalog.entries("method")["dann"])
    for part in ("reversal", "| `method.weight` | `1.0` |", "log_uniform(", "_target_: da.methods.transductive.dann.DANN",
                 "Ganin et al.", "RESULTS.md#mnist-and-usps-lenet", "x, all y"):  # fmt: skip
        assert part in page
    assert "gallery_" not in page  # of closed-form methods alone
    assert "gallery_subspace.png" in methods.method(catalog.entries("method")["coral"])


def test_settings_are_called_as_pages_and_lists_call_them() -> None:
    table = (
        (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").partition("| You have |")[2].partition("\n\n")[0]
    )
    rows = [line.split(" | ")[1:3] for line in table.splitlines()[2:]]
    assert len(rows) == 10
    for setting, begin in rows:
        named = [catalog.entries("method").get(word) for word in SPAN.findall(begin)]
        for found in filter(None, named):
            if setting != "any of these" and found.name != "source_only":  # a baseline that sees less
                assert setting_of(found.access) == setting, f"{found.name} is {setting_of(found.access)}, not {setting}"
    anchors = documents.anchors(ROOT / "docs" / "settings.md")
    assert {*methods.SECTIONS.values(), "covariate-shift", "label-shift"} <= anchors


def test_an_example_has_what_its_method_is_for() -> None:
    shown = {name: methods.example(entry) for name, entry in catalog.entries("method").items()}
    assert "data=toy_dimensions" in shown["soft_transfer"]
    assert "data.source=[" in shown["jcpot"]
    assert "method.checkpoint=" in shown["fine_tune"]
    assert "data.shift=covariate" in shown["kmm"]
    assert "data.shift=target" in shown["bbse"]
    assert "shots=3" in shown["tradaboost"]


def measured(name: str, row: str) -> list[str]:
    """Table, row, ours, without adaptation, published, rule and tasks as the page of a method has them."""
    page = (methods.FOLDER / f"{name}.md").read_text(encoding="utf-8").partition("## Measured")[2]
    (found,) = (line for line in page.splitlines() if line.startswith("| [") and row in line)
    return [cell.strip() for cell in found.strip("|").split("|")]


@pytest.mark.parametrize(
    ("name", "row", "ours", "plain"),
    [
        ("kmm", "[office_caltech10_surf]", "48.36", "48.03"),  # both by logistic regression
        ("kmm", "[mnist2000_usps1800]", "36.14", "36.11"),
        ("kmm", "[embedded]", "68.30", "75.25"),  # closed form beside closed form
        ("unadapted", "| unadapted (logistic) (`classifier=logistic`) | 48.03", "48.03", "-"),
        ("jgsa", "jgsa (unit rows)", "", "-"),  # no row without adaptation has these inputs
        ("dann", "[embedded]", "52.88", "76.46"),
        ("dann", "dann (weight 1, SGD)", "80.5 ± 6.9", "51.2"),  # both by SGD
        ("dann", "dann (slower ramp)", "52.1 ± 2.7", "-"),
        ("soft_transfer", "| soft_transfer |", "94.2 ± 0.9", "92.8"),
        ("aligned_autoencoder", "[embedded]", "", "-"),  # clusters are not classes
    ],
)
def test_a_figure_stands_beside_the_same_without_adaptation(name: str, row: str, ours: str, plain: str) -> None:
    cells = measured(name, row)
    assert cells[2].startswith(ours)
    assert cells[3].partition(" ")[0] == plain


def test_what_an_oracle_chose_is_marked() -> None:
    _, _, ours, plain, _, rule, _ = measured("coral", "[simulated]")
    assert (ours, plain, rule) == ("*58.9 ± 1.9*", "*64.6 ± 1.7*", "*oracle_accuracy*")
    assert "Figures in italics are an oracle's" in methods.method(catalog.entries("method")["coral"])
    assert measured("coral", "[embedded]")[5] == "last"
    assert "an oracle" not in methods.method(catalog.entries("method")["dann"]).partition("## Measured")[2]
    for page in (ROOT / "docs" / "tables.md", ROOT / "benchmarks" / "RESULTS.md"):
        (line,) = (text for text in page.read_text(encoding="utf-8").splitlines() if text.startswith("| [simulated]"))
        assert "| *69.9 ± 1.3* | *oracle_accuracy* |" in line


def test_every_key_and_option_stands_in_the_reference() -> None:
    page = references.configuration()
    written = re.findall(r"^(\w+):", (catalog.CONF / "train.yaml").read_text(), re.MULTILINE)
    for key in set(written) - {"defaults", "hydra"}:
        assert f"| `{key}` |" in page
    for group in catalog.groups() - {"method", "data"}:
        given = "terms=[{}]" if group == "term" else f"{group}={{}}"
        assert all(f"#### {given.format(option)}\n" in page for option in catalog.options(group))
    sets = references.data_sets()
    assert all(f"## {found}\n" in sets for found in catalog.options("data"))
