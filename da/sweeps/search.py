"""Search a method's hyper-parameters with Optuna, by a score that reads no target labels."""

from __future__ import annotations

import json
import math
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from da import renamed
from da.bounds import Count
from da.config import catalog
from da.config.titles import brief_title
from da.config.validate import Plan, criteria, validate
from da.engine.planned import nothing_to_search
from da.errors import ConfigError, nearest
from da.results.record import run_id
from da.search_space import Choice, Range, Space
from da.sweeps.best_trial import BestTrial, best_trial, noted
from da.sweeps.job import Job, Outcome
from da.sweeps.status import FOLDER, drivers

SAMPLERS = {"tpe": "TPESampler", "random": "RandomSampler", "gp": "GPSampler", "quasi_random": "QMCSampler"}
PRUNERS = {"none": "NopPruner", "median": "MedianPruner", "hyperband": "HyperbandPruner"}
OWNER, REAPED, RETRY, ERROR, RUNS = "owner", "reaped", "retry_of", "error", "runs"
NAMED = 5  # largest number of failed trials that a verdict lists individually


class Search:
    """What to search with; the ranges stand in the method (``search_space``), the rest on the command line.

    Args:
        trials: number of trials, over all drivers of the study; a failed one is replaced by another, until a driver
            has had as many failures.
        objective: the selection rule to maximise, as a mean over the seeds, each in the epoch that the rule selects.
        sampler: ``tpe``, ``random``, ``gp`` or ``quasi_random``.
        pruner: ``none``, ``median`` or ``hyperband``; applied to each evaluated epoch.

    Raises:
        ConfigError: the objective, sampler or pruner is unknown, ``trials`` is below 1, or the objective is ``last``,
            which scores the number of the epoch.
    """

    def __init__(self, *, trials: Count = 20, objective: str = "infomax", sampler: str = "tpe", pruner: str = "none"):
        for key, value, known in (
            ("objective", objective, criteria()),
            ("sampler", sampler, SAMPLERS),
            ("pruner", pruner, PRUNERS),
        ):
            if value not in known:
                raise ConfigError(f"sweep.{key}='{value}' is unknown; {nearest(value, known)}")
        if trials < 1:
            raise ConfigError(f"sweep.trials must be at least 1, got {trials}.")
        if objective == "last":
            raise ConfigError("sweep.objective=last scores the number of the epoch; choose a rule that can be better.")
        self.trials, self.objective, self.sampler, self.pruner = trials, objective, sampler, pruner

    def study(self, plans: Sequence[Plan], output: Path) -> Study:
        """Create or resume the study of runs that differ by their seeds only.

        Raises:
            ConfigError: Optuna is missing, the method has no search space, or a pruner is used with several seeds.
        """
        try:
            import optuna
        except ImportError as error:
            raise ConfigError('sweep=optuna needs the package optuna: pip install "da[sweeps]".') from error
        from optuna.storages.journal import JournalFileBackend, JournalStorage

        if self.pruner != "none" and len(plans) > 1:
            raise ConfigError(f"sweep.pruner={self.pruner} needs a single seed, got {len(plans)}; drop one of the two.")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        config = plans[0].config
        journal, old = (self._journal(plans, given, output) for given in (config, renamed.earlier(config)))
        if begun_before := old.is_file() and not journal.is_file():
            journal = old
        journal.parent.mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(journal))),
            study_name=journal.stem,
            direction="maximize",
            load_if_exists=True,
            pruner=getattr(optuna.pruners, PRUNERS[self.pruner])(),
        )
        seed = config["seed"] + os.getpid() + len(study.trials)  # drivers must not try the same, nor later ones
        study.sampler = getattr(optuna.samplers, SAMPLERS[self.sampler])(seed=seed)
        return Study(study, plans, self, output, begun_before=begun_before)

    def _journal(self, plans: Sequence[Plan], config: Mapping[str, Any], output: Path) -> Path:
        identity = run_id({**config, "seed": [p.config["seed"] for p in plans]}, self.objective)
        return output / FOLDER / f"{plans[0].method.name}-{plans[0].data.name}-{identity}.journal"


class Study:
    """Source of jobs that asks Optuna for the next setting when a process is free, and reports the outcomes.

    Args:
        study: Optuna's study.
        plans: the runs of every trial, one for each seed.
        search: the settings of the search.
        output: the results folder.
        begun_before: keywords had other names when the study was begun, and keep them in it.
    """

    def __init__(self, study: Any, plans: Sequence[Plan], search: Search, output: Path, *, begun_before: bool = False):
        self.study, self.plans, self.search, self.output = study, plans, search, output
        ranges = distributions(plans[0].method)
        self.ranges = renamed.earlier(ranges, plans[0].method.path) if begun_before else ranges
        self.me = f"{socket.gethostname()}-{os.getpid()}"
        self.scores: dict[int, list[float]] = {}
        self.runs: dict[int, list[dict[str, Any]]] = {}
        self.failures = 0
        self.requeue_dead_trials()
        if plans[0].config["rerun"] in ("failed", "all"):
            self.retry()
        self.total: int | None = max(search.trials - len(self.counted()), len(self.waiting())) * len(plans)

    def counted(self) -> list[Any]:
        """The trials that count: running, finished or pruned."""
        return [t for t in self.study.get_trials(deepcopy=False) if t.state.name not in ("FAIL", "WAITING")]

    def waiting(self) -> list[Any]:
        """The trials whose settings are queued."""
        return [t for t in self.study.get_trials(deepcopy=False) if t.state.name == "WAITING"]

    def failed(self) -> list[Any]:
        """The trials that failed and were not queued again."""
        trials = self.study.get_trials(deepcopy=False)
        again = {t.user_attrs.get(RETRY) for t in trials}
        return [t for t in trials if t.state.name == "FAIL" and REAPED not in t.user_attrs and t.number not in again]

    def requeue_dead_trials(self) -> None:
        """Fail the trials of dead drivers and queue their settings again, so that runs resume from checkpoints."""
        import optuna

        alive = {f"{said['host']}-{said['pid']}" for said in drivers(self.output) if said["alive"]} | {self.me}
        for trial in self.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
            if trial.user_attrs.get(OWNER) not in alive:
                self._note(trial, REAPED, True)
                self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
                self.study.enqueue_trial(trial.params, skip_if_exists=False)

    def retry(self) -> None:
        """Queue the settings of failed trials again."""
        for trial in self.failed():
            self.study.enqueue_trial(trial.params, {RETRY: trial.number}, skip_if_exists=False)

    def _note(self, trial: Any, key: str, value: Any) -> None:
        self.study._storage.set_trial_user_attr(trial._trial_id, key, value)  # the only way for a frozen trial

    def __iter__(self) -> Iterator[Job]:
        while self.failures < self.search.trials and (len(self.counted()) < self.search.trials or self.waiting()):
            trial = self.study.ask(self.ranges)
            trial.set_user_attr(OWNER, self.me)
            self.scores[trial.number], self.runs[trial.number] = [], []
            for plan in self._tried(trial):
                watch = None if self.search.pruner == "none" else TrialObserver(trial, self.search.objective)
                yield Job(plan, watch, tag=trial, name=f"trial {trial.number}: {brief_title(plan)}")

    def _tried(self, trial: Any) -> list[Plan]:
        """The runs of a trial, one for each seed."""
        keywords = self._keywords(trial)
        return [validate(p.config | {"method": p.config["method"] | keywords}) for p in self.plans]

    def done(self, job: Job, outcome: Outcome) -> None:
        """Process a run's outcome, which ends its trial with the last seed; interrupted trials wait for a driver."""
        import optuna

        trial, state = job.tag, optuna.trial.TrialState
        if outcome.kind == "interrupted" or trial.number not in self.scores:
            return
        if outcome.kind == "pruned":
            self.study.tell(trial, state=state.PRUNED)
            return
        score = _score(outcome, self.search.objective)
        if math.isnan(score):
            del self.scores[trial.number]  # the trial fails whatever the other seeds give
            self.failures += self.search.trials if outcome.kind == "refused" else 1  # any setting would be refused
            self._note(trial, ERROR, outcome.message or f"the run has no score of {self.search.objective}")
            self.study.tell(trial, state=state.FAIL)
            return
        assert outcome.record is not None  # it has a score
        self.scores[trial.number].append(score)
        self.runs[trial.number].append(noted(outcome.record, outcome.directory, self.search.objective))
        if len(self.scores[trial.number]) == len(self.plans):
            self._note(trial, RUNS, self.runs[trial.number])
            self.study.tell(trial, float(sum(self.scores[trial.number]) / len(self.plans)))

    def _keywords(self, trial: Any) -> dict[str, Any]:
        """The method's keywords that a trial sets."""
        found: dict[str, Any] = renamed.current(trial.params, self.plans[0].method.path)
        return found

    def finished(self) -> list[Any]:
        """The trials that have a score."""
        return [t for t in self.study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]

    def best(self) -> BestTrial | None:
        """The best trial so far; None if none has a score."""
        finished = self.finished()
        if not finished:
            return None
        trial = self.study.best_trial
        configs = [plan.config for plan in self._tried(trial)]
        runs = trial.user_attrs.get(RUNS, [])
        return best_trial(self.search.objective, len(finished), trial.value, self._keywords(trial), configs, runs)

    def write(self) -> Path | None:
        """Write the best trial beside the runs, as ``search-METHOD-DATA-ID.json``; None if there is none."""
        best = self.best()
        return None if best is None else best.write(self.output / f"search-{self.study.study_name}.json")

    def verdict(self) -> str:
        """Message on the best trial so far, with the command that repeats it, and on failed trials."""
        best, failed = self.best(), self.failed()
        name = f"{self.plans[0].method.name} on {self.plans[0].data.name}"
        lines = [f"{name}: {'no trial finished.' if best is None else best.text()}"]
        lines += [
            f"  failed: {_setting(self._keywords(t))}: {t.user_attrs.get(ERROR, 'see its record')}"
            for t in failed[:NAMED]
        ]
        if failed:
            more = f"and {len(failed) - NAMED} more failed; " if len(failed) > NAMED else ""
            lines.append(f"  {more}rerun=failed tries failed ones again")
        return "\n".join(lines)


class TrialObserver:
    """Report the objective of each epoch to the trial, and prune the run if the pruner decides so."""

    def __init__(self, trial: Any, objective: str):
        self.trial, self.objective = trial, objective

    def __call__(self, epoch: int, scores: dict[str, float | None]) -> bool:
        score = scores.get(self.objective)
        if score is None:
            return False
        self.trial.report(score, epoch)
        return bool(self.trial.should_prune())


def ranges(method: catalog.Entry) -> Space:
    """The ``search_space`` of a method.

    Raises:
        ConfigError: it has none.
    """
    found: Space = getattr(method.locate(), "search_space", {})
    if not found:
        raise ConfigError(nothing_to_search(method.name))
    return found


def distributions(method: catalog.Entry) -> dict[str, Any]:
    """The ``search_space`` of a method in Optuna's terms."""
    import optuna

    made: dict[str, Any] = {}
    for key, given in ranges(method).items():
        if isinstance(given, Range):
            made[key] = optuna.distributions.FloatDistribution(given.low, given.high, log=given.log)
        else:
            assert isinstance(given, Choice)
            made[key] = optuna.distributions.CategoricalDistribution(given.values)
    return made


def _score(outcome: Outcome, objective: str) -> float:
    chosen = outcome.record.selection.get(objective) if outcome.record else None
    return math.nan if chosen is None or chosen.score is None else chosen.score


def _setting(keywords: Mapping[str, Any]) -> str:
    """A method's keywords as overrides for a command line."""
    return " ".join(f"method.{key}={_shown(value)}" for key, value in keywords.items())


def _shown(value: Any) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)
