from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from pages import page, parsed, words

from da.errors import UsageError
from da.report.page import html
from da.report.sections import sections
from da.results import store
from da.results.schema import Epochs
from da.tables.spec import Published, PublishedScore, PublishedSource
from da.tables.summary import CellResult

pytestmark = pytest.mark.versions

HOSTILE = """'"><script>alert("&amp;")</script><img src=x onerror='f()'>"""


def test_the_page_is_one_file_that_asks_for_nothing(folder):
    text = page(folder)
    assert not re.search(r'(src|href)="(?!#)', text)
    assert "@import" not in text
    assert "url(" not in text.replace("url(#", "")
    assert "default-src 'none'" in text


def test_seeds_of_one_task_have_their_paired_difference_as_in_the_other_tables(tmp_path, keep, record):
    for seed, (a, b) in enumerate(((60.0, 50.0), (61.0, 53.0), (66.0, 54.0))):
        keep(record("tca", "art->clip", a, seed))
        keep(record("unadapted", "art->clip", b, seed))
    text = page(tmp_path)
    board = words(text, "Leaderboard")
    assert "to unadapted" in board
    assert "+10.0 [5.0, 15.0]" in board
    assert re.search(r'data-v="10\.0"[^>]*>\s*\+10\.0 \[5\.0, 15\.0\]', text), "it sorts by the difference"


def test_one_seed_has_no_column_of_differences(tmp_path, keep, record):
    keep(record("tca", "art->clip", 60.0))
    keep(record("unadapted", "art->clip", 50.0))
    assert "to unadapted" not in words(page(tmp_path), "Leaderboard")


def test_rows_that_tie_are_all_named_the_best(tmp_path, keep, record, report):
    for method, accuracy in {"unadapted": 60.0, "coral": 60.0, "tca": 50.0}.items():
        keep(record(method, "art->clip", accuracy))
    bound = record("target_only", "art->clip", 60.0)
    keep(replace(bound, config=bound.config | {"method": {"_target_": "da.methods.inductive.target_only.TargetOnly"}}))
    assert "<b>60.0 %</b>best: coral, unadapted<" in page(tmp_path)
    _, said, _ = report(tmp_path, "--best")
    assert "): coral, unadapted, accuracy 60.0 (1 run" in said


def test_the_line_beneath_a_confusion_matrix_is_not_cut(tmp_path, keep, record):
    keep(record("unadapted", "art->clip", 60.0))
    drawing = re.search(
        r'<svg[^>]*viewBox="0 0 ([\d.]+) [^>]*aria-label="confusion matrix.*?</svg>', page(tmp_path), re.DOTALL
    )
    (x,) = re.findall(r'<text x="([\d.]+)"[^>]*>rows: true class; columns: predicted', drawing[0])
    assert float(drawing[1]) - float(x) > 250.0  # 36 letters of 7 pixels at most


def test_names_and_errors_are_escaped(folder):
    text = page(folder)
    assert "<b>bag</b>" not in text
    assert "&lt;b&gt;bag&lt;/b&gt;" in text
    assert "It broke &lt;here&gt;." in text
    assert "Trace &amp; back" in text


def name(field):
    return f"{field} {HOSTILE}"


def assert_harmless(text, fields):
    """Every hostile name is somewhere on the page as it is, as text alone."""
    tree = parsed(text)
    tags = [tag for tag, _ in tree.seen]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert not [name for _, attributes in tree.seen for name in attributes if name.startswith("on")]
    for field in fields:
        assert name(field) in tree.text, field
    tips = "".join(str(value) for _, attributes in tree.seen for value in attributes.values())
    assert HOSTILE in tips


@pytest.fixture
def hostile(tmp_path, record, monkeypatch):
    """Runs of which everything has a hostile name, with curves; a failed one too."""

    def refuse(directory):
        raise UsageError(name("no features"))

    monkeypatch.setattr("da.report.examples._features", refuse)

    def of(method, task, accuracy, number, **changes):
        directory = tmp_path / f"{number}"
        directory.mkdir()
        r = record(method, "art->clip", accuracy, epochs=3).to_json()
        r |= {"run_id": f"{number}", "data": name("data"), "metric": name("metric")} | changes
        r |= {"fingerprint": f"{task}", "task": r["task"] | {"name": name(f"task {task}")}}
        r |= {"versions": {name("package"): name("version")}, "device": name("device")}
        r |= {"code": {"source": "0123abcd", "commit": "'\"<&>"}, "started": name("0 started")}
        for epoch in (r, *r["epochs"], *r["selection"].values()):
            epoch["target_test"] = {name("metric"): epoch["target_test"]["accuracy"]}
        rules = dict.fromkeys((name("oracle_a"), name("rule")), r["selection"]["entropy"])
        r["selection"] = rules | r["selection"]
        r["config"]["data"]["task"] = task
        (directory / "record.json").write_text(json.dumps(r))
        y = np.arange(30) % 2
        classes = [name("class"), *map(str, range(45 if method == "unadapted" else 1))]  # too many for a matrix, or few
        logits = np.random.default_rng(0).normal(size=(30, 2))
        np.savez(directory / "predictions.npz", y=y, predicted=1 - y, logits=logits, classes=classes)
        (directory / "model.pt").touch()

    number = 0
    for task in range(7):
        for method, accuracy in (("unadapted", 40.0), (name("method"), 50.0 + task), ("tca", 45.0 + task)):
            number += 1
            of(method, task, accuracy, number)
    broken = {key: name(key) for key in ("error", "error_kind", "traceback")} | {"status": "failed"}
    of(name("failing"), 0, 0.0, HOSTILE.replace("/", ""), **broken)
    return tmp_path


def test_hostile_names_in_records_come_out_as_text(hostile):
    records = store.load(hostile)
    text = html(name("title"), sections(hostile, records), records)
    fields = ["title", "data", "task 3", "package", "version", "device", "0 started", "rule", "oracle_a"]
    fields += ["method", "failing", "error", "error_kind", "traceback", "metric", "class", "no features"]
    assert_harmless(text, fields)
    assert HOSTILE.replace("/", "") in parsed(text).text  # the folder of the failed run
    for title in ("Significance", "By task", "Accuracy against time", "Selection rules", "Learning curves"):
        assert f"<h3>{title}</h3>" in text  # all that draws names is there


def test_hostile_names_in_a_published_table_come_out_as_text(hostile):
    (whole,) = sections(hostile, store.load(hostile))
    tasks = whole.spec.protocol.tasks
    scores = {row: {task: PublishedScore(50.0) for task in tasks} for row in (name("method"), name("absent"))}
    source = PublishedSource(name("source"), "read", scores, protocol=name("unlike"))
    texts = {"title": name("heading"), "description": name("protocol"), "made_by": name("command")}
    texts |= {"baseline": name("method"), "selection": name("rule")}
    protocol = replace(whole.spec.protocol, notes=(name("note"),), **texts)
    spec = replace(whole.spec, protocol=protocol, published=Published((source,)))
    refused = CellResult(name("refused"), next(iter(tasks)), 0, "refused", {}, reason=name("reason"))
    summary = replace(whole.summary, entries=(*whole.summary.entries, refused))
    text = html("runs", [replace(whole, spec=spec, summary=summary, benchmark=True)], [])
    fields = ["heading", "protocol", "command", "method", "absent", "source", "unlike", "note", "refused", "reason"]
    assert_harmless(text, fields)


def test_a_diagram_that_cannot_be_drawn_says_why(folder, monkeypatch):
    def refuse(ranking):
        raise UsageError(name("no matplotlib"))

    monkeypatch.setattr("da.report.page.critical_difference_svg", refuse)
    text = page(folder)
    assert HOSTILE not in text
    assert name("no matplotlib") in parsed(text).text
    assert "over 7 tasks" in words(text, "Significance")


def test_the_leaderboard_is_the_best_row_first_with_its_test(folder):
    board = words(page(folder), "Leaderboard")
    assert board.index("tca") < board.index("jda") < board.index("unadapted") < board.index("kmm")
    assert "56.00 0.031 7" in board  # both methods beat the baseline on all seven tasks: 2 x 2 / 2^7
    assert "6, 1 failed" in board


def test_the_heat_map_is_coloured_against_the_baseline(folder):
    text = page(folder)
    assert "points from the baseline, unadapted" in words(text, "By task")
    assert re.search(r'heat down[^"]*" data-v="30.0"[^>]*--a:1\.00', text)
    assert re.search(r'heat up[^"]*" data-v="40.0"[^>]*--a:0\.00', text)


def test_ranks_are_drawn_of_rows_with_a_figure_everywhere(folder):
    said = words(page(folder), "Significance")
    assert "tca 1.00" in said.replace("  ", " ")
    assert "kmm" not in said
    assert "over 7 tasks" in said


def test_learning_curves_show_what_each_rule_chose(tmp_path, keep, record):
    for seed in (0, 1):
        keep(record("dann", "art->clip", 60.0 + seed, seed, epochs=4))
        keep(record("source_only", "art->clip", 50.0 + seed, seed, epochs=4))
    text = page(tmp_path)
    curves = text.partition("<h3>Learning curves</h3>")[2]
    assert "dann: 60.5 % at the end, mean of 2 seeds" in curves
    assert "dann, seed 1: entropy chose epoch 1, 55.0 %" in curves
    assert "source_only, seed 0: oracle_accuracy chose epoch 4, 50.0 %" in curves
    rules = words(text, "Selection rules")
    assert rules.index("entropy") < rules.index("oracle_")
    assert "60.5 ± 0.7 54.5 ± 0.7 60.5 ± 0.7" in rules
    assert "on one task it takes 3 seeds" in words(text, "Significance")


def test_closed_form_runs_have_no_curves_and_no_rules(folder):
    text = page(folder)
    assert "Learning curves" not in text
    assert "Selection rules" not in text


def test_the_best_the_baseline_and_the_worst_are_shown_and_said_to_be_logits(folder):
    near = words(page(folder), "Runs from near", "<h2>")
    for title in ("tca (best), art-&gt;clip", "unadapted (baseline)"):
        assert title in near
    assert "kmm" not in near  # it has no figure on one task
    assert "t-SNE of the logits of target test samples (the run keeps no network)" in near
    assert "rows: true class; columns: predicted" in near


def test_runs_can_be_named(folder):
    near = words(
        page(folder, show=["jda-art-real-0", str(folder / "tca" / "tca-art-real-0")]), "Runs from near", "<h2>"
    )
    assert "jda, art-&gt;real, seed 0" in near
    assert "tca, art-&gt;real, seed 0" in near
    assert "baseline" not in near
    with pytest.raises(UsageError, match="did you mean 'jda-art-real-0'"):
        page(folder, show=["jda-art-rea-0"])
    with pytest.raises(UsageError, match="keeps no predictions"):
        page(folder, show=["kmm-clip-art-0"])


def test_a_folder_of_failures_alone_still_has_a_page(tmp_path, keep, record):
    broken = {"status": "failed", "error": "It broke.", "traceback": "T", "fingerprint": None}
    keep(record("kmm", "art->clip", 1.0, **broken))
    text = page(tmp_path)
    assert "It broke." in text
    assert "1 failed" in words(text, "Leaderboard")


def test_the_environment_counts_what_differs(folder, keep, record):
    keep(record("gfk", "art->clip", 40.0, versions={"numpy": "2.5.0"}))
    text = page(folder)
    assert "2.4.6 (28 runs), 2.5.0 (1 runs)" in text
    assert "2026-01-01T00:00:00+00:00 to 2026-01-01T00:01:00+00:00" in text


@pytest.fixture
def bounded(tmp_path, keep, record):
    """A row trained on all target labels above two others, on two tasks."""
    for task, base in (("art->clip", 50.0), ("art->real", 60.0)):
        target = record("target_only", task, base + 30.0)
        target.config["method"]["_target_"] = "da.methods.inductive.target_only.TargetOnly"
        keep(target)
        keep(record("dann", task, base + 10.0))
        keep(record("source_only", task, base))
    return tmp_path


def test_a_bound_is_marked_and_never_the_best(bounded):
    text = page(bounded)
    assert "<b>65.0 %</b>best: dann" in text
    assert "<b>85.0 %</b>bound: target_only" in text
    assert "target_only bound 85.00" in words(text, "Leaderboard")
    assert "a bound and never the best" in words(text, "Leaderboard")
    (best,) = re.findall(r'<td class="num bar best"[^>]*>([\d.]+)', text)
    assert best == "65.00"
    heat = text.partition("<h3>By task</h3>")[2].partition("<h3>")[0]
    assert re.findall(r'class="num heat up best[^"]*"[^>]*>([\d.]+)', heat) == ["60.00", "70.00", "65.00"]
    near = words(text, "Runs from near", "<h2>")
    assert "dann (best)" in near
    assert "target_only" not in near


def test_a_bound_is_a_ring_that_no_row_has_to_beat(bounded):
    chart = page(bounded).partition("<h3>Accuracy against time</h3>")[2].partition("<h3>")[0]
    assert "target_only (bound): 85.0 %" in chart
    assert re.search(r'fill="none" stroke="var\(--soft\)" data-row="target_only"', chart)
    assert re.findall(r'fill="var\(--accent\)" data-row="(\w+)"', chart) == ["dann", "source_only"]


def test_seconds_of_the_processor_stand_beside_those_of_the_clock(tmp_path, keep, record):
    keep(record("dann", "art->clip", 60.0, seconds={"train": 1.5, "evaluate": 0.5, "cpu": 7.25}))
    keep(record("tca", "art->clip", 50.0))
    board = words(page(tmp_path), "Leaderboard")
    assert "seconds CPU seconds" in board
    assert "dann 60.00 1 2.00 7.25" in board
    assert "tca 50.00 1 2.00 -" in board
    assert "CPU" not in words(page(keep(record("tca", "art->real", 50.0, data="digits"))), "Leaderboard")


def test_equal_points_of_the_chart_share_a_label(tmp_path, keep, record):
    for method in ("tca", "jda", "gfk", "bda"):
        keep(record(method, "art->clip", 50.0))
    keep(record("dann", "art->clip", 90.0))
    chart = words(page(tmp_path), "Accuracy against time")
    assert "bda, gfk, jda and 1 more" in chart


def test_a_part_that_fails_is_a_sentence_and_the_others_stand(folder, monkeypatch):
    def broken(*given):
        raise ZeroDivisionError("no <scale>")

    monkeypatch.setattr("da.report.page.charts.against_time", broken)
    with pytest.warns(UserWarning, match=r"Accuracy against time of data=office cannot be drawn: ZeroDivisionError"):
        text = page(folder)
    said = words(text, "Accuracy against time")
    assert "Accuracy against time of data=office cannot be drawn: ZeroDivisionError: no &lt;scale&gt;" in said
    assert "tca" in words(text, "Leaderboard")
    assert "tca (best)" in words(text, "Runs from near", "<h2>")


def test_a_part_whose_template_fails_does_too(folder, monkeypatch):
    monkeypatch.setattr("da.report.page.charts.against_time", lambda section, lines: object())
    with pytest.warns(UserWarning, match="Accuracy against time of data=office cannot be drawn: UndefinedError"):
        assert "tca" in words(page(folder), "Leaderboard")


def test_a_run_whose_epochs_are_damaged_leaves_the_curves_of_the_others(tmp_path, keep, record):
    for method in ("dann", "source_only"):
        keep(record(method, "art->clip", 60.0, epochs=3))
    records = store.load(tmp_path)
    records = [replace(r, epochs=Epochs(b"[{")) if r.method == "source_only" else r for r in records]
    results = sections(tmp_path, [r for r in records if r.method == "dann"])
    whole = replace(results[0], runs=results[0].runs | {("source_only", "art->clip", 0): records[-1]})
    with pytest.warns(UserWarning, match="learning curve of source_only, art->clip, seed 0"):
        text = html("runs", [whole], records)
    curves = words(text, "Learning curves")
    assert (
        f"The learning curve of source_only, art-&gt;clip, seed 0 ({records[-1].directory}) cannot be drawn" in curves
    )
    assert "dann: 60.0 % at the end" in curves


def test_a_damaged_network_leaves_the_confusions_of_its_run(tmp_path, keep, record, monkeypatch):
    def damaged(directory):
        raise KeyError(174812789)

    monkeypatch.setattr("da.report.examples._features", damaged)
    (keep(record("dann", "art->clip", 60.0)) / "model.pt").write_text("junk")
    with pytest.warns(UserWarning, match=r"The embedding of .*dann-art-clip-0 cannot be drawn: KeyError"):
        near = words(page(tmp_path), "Runs from near", "<h2>")
    assert "rows: true class; columns: predicted" in near
    assert "dann-art-clip-0 cannot be drawn: KeyError: 174812789" in near


def test_records_that_cannot_be_read_stand_among_the_failures(folder):
    records = store.load(folder)
    text = html("runs", sections(folder, records), records, (), ["The record of <x> is cut off."])
    assert "<li>The record of &lt;x&gt; is cut off.</li>" in text.partition("<h2>Failures</h2>")[2]


def test_rows_that_were_not_ranked_are_not_called_best(tmp_path, keep, record):
    keep(record("tca", "art->clip", 50.0))
    keep(record("jda", "art->real", 50.0))
    near = words(page(tmp_path), "Runs from near", "<h2>")
    assert "jda (not ranked)" in near
    assert "best" not in near
