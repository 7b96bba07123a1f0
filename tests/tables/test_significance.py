from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from da.tables.significance import against, complete, holm, least, ranking, signed_rank, tellable

pytestmark = pytest.mark.usefixtures("of_this_code")

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [6, 12, 30])
def test_signed_ranks_without_ties_equal_scipys_exact_test(n):
    for _ in range(5):
        a, b = RNG.normal(size=n), RNG.normal(0.4, size=n)
        assert signed_rank(a, b) == pytest.approx(stats.wilcoxon(a, b, method="exact").pvalue)


@pytest.mark.parametrize("difference", [[1, 1, 2, -2, 3, 3, 3], [0, 0, 1, 2, -2, 4, 5], [1, 1, 1, 1, 1, 1]])
def test_ties_and_zeros_equal_an_enumeration_of_all_signs(difference):
    d = np.array(difference, float)
    ranks = stats.rankdata(np.abs(d))
    statistics = []
    for signs in product([0.0, 1.0], repeat=len(d)):
        positive = np.where(d == 0, 0.5, np.array(signs))
        statistics.append(float(positive @ ranks))
    observed = float(np.where(d == 0, 0.5, d > 0) @ ranks)
    low, high = np.mean(np.array(statistics) <= observed), np.mean(np.array(statistics) >= observed)
    assert signed_rank(d, np.zeros_like(d)) == pytest.approx(min(1.0, 2 * min(low, high)))


def test_signed_ranks_do_not_mind_order_and_rounding():
    a, b = [0.1 + 0.2, 50.0, 60.0, 70.0, 80.0, 90.0], [0.3, 49.0, 59.0, 69.0, 79.0, 89.0]
    assert signed_rank(a, b) == signed_rank(b, a) == pytest.approx(2 / 2**5)  # five moves one way, and a tie
    assert signed_rank(a, a) == 1.0


def test_holm_by_hand():
    # 0.01 x 4, 0.02 x 3, max(0.06, 0.03 x 2), max(0.06, 0.5)
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_rows_against_the_baseline():
    base = [50.0, 51.0, 52.0, 53.0, 54.0, 55.0, 56.0, 57.0]
    better = [v + 1 + k / 10 for k, v in enumerate(base)]
    p = against("base", {"base": base, "better": better, "same": base})
    assert p == {"better": pytest.approx(2 * 2 / 2**8), "same": 1.0}
    assert against("base", {"base": base[:5], "better": better[:5]}) == {}  # five tasks cannot tell
    assert against("absent", {"base": base}) == {}


def test_ranks_friedman_and_cliques_of_hand_made_figures():
    base = np.arange(10.0)
    figures = {"worst": base, "best": base + 20, "second": base + 20 - np.array([1, -1] * 5) * np.linspace(1, 2, 10)}
    made = ranking(figures)
    assert made is not None
    assert made.ranks == {"best": 1.5, "second": 1.5, "worst": 3.0}
    assert made.p == pytest.approx(stats.friedmanchisquare(*figures.values()).pvalue)
    assert made.cliques == (("best", "second"),)
    assert made.tasks == 10


def test_nothing_differs_where_friedman_finds_nothing():
    turns = np.arange(9)  # each row is best, second and worst equally often
    made = ranking({name: (turns + k) % 3 for k, name in enumerate("abc")})
    assert made is not None
    assert made.p == pytest.approx(1.0)
    assert made.ranks == {"a": 2.0, "b": 2.0, "c": 2.0}
    assert made.cliques == (("a", "c"),)
    equal = ranking({name: [1.0] * 6 for name in "abc"})
    assert equal is not None
    assert (equal.p, set(equal.ranks.values())) == (1.0, {2.0})


def test_a_bar_never_spans_a_pair_that_differs():
    """A row of the middle with a wide spread ties with both ends, which differ: two overlapping bars, not one."""
    base = np.arange(12.0)
    figures = {"top": base + 2, "middle": base + 1 + 9 * np.tile([1, -1], 6), "low": base}
    made = ranking(figures, alpha=0.3)
    assert made is not None
    assert list(made.ranks) == ["top", "middle", "low"]
    assert made.cliques == (("top", "middle"), ("middle", "low"))


@pytest.mark.parametrize(("rows", "tasks"), [(2, 12), (5, 5)])
def test_too_little_is_not_ranked(rows, tasks):
    assert ranking({str(k): RNG.normal(size=tasks) for k in range(rows)}) is None


def test_as_many_rows_as_the_tasks_can_tell_apart():
    figures = {str(k): [float(k)] * 8 for k in range(9)}  # 6 pairs of 2 / 2^8 are below 0.05, 10 are not
    assert list(tellable(figures)) == ["5", "6", "7", "8"]
    assert list(tellable(figures, baseline="0")) == ["0", "6", "7", "8"]
    assert tellable({k: v[:5] for k, v in figures.items()}) == tellable({}) == {}
    assert least(6, 8) == pytest.approx(6 * signed_rank(figures["1"], figures["0"]))


def test_rows_with_gaps_are_left_out():
    assert list(complete({"a": [1.0, 2.0], "b": [1.0, float("nan")]})) == ["a"]
