"""DAN against Long et al., ICML 2015, eq. 4, with the kernels of eq. 1.

Deviates: the unbiased estimate over all pairs, of one layer (the features); kernels have equal weights, the bandwidth is
the mean squared distance, constant in the gradient; the weight is ramped up.
"""

import pytest
import torch
from deep import WHOLE_TRAINING, assert_same_gradients, assert_terms_see_all_processes, case, holds, reaches, updates
from equations import cross_entropy, ramp, unbiased_mmd

from da.methods.transductive.dan import DAN


def written_out(method, batch, kernels):
    z_s, z_t = (method.network.encoder(part.x) for part in (batch.source, batch.target))
    return cross_entropy(method.network.head(z_s), batch.source.y), unbiased_mmd(z_s, z_t, kernels)


@pytest.mark.parametrize(("progress", "kernels"), [(0.5, 5), (1.0, 1), (0.5, 4)])
def test_values_and_gradients_are_those_of_the_equations(progress, kernels) -> None:
    method, batch = case(DAN, weight=0.7, kernels=kernels, sizes=(6, 5, 3))
    terms = method.terms(batch, progress)
    task, mmd = written_out(method, batch, kernels)
    assert list(terms) == ["task", "align"]
    torch.testing.assert_close(terms["task"], task)
    torch.testing.assert_close(terms["align"], 0.7 * ramp(progress) * mmd, rtol=1e-4, atol=1e-6)
    assert_same_gradients(terms["align"], mmd, method.network.encoder, factor=0.7 * ramp(progress))
    assert_same_gradients(terms["task"], task, method.network)


def test_features_are_aligned_and_the_head_is_left_alone() -> None:
    method, batch = case(DAN)
    assert not reaches(method.terms(batch, 0.5)["align"], method.network.head)


def test_nothing_is_aligned_at_the_start() -> None:
    method, batch = case(DAN)
    assert method.terms(batch, 0.0)["align"].item() == 0.0


def test_one_update_of_all_parameters_a_step() -> None:
    assert updates(DAN, steps=3) == {"all": 3}


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(DAN))


def test_the_ramp_follows_the_whole_training() -> None:
    holds(DAN, *WHOLE_TRAINING)
