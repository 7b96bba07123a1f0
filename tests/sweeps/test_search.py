"""Searching with Optuna: what is asked, what is told, and what becomes of the trials of dead drivers."""

import json
import math
import shlex
from dataclasses import replace

import pytest
from records import scored
from small import SMALL

from da.config.compose import compose, expand
from da.config.validate import validate
from da.errors import ConfigError
from da.renamed import earlier
from da.results.record import run_id
from da.results.schema import Selected
from da.sweeps.job import Outcome
from da.sweeps.search import REAPED, Search, distributions

pytestmark = pytest.mark.versions

optuna = pytest.importorskip("optuna")
STATE = optuna.trial.TrialState


def plans(tmp_path, *overrides, seeds=(0,)):
    given = [*SMALL, "method=coral", f"output={tmp_path}", *overrides]
    return [validate(compose([*given, f"seed={seed}"])) for seed in seeds]


def finished(score, rule="infomax"):
    return Outcome("finished", record=scored(rule, score))


def distance(job):
    """A score that is best at a regularization of 10."""
    return -abs(math.log10(job.plan.config["method"]["regularization"]) - 1.0)


def drive(study, score=distance):
    for job in study:
        study.done(job, finished(score(job)))
    return study.study


def test_it_finds_the_best_of_a_known_score_within_the_methods_ranges(tmp_path):
    found = drive(Search(trials=25).study(plans(tmp_path), tmp_path))
    assert len(found.trials) == 25
    assert 3.0 < found.best_params["regularization"] < 30.0
    with pytest.raises(ConfigError, match="states no `search_space`"):
        Search().study(plans(tmp_path, "method=unadapted"), tmp_path)


def test_ranges_become_distributions(tmp_path):
    (plan,) = plans(tmp_path, "method=tca")
    made, space = distributions(plan.method), plan.method.locate().search_space
    assert set(made) == set(space)
    assert made["n_components"].choices == space["n_components"].values
    assert (made["regularization"].low, made["regularization"].high, made["regularization"].log) == (
        space["regularization"].low,
        space["regularization"].high,
        True,
    )


def test_the_value_of_a_trial_is_the_mean_over_seeds_and_the_configuration_has_its_parameters(tmp_path):
    study = Search(trials=1).study(plans(tmp_path, seeds=(3, 4)), tmp_path)
    jobs = []
    for job in study:
        jobs.append(job)
        study.done(job, finished(float(job.plan.config["seed"])))
    assert [j.plan.config["seed"] for j in jobs] == [3, 4]
    (trial,) = study.study.trials
    assert trial.value == 3.5
    assert all(j.plan.config["method"]["regularization"] == trial.params["regularization"] for j in jobs)
    assert f"method.regularization={trial.params['regularization']}" in study.verdict()


@pytest.mark.parametrize("outcome", [Outcome("failed", "no"), finished(1.0, "entropy")])
def test_a_run_that_fails_or_has_no_score_fails_its_trial_once(tmp_path, outcome):
    study = Search(trials=2).study(plans(tmp_path, seeds=(0, 1)), tmp_path)
    for job in study:
        study.done(job, outcome)
    assert [t.state for t in study.study.trials] == [STATE.FAIL, STATE.FAIL]
    assert "no trial finished" in study.verdict()


def test_the_same_command_goes_on_and_does_no_more_than_was_asked_for(tmp_path):
    drive(Search(trials=3).study(plans(tmp_path), tmp_path))
    more = Search(trials=5).study(plans(tmp_path), tmp_path)
    assert more.total == 2
    assert len(drive(more).trials) == 5
    assert list(Search(trials=5).study(plans(tmp_path), tmp_path)) == []


def test_a_search_that_was_begun_under_earlier_keywords_goes_on(tmp_path):
    given = plans(tmp_path, "method=tca")
    search = Search(trials=3)
    names = {"n_components": "components", "regularization": "regularization"}
    old = search._journal(given, earlier(given[0].config), tmp_path)
    old.parent.mkdir(parents=True)
    backend = optuna.storages.journal.JournalFileBackend(str(old))
    before = optuna.create_study(
        storage=optuna.storages.journal.JournalStorage(backend), study_name=old.stem, direction="maximize"
    )
    ranges = {names[key]: found for key, found in distributions(given[0].method).items()}
    before.tell(before.ask(ranges), 100.0)
    study = search.study(given, tmp_path)
    assert study.total == 2
    asked = []
    for job in study:
        asked.append(job.plan.config["method"])
        study.done(job, finished(1.0))
    for method, trial in zip(asked, study.study.trials[1:], strict=True):
        assert trial.params == {old: method[new] for new, old in names.items()}
    best = before.trials[0].params
    assert f"best of 3 finished trials by infomax 100.0000: method.regularization={best['regularization']:.3g}" in (
        study.verdict()
    )
    assert f" method.n_components={best['components']}" in study.verdict()
    assert [file.name for file in old.parent.glob("*.journal")] == [old.name]


def test_a_trial_of_a_dead_driver_is_queued_again_with_its_parameters(tmp_path):
    first = Search(trials=2).study(plans(tmp_path), tmp_path)
    lost = next(iter(first))
    first.done(lost, Outcome("interrupted"))
    first.study.trials[0].user_attrs["owner"]
    first.study._storage.set_trial_user_attr(lost.tag._trial_id, "owner", "elsewhere-1")  # whose status file is gone
    second = Search(trials=2).study(plans(tmp_path), tmp_path)
    assert second.total == 2
    jobs = []
    for job in second:
        jobs.append(job)
        second.done(job, finished(1.0))
    assert jobs[0].plan.config == lost.plan.config  # so its run goes on from its checkpoint
    assert len(jobs) == 2
    reaped = second.study.trials[0]
    assert (reaped.state, reaped.user_attrs[REAPED]) == (STATE.FAIL, True)


def test_a_pruner_gives_up_what_is_worse_than_the_median(tmp_path):
    study = Search(trials=8, pruner="median").study(plans(tmp_path, "method=dann"), tmp_path)
    given_up = []
    for k, job in enumerate(study):
        if job.watch(1, {"infomax": -float(k)}):
            given_up.append(k)
            study.done(job, Outcome("pruned"))
        else:
            study.done(job, finished(-float(k)))
    assert given_up  # the first five start the median
    assert min(given_up) == 5
    assert {t.state for t in study.study.trials} == {STATE.COMPLETE, STATE.PRUNED}
    with pytest.raises(ConfigError, match="needs a single seed, got 2"):
        Search(pruner="median").study(plans(tmp_path, seeds=(0, 1)), tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "infomx"}, "did you mean 'infomax'"),
        ({"objective": "last"}, "the number of the epoch"),
        ({"sampler": "tp"}, "did you mean 'tpe'"),
        ({"pruner": "medin"}, "did you mean 'median'"),
        ({"trials": 0}, "at least 1"),
    ],
)
def test_what_it_refuses(options, message):
    with pytest.raises(ConfigError, match=message):
        Search(**options)


def reached(job, accuracy, rule="infomax"):
    """A finished run with a score that is best at a regularization of 10, and its accuracy by some rules."""
    chosen = {rule: Selected(score=distance(job), target_test={"accuracy": accuracy}),
              "last": Selected(score=1.0, target_test={"accuracy": 1.0})}  # fmt: skip
    seed = job.plan.config["seed"]
    made = replace(scored(rule, 0.0), selection=chosen, metric="accuracy", seed=seed)
    return Outcome("finished", directory=f"runs/toy/coral/trial{job.tag.number}-seed{seed}", record=made)


def search(tmp_path, seeds=(0,), trials=6):
    study = Search(trials=trials).study(plans(tmp_path, "trainer.max_epochs=2", seeds=seeds), tmp_path)
    jobs = list(study_jobs(study))
    return study, jobs


def study_jobs(study):
    for job in study:
        yield job
        study.done(job, reached(job, 80.0 + 2.0 * job.plan.config["seed"]))


def test_the_end_names_the_accuracy_the_folders_and_the_command_of_the_best_trial(tmp_path):
    study, jobs = search(tmp_path, seeds=(1, 0))
    best = study.study.best_trial
    said = study.verdict().splitlines()
    value = best.params["regularization"]
    assert said[0].endswith(f" method.regularization={value:.3g}")
    assert len(str(value)) > 12
    assert said[1] == "  target test accuracy 81.00 ± 1.41 over 2 seeds, in the epoch that infomax chose"
    assert said[2:4] == [f"  run:   runs/toy/coral/trial{best.number}-seed{seed}" for seed in (0, 1)]
    command = shlex.split(said[4].partition("again: ")[2])
    assert command[:3] == ["python", "scripts/train.py", "-m"]
    again = expand(command[3:], multirun=True).plans
    tried = [job.plan for job in jobs if job.tag.number == best.number]
    assert {run_id(plan.config, "") for plan in again} == {run_id(tried[0].config, "")}, "the second draws nothing new"
    assert command[-1] == "seed=1,0"
    assert {plan.config["selection"] for plan in again} == {"infomax"}, "whose accuracy was named"


def test_a_later_driver_says_and_writes_the_same(tmp_path):
    first, _ = search(tmp_path)
    later = Search(trials=6).study(plans(tmp_path, "trainer.max_epochs=2"), tmp_path)
    assert later.verdict() == first.verdict()
    written = json.loads(later.write().read_text())
    best = first.study.best_trial
    assert written["setting"] == {"method.regularization": best.params["regularization"]}
    assert (written["score"], written["accuracies"], written["metric"]) == (best.value, [80.0], "accuracy")
    assert f"method.regularization={best.params['regularization']} " in f"{written['command']} "
    assert Search(trials=1).study(plans(tmp_path / "other"), tmp_path / "other").write() is None


def test_trials_that_look_the_same_have_titles_of_their_own(tmp_path):
    study = Search(trials=3).study(plans(tmp_path), tmp_path)
    for value in (0.0018273645, 0.0018273, 0.00183):
        study.study.enqueue_trial({"regularization": value}, skip_if_exists=False)
    titles = [job.title for job in study_jobs(study)]
    assert len(set(titles)) == 3
    assert titles[0].endswith("method.regularization=0.00183 data=toy data.samples=60 seed=0")


def test_without_target_labels_no_accuracy_is_made_up(tmp_path):
    study = Search(trials=1).study(plans(tmp_path), tmp_path)
    drive(study)
    assert "no target labels, so no accuracy" in study.verdict()
