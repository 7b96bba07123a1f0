from __future__ import annotations

import pytest

from da.errors import UsageError
from da.tables.export import diagram, escape, export, latex


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
    assert "target test split; selection=last.}" in latex(spec(tasks="A"), made)
    oracle = latex(spec(tasks="A", selection="oracle_accuracy"), made)
    assert r"selection=oracle\_accuracy, an oracle that reads the target test labels: a bound, not a result.}" in oracle


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
