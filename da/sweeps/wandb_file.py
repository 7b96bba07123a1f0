"""The sweep file of Weights & Biases for a method: its ``search_space``, and the command that an agent calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from da.config.compose import compose
from da.config.validate import criteria, validate
from da.errors import ConfigError, nearest
from da.search_space import Choice, Range

PROGRAM = "scripts/train.py"
OBJECTIVE = "infomax"


def sweep_file(overrides: Sequence[str]) -> dict[str, Any]:
    """Content of the file for ``wandb sweep``; ``wandb agent ID`` then calls ``scripts/train.py`` with overrides.

    An agent needs a server of W&B, so that no test runs one: tests check the file, and that the commands generated
    from it are valid configurations.

    Args:
        overrides: as for ``scripts/train.py``, and ``objective=RULE``, the selection rule to maximise (default
            ``infomax``; none but ``oracle_*`` reads target labels). A key of the method that is given here is fixed.

    Returns:
        The sweep: Bayesian search over the method's ``search_space``. A rule's ``selection/RULE`` is logged after each
        evaluated epoch; the run's summary, which the search reads, has its value in the epoch that the rule selected.

    Raises:
        ConfigError: an override is wrong, or there is no search space.
    """
    named = [text.removeprefix("objective=") for text in overrides if text.startswith("objective=")]
    objective = named[-1] if named else OBJECTIVE
    if objective not in criteria():
        raise ConfigError(f"objective='{objective}' is unknown; {nearest(objective, criteria())}")
    if objective == "last":
        raise ConfigError("objective=last scores the number of the epoch; choose a rule that can be better.")
    fixed = [text for text in overrides if not text.startswith(("objective=", "logger=", "rerun=", "selection="))]
    # An agent's run must log to W&B even if its record already exists.
    fixed += [f"selection={objective}", "logger=wandb", "rerun=all"]
    plan = validate(compose(fixed))
    given = {text.partition("=")[0] for text in fixed}
    space = {f"method.{key}": _searched(value) for key, value in plan.method.locate().search_space.items()}
    parameters = {key: value for key, value in space.items() if key not in given}
    if not parameters:
        raise ConfigError(
            f"method={plan.method.name} has nothing to search: its `search_space` is empty, or all of it is given; "
            "sweep other keys as a grid with scripts/train.py -m."
        )
    return {
        "name": f"{plan.method.name} on {plan.data.name}",
        "project": plan.config["logger"]["project"],
        "program": PROGRAM,
        "method": "bayes",
        "metric": {"name": f"selection/{objective}", "goal": "maximize"},
        "parameters": parameters,
        "command": ["${env}", "${interpreter}", "${program}", *fixed, "${args_no_hyphens}"],
    }


def _searched(given: Range | Choice) -> dict[str, Any]:
    if isinstance(given, Choice):
        return {"values": [_written(value) for value in given.values]}
    return {"distribution": "log_uniform_values" if given.log else "uniform", "min": given.low, "max": given.high}


def _written(value: Any) -> Any:
    """Convert a value such that Python's ``str``, which the agent uses, gives Hydra's spelling."""
    return json.dumps(value) if value is None or isinstance(value, bool | list | tuple) else value
