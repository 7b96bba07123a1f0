"""Two gloo processes that share each batch."""

import numpy as np
import pytest
import torch

from da.checks import CheckedMethod
from da.checks.harness import NETWORKS, task_for
from da.checks.processes import trained_by_two, unlike
from da.methods.transductive.deep_coral import DeepCORAL
from da.methods.transductive.source_only import SourceOnly


def subject(made) -> CheckedMethod:
    return CheckedMethod(made.__name__, made, made.needs)


def differing(made, network) -> dict[str, float]:
    """The largest difference of every tensor between one process and two, where it is more than rounding."""
    one, two = trained_by_two(subject(made), network)
    gaps = {name: float((one[name].float() - two[name].float()).abs().max()) for name in one}
    return {name: gap for name, gap in gaps.items() if gap > 1e-5}


def test_halves_of_the_samples_are_unlike() -> None:
    x = unlike(task_for(SourceOnly.needs)).target.train.x
    first, second = (np.square(half).mean() for half in (x[::2][:15], x[1::2][15:]))
    assert second > 4 * first


@pytest.mark.parametrize("made", [SourceOnly, DeepCORAL])
def test_batch_norm_alone_makes_two_processes_differ(made) -> None:
    """Each process normalises by its own rows: running statistics differ, and so do the weights that learn from it.

    Terms over the batch are gathered all the same. SyncBatchNorm, which would make them equal, needs accelerators.
    """
    assert not differing(made, None)

    def without_dropout(shape, n_classes):
        network = NETWORKS["with batch norm and dropout"](shape, n_classes)
        for module in network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        return network

    gaps = differing(made, without_dropout)
    assert gaps["network.encoder.1.1.running_mean"] > 1e-3
    assert gaps["network.encoder.1.0.weight"] > 1e-4
    assert "network.encoder.1.1.num_batches_tracked" not in gaps


class Failing(SourceOnly):
    def terms(self, batch, progress):
        if self.trainer.world_size == 2 and self.trainer.global_rank == 1:
            raise RuntimeError("rank 1 has had enough")
        return super().terms(batch, progress)


def test_a_process_that_fails_is_reported_with_its_traceback() -> None:
    with pytest.raises(AssertionError, match="(?s)Failing: .*process 1 of two failed.*rank 1 has had enough"):
        trained_by_two(subject(Failing))
