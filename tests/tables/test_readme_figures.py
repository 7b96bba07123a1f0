"""Figures of the README that committed cells state: what is typed there is what was measured."""

import re

import pytest

from da.config import catalog
from da.config.compose import compose
from da.results.scores import shown
from da.tables import results_page as page

README = (catalog.ROOT / "README.md").read_text(encoding="utf-8")
SUMMARY = next(summary for spec, summary in page.committed()[0] if spec.protocol.name == "digits_adversarial")


def row(method):
    """Where the committed table has a method as the demo runs it, by the weight of its recipe."""
    if method not in ("dann", "cdan"):
        return method
    return f"{method} (weight {compose([f'experiment=digits_{method}'])['method']['weight']:g})"


def committed(name, rule="last"):
    mean, std = SUMMARY.mean(name, "sensor", rule), SUMMARY.std(name, "sensor", rule)
    return f"{shown(mean, 1)} ± {shown(std, 1)}"


@pytest.mark.parametrize("method", ["deep_coral", "dann", "dan", "target_only", "source_only"])
def test_the_demo_ends_with_the_committed_figures(method):
    last, oracle = re.search(rf"^{method} +(\S+ ± \S+) .*?(\S+ ± \S+)$", README, re.M).groups()
    assert (last, oracle) == (committed(row(method)), committed(row(method), "oracle_accuracy"))


@pytest.mark.parametrize(
    ("line", "name", "baseline"),
    [
        ("digits→sensor, `dann` |", row("dann"), "source_only"),
        ("digits→sensor, `cdan` |", row("cdan"), "source_only"),
        ("digits→sensor, `dann` at its default weight of 1", "dann (weight 1)", "source_only"),
        ("digits→sensor, `dann` at weight 1 with the paper's SGD", "dann (weight 1, SGD)", "source_only (SGD)"),
    ],
)
def test_the_table_of_what_was_measured_has_the_committed_figures(line, name, baseline):
    (found,) = (text for text in README.splitlines() if line in text)
    assert re.findall(r"\S+ ± \S+", found) == [committed(baseline), committed(name)]


def test_the_demo_shows_dann_far_above_source_only():
    """In every seed, by a recipe that target labels had no part in (see the test of the recipes)."""
    figures = [SUMMARY.values(row(method), "sensor", "last") for method in ("dann", "source_only")]
    assert figures[0].keys() == figures[1].keys() == {0, 1, 2}
    assert all(figures[0][seed] > figures[1][seed] + 10.0 for seed in figures[0])
    gain = SUMMARY.mean("dann (weight 1, SGD)", "sensor", "last") - SUMMARY.mean("source_only (SGD)", "sensor", "last")
    assert f"DANN gains {gain:.0f} points" in " ".join(README.split())
