"""Weights from files: what they are wrapped in comes off, and what does not fit is told."""

from pathlib import Path

import pytest
import torch
from torch import nn

from da.errors import ConfigError
from da.nn.weights import enumeration, find_file, fit, published, read, tensors, write


def body(width: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.Linear(width, 4))


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


WRAPPED = {
    "plain": lambda names: names,
    "parallel": lambda names: {f"module.{name}": value for name, value in names.items()},
    "parallel twice": lambda names: {f"module.module.{name}": value for name, value in names.items()},
    "state_dict": lambda names: {"epoch": 3, "state_dict": names},
    "model": lambda names: {"model": names, "optimizer": {"state": {}}},
    "both": lambda names: {"model": {"state_dict": {f"module.{name}": value for name, value in names.items()}}},
    "beside tensors": lambda names: {"best": torch.ones(1), "net": names},
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_what_they_are_wrapped_in_comes_off(kind, tmp_path) -> None:
    original, other = body(), body()
    fit(other, read(file := saved(tmp_path / "a.pt", WRAPPED[kind](original.state_dict()))), file)
    for name, value in original.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_a_name_that_only_some_have_before_it_stays(tmp_path) -> None:
    names = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert set(read(saved(tmp_path / "a.pt", names))) == {"module.a", "b"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (body(), r"features\.weights=\S+a\.pt holds Python objects, .*torch\.save\(model\.state_dict\(\), FILE\)"),
        ({"state_dict": body().state_dict(), "args": Path("x")}, r"features\.weights=\S+ holds Python objects"),
        ([torch.ones(1)], r"holds no tensors with names but a list"),
        ({}, r"holds no tensors with names but nothing"),
        ({"ema": body().state_dict(), "epoch": 3}, r"holds no tensors with names but ema, epoch; save them"),
        ({"model": {}}, r"holds no tensors with names but nothing"),
        (b"no file of torch", r"is damaged, or no file of weights \(safetensors, or torch\.save\); fetch it anew"),
        (b"", r"is damaged"),
        (b"PK\x03\x04" + bytes(40), r"is damaged"),
    ],
    ids=["model", "objects", "list", "empty", "other", "empty model", "text", "no bytes", "zip"],
)
def test_what_holds_no_names_of_tensors_is_refused_without_unsafe_advice(content, message, tmp_path) -> None:
    if isinstance(content, bytes):
        (tmp_path / "a.pt").write_bytes(content)
    else:
        torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ConfigError, match=message) as caught:
        read(tmp_path / "a.pt", "features.weights")
    assert "\n" not in str(caught.value)
    assert "weights_only" not in str(caught.value)
    assert "safe_globals" not in str(caught.value)


def test_what_does_not_fit_is_listed(tmp_path) -> None:
    names = body(5).state_dict()
    del names["2.bias"], names["0.bias"]
    names |= {f"extra{k}": torch.ones(1) for k in range(7)}
    made = body()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    expected = (
        r"^The weights 'a\.pt' do not fit this network: it lacks 0\.bias, 2\.bias; it has unknown extra0, extra1, extra2, "
        r"extra3, extra4 and 2 more; shapes differ at 0\.weight \(5, 2\) for \(3, 2\), 1\.weight .* and 1 more; "
        r"do something\.$"
    )
    with pytest.raises(ConfigError, match=expected):
        fit(made, names, Path("a.pt"), remedy="do something")
    assert all(torch.equal(made.state_dict()[name], value) for name, value in before.items()), "nothing was loaded"


def test_a_classifier_of_others_is_left_alone_and_old_files_lack_counters() -> None:
    made, names = body(), body().state_dict()
    kept = made[2].weight.detach().clone()
    del names["1.num_batches_tracked"]
    names["2.weight"], names["2.bias"] = torch.zeros(1000, 3), torch.zeros(1000)
    fit(made, names, Path("a.pt"), head="2.")
    assert torch.equal(made[0].weight, names["0.weight"])
    assert torch.equal(made[2].weight, kept)
    with pytest.raises(ConfigError, match=r"shapes differ at 2\.weight"):
        fit(made, names, Path("a.pt"))


def test_a_file_is_found_by_its_path_and_below_the_data_folder(tmp_path, monkeypatch) -> None:
    (tmp_path / "data" / "pretrained").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path / "here")
    names = enumeration("torchvision.models.resnet.ResNet{depth}_Weights", depth=18)
    name = published(names)["IMAGENET1K_V1"].rpartition("/")[2]
    with pytest.raises(ConfigError, match=rf"k=IMAGENET1K_V1 is the file {name}, which is not here"):
        find_file("IMAGENET1K_V1", names, "k")
    with pytest.raises(ConfigError, match=r"k=IMAGENET1K_V1 is no file, .*give the path of a state dict\.$"):
        find_file("IMAGENET1K_V1", key="k")
    with pytest.raises(ConfigError, match=r"k=\. is no file"):
        find_file(".", key="k")
    for place in (tmp_path / "data" / "pretrained", tmp_path / "data", tmp_path / "here"):  # each hides the former
        (place / name).touch()
        assert find_file("IMAGENET1K_V1", names).resolve() == place / name
        assert find_file("ResNet18_Weights.DEFAULT", names).resolve() == place / name
    assert find_file(name).resolve() == tmp_path / "here" / name
    assert find_file(f"pretrained/{name}") == tmp_path / "data" / "pretrained" / name


def test_published_names_are_those_of_torchvision() -> None:
    models = pytest.importorskip("torchvision").models
    for template, options in {
        "resnet.ResNet{depth}_Weights": [{"depth": 18}, {"depth": 50}],
        "squeezenet.SqueezeNet{version}_Weights": [{"version": 1.0}, {"version": 1.1}],
    }.items():
        for option in options:
            path = enumeration(f"torchvision.models.{template}", **option)
            theirs = models.get_model_weights(path.rpartition(".")[2].removesuffix("_Weights").lower())
            assert published(path) == {name: weights.url for name, weights in theirs.__members__.items()}
    assert published("torchvision.models.resnet.No_Weights") == {}
    assert published("") == {}


def test_a_file_that_holds_itself_ends(tmp_path):
    content = {"fc.weight": torch.ones(2, 2)}
    content["state_dict"] = content
    torch.save(content, tmp_path / "a.pt")
    assert list(read(tmp_path / "a.pt")) == ["fc.weight"]


def test_a_modules_tensors_are_written_and_read_as_they_are(tmp_path) -> None:
    shared = nn.Linear(3, 3)
    module = nn.Sequential(shared, shared, nn.BatchNorm1d(3))  # one tensor under two names, and counters
    file = write(tmp_path / "module.safetensors", module)
    for found in (tensors(file), read(file)):
        assert found.keys() == module.state_dict().keys()
        for name, value in module.state_dict().items():
            assert torch.equal(found[name], value)
            assert found[name].dtype == value.dtype
