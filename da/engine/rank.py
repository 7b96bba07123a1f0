"""One process of a multi-device run; started by :mod:`da.engine.distributed`, not by users."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from da.config.validate import validate
from da.engine import run
from da.engine.distributed import FAILED, FROZEN, REFUSED
from da.engine.result import error_message


def main(directory: Path) -> None:
    """Train on the frozen configuration; the cause of a failure is written to a file for :mod:`da.engine.distributed`.

    Raises:
        RuntimeError: the data have changed since the run started.
        Exception: any error of the training, after its cause was written to the file.
    """
    try:
        frozen = json.loads((directory / FROZEN).read_text(encoding="utf-8"))
        plan = validate(frozen["config"])
        task, fingerprint = run.load(plan)
        if fingerprint != frozen["fingerprint"]:
            raise RuntimeError("The data changed between the start of the run and the start of its processes.")
        run.execute(plan, task, directory, frozen)
    except Exception as error:
        name = f"{REFUSED if run.refused(error) else FAILED}-{os.environ.get('RANK', '0')}.txt"
        (directory / name).write_text(error_message(error), encoding="utf-8")
        raise


if __name__ == "__main__":
    main(Path(sys.argv[1]))
