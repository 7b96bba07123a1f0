"""``benchmarks/CHOICE.md``: what choosing a method without target labels costs, from committed tables."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from da.config import catalog
from da.results.scores import shown
from da.tables import strategies
from da.tables.regret import Decision, Regret, by_rule, committed
from da.tables.strategies import STRATEGIES, USED, HeldOut
from da.tables.writer import Sheet

PAGE = catalog.ROOT / "benchmarks" / "CHOICE.md"
RIVAL = "best_on_average"


def first_sentences() -> str:
    """What choosing costs on the committed tables, in two sentences; empty where there are none."""
    return sentences(HeldOut(committed())) if committed() else ""


def sentences(judged: HeldOut) -> str:
    """What the strategy in use regrets beside its rivals, and whether it is better than the best on average."""
    choices, tables = len(judged.cases), len({case.table for case in judged.cases})
    cost = (
        f"choosing by a label-free rule loses {_points(judged.regret(USED))} points of accuracy to the best choice, "
        f"over {choices} choices in {tables} committed tables, each held out in turn with all tables on the same "
        "data; always taking the method that is best on average on the other tables loses "
        f"{_points(judged.regret(RIVAL))}, and a method drawn by chance {_points(judged.regret('chance'))}."
    )
    more, half = judged.lead(USED, RIVAL)
    apart = f"the difference is {_signed(more)} points (95 % interval {_signed(more - half)} to {_signed(more + half)}"
    if len(judged.lessons) > 2:
        family, rest = judged.most_of_the_lead(USED, RIVAL)
        named = " and ".join(f"`{table}`" for table in judged.tables(family))
        apart += f"; without {named} it is {_signed(rest)}"
    if more >= 0.0:
        return f"Choosing is not better than always the same method: {apart}). On the whole {cost}"
    verdict = "so it is better" if more + half < 0.0 else "which is too little to tell from nothing"
    return f"{cost[0].upper()}{cost[1:]} Against the best on average {apart}), {verdict}."


def text() -> str:
    """The page as it ought to be."""
    judged = HeldOut(committed())
    parts = [
        "<!-- python scripts/render_docs.py -->",
        "# What a choice without target labels costs",
        sentences(judged),
        HOW,
        "## Strategies",
        f"`scripts/choose.py` uses `{USED}`, the simplest of those that look at the target; it was set before any was "
        "judged. All that were tried stand here.",
        _strategies(judged),
        "## By family of tables",
        _families(judged),
        "## Rules",
        "Each rule on all tables, none held out, as a rule learns nothing from them. Where a rule scores no run, "
        "chance "
        "chooses.",
        _rules(judged.cases),
        LIMITS,
    ]
    return "\n\n".join(part if part[0] in "<#|" else wrapped(part) for part in parts) + "\n"


def wrapped(sentences: str, width: int = 120) -> str:
    """A paragraph in lines of at most so many signs."""
    return textwrap.fill(sentences, width, break_long_words=False, break_on_hyphens=False)


def _strategies(judged: HeldOut) -> str:
    body = []
    for name, strategy in STRATEGIES.items():
        found = judged.regret(name)
        meaning = (strategy.__doc__ or "").splitlines()[0].rstrip(".")
        body.append([f"`{name}`", meaning, shown(found.mean, 1), _interval(found)])
    return Sheet(["strategy", "chooses", "regret", "95 % interval"], body, words=(0, 1)).markdown()


def _families(judged: HeldOut) -> str:
    names = (USED, RIVAL, "no_adaptation", "chance")
    found = {name: judged.regret_by_family(name) for name in names}
    body = []
    for family in judged.lessons:
        tables = [f"`{table}`" for table in judged.tables(family)]
        cases = sum(case.family == family for case in judged.cases)
        rule = judged.lessons[family].rules[0]
        body.append([", ".join(tables), str(cases), f"`{rule}`", *(shown(found[name][family], 1) for name in names)])
    return Sheet(
        ["tables", "choices", "rule of the others", *(f"`{name}`" for name in names)], body, words=(0, 2)
    ).markdown()


def _rules(cases: Sequence[Decision]) -> str:
    regrets = by_rule(cases)
    order = sorted(regrets, key=lambda rule: (regrets[rule].mean, rule))
    body = [[f"`{rule}`", shown(regrets[rule].mean, 1), _interval(regrets[rule])] for rule in order]
    return Sheet(["rule", "regret", "95 % interval"], body).markdown()


def _points(regret: Regret) -> str:
    return f"{shown(regret.mean, 1)} ({_interval(regret)})"


def _interval(regret: Regret) -> str:
    return f"{shown(regret.low, 1)} to {shown(regret.high, 1)}"


def _signed(value: float) -> str:
    tenths = round(value, 1)
    return f"{'+' if tenths > 0 else ''}{shown(tenths, 1)}"


HOW = (
    "A choice is a table, a task and a seed; what can be chosen are the table's runs without target labels. Regret "
    "is the accuracy of the best of them, at its best epoch, minus that of the choice, in points; of runs that "
    "share the highest score it is the mean, so that of a method in several configurations a strategy that knows "
    "methods alone gets the mean. Tables that share a data set are one family and held out together: the rule with "
    "the least regret and the average ranks of methods come from the other families. Means are over choices of a "
    "table, tables of a family, and families; intervals are Student's over families. A method's average rank is "
    f"drawn to the middle where few families have it (`{strategies.__name__}.learn`)."
)
LIMITS = (
    "Choices here are among the rows of a table; `choose.py` has as many as its budget allows, those with the best "
    "average rank first. Most tables are closed-form methods on features of images, texts and sensors, and two "
    "families are MNIST and USPS in other forms; what a rule is worth on other data is not known."
)
