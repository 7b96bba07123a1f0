from __future__ import annotations

from pathlib import Path

import pytest
from processes import finished as run

pytestmark = pytest.mark.usefixtures("of_this_code")

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "report.py"


def report(*arguments):
    return run(SCRIPT, *arguments)


def test_tables_are_printed_and_written(tmp_path, keep, finished):
    keep("runs/seed0", finished(accuracy=61.0))
    keep("runs/half", "{")
    made = report(tmp_path / "runs", "--markdown", tmp_path / "new" / "table.md")
    assert made.returncode == 0
    assert "61.0" in made.stdout
    assert "skipped 1 unreadable record. The record of" in made.stderr
    assert "| dann | 61.0 |" in (tmp_path / "new" / "table.md").read_text(encoding="utf-8")


def test_nothing_to_report(tmp_path, keep, finished):
    made = report(tmp_path)
    assert (made.returncode, made.stdout) == (2, "")
    assert "there are no records" in made.stderr
    keep("seed0", finished())
    made = report(tmp_path, "--selection", "entropi")
    assert made.returncode == 2
    assert "did you mean 'entropy'?" in made.stderr


def test_a_report_needs_no_torch():
    code = f"import runpy, sys; runpy.run_path({str(SCRIPT)!r}); assert 'torch' not in sys.modules"
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    assert "--markdown" in report("--help").stdout
