import pytest
import torch

from da.errors import ConfigError
from da.nn.torchvision import ResNet

pytest.importorskip("torchvision")


def test_it_is_torchvisions_network_with_a_head_of_our_own(tmp_path) -> None:
    from torchvision.models import resnet18

    torch.manual_seed(0)
    original = resnet18(weights=None).eval()
    torch.save(original.state_dict(), tmp_path / "weights.pt")
    ours = ResNet((3, 64, 64), 7, weights=str(tmp_path / "weights.pt")).eval()
    x = torch.randn(2, 3, 64, 64)
    original.fc = torch.nn.Identity()
    with torch.no_grad():
        out = ours(x)
        torch.testing.assert_close(out.z, original(x))
    assert (out.z.shape, out.logits.shape) == ((2, 512), (2, 7))
    with pytest.raises(ConfigError, match="does not fit"):
        ResNet((3, 64, 64), 7, depth=50, weights=str(tmp_path / "weights.pt"))


def test_grey_images_get_a_first_layer_of_their_own() -> None:
    assert ResNet((1, 32, 32), 2)(torch.randn(2, 1, 32, 32)).logits.shape == (2, 2)


@pytest.mark.parametrize(
    ("options", "message"), [({"depth": 19}, "depth=19 is unknown"), ({"weights": "no.pt"}, "is no file")]
)
def test_what_cannot_be_is_refused(options, message) -> None:
    with pytest.raises(ConfigError, match=message):
        ResNet((3, 64, 64), 2, **options)
    with pytest.raises(ConfigError, match="needs images"):
        ResNet((10,), 2)
