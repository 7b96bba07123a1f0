"""The aligned auto-encoder: both reconstructions in units of the inputs' variance, a ramped MMD, clusters of the source."""

import numpy as np
import pytest
import torch
from deep import (
    WHOLE_TRAINING,
    assert_same_gradients,
    assert_terms_see_all_processes,
    case,
    holds,
    reaches,
    subject,
    updates,
)
from equations import ramp, squared_distance, unbiased_mmd
from sklearn.cluster import KMeans

from da.checks.harness import build, task_for, train
from da.methods.inference import predict
from da.methods.unsupervised.aligned_autoencoder import AlignedAutoencoder
from da.metrics import cluster_accuracy, cluster_information


def reconstruction_of(method, x):
    """Mean squared error over samples and inputs, over the mean of the inputs' unbiased variances."""
    decoded = method.decoder(method.network.encoder(x))
    errors = [(a - b) ** 2 for row, other in zip(decoded, x.flatten(1), strict=True) for a, b in zip(row, other, strict=True)]  # fmt: skip
    variances = [sum((v - column.mean()) ** 2 for v in column) / (len(column) - 1) for column in x.flatten(1).T]
    return sum(errors) / len(errors) / (sum(variances) / len(variances))


def mmd_of(method, batch):
    return unbiased_mmd(*(method.network.encoder(part.x) for part in (batch.source, batch.target)))


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_values_and_gradients_are_those_of_the_equations(progress) -> None:
    method, batch = case(AlignedAutoencoder, sizes=(6, 5, 3), weight=0.7)
    terms = method.terms(batch, progress)
    task = reconstruction_of(method, batch.source.x) + reconstruction_of(method, batch.target.x)
    align = 0.7 * ramp(progress) * mmd_of(method, batch)
    assert list(terms) == ["task", "align"]
    torch.testing.assert_close(terms["task"], task)
    torch.testing.assert_close(terms["align"], align, rtol=1e-4, atol=1e-6)
    assert_same_gradients(terms["task"], task, [*method.network.encoder.parameters(), *method.decoder.parameters()])
    assert_same_gradients(terms["align"], align, method.network.encoder)


def test_the_alignment_does_not_move_the_decoder_and_nothing_moves_the_head() -> None:
    method, batch = case(AlignedAutoencoder)
    terms = method.terms(batch, 0.5)
    assert not reaches(terms["align"], method.decoder)
    assert not reaches(terms["align"] + terms["task"], method.network.head)


def test_the_scale_of_the_inputs_does_not_matter_to_the_error() -> None:
    method, batch = case(AlignedAutoencoder)
    z, x = method.network.encoder(batch.source.x), batch.source.x
    error = method.reconstruct(z, x)
    with torch.no_grad():
        method.decoder[-1].weight *= 10.0
        method.decoder[-1].bias *= 10.0
    torch.testing.assert_close(method.reconstruct(z, 10.0 * x), error)
    assert torch.isfinite(method.reconstruct(z, torch.ones_like(x))), "inputs without variance"


def test_scores_are_minus_squared_distances_to_the_centres() -> None:
    method, batch = case(AlignedAutoencoder)
    method.centres.copy_(torch.randn(3, 8))
    z, logits = method(batch.target.x)
    expected = torch.stack([torch.stack([-squared_distance(row, centre) for centre in method.centres]) for row in z])
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(z, method.network.encoder(batch.target.x))


def test_centres_are_those_of_the_sources_codes_and_are_saved() -> None:
    task = task_for(AlignedAutoencoder.needs)
    method = build(subject(AlignedAutoencoder), task)
    scorer = train(method, task, epochs=2, steps=4)
    codes = predict(method, task.sources[0].train)[0]
    expected = KMeans(3, n_init=10, random_state=0).fit(codes).cluster_centers_
    np.testing.assert_allclose(method.centres.numpy(), expected, rtol=1e-4, atol=1e-5)
    assert "centres" in method.state_dict()
    y, cluster = task.target.test.y, scorer.predictions["target_test"][1].argmax(1)
    found = scorer.history[-1]["target_test"]
    assert found == {"accuracy": cluster_accuracy(y, cluster), "nmi": cluster_information(y, cluster)}


def test_the_decoder_has_one_hidden_layer_of_the_given_width() -> None:
    method, _ = case(AlignedAutoencoder, hidden=11)
    assert [type(layer).__name__ for layer in method.decoder] == ["Linear", "ReLU", "Linear"]
    assert [tuple(p.shape) for p in method.decoder.parameters() if p.ndim == 2] == [(11, 8), (2, 11)]


def test_one_update_of_all_parameters_a_step() -> None:
    assert updates(AlignedAutoencoder, steps=3) == {"all": 3}


def test_all_rows_of_all_processes_count() -> None:
    assert_terms_see_all_processes(*case(AlignedAutoencoder))


def test_the_ramp_follows_the_whole_training() -> None:
    holds(AlignedAutoencoder, *WHOLE_TRAINING)
