from itertools import pairwise

import pytest
import torch
from torch import nn

from da.errors import ConfigError
from da.nn.networks import MLP, LeNet, Network, auto


def linear_layers(network):
    return [(m.in_features, m.out_features) for m in network.modules() if isinstance(m, nn.Linear)]


def check_output(network, shape, n_classes):
    torch.manual_seed(0)
    x = torch.rand(3, *shape)
    z, logits = network(x)
    assert z.shape == (3, network.features)
    assert logits.shape == (3, n_classes)
    assert torch.equal(logits, network.head(z))
    assert network(x[:1]).logits.shape == (1, n_classes)


@pytest.mark.parametrize(
    ("shape", "flat"),
    [
        ((1, 16, 16), 50),
        ((1, 28, 28), 800),
        ((3, 28, 28), 800),
        ((3, 32, 32), 1250),
        ((1, 16, 28), 200),
        ((2, 17, 19), 50),
    ],
)
def test_lenet_fits_images_of_any_size_from_16(shape, flat):
    network = LeNet(shape, 7)
    assert linear_layers(network) == [(flat, 128), (128, 7)]  # 28x28 is 4x4x50 = 800, as in Caffe's LeNet
    check_output(network, shape, 7)


def test_lenet_widths():
    network = LeNet((1, 28, 28), 10, maps=[3, 5], features=11, dropout=0.25)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size) for c in convolutions] == [(1, 3, (5, 5)), (3, 5, (5, 5))]
    assert (linear_layers(network), network.features) == ([(80, 11), (11, 10)], 11)
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.25]
    assert len(network.encoder) == 3  # what freezing schedules release one by one


@pytest.mark.parametrize("shape", [(1, 15, 16), (1, 16, 15), (3, 8, 8), (20,), (16, 16), (1, 1, 16, 16)])
def test_lenet_refuses_other_inputs(shape):
    with pytest.raises(ConfigError, match=r"network=lenet needs images of at least 16x16, got .*; use network=mlp\."):
        LeNet(shape, 2)


@pytest.mark.parametrize("shape", [(5,), (1, 4, 3)])
@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({}, [64, 64]),
        ({"hidden": [8, 9], "features": 7}, [8, 9, 7]),
        ({"hidden": [], "features": 7}, [7]),
        ({"hidden": [8], "features": None}, [8]),
    ],
)
def test_mlp_layers(shape, options, sizes):
    network = MLP(shape, 3, **options)
    widths = [torch.tensor(shape).prod().item(), *sizes, 3]
    assert linear_layers(network) == list(pairwise(widths))
    assert network.features == sizes[-1]
    check_output(network, shape, 3)
    assert network(torch.rand(4, *shape)).z.min() >= 0.0  # rectified


@pytest.mark.parametrize("shape", [(5,), (1, 4, 3)])
def test_the_linear_model_has_exactly_one_linear_layer(shape):
    network = MLP(shape, 3, hidden=[], features=None)
    size = int(torch.tensor(shape).prod())
    assert linear_layers(network) == [(size, 3)]
    x = torch.randn(2, *shape)
    assert torch.equal(network(x).z, x.flatten(1))
    assert sum(p.numel() for p in network.parameters()) == 3 * (size + 1)


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    network = MLP((20,), 3, hidden=[50], dropout=0.5)
    x = torch.randn(4, 20)
    assert not torch.equal(network(x).z, network(x).z)
    network.eval()
    assert torch.equal(network(x).z, network(x).z)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((1, 16, 16), LeNet),
        ((3, 64, 32), LeNet),
        ((1, 15, 40), MLP),
        ((30,), MLP),
        ((20, 20), MLP),
        ((1, 2, 20, 20), MLP),
    ],
)
def test_auto_picks_by_shape(shape, kind):
    network = auto(shape, 4, features=9)
    assert type(network) is kind
    assert network.features == 9
    check_output(network, shape, 4)


def test_a_network_is_its_blocks_in_order_and_a_head():
    network = Network([nn.Linear(4, 3), nn.Tanh()], 3, 2)
    x = torch.randn(2, 4)
    assert torch.equal(network(x).z, torch.tanh(network.encoder[0](x)))
