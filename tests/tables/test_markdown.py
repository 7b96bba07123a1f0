from __future__ import annotations

from dataclasses import replace

import pytest

from da.tables import markdown as render


def cells(text, row):
    """The cells of a row in the first Markdown table that has it."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {row} |"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def better(base, gain=5.0):
    return [value + gain + k for k, value in enumerate(base)]


def test_the_leaderboard_says_paper_ours_and_gap(spec, published, summary, base):
    papers = [published({"tca": {"mean": 60.0}}, "memory"), published({"meda": {"A": 60.0}}, "recomputed", "A page")]
    text = render.markdown(spec(papers), summary({"unadapted": base, "tca": better(base)}))
    assert cells(text, "method") == ["method", "paper", "ours", "gap", "p", "runs", "seconds"]
    assert cells(text, "tca") == ["tca", "60.00‡ [1]", "**62.50**", "+2.50", "0.031", "6", "1.50"]
    assert cells(text, "unadapted") == ["unadapted", "-", "55.00", "-", "-", "6", "1.50"]
    assert cells(text, "meda") == ["meda", "60.00† [2] (1 task)", "-", "-", "-", "paper only", "-"]
    assert "[1] A paper, table 1 (‡ recalled from memory" in text
    assert "`python scripts/benchmark.py table=office`" in text
    assert "Made with code 0123abcd; numpy 2.4.6; on 1 x cpu." in text
    assert "- Read me." in text


def test_the_table_by_task_has_the_papers_figures_beside_ours(spec, published, summary, base):
    text = render.markdown(spec([published({"tca": {"A": 49.5}})]), summary({"unadapted": base, "tca": better(base)}))
    by_task = text.partition("By task")[2]
    assert cells(by_task, "tca")[1:3] == ["**55.00** (49.5)", "**46.00**"]
    assert "By task" not in render.markdown(spec(tasks="A"), summary({"tca": [1.0]}, tasks="A"))


def test_selection_rules_stand_in_a_table_of_their_own_and_the_oracle_apart(spec, summary, base):
    rules = {"last": 0.0, "entropy": -1.0, "infomax": 1.0, "oracle_accuracy": 2.0}
    text = render.markdown(spec(), summary({"dann": base}, seeds=(0, 1), rules=rules))
    assert (
        cells(text, "dann") == ["dann", "**55.5 ± 0.7**", "2", "1.50", "*57.5*"] or cells(text, "dann")[-1] == "*57.5*"
    )
    assert cells(text, "method")[-1] == "*oracle_accuracy*"
    other = text.partition("By the rule")[2]
    assert cells(other, "method") == ["method", "last", "entropy", "infomax", "*oracle_accuracy*"]
    assert cells(other, "dann")[1:] == ["55.5 ± 0.7", "54.5 ± 0.7", "56.5 ± 0.7", "*57.5 ± 0.7*"]
    assert "is a bound, not a result" in text
    assert "By the rule" not in render.markdown(spec(), summary({"dann": base}))


def test_without_cost_a_rerun_gives_the_same_bytes(spec, summary, base):
    first, again = (summary({"unadapted": base, "tca": better(base)}, seconds=s) for s in (1.0, 2.0))
    assert render.markdown(spec(), first) != render.markdown(spec(), again)
    assert render.markdown(spec(), first, cost=False) == render.markdown(spec(), again, cost=False)
    assert "seconds" not in render.markdown(spec(), first, cost=False)


def test_failures_are_said_with_their_reason(spec, summary, base):
    text = render.markdown(spec(), summary({"unadapted": base, "tca": [None, *base[1:]]}))
    assert "- failed: tca (A): It broke." in text
    assert cells(text, "tca")[1:] == ["-", "5, 1 failed", "1.50"]
    assert cells(text.partition("By task")[2], "tca")[1] == "-"


def test_too_few_tasks_are_not_tested_and_it_is_said(spec, summary, base):
    text = render.markdown(spec(tasks="AB"), summary({"unadapted": base[:2], "tca": base[:2]}, tasks="AB"))
    assert "p" not in cells(text, "method")
    assert "on 2 tasks no difference can be significant" in text


def test_a_correction_that_leaves_no_power_is_said(spec, summary, base):
    rows = {"unadapted": base} | {f"m{k}": better(base, k) for k in range(3)}
    assert "cannot fall below 0.09 here" in render.markdown(spec(), summary(rows))
    assert "cannot fall" not in render.markdown(spec(), summary({"unadapted": base, "tca": better(base)}))


def test_every_markdown_table_is_rectangular(spec, published, summary, base):
    made = summary({"unadapted": base, "a|b": better(base)}, rules={"last": 0.0, "oracle_accuracy": 1.0})
    text = render.results_page([(spec([published({"x": {"A": 1.0}})]), made)], [spec([published({"y": {"B": 2.0}})])])
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 5
    for block in blocks:
        assert len({line.replace("\\|", "").count("|") for line in block}) == 1, block[0]


def test_the_page_begins_with_an_overview_and_ends_with_what_was_not_run(
    spec, published, summary, base, tmp_path, monkeypatch
):
    monkeypatch.setattr(render, "RESULTS", tmp_path)
    (tmp_path / "office_cd.png").touch()
    paper = published({"tca": {"mean": 60.0}, "unadapted": {"mean": 56.0}})
    absent = spec([published({"dann": {"A": 82.0}})], name="office31", title="Office-31")
    text = render.results_page([(spec([paper]), summary({"unadapted": base, "tca": better(base)}))], [absent])
    overview = cells(text, "[office](#office-bags-of-words)")
    assert overview[1:] == ["6", "2", "12", "tca", "62.50", "1.75 (2 methods)", "80"]
    assert "(results/office_cd.png)" in text
    assert text.count("dann") == 1
    assert cells(text.partition("# Not run")[2], "dann")[:3] == ["dann", "[1]", "82.0"]


def test_a_bound_is_named_and_is_never_the_best(spec, summary, base):
    made = summary({"unadapted": base, "tca": better(base), "all labels": better(base, 30.0)})
    text = render.markdown(spec(bounds=("all labels",)), made)
    assert cells(text, "all labels")[1] == "87.50"
    assert cells(text, "tca")[1] == "**62.50**"
    by_task = text.partition("By task")[2]
    assert "**" not in "".join(cells(by_task, "all labels"))
    assert cells(by_task, "tca")[1] == "**55.00**"
    assert "Trained on all target labels, a bound and never the best: all labels." in text
    assert cells(render.overview([(spec(bounds=("all labels",)), made)]), "[office](#office-bags-of-words)")[4] == "tca"


def test_figures_of_other_protocols_stand_apart(spec, published, summary, base):
    other = replace(published({"tca": {"A": 77.0}}, "memory", "Another paper"), protocol="Support vector machines.")
    text = render.markdown(spec(elsewhere=(other,)), summary({"unadapted": base, "tca": better(base)}))
    board, _, apart = text.partition("Under other protocols")
    assert "paper" not in cells(board, "method")
    assert "77" not in board
    assert cells(apart, "tca")[:3] == ["tca", "[1]", "77.0‡"]
    assert "[1] Another paper (‡ recalled from memory, not read: a hypothesis): Support vector machines." in apart


def test_a_table_that_is_no_grid_of_runs_names_its_own_command(spec, summary, base):
    text = render.markdown(spec(made_by="python benchmarks/simulated.py"), summary({"tca": base}))
    assert "`python benchmarks/simulated.py`" in text


@pytest.mark.parametrize(("p", "text"), [(None, "-"), (0.0004, "<0.001"), (0.0313, "0.031"), (1.0, "1.000")])
def test_p_values(p, text):
    assert render.p_cell(p) == text
