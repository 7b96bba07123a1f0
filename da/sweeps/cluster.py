"""A cluster's task: some of a sweep's runs, which it can leave and take up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from da.config.validate import validate
from da.sweeps.job import Grid, Job, Outcome


class ClusterTask:
    """Called by submitit on the node; what is finished is not run again when it is requeued.

    Args:
        configs: the configurations.
        processes: keywords of :class:`~da.sweeps.launchers.Processes`.
        output: the results folder, as an absolute path.
        what: the command, in words.
    """

    def __init__(self, configs: list[dict[str, Any]], processes: dict[str, Any], output: str, what: str):
        self.configs, self.processes, self.output, self.what = configs, processes, output, what

    def __call__(self) -> list[Outcome]:
        """Run them all; the outcomes are in their order."""
        from da.sweeps.launchers import Processes

        jobs = [Job(validate(config | {"output": self.output}), tag=k) for k, config in enumerate(self.configs)]
        found: dict[int, Outcome] = {}

        def done(job: Job, outcome: Outcome) -> None:
            found[job.tag] = outcome

        Processes(**self.processes).run(Grid(jobs), Path(self.output), self.what, done)
        return [found[k] for k in range(len(jobs))]

    def checkpoint(self) -> Any:
        """Preempted or out of time: the same again, which goes on from the last epoch."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)
