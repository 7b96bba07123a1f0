"""Figures that pages state in their text are those of committed results, and names in code are spelt as ours."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import documents
import pytest
from documents import SPAN, name, prose
from processes import ROOT

from da.cli import listing, main
from da.cli.train import INTERRUPTED
from da.results.scores import shown
from da.tables import compare
from da.tables import results_page as page
from da.tables.spec import MEAN

SOURCES = ("da/**/*.py", "conf/**/*.yaml", "scripts/*.py", "benchmarks/*.py", "benchmarks/*/*.py", "tests/**/*.py", "*.toml", "Makefile", "*.yml")  # fmt: skip
FOREIGN = ("coming-from.md", "mutants.md")
"""Pages of names that are not ours, or are rendered."""


def text(file: str) -> str:
    return " ".join((ROOT / file).read_text(encoding="utf-8").split())


@cache
def tables() -> dict:
    return {spec.protocol.name: (spec, summary) for spec, summary in page.committed()[0]}


def committed(table: str, row: str, places: int = 2, task: str = MEAN) -> str:
    spec, summary = tables()[table]
    return shown(summary.mean(row, task, spec.protocol.selection), places)


SURF = "office_caltech10_surf"


@pytest.mark.parametrize(
    ("line", "table", "row", "places"),
    [
        ("SURF, 1-NN", SURF, "unadapted", 2),
        ("SURF, PCA", SURF, "pca", 2),
        ("SURF, JGSA", SURF, "jgsa (unit rows)", 2),
        ("SURF, MEDA", SURF, "meda", 2),
        ("SURF, TCA", SURF, "tca", 2),
        ("SURF, JDA", SURF, "jda", 2),
        ("Amazon 5000-d, linear SVM", "amazon_reviews_5000", "unadapted", 1),
    ],
)
def test_a_published_figure_stands_beside_the_committed_one(line: str, table: str, row: str, places: int) -> None:
    (found,) = (row for row in (ROOT / "docs/published.md").read_text().splitlines() if row.startswith(f"| {line}"))
    assert [cell.strip() for cell in found.split("|")][3] == committed(table, row, places)


def test_deep_methods_on_mnist_and_usps_have_the_committed_means() -> None:
    rows = {"source-only has": "source_only", "DANN": "dann", "CDAN": "cdan", "MCD": "mcd", "DAN": "dan"}
    said = text("docs/tables.md").partition("With LeNet on MNIST and USPS")[2].partition("## The report")[0]
    for word, row in {**rows, "DeepCORAL": "deep_coral"}.items():
        (figure,) = re.findall(rf"(?<!C)(?<!\w){word} ([\d.]+)", said)
        assert figure == committed("digits_deep", row, 1), word


def test_what_terms_are_worth_adds_up() -> None:
    """No committed table has them; the sentence below them repeats their differences."""
    said = text("docs/terms.md")
    none, dann, both, bsp, alone = (
        float(re.search(rf"\| {re.escape(label)} \| ([\d.]+) ±", said)[1])
        for label in ("`source_only`", "`dann`", "`dann+mcc`", "`dann+bsp`", "`dann+mcc`, `method.weight=0`")
    )
    gains = re.search(r"gains (\d+) points on no adaptation, and loses (\d+) .* gains (\d+) on DANN", said).groups()
    assert tuple(map(int, gains)) == (round(alone - none), round(dann - both), round(bsp - dann))


def regrets(title: str) -> dict[str, str]:
    """Mean regret by rule, of a part of the page of rankings."""
    part = (ROOT / "benchmarks/SELECTION.md").read_text().partition(f"## {title}")[2].partition("\n## ")[0]
    head, *rows = ([c.strip() for c in line.strip("|").split("|")] for line in part.splitlines() if "|" in line)
    column = next(k for k, title in enumerate(head) if title.startswith("regret"))
    return {cells[0].strip("`*"): cells[column].split(" ")[0] for cells in rows if "---" not in cells[0]}


def test_regrets_in_the_text_are_those_of_the_page_of_rankings() -> None:
    epochs, runs = regrets("Epochs within a run"), regrets("Runs within a task")
    said = text("docs/selection.md")
    rounded = {rule: shown(float(value), 1) for rule, value in {**epochs}.items() if value != "-"}
    among = [shown(float(runs[rule]), 1) for rule in ("class_silhouette", "class_ami")]
    assert f"`class_silhouette` and `class_ami` (regret {among[0]} and {among[1]} points)" in said
    assert (
        f"`corr_c` and `infomax` ({rounded['corr_c']} and {rounded['infomax']}; the last epoch {rounded['last']})"
        in said
    )


def test_costs_beside_skada_are_those_of_the_committed_table() -> None:
    lines = (ROOT / "benchmarks/results/closed_form_cost.md").read_text().splitlines()
    cells = {
        row[0]: row
        for line in lines
        if line.startswith("|")
        for row in [[c.strip() for c in line.strip("|").split("|")]]
    }
    head = cells["fit"]

    def share(fit: str, size: str) -> str:
        column = head.index(size)
        return f"1/{float(cells['skada: tca (rbf, exact)'][column]) / float(cells[fit][column]):.0f}"

    exact, linear = "tca (rbf, exact)", "tca (linear)"
    assert (
        f"exact TCA costs {share(exact, 'n=4000')} of skada's, and with a linear kernel {share(linear, 'n=4000')}; "
        f"at 2000 it is {share(exact, 'n=2000')} and {share(linear, 'n=2000')}." in text("docs/speed.md")
    )


def test_tolerances_are_those_of_the_comparison() -> None:
    said = text("docs/honesty.md")
    assert f"within {compare.SCORES['rel_tol']:g} of their size" in said
    assert (
        f"within {compare.OTHER_KERNEL:g} point or two samples, whichever is more (at most {compare.MOST:g} points)"
        in said
    )
    assert (
        f"within {compare.BRANCHED:g} points or three standard errors, whichever is more (at most {compare.BRANCHED_MOST:g})"
        in said
    )
    assert f"within {compare.DEEP:g} points or {compare.SPREAD:g} deviations" in said
    assert f"a single seed within {compare.ALONE:g} points" in said


@cache
def words() -> frozenset[str]:
    """Words of the sources: what a name in code may be."""
    files = [file for pattern in SOURCES for file in ROOT.glob(pattern) if file != Path(__file__)]
    found = {word for file in files for word in re.findall(r"[A-Za-z]+", file.read_text(encoding="utf-8"))}
    return frozenset(found | set(re.findall(r"[A-Za-z]+", " ".join(str(f) for f in ROOT.glob("*")))))


def misspelt(piece: str) -> Iterator[str]:
    """Words of a piece of code that no source has, but one nearly alike."""
    for word in re.findall(r"(?<![A-Za-z])[a-z]{4,}(?![A-Za-z])", piece) if " " not in piece else ():
        if word not in words() and get_close_matches(word, _short(len(word)), n=1, cutoff=0.79):
            yield word


@cache
def _short(length: int) -> list[str]:
    return sorted(word for word in words() if abs(len(word) - length) <= 2 and word.islower() and len(word) > 2)


@pytest.mark.parametrize(
    "page", [p for p in documents.pages() if p.name not in FOREIGN and p.parent.name != "methods"], ids=name
)
def test_names_in_code_are_spelt_as_ours(page: Path) -> None:
    begun = documents.begun()
    wrong = {word for piece in SPAN.findall(prose(page)) if piece not in begun for word in misspelt(piece)}
    assert not wrong, f"{name(page)}: {sorted(wrong)}"


@pytest.mark.parametrize("piece", ["kmmm", "predictons.npz", "trems/NAME"])
def test_a_misspelt_name_is_noticed(piece: str) -> None:
    assert list(misspelt(piece))


def commands() -> list[tuple[str, str]]:
    return [
        (name(b.page), c) for page in documents.pages() for b in documents.blocks(page, "bash") for c in b.commands()
    ]


def test_targets_of_make_and_commands_of_the_package_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    spans = [(name(page), piece) for page in documents.pages() for piece in SPAN.findall(prose(page))]
    for where, piece in [*commands(), *spans]:
        program, _, rest = piece.partition(" ")
        first = rest.split(" ")[0]
        if program == "make" and first:
            assert first in targets, f"{where}: there is no target of make '{first}'"
        if program == "da" and first and not first.startswith("-"):
            assert first in main.COMMANDS, f"{where}: there is no command 'da {first}'"


def test_exit_codes_are_those_of_the_commands() -> None:
    part = (ROOT / "docs/reliability.md").read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    said = {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", part, re.M)}
    assert list(said) == [0, 1, 2, INTERRUPTED]
    assert "interrupted" in said[INTERRUPTED]
    assert f"{INTERRUPTED} interrupted" in listing.help_text()


def test_names_of_skada_exist_there() -> None:
    found = find_spec("skada")  # nothing is imported, which would take seconds
    if found is None or found.origin is None:
        pytest.skip("skada is not installed: pip install 'da[peers]'")
    files = sorted(Path(found.origin).parent.rglob("*.py"))
    there = set(
        re.findall(r"^(?:class|def) (\w+)", "\n".join(file.read_text(encoding="utf-8") for file in files), re.M)
    )
    part = (ROOT / "docs/coming-from.md").read_text().partition("\n## skada\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    named = [span for row in rows for span in SPAN.findall(row)]
    assert len(named) >= 40
    unknown = [span for span in named if span.removeprefix("deep.") not in there]
    assert not unknown, f"skada has no {unknown}"
