from __future__ import annotations

import pytest

from da.errors import UsageError
from da.tables.export import STAR, diagram, escape, export, latex
from da.tables.markdown import markdown
from da.tables.summary import CellResult, Summary


def test_latex_marks_no_bound(spec, summary, base):
    made = summary({"a": [50.0, 40.0], "b": [60.0, 30.0], "all": [90.0, 90.0]}, tasks="AB")
    text = latex(spec(tasks="AB", bounds=("all",)), made)
    rows = {line.split(" & ")[0]: line for line in text.splitlines() if line.endswith(r"\\")}
    assert rows["all"] == r"all & 90.00 & 90.00 & 90.00 \\"
    assert rows["b"] == r"b & \textbf{60.00} & \underline{30.00} & \textbf{45.00} \\"
    assert "a bound and never the best: all." in text


def test_latex_marks_the_best_and_the_second_and_ties_share(spec, summary, base):
    text = latex(spec(tasks="AB"), summary({"a_1": [50.0, 40.0], "b": [60.004, 40.0], "c": [60.0, 30.0]}, tasks="AB"))
    rows = {line.split(" & ")[0]: line for line in text.splitlines() if line.endswith(r"\\")}
    assert rows["method"] == r"method & A & B & mean \\"
    assert rows["b"] == r"b & \textbf{60.00} & \textbf{40.00} & \textbf{50.00} \\"
    assert rows[r"a\_1"] == r"a\_1 & \underline{50.00} & \textbf{40.00} & \underline{45.00} \\"
    assert rows["c"] == r"c & \textbf{60.00} & \underline{30.00} & \underline{45.00} \\"
    assert r"\begin{tabular}{lrrr}" in text


def test_latex_has_deviations_over_seeds_and_dashes_for_failures(spec, summary):
    text = latex(spec(tasks="AB"), summary({"a": [50.0, None]}, tasks="AB", seeds=(0, 2)))
    assert r"a & \textbf{51.0} $\pm$ 1.4 & -- & -- \\" in text


def test_the_caption_names_the_rule_that_chose(spec, summary):
    made = summary({"a": [50.0]}, tasks="A")
    assert "target test split; selection=last. No test of significance: " in latex(spec(tasks="A"), made)
    oracle = latex(spec(tasks="A", selection="oracle_accuracy"), made)
    assert r"selection=oracle\_accuracy, an oracle that reads the target test labels: a bound, not a result." in oracle


def test_figures_that_an_oracle_chose_are_in_italics(spec, summary):
    made = summary({"a": [50.0, None], "b": [40.0, 30.0]}, tasks="AB", rules={"last": 0.0, "oracle_accuracy": 2.0})
    text = latex(spec(tasks="AB", selection="oracle_accuracy"), made)
    assert r"a & \textbf{\textit{52.00}} & -- & -- \\" in text
    assert r"b & \underline{\textit{42.00}} & \textbf{\textit{32.00}} & \textbf{\textit{37.00}} \\" in text
    assert r"\textit" not in latex(spec(tasks="AB"), made)
    shown = markdown(spec(tasks="AB", selection="oracle_accuracy"), made)
    assert "| method | *ours* |" in shown
    assert "| b | ***37.00*** |" in shown
    assert "| b | *42.00* | ***32.00*** |" in shown
    assert "*ours*" not in markdown(spec(tasks="AB"), made)


def test_a_star_marks_what_differs_from_the_baseline(spec, summary, base):
    better, mixed = [value + 1.0 + k for k, value in enumerate(base)], [*(v + 1.0 for v in base[:3]), *base[3:]]
    text = latex(spec(), summary({"unadapted": base, "tca": better, "jda": mixed}))
    rows = {line.split(" & ")[0]: line for line in text.splitlines() if line.endswith(r"\\")}
    starred = [row for row, line in rows.items() if STAR in line]
    assert starred == [], "of two rows on six tasks the least p is 0.06"
    assert "No row has a star: differs from unadapted at 0.05." in text
    text = latex(spec(), summary({"unadapted": base, "tca": better}))
    assert [line for line in text.splitlines() if STAR in line and line.startswith("tca")]
    assert r"$^{*}$: differs from unadapted at 0.05. p: Wilcoxon" in text


def test_of_one_task_there_is_the_difference_over_seeds(spec, summary):
    made = one_task({"unadapted": [50.0, 51.0, 53.0], "tca": [55.0, 57.0, 58.0]})
    text = latex(spec(tasks="A"), made)
    assert r"method & A & to unadapted \\" in text
    assert r"& +5.3 [3.9, 6.8] \\" in text
    assert r"\textbf{56.7}" in text
    assert STAR in next(line for line in text.splitlines() if line.startswith("tca"))
    assert "Student's t" in text


def one_task(scores):
    entries = (
        CellResult(row, "A", s, "finished", {"last": v}) for row, own in scores.items() for s, v in enumerate(own)
    )
    return Summary("office", tuple(entries), "accuracy", {})


def test_escaping():
    assert escape("50% of C→A & a->b_{c} \\x") == (r"50\% of C$\to$A \& a$\to$b\_\{c\} \textbackslash{}x")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_frames_come_back_as_they_were(suffix, spec, published, summary, base, tmp_path):
    pandas = pytest.importorskip("pandas")
    made = summary({"tca": [None, *base[1:]]}, rules={"last": 0.0, "oracle_accuracy": 1.0})
    file = export(spec([published({"tca": {"B": 39.0}})]), made, tmp_path / f"table{suffix}")
    read = pandas.read_csv(file) if suffix == ".csv" else pandas.read_parquet(file)
    assert list(read["status"]) == ["failed"] + ["finished"] * 5
    assert list(read["figure.last"])[1:] == list(base[1:])
    assert read["figure.oracle_accuracy"][1] == 41.0
    assert read["paper"][1] == 39.0
    assert read["paper"].isna().sum() == 5


def test_a_diagram_is_drawn_where_there_are_tasks_enough(spec, summary, base, tmp_path):
    pytest.importorskip("matplotlib")
    tasks = "ABCDEFG"
    rows = {f"m{k}": [*(b + k for b in base), 50.0 + k] for k in range(3)}
    file = diagram(spec(tasks=tasks), summary(rows, tasks=tasks), tmp_path / "office_cd.svg")
    assert "m2  1.00" in file.read_text()
    assert diagram(spec(), summary({"tca": base}), tmp_path / "no.svg") is None
    assert not (tmp_path / "no.svg").exists()


def test_the_suffix_names_the_format(spec, summary, base, tmp_path):
    assert r"\toprule" in export(spec(), summary({"tca": base}), tmp_path / "t.tex").read_text()
    assert "| tca |" in export(spec(), summary({"tca": base}), tmp_path / "t.md").read_text()
    with pytest.raises(UsageError, match="written as .md"):
        export(spec(), summary({"tca": base}), tmp_path / "t.xlsx")
