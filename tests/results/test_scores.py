import math
import random

import pytest

from da.results.scores import deviation, falling, mean, shown
from da.tables.by_task import by_task
from da.tables.leaderboard import lines as board_lines
from da.tables.summarize import summarize
from da.tables.task_table import task_tables


def tables(records, rule=None):
    return task_tables(summarize(records, rule=rule))


pytestmark = pytest.mark.usefixtures("of_this_code")


def test_sums_in_another_order_are_printed_and_sorted_alike():
    """87.465 lies half-way between two printed values; its sums in several orders differ in the last bits."""
    values = [87.46, 87.47, 87.465, 12.3, 99.1, 150.995]
    orders = []
    for seed in range(20):
        order = list(values)
        random.Random(seed).shuffle(order)
        orders.append(sum(order) / len(order))
    assert len({shown(value, 2) for value in orders}) == 1
    assert len({falling(value) for value in orders}) == 1
    assert shown(87.465, 2) == shown(87.46500000000001, 2) == shown(87.46499999999999, 2)
    assert shown(-1e-12, 2) == "0.00"


def test_mean_and_deviation():
    assert (mean([1.0, 2.0, 6.0]), deviation([1.0, 2.0, 6.0])) == (3.0, pytest.approx(math.sqrt(7.0)))
    assert math.isnan(mean([]))
    assert deviation([3.0]) is None
    assert sorted([2.0, math.nan, 5.0], key=falling)[:2] == [5.0, 2.0]


def test_a_leaderboard_and_a_table_by_task_agree_on_figures_and_order(finished):
    from da.report.sections import sections

    accuracies = {"dann": (87.46, 87.47), "coral": (80.0, 94.94), "dan": (87.47, 87.46), "pca": (50.0, 60.0)}
    records = [
        finished(
            method,
            accuracy=accuracy,
            task={"name": task, "transductive": True, "domains": finished().to_json()["task"]["domains"]},
            fingerprint=task,
        )
        for method, own in accuracies.items()
        for task, accuracy in zip(("a->b", "c->d"), own, strict=True)
    ]
    told = [line.split("|") for line in by_task(tables(records)).splitlines() if line.startswith("|")][2:]
    from pathlib import Path

    (section,) = sections(Path("nowhere"), records)
    board = board_lines(section.spec, section.summary)
    assert [line.row for line in board] == [cells[1].strip() for cells in told]
    assert [shown(line.mean, 2) for line in board] == [cells[-3].strip(" *") for cells in told]
