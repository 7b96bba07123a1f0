from dataclasses import replace

import pytest
from processes import finished

from da.results import record
from da.tables.ranking import Candidate, across_runs, judge, markdown, report, spearman, within_runs


def run(epochs, method="dann", seed=0, **changes):
    """A finished record; an epoch is its accuracy and its scores by rule."""
    task = changes.pop("task", "a->b")
    content = {
        "schema": 1,
        "status": "finished",
        "method": method,
        "setting": "transductive",
        "data": "toy",
        "seed": seed,
        "config": {"method": {"_target_": method, "weight": changes.pop("weight", 1.0)}, "data": {}, "trainer": {}},
        "fingerprint": task,
        "task": {"name": task, "transductive": False},
        "selection": {},
        "seconds": {},
        "target_test": {},
        "finished": "2026-01-01T00:00:00+00:00",
        "epochs": [
            {
                "epoch": k,
                "scores": scores,
                "target_test": {} if accuracy is None else {"accuracy": accuracy, "other": 9.0},
            }
            for k, (accuracy, scores) in enumerate(epochs, 1)
        ],
    }
    return record.Record.from_json(content | changes)


def by_rule(rankings):
    return {ranking.rule: ranking for ranking in rankings}


def candidates(*pairs):
    return [Candidate(*pair) for pair in pairs]


# --- one choice


def test_correlation_is_of_ranks_with_ties_at_their_mean():
    assert spearman(candidates((1.0, 10.0), (2.0, 20.0), (1000.0, 21.0))) == pytest.approx(1.0)
    assert spearman(candidates((3.0, 10.0), (2.0, 20.0), (1.0, 30.0))) == pytest.approx(-1.0)
    # Ranks (1, 2.5, 2.5) and (1, 2, 3): covariance 0.75, variances 0.75 and 1 -> sqrt(0.75).
    assert spearman(candidates((1.0, 10.0), (2.0, 20.0), (2.0, 30.0))) == pytest.approx(0.75**0.5)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(1.0, 10.0), (2.0, 20.0)],
        [(1.0, 10.0), (2.0, 20.0), (None, 30.0)],
        [(1.0, 10.0), (1.0, 20.0), (1.0, 30.0)],
        [(1.0, 10.0), (2.0, 10.0), (3.0, 10.0)],
    ],
    ids=["none", "two", "two scored", "constant scores", "constant accuracies"],
)
def test_correlation_is_undefined_without_an_order(pairs):
    assert spearman(candidates(*pairs)) is None


def test_regret_is_what_the_highest_score_loses():
    assert judge(candidates((1.0, 80.0), (3.0, 70.0), (2.0, 60.0)), best=85.0) == (-0.5, 15.0, False)


def test_tied_winners_regret_what_chance_would():
    case = judge(candidates((5.0, 80.0), (5.0, 60.0), (1.0, 90.0)), best=90.0)
    assert (case.regret, case.tied) == (20.0, True)


def test_a_rule_without_scores_has_no_case():
    assert judge(candidates((None, 80.0), (None, 70.0)), best=80.0) is None
    assert judge([], best=80.0) is None


# --- within runs


def test_epochs_are_ranked_run_by_run():
    good = [(50.0, {"good": 1.0, "bad": 3.0}), (60.0, {"good": 2.0, "bad": 2.0}), (90.0, {"good": 3.0, "bad": 1.0})]
    odd = [(70.0, {"good": 3.0, "bad": 2.0}), (60.0, {"good": 2.0, "bad": 3.0}), (50.0, {"good": 1.0, "bad": 1.0})]
    found = by_rule(within_runs([run(good), run(odd, seed=1)]))
    assert found["good"].correlations == pytest.approx([1.0, 1.0])
    assert found["good"].regrets == [0.0, 0.0]
    assert found["bad"].correlations == pytest.approx([-1.0, 0.5])
    assert found["bad"].regrets == [40.0, 10.0]


def test_undefined_and_absent_are_counted_apart():
    rising = [(50.0, {"flat": 1.0}), (60.0, {"flat": 1.0}), (70.0, {"flat": 1.0, "rare": 0.0})]
    (flat, rare) = within_runs([run(rising), run([(a, {"flat": a}) for a in (1.0, 2.0, 3.0)], seed=1)])
    assert (flat.rule, len(flat.cases), flat.correlations, flat.absent) == ("flat", 2, [1.0], 0)
    assert flat.cases[0] == (None, 10.0, True)
    assert (rare.rule, rare.cases, rare.absent) == ("rare", ((None, 0.0, False),), 1)


def test_what_offers_no_choice_or_has_labels_is_no_case():
    two = [(50.0, {"rule": 1.0}), (60.0, {"rule": 2.0})]
    assert within_runs([run(two)]) != []
    failed = replace(run(two), status=record.Status.FAILED, task=None, epochs=())
    others = [run(two[:1]), run([(None, {"rule": 1.0})] * 3, seed=1), failed, run(two, setting="supervised", seed=3)]
    assert within_runs(others) == []


def test_oracles_are_not_ranked():
    epochs = [(50.0, {"oracle_accuracy": 50.0, "last": 1.0}), (60.0, {"oracle_accuracy": 60.0, "last": 2.0})]
    assert [ranking.rule for ranking in within_runs([run(epochs)])] == ["last"]


def test_of_a_repeated_run_the_newest_counts():
    old, new = [(50.0, {"rule": 1.0}), (60.0, {"rule": 2.0})], [(60.0, {"rule": 1.0}), (50.0, {"rule": 2.0})]
    newest = run(new, finished="2026-02-01T00:00:00+00:00")
    assert within_runs([newest, run(old)])[0].regrets == within_runs([run(old), newest])[0].regrets == [10.0]


# --- across runs


def test_runs_are_ranked_at_the_epoch_that_the_rule_chooses():
    # The rule's epochs: dan 60 (score 5), dann 80 (score 3), coral 70 (score 4); best is dann's first epoch, 90.
    runs = [
        run([(65.0, {"rule": 1.0}), (60.0, {"rule": 5.0})], "dan"),
        run([(90.0, {"rule": 2.0}), (80.0, {"rule": 3.0})], "dann"),
        run([(70.0, {"rule": 4.0}), (10.0, {"rule": None})], "coral"),
    ]
    (found,) = across_runs(runs)
    assert found.correlations == pytest.approx([-1.0])
    assert found.regrets == [30.0]


def test_configurations_of_a_method_are_candidates_and_tasks_and_seeds_are_cases():
    def three(**changes):
        return [run([(10.0 * w, {"rule": w})], weight=w, **changes) for w in (1.0, 2.0, 3.0)]

    (found,) = across_runs([*three(), *three(seed=1), *three(task="b->a")])
    assert found.correlations == pytest.approx([1.0, 1.0, 1.0])
    assert found.regrets == [0.0, 0.0, 0.0]
    (mixed,) = across_runs([run([(10.0, {"rule": 1.0})]), run([(20.0, {"rule": 2.0})], seed=1), *three(seed=2)])
    assert len(mixed.cases) == 1  # a single run is no choice, and seeds are not compared


def test_last_knows_nothing_of_runs_of_equal_length():
    (found,) = across_runs([run([(a, {"last": 1.0})], weight=a) for a in (60.0, 70.0, 80.0)])
    assert found.cases == ((None, 10.0, True),)


# --- what is written


def test_markdown_gives_mean_deviation_and_counts_least_regret_first():
    up = [(50.0, {"good": 1.0, "bad": 3.0}), (60.0, {"good": 2.0, "bad": 2.0}), (90.0, {"good": 3.0, "bad": 1.0})]
    flat = [(50.0, {"good": 1.0}), (52.0, {"good": 1.0})]
    lines = markdown(within_runs([run(up), run(flat, seed=1)])).splitlines()
    assert lines[2] == "| `good` | 1.00 | 0.5 ± 0.7 | 2 | 1 | 1 | 0 |"
    assert lines[3] == "| `bad` | -1.00 | 40.0 | 1 | 0 | 0 | 1 |"


def test_report_of_nothing_says_so():
    assert report([]).count("No case.") == 2


def test_the_script_prints_and_writes_the_report(tmp_path, root):
    for seed in range(2):
        record.write(tmp_path / "runs" / f"{seed}", run([(50.0, {"last": 1.0}), (60.0, {"last": 2.0})], seed=seed))
    script = root / "benchmarks" / "selection.py"
    done = finished(script, "runs", "--write", "out.md", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "| `last` | - | 0.0 ± 0.0 | 2 | 2 | 0 | 0 |" in done.stdout
    assert (tmp_path / "out.md").read_text().strip() == done.stdout.strip()
    assert "2 finished runs" in done.stdout
    wrong = finished(script, "nowhere", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "nowhere is neither a folder of records nor a committed table" in wrong.stderr


@pytest.mark.parametrize(("method", "counted"), [("pooled", False), ("of_mine", False), ("coral", True)])
def test_settings_without_a_name_are_judged_by_what_the_method_needs(method, counted):
    runs = [run([(70.0, {"r": 1.0})]), run([(80.0, {"r": 2.0})], method=method, setting="custom")]
    assert bool(across_runs(runs)) is counted
