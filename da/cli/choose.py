"""The command line of ``scripts/choose.py``: look at the data, run what fits in a budget, and rank without labels."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from da.config import arguments, catalog, compose
from da.config.validate import KEYS, Plan, validate
from da.engine import planned
from da.engine.predictions import is_clustering
from da.errors import ConfigError, Incompatible, UsageError, nearest
from da.setting import ALL, DIFFERENT, FEW, NONE, SAME, Access

if TYPE_CHECKING:
    from da.cli.ranked import Ranked
    from da.domain import Task
    from da.sweeps.job import Job, Outcome
    from da.tables.strategies import Experience

HELP = """\
python scripts/choose.py data=NAME [data.KEY=VALUE ...] [budget=10min] [rule=NAME] [methods=A,B] [KEY=VALUE ...]

Chooses a method without target labels: says what the data show, lists the methods that can run on them, runs these in
the order of their average rank on our tables while the budget lasts, and ranks them by a label-free rule.

  data=features data.source=a.csv data.target=b.csv   the data, as for scripts/train.py
  budget=10min     time for the runs (90s, 10min, 1.5h); each may take a quarter of it (a minute
                   at least), or launcher.timeout=SECONDS
  rule=NAME        the rule to rank by; by default the one with the least regret on our tables
  methods=A,B      only these and the baseline; a method that needs a few target labels runs only if it is named here
  KEY=VALUE        anything else that scripts/train.py takes, such as classifier=one_nn output=DIR launcher.jobs=2

Finished runs are not repeated: the same command goes on where it stopped, and a larger budget tries again what took
too long."""
OWN = {"budget": "10min", "rule": "", "methods": ""}
TAKEN = ("method", "selection", "seed", "sweep")
INTERRUPTED = 130
TOP = 3
CLUSTERS = "they use no source labels, so that their classes have no names"
UNLABELLED = "they need target labels, and this is a choice without"


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Args:
        overrides: of every run, as for ``scripts/train.py``.
        seconds: budget of the runs.
        rule: to rank by.
        methods: names, none for all.
    """

    overrides: tuple[str, ...]
    seconds: float
    rule: str
    methods: tuple[str, ...]


@dataclass(frozen=True)
class Runnable:
    """Which methods can run.

    Args:
        plans: by method, in the order in which they begin.
        left_out: names of the others by reason.
    """

    plans: Mapping[str, Plan]
    left_out: Mapping[str, Sequence[str]]


def choose(words: Sequence[str]) -> int:
    """Run the command line; exit code 0 chosen, 1 not (no run finished or has a score), 2 wrong usage, 130 Ctrl-C."""
    if set(arguments.HELP) & set(words):
        print(HELP)
        return 0
    try:
        return _choose(read(words))
    except UsageError as error:
        print(f"choose: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 2


def read(words: Sequence[str]) -> Asked:
    """What a command line asks for.

    Raises:
        ConfigError: an argument is wrong.
    """
    from da import selection
    from da.sweeps.budget import seconds_of
    from da.tables.label_free import compares
    from da.tables.regret import best_rule
    from da.tables.wording import ORACLE

    own = dict(OWN)
    rest = []
    for word in words:
        key, equals, value = word.partition("=")
        if key in OWN and equals:
            own[key] = value
        else:
            rest.append(word)
    parsed = arguments.read(rest)
    keys = {*OWN, *KEYS, *catalog.groups()}
    for word in parsed.overrides:
        if (root := word.lstrip("+").partition("=")[0].partition(".")[0]) not in keys:
            raise ConfigError(f"There is no key '{root}'; {nearest(root, keys)}")
    if parsed.multirun or parsed.hydra or parsed.dry:
        raise ConfigError("choose.py runs many methods by itself and takes KEY=VALUE alone; leave out the options.")
    for word in parsed.overrides:
        if (key := word.lstrip("+").partition("=")[0].partition(".")[0]) in TAKEN:
            other = {"method": "methods=A,B", "selection": "rule=NAME"}.get(key, "scripts/train.py")
            raise ConfigError(f"{word} cannot be given here, where {key} is chosen or one for all runs; use {other}.")
    rule = own["rule"] or best_rule()
    if not rule:
        raise ConfigError("There are no committed tables to find the best rule from; name one with rule=NAME.")
    if rule not in selection.names():
        raise ConfigError(f"There is no rule={rule}; {nearest(rule, selection.names())}")
    if rule.startswith(ORACLE):
        raise ConfigError(f"rule={rule} reads target labels, and this is a choice without; leave it out.")
    if not compares(rule):
        raise ConfigError(f"rule={rule} scores an epoch by its number, which says nothing of methods; leave it out.")
    names = tuple(name for name in own["methods"].strip("[]").split(",") if name)
    known = catalog.options("method")
    for name in names:
        if name not in known:
            raise ConfigError(f"There is no method={name}; {nearest(name, known)}")
    return Asked(tuple(parsed.overrides), seconds_of(own["budget"]), rule, names)


def _choose(asked: Asked) -> int:
    from da.cli.look import look
    from da.engine.run import load
    from da.tables.choice_page import first_sentences, wrapped
    from da.tables.regret import committed
    from da.tables.strategies import learn

    with compose.Composer() as composer:
        asked = _whole_target(composer, asked)
        plans, refused = plans_of(composer, asked)
    if not plans:
        raise ConfigError(next(iter(refused)))
    planned.check(list(plans.values()), launched=True)
    if said := first_sentences():
        print(f"{wrapped(said)}\n")
    plan = next(iter(plans.values()))
    task, fingerprint = load(plan)
    print(f"DATA\n{look(task)}\n", flush=True)
    if caution := split_by_labels(plan, task):
        print(f"warning: {caution}", file=sys.stderr)
    found = candidates(plans, refused, task, asked.methods, learn(committed()))
    print(f"METHODS\n{listing(found)}\n", flush=True)
    if not found.plans:
        raise ConfigError("No method can run on these data; the lines above say what each lacks.")
    return _run_and_rank(asked, found, fingerprint)


def _whole_target(composer: compose.Composer, asked: Asked) -> Asked:
    """Without a file to test on, the whole target is adapted to and predicted: no split by labels, a row for each."""
    data = composer.compose([*asked.overrides, f"selection={asked.rule}"])["data"]
    given = {word.lstrip("+").partition("=")[0] for word in asked.overrides}
    if "test_fraction" not in data or data.get("target_test") or "data.test_fraction" in given:
        return asked
    return replace(asked, overrides=(*asked.overrides, "data.test_fraction=0"))


def split_by_labels(plan: Plan, task: Task) -> str:
    """A sentence where the target's labels have a say in which of its samples are adapted to; else empty."""
    data = plan.config["data"]
    if not data.get("test_fraction") or data.get("target_test") or task.target.train.y is None:
        return ""
    return (
        f"data.test_fraction={data['test_fraction']} splits a labelled target by its labels, and so lets them have a "
        "small say in the choice; leave it out for none."
    )


def plans_of(composer: compose.Composer, asked: Asked) -> tuple[dict[str, Plan], dict[str, list[str]]]:
    """Valid plans by method, and the names of methods that cannot be planned by reason; baselines come along.

    Raises:
        ConfigError: an override is wrong.
    """
    from da.tables.strategies import BASELINES

    entries = catalog.entries("method")
    names = list(asked.methods) or list(entries)
    kinds = {entries[name].is_estimator for name in names}
    baselines = [name for name in BASELINES if entries[name].is_estimator in kinds]
    plans: dict[str, Plan] = {}
    refused: dict[str, list[str]] = {}
    for name in dict.fromkeys([*baselines, *names]):
        try:
            plans[name] = validate(composer.compose([*asked.overrides, f"method={name}", f"selection={asked.rule}"]))
        except Incompatible as error:
            refused.setdefault(_reason(name, str(error)), []).append(name)
    return plans, refused


def _reason(name: str, message: str) -> str:
    """A refusal of a method, so that alike ones of others read the same."""
    return message.replace(f"method={name} ", "they ", 1).removesuffix(".")


def candidates(
    plans: Mapping[str, Plan], refused: Mapping[str, Sequence[str]], task: Task, named: Sequence[str], known: Experience
) -> Runnable:
    """The methods that the data suffice for: closed-form ones first, baselines first, then by average rank.

    Args:
        plans: by method.
        refused: names of other methods by reason.
        task: the data.
        named: methods that the user named, which may take a few target labels.
        known: average ranks.
    """
    from da.tables.strategies import BASELINES, UNKNOWN

    left_out = {reason: list(names) for reason, names in refused.items()}
    kept = {}
    for name, plan in plans.items():
        if reason := lacking(task, plan.method.access, named=name in named):
            left_out.setdefault(reason, []).append(name)
        else:
            kept[name] = plan

    def order(name: str) -> tuple[bool, bool, float, str]:
        return not kept[name].method.is_estimator, name not in BASELINES, known.order.get(name, UNKNOWN), name

    return Runnable({name: kept[name] for name in sorted(kept, key=order)}, left_out)


def lacking(task: Task, needs: Access, *, named: bool) -> str:
    """What a method lacks on these data, in words; empty if nothing."""
    if is_clustering(needs):
        return CLUSTERS
    few = named and needs.target_y == FEW and task.target.train.y is not None
    if needs.target_y > NONE and not few:
        return UNLABELLED
    labelled = all(split.train.y is not None for split in task.sources)
    same = task.sources[0].train.sample_shape == task.target.train.sample_shape
    offers = Access(
        source_y=ALL if labelled else NONE,
        target_x=True,
        target_y=FEW if few else NONE,
        spaces=SAME if same else DIFFERENT,
    )
    gaps = offers.lacks(needs)
    return f"the data do not offer {', '.join(gaps)}" if gaps else ""


def listing(found: Runnable) -> str:
    """Which methods can run, and which are left out for which reason."""
    from da.tables.choice_page import wrapped

    lines = [f"{len(found.plans)} can run, in this order: {', '.join(found.plans)}"]
    lines += [f"left out, as {reason}: {', '.join(names)}" for reason, names in found.left_out.items()]
    return "\n".join(f"  {part}" for line in lines for part in wrapped(line, 116).splitlines())


def _run_and_rank(asked: Asked, found: Runnable, fingerprint: str) -> int:
    from da.cli import ranked
    from da.sweeps import budget
    from da.sweeps.job import Job
    from da.sweeps.launchers import Processes
    from da.tables.choice_page import wrapped

    config = next(iter(found.plans.values())).config
    launcher = catalog.build(config["launcher"], where="launcher")
    if not isinstance(launcher, Processes):
        raise ConfigError("choose.py runs in processes of this machine; leave out the launcher.")
    timeout = budget.timeout_of(launcher, asked.seconds)
    plans = {name: budget.with_timeout(plan, fingerprint, timeout) for name, plan in found.plans.items()}
    jobs = budget.Budget([Job(plan, name=name) for name, plan in plans.items()], asked.seconds)
    made: list[Ranked] = []
    failed: list[str] = []
    line = partial(_line, asked.rule)

    def done(job: Job, outcome: Outcome) -> None:
        if outcome.record is not None and outcome.kind in ("finished", "skipped", "stale"):
            made.append(ranked.Ranked.of(outcome.record, Path(outcome.directory), asked.rule))
        elif outcome.kind == "failed":
            failed.append(job.title)

    print(f"RUNS ({asked.seconds:g} s, into {config['output']})", flush=True)
    status = budget.BudgetStatus(Path(config["output"]), jobs, launcher.jobs, "choose.py", line)
    stopped = False
    try:
        budget.run(jobs, launcher, status, done)
    except KeyboardInterrupt:
        stopped = True
    waiting = [job.title for job in jobs.left_over]
    if waiting:
        why = "interrupted" if stopped else "the budget is spent"
        print(wrapped(f"{why}: {len(waiting)} did not begin ({', '.join(waiting)}); a larger budget goes on from here"))
    if failed:
        print(wrapped(f"{len(failed)} failed ({', '.join(failed)}); rerun=failed tries them again"))
    if not made:
        print("No run finished, so there is nothing to choose from.", file=sys.stderr)
        return INTERRUPTED if stopped else 1
    command = ["output=" + config["output"]] if not any(w.startswith("output=") for w in asked.overrides) else []
    print(f"\n{ranked.report(made, asked.rule, [*asked.overrides, *command], TOP)}", flush=True)
    chosen = any(run.score is not None for run in made)
    return INTERRUPTED if stopped else 0 if chosen else 1


def _line(rule: str, job: Job, outcome: Outcome) -> str:
    from da.cli.ranked import Ranked

    assert outcome.record is not None  # it finished
    found = Ranked.of(outcome.record, Path(outcome.directory), rule)
    return f"{job.title}: {rule} {found.shown_score}, source accuracy {found.shown_source}, {found.seconds:.1f} s"
