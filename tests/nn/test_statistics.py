import torch
from torch import nn

from da.nn.statistics import frozen_statistics


def test_batches_are_normalised_by_their_own_statistics_and_the_running_ones_stay() -> None:
    layer = nn.BatchNorm1d(3)
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)) + 5.0
    with frozen_statistics(nn.Sequential(layer)):
        inside = layer(x)
    assert layer.running_mean.tolist() == [0.0, 0.0, 0.0]
    assert layer.num_batches_tracked.item() == 0
    torch.testing.assert_close(inside, layer(x))
    assert layer.running_mean.abs().min() > 0.1


def test_the_layers_track_again_after_an_error_and_those_that_never_did_do_not_start() -> None:
    tracking, without = nn.BatchNorm1d(3), nn.BatchNorm1d(3, track_running_stats=False)
    try:
        with frozen_statistics(nn.Sequential(tracking, without)):
            raise ValueError
    except ValueError:
        pass
    assert tracking.track_running_stats
    assert not without.track_running_stats
