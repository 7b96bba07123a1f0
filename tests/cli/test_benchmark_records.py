"""What the benchmark command reads of a results folder."""

import pytest

from da.cli import benchmark

pytestmark = pytest.mark.usefixtures("of_this_code")


def test_a_damaged_record_is_counted_and_named_and_stops_no_table(tmp_path, keep, finished, capsys):
    keep("good", finished())
    keep("bad/half", '{"schema": 2, "status": "fin')
    keep("bad/later", {"schema": 99})
    assert [r.method for r in benchmark._records(tmp_path)] == ["dann"]
    said = capsys.readouterr().err
    assert said.startswith("benchmark: skipped 2 unreadable records, such as this. The record of ")
    assert f"{tmp_path}/bad/half cannot be read: its file is cut off or no JSON text." in said
