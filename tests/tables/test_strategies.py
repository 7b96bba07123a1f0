import pytest

from da.tables import choice_page
from da.tables.ranking import JudgedEpoch, JudgedRun, winners
from da.tables.regret import Decision, cases
from da.tables.strategies import (
    STRATEGIES,
    UNKNOWN,
    Experience,
    HeldOut,
    accuracy_of,
    learn,
    relative,
    relative_ranks,
)


def one(method, accuracy, data="toy", **scores):
    """A run of one epoch."""
    return JudgedRun(method, data, [JudgedEpoch(scores, accuracy)])


def test_relative_ranks_average_the_configurations_of_a_method():
    runs = [one("a", 90.0), one("a", 50.0), one("b", 80.0), one("c", 60.0)]
    assert relative_ranks(runs) == {"a": 0.5, "b": 0.0, "c": 1.0}  # a has 70 on average


def test_what_has_no_score_ranks_lowest_and_ties_share_their_rank():
    assert relative([None, 2.0, 2.0, None]).tolist() == pytest.approx([1 / 6, 5 / 6, 5 / 6, 1 / 6])
    assert relative([1.0]).tolist() == [0.0]


def test_average_ranks_are_drawn_to_the_middle_where_few_families_have_a_method():
    first = [one("a", 90.0), one("b", 80.0)]
    second = [one("a", 90.0, "other"), one("b", 80.0, "other"), one("new", 99.0, "other")]
    found = learn(cases({"x": [first] * 3, "y": [second]})).order
    assert found == pytest.approx({"a": (0.0 + 0.5 + 0.5) / 3, "b": (1.0 + 1.0 + 0.5) / 3, "new": (0.0 + 0.5) / 2})


def test_rules_are_learned_with_the_least_regret_first():
    runs = [one("a", 90.0, good=1.0, bad=0.0), one("b", 80.0, good=0.0, bad=1.0)]
    assert learn(cases({"x": [runs]})).rules == ["good", "bad"]


RUNS = [
    one("unadapted", 50.0, r=0.1, s=3.0, t=2.0),
    one("a", 60.0, r=0.9, s=1.0, t=1.0),
    one("b", 70.0, r=0.8, s=2.0, t=3.0),
    one("c", 80.0, r=0.7, s=0.0, t=0.0),
]
KNOWN = Experience({"a": 0.9, "b": 0.2, "c": 0.1, "unadapted": 0.8}, ["r", "s", "t"])


@pytest.mark.parametrize(
    ("name", "accuracy"),
    [
        ("rule", 60.0),  # r is highest for a
        ("several_rules", 70.0),  # mean ranks: b (2/3 + 2/3 + 1) / 3, the others less
        ("rule_and_order", 75.0),  # b has 2/3 and 2/3, c 1/3 and 1: the same; a has 1 and 0
        ("rule_in_better_half", 70.0),  # of b and c
        ("best_on_average", 80.0),
        ("no_adaptation", 50.0),
        ("chance", 65.0),
    ],
)
def test_strategies_choose_as_they_say(name, accuracy):
    assert accuracy_of(STRATEGIES[name], KNOWN, RUNS) == pytest.approx(accuracy)


def test_methods_that_no_table_has_stand_in_the_middle():
    runs = [one("new", 60.0), one("a", 50.0)]
    assert accuracy_of(STRATEGIES["best_on_average"], KNOWN, runs) == 60.0
    assert KNOWN.rank_of(runs[0]) == UNKNOWN


def test_a_strategy_that_scores_nothing_leaves_it_to_chance():
    runs = [one("a", 60.0), one("b", 70.0)]
    assert winners(STRATEGIES["rule"](KNOWN, runs)) == []
    assert accuracy_of(STRATEGIES["rule"], KNOWN, runs) == 65.0


def opposed():
    """Two families that teach the opposite: what is best in one is worst in the other, for methods and rules."""
    first = [one("a", 90.0, r=1.0, s=0.0), one("b", 80.0, r=0.0, s=1.0)]
    second = [one("a", 60.0, "other", r=1.0, s=0.0), one("b", 90.0, "other", r=0.0, s=1.0)]
    return cases({"x": [first], "y": [second]})


def test_nothing_is_learned_from_the_family_that_is_held_out():
    judged = HeldOut(opposed())
    assert judged.regret_by_family("rule") == {"x": 10.0, "y": 30.0}  # learned on all it would be 0 in one of them
    assert judged.regret_by_family("best_on_average") == {"x": 10.0, "y": 30.0}
    assert judged.regret("chance").mean == pytest.approx((5.0 + 15.0) / 2)
    assert judged.lead("rule", "chance")[0] == pytest.approx(10.0)  # it regrets more


def test_tables_of_one_family_do_not_teach_each_other():
    same = [one("a", 90.0), one("b", 80.0)]
    judged = HeldOut([Decision("x", "x", same), Decision("x2", "x", same), Decision("y", "y", same[::-1])])
    assert set(judged.lessons) == {"x", "y"}
    assert judged.tables("x") == ["x", "x2"]


def test_the_family_that_a_difference_rests_on_is_named():
    runs = {
        "x": [one("a", 90.0, "x", r=1.0), one("unadapted", 60.0, "x", r=0.0)],
        "y": [one("a", 70.0, "y", r=0.0), one("unadapted", 74.0, "y", r=1.0)],
        "z": [one("a", 70.0, "z", r=1.0), one("unadapted", 70.0, "z", r=0.0)],
    }
    judged = HeldOut(cases({name: [found] for name, found in runs.items()}))
    assert judged.most_of_the_lead("rule", "no_adaptation") == ("x", 0.0)


def test_the_first_sentence_says_where_choosing_is_not_better():
    said = choice_page.sentences(HeldOut(opposed()))
    assert said.startswith("Choosing is not better than always the same method: the difference is 0.0 points")
    better = {
        name: [[one("a", 90.0 - gap, name, r=1.0), one("b", 60.0, name, r=0.0)], [one("a", 30.0, name, r=0.0), one("b", 60.0 + gap, name, r=1.0)]]
        for name, gap in (("x", 0.0), ("y", 0.1), ("z", 0.2))
    }  # fmt: skip
    said = choice_page.sentences(HeldOut(cases(better)))
    assert said.startswith("Choosing by a label-free rule loses 0.0 (0.0 to 0.0) points")
    assert said.endswith("so it is better.")


def test_the_page_is_current_and_begins_with_what_choosing_costs():
    text = choice_page.text()
    assert choice_page.PAGE.read_text(encoding="utf-8") == text
    assert choice_page.wrapped(choice_page.first_sentences()) in text
    assert all(f"| `{name}` |" in text for name in STRATEGIES)
