"""One table of words in four forms."""

from __future__ import annotations

import csv
import io

import pytest

from da.tables.writer import Sheet, escape, listed

SHEET = Sheet(["method", "mean_class_accuracy", "note", "oracle"], [["da|nn", "71.0 ± 1.4", "a,b", "9"]], (0, 2), 1)


def test_markdown_ends_no_cell_early_and_aligns_numbers_at_the_right():
    assert SHEET.markdown().splitlines() == [
        "| method | mean_class_accuracy | note | oracle |",
        "| --- | ---: | --- | ---: |",
        "| da\\|nn | 71.0 ± 1.4 | a,b | 9 |",
    ]


def test_text_breaks_long_names_and_sets_the_oracle_behind_a_bar():
    assert SHEET.text().splitlines() == [
        "             mean_        |",
        "            class_        |",
        "method    accuracy  note  |  oracle",
        "-----------------------------------",
        "da|nn   71.0 ± 1.4  a,b   |       9",
    ]


def test_latex_escapes_names_and_keeps_marks():
    text = Sheet(["method", "a->b"], [["x_1 & y", r"\textbf{94.2}"]]).latex()
    assert text.splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"method & a$\to$b \\",
        r"\midrule",
        r"x\_1 \& y & \textbf{94.2} \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
    assert escape("50 % → ±") == r"50 \% $\to$ $\pm$"


def test_csv_comes_back_as_it_was():
    assert list(csv.reader(io.StringIO(SHEET.csv()))) == [SHEET.head, *SHEET.body]


@pytest.mark.parametrize("cell", ["=1+1", "@x", "+a", "-b"])
def test_csv_runs_no_formula(cell):
    text = Sheet(["a", "b"], [[cell, "-1.5"]]).csv()
    assert text == f"a,b\n'{cell},-1.5\n"


def test_a_table_without_rows_is_its_head():
    empty = Sheet(["a", "b"], [])
    assert empty.markdown() == "| a | b |\n| --- | ---: |"
    assert empty.text() == "a  b\n----"
    assert empty.csv() == "a,b\n"


def test_a_list():
    assert listed(["a", "b"]) == "- a\n- b"
    assert listed([]) == ""
