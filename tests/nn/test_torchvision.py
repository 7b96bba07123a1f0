import pytest
import torch

from da.errors import ConfigError
from da.nn.torchvision import ResNet, SqueezeNet, caffe_pixels

pytestmark = pytest.mark.versions

pytest.importorskip("torchvision")


def test_it_is_torchvisions_network_with_a_head_of_our_own(tmp_path) -> None:
    from torchvision.models import resnet18

    torch.manual_seed(0)
    original = resnet18(weights=None).eval()
    torch.save(original.state_dict(), tmp_path / "weights.pt")
    ours = ResNet((3, 64, 64), 7, weights=str(tmp_path / "weights.pt"), normalize=False).eval()
    x = torch.randn(2, 3, 64, 64)
    original.fc = torch.nn.Identity()
    with torch.no_grad():
        out = ours(x)
        torch.testing.assert_close(out.z, original(x))
    assert (out.z.shape, out.logits.shape) == ((2, 512), (2, 7))
    with pytest.raises(ConfigError, match=r"do not fit this network: .*check its depth or version"):
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


@pytest.mark.parametrize("version", [1.0, 1.1])
def test_squeezenet_is_torchvisions_averaged_over_the_image(version, tmp_path) -> None:
    from torchvision import models

    torch.manual_seed(0)
    original = getattr(models, f"squeezenet{version}".replace(".", "_"))(weights=None).eval()
    torch.save(original.state_dict(), tmp_path / "weights.pt")
    ours = SqueezeNet((3, 70, 64), 7, version=version, weights=str(tmp_path / "weights.pt")).eval()
    x = torch.rand(2, 3, 70, 64)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        out = ours(x)
        expected = original.features((x - mean[:, None, None]) / deviation[:, None, None]).mean((2, 3))
    torch.testing.assert_close(out.z, expected)
    assert (out.z.shape, out.logits.shape) == ((2, 512), (2, 7))
    wrong = 1.1 if version == 1.0 else 1.0
    with pytest.raises(ConfigError, match="do not fit this network.*depth or version"):
        SqueezeNet((3, 70, 64), 7, version=wrong, weights=str(tmp_path / "weights.pt"))


def test_caffes_pixels_are_blue_first_and_centred_on_imagenets_means() -> None:
    x = torch.rand(2, 3, 4, 4)
    expected = 255 * x.flip(1) - torch.tensor([104.0, 117.0, 123.0])[:, None, None]
    torch.testing.assert_close(caffe_pixels()(x), expected, rtol=1e-4, atol=1e-3)
    assert not list(caffe_pixels().parameters())


def test_a_resnet_normalises_on_request() -> None:
    torch.manual_seed(0)
    plain = ResNet((3, 32, 32), 2).eval()
    normal = ResNet((3, 32, 32), 2, normalize=True).eval()
    normal.encoder[0].load_state_dict(
        {f"{int(k[0]) + 1}{k[1:]}": v for k, v in plain.encoder[0].state_dict().items()}, strict=False
    )
    normal.encoder[1:].load_state_dict(plain.encoder[1:].state_dict())
    x = torch.rand(2, 3, 32, 32)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        torch.testing.assert_close(normal(x).z, plain((x - mean[:, None, None]) / deviation[:, None, None]).z)
    with pytest.raises(ConfigError, match="normalize=true is for RGB.*set false"):
        ResNet((1, 32, 32), 2, normalize=True)


def test_weights_are_found_below_the_data_folder(tmp_path, monkeypatch) -> None:
    torch.save(SqueezeNet((3, 32, 32), 2).state_dict(), tmp_path / "a.pt")
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    with pytest.raises(ConfigError, match="do not fit this network"):  # it was found, and has our names
        SqueezeNet((3, 32, 32), 2, weights="a.pt")
    with pytest.raises(ConfigError, match="is unknown; take 1.0 or 1.1"):
        SqueezeNet((3, 32, 32), 2, version=2.0)
    with pytest.raises(ConfigError, match="needs RGB images of at least 32x32"):
        SqueezeNet((1, 32, 32), 2)


def first(network: torch.nn.Module) -> str:
    return type(network.encoder[0][0]).__name__


def test_pixels_are_brought_to_imagenets_where_there_are_weights(tmp_path) -> None:
    from torchvision.models import resnet18

    torch.save(resnet18(weights=None).state_dict(), tmp_path / "a.pt")
    file = str(tmp_path / "a.pt")
    given = {name: first(ResNet((3, 32, 32), 2, **options)) for name, options in {
        "weights": {"weights": file}, "off": {"weights": file, "normalize": False},
        "random": {"weights": "random"}, "none": {}, "on": {"normalize": True},
    }.items()}  # fmt: skip
    assert given == {"weights": "Pixels", "off": "Conv2d", "random": "Conv2d", "none": "Conv2d", "on": "Pixels"}
    with pytest.raises(ConfigError, match=r"weights=.*a\.pt is for RGB.*set random ones"):
        ResNet((1, 32, 32), 2, weights=file)


def test_torchvisions_own_weights_are_named_or_said_to_be_absent(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    name = "squeezenet1_1-b8a52dc0.pth"
    for weights in ("IMAGENET1K_V1", "DEFAULT", "SqueezeNet1_1_Weights.DEFAULT"):
        with pytest.raises(
            ConfigError, match=rf"is the file {name}, which is not here.*put it at '\S+/pretrained/{name}'"
        ):
            SqueezeNet((3, 32, 32), 2, weights=weights)
    with pytest.raises(ConfigError, match=r"is no file.*or a published name \(IMAGENET1K_V1, IMAGENET1K_V2, DEFAULT\)"):
        ResNet((3, 32, 32), 2, depth=50, weights="IMAGENET1K_V3")
    from torchvision.models import squeezenet1_1

    (tmp_path / "pretrained").mkdir()
    saved = squeezenet1_1(weights=None)
    torch.save(saved.state_dict(), tmp_path / "pretrained" / name)
    made = SqueezeNet((3, 32, 32), 2, weights="DEFAULT")
    assert torch.equal(made.encoder[0][1].weight, saved.features[0].weight)
    with pytest.raises(ConfigError, match=rf"{name}' holds torchvision's own weights, which want caffe=false"):
        SqueezeNet((3, 32, 32), 2, weights="DEFAULT", caffe=True)
