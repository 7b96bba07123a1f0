"""The page on Lightning does what it says."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import ROOT

from da.config import catalog
from da.config.arguments import read
from da.config.compose import expand

PAGE = (ROOT / "docs" / "lightning.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore:.*many workers.*", "ignore:.*val_dataloader.*", "ignore:.*treespec.*")
@pytest.mark.filterwarnings("ignore:.*log_every_n_steps.*")
def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)
    test = made["task"].target.test
    right = made["probabilities"].argmax(1).numpy() == test.y
    assert made["metrics"]["accuracy"] == pytest.approx(100 * right.mean(), abs=1e-9)
    x = torch.as_tensor(test.x).float()
    torch.testing.assert_close(made["again"].eval()(x)[1], made["method"].eval()(x)[1])


def test_its_commands_are_valid_and_its_table_is_the_group() -> None:
    (block,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines():
        given = read(shlex.split(line)[2:])
        assert "early_stopping" in expand(given.overrides, multirun=False).plans[0].config["callbacks"]
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert dict(rows) == {e.name: e.path.rpartition(".")[2] for e in catalog.entries("callbacks").values()}
