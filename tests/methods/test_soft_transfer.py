"""The soft transfer network against Yao et al., ACM MM 2019, eq. 1 to 8.

Features have unit length, class terms are summed, the gradient passes through the soft labels, and one mean is taken over
both labelled samples.
"""

import pytest
import torch
from deep import WHOLE_TRAINING, assert_same_gradients, assert_terms_see_all_processes, case, holds, reaches, updates
from equations import cross_entropy

from da.checks.harness import build, task_for
from da.errors import ConfigError
from da.methods.heterogeneous.soft_transfer import SoftTransfer
from da.nn.networks import MLP

CLASSES = 4


def made(**options):
    return case(SoftTransfer, sizes=(9, 7, 5), classes=CLASSES, **options)


def embedded(method, batch):
    parts = [
        method.source_encoder(batch.source.x),
        method.network.encoder(batch.labelled.x),
        method.network.encoder(batch.target.x),
    ]
    return [torch.stack([row / torch.sqrt(sum(v**2 for v in row)) for row in z]) for z in parts]


def task_of(method, batch):
    z_s, z_l, _ = embedded(method, batch)
    head = method.network.head
    in_s, in_l = cross_entropy(head(z_s), batch.source.y), cross_entropy(head(z_l), batch.labelled.y)
    return (len(z_s) * in_s + len(z_l) * in_l) / (len(z_s) + len(z_l))


def alignment_of(method, batch, progress):
    """Squared distance of the means, and the sum of those of each class's means where both sides have it."""
    z_s, z_l, z_u = embedded(method, batch)
    p = method.network.head(z_u).softmax(1)
    z_t = torch.cat([z_l, z_u])

    def gap(a, b):
        return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))

    total = gap(sum(z_s) / len(z_s), sum(z_t) / len(z_t))
    gaps = []
    for c in range(CLASSES):
        own_s = [float(y == c) for y in batch.source.y]
        own_t = [float(y == c) for y in batch.labelled.y] + [progress * row[c] for row in p]
        if sum(own_s) and float(torch.as_tensor(sum(own_t)).detach()):
            mean_s = sum(w * z for w, z in zip(own_s, z_s, strict=True)) / sum(own_s)
            mean_t = sum(w * z for w, z in zip(own_t, z_t, strict=True)) / sum(own_t)
            gaps.append(gap(mean_s, mean_t))
    return total + sum(gaps)


@pytest.mark.parametrize("progress", [0.0, 0.25, 0.5, 1.0])
def test_values_and_gradients_are_those_of_the_equations(progress) -> None:
    method, batch = made(weight=0.3)
    terms = method.terms(batch, progress)
    align = 0.3 * alignment_of(method, batch, progress)
    assert list(terms) == ["task", "align"]
    torch.testing.assert_close(terms["task"], task_of(method, batch))
    torch.testing.assert_close(terms["align"], align)
    assert_same_gradients(terms["task"], task_of(method, batch), method)
    assert_same_gradients(terms["align"], align, method)


def test_guesses_count_more_as_training_goes_on() -> None:
    method, batch = made(weight=1.0)
    values = [method.terms(batch, progress)["align"].item() for progress in (0.0, 0.5, 1.0)]
    expected = [alignment_of(method, batch, progress).item() for progress in (0.0, 0.5, 1.0)]
    assert values == pytest.approx(expected, rel=1e-4)
    assert len({round(value, 5) for value in values}) == 3


def test_the_alignment_moves_both_encoders_and_by_the_guesses_the_head() -> None:
    method, batch = made()
    for progress, moved in ((0.0, False), (0.5, True)):
        align = method.terms(batch, progress)["align"]
        assert reaches(align, method.source_encoder)
        assert reaches(align, method.network.encoder)
        assert reaches(align, method.network.head) == moved


def test_each_domain_goes_through_its_own_encoder() -> None:
    method, batch = made()
    z, logits = method.forward_source(batch.source.x)
    torch.testing.assert_close(z, embedded(method, batch)[0])
    torch.testing.assert_close(logits, method.network.head(z))
    z, logits = method(batch.target.x)
    torch.testing.assert_close(z, embedded(method, batch)[2])
    torch.testing.assert_close(logits, method.network.head(z))
    first = [encoder[1][0].in_features for encoder in (method.source_encoder, method.network.encoder)]
    assert first == [10, 15]


def test_encoders_that_cannot_meet_are_refused() -> None:
    task = task_for(SoftTransfer.needs)

    def network(shape, n_classes):
        return MLP(shape, n_classes, hidden=[4], features=shape[0])

    from da.checks import CheckedMethod

    with pytest.raises(ConfigError, match="end in 10 and 15 features and cannot meet; set network.features"):
        build(CheckedMethod("soft", SoftTransfer, SoftTransfer.needs), task, network=network)


def test_one_update_of_all_parameters_a_step() -> None:
    assert updates(SoftTransfer, steps=3) == {"all": 3}


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*made())


def test_the_ramp_follows_the_whole_training() -> None:
    holds(SoftTransfer, *WHOLE_TRAINING)
