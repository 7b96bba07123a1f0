"""What the evaluation hands to the criteria."""

import numpy as np
import pytest
from small import SMALL

from da import selection
from da.config.compose import compose
from da.engine import run


def gathered(monkeypatch, tmp_path, *overrides):
    """The evidence of a run's last evaluation, with what the method says of the target's inputs once more."""
    seen = []

    def look(rule, evidence):
        if rule == "last":
            seen.append((evidence, evidence.answer(evidence.target_x)))

    monkeypatch.setattr(selection, "score", look)
    run.run(compose([*SMALL, f"output={tmp_path}", *overrides]))
    return seen[-1]


@pytest.mark.parametrize("method", ["source_only", "coral"])
def test_answers_for_the_targets_inputs_are_the_targets_logits(method, monkeypatch, tmp_path):
    evidence, logits = gathered(monkeypatch, tmp_path, f"method={method}")
    np.testing.assert_allclose(logits, evidence.target_logits, rtol=1e-5, atol=1e-5)
    assert len(evidence.target_x) == len(evidence.target_z) == 60
    assert len(evidence.source_z) == len(evidence.source_logits) == len(evidence.source_y)
    assert evidence.source_z.shape[1] == evidence.target_z.shape[1]


def test_without_a_source_there_is_nothing_of_it(monkeypatch, tmp_path):
    evidence, _ = gathered(monkeypatch, tmp_path, "method=target_only")
    assert evidence.source_z is evidence.source_logits is evidence.source_y is None


def test_a_run_scores_every_rule(tmp_path):
    made = run.run(compose([*SMALL, f"output={tmp_path}", "method=dann"])).record
    assert {rule for rule, value in made.epochs[-1].scores.items() if value is not None} == set(selection.names())
