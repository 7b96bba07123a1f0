"""Models of images come back with the network of their features and with pretrained networks, without those files."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import da
from da.cli.predict import predict
from da.data.frozen_inputs import ENCODER
from da.errors import DataError

Image = pytest.importorskip("PIL.Image")
FEATURES = ("features=resnet", "features.network.depth=18", "features.network.weights=r18.pt")
SHORT = ("trainer.max_epochs=1", "steps_per_epoch=2", "batch_size=4")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with photos of two domains, the target's without classes, and weights of a network."""
    models = pytest.importorskip("torchvision.models")
    home = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    for folder, kind, light in (("red/cat", "cat", 0), ("red/dog", "dog", 100), ("blue", "a", 20), ("blue", "b", 120)):
        (home / "photos" / folder).mkdir(parents=True, exist_ok=True)
        for k in range(6):
            pixels = rng.integers(0, 130, (36, 44, 3)) + light
            Image.fromarray(pixels.astype(np.uint8)).save(home / "photos" / folder / f"{kind}{k}.png")
    torch.manual_seed(3)
    torch.save(models.resnet18().state_dict(), home / "r18.pt")
    return home


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setenv("DA_CACHE_DIR", "cache")
    return home


def run(*overrides):
    data = ("data=image_folder", "data.root=photos", "data.source=red", "data.target=blue", "output=runs")
    return da.run(*data, "trainer.enable_progress_bar=false", *overrides)


@pytest.mark.parametrize(
    "overrides",
    [
        ("method=coral",),
        ("method=coral", *FEATURES),
        ("method=unadapted", "classifier=one_nn", *FEATURES, "features.dtype=float16", "features.unit=true"),
        ("method=coral", *FEATURES, "features.unit=true"),
        ("method=dann", *FEATURES, *SHORT),
        ("method=dann", "network=resnet", "network.depth=18", "network.weights=r18.pt", *SHORT),
    ],
    ids=["pixels", "features", "half_unit", "unit", "deep_features", "pretrained"],
)
def test_a_copy_predicts_as_its_run_did_without_the_weights_it_began_with(here, tmp_path, overrides):
    made = run(*overrides)
    away = shutil.copytree(made.directory, tmp_path / "model")
    (here / "r18.pt").rename(here / "elsewhere.pt")
    try:
        model = da.load(away)
        samples = model.read("photos/blue")
        logits = model.answer(samples)[1]
        table = tmp_path / "table.csv"
        assert predict([str(away), "data=photos/blue", f"output={table}"]) == 0
    finally:
        (here / "elsewhere.pt").rename(here / "r18.pt")
    with np.load(made.directory / "predictions.npz") as of_run:
        assert of_run["ids"].tolist() == samples.ids.tolist()
        np.testing.assert_array_equal(of_run["logits"], logits)
    assert table.read_bytes() == (made.directory / "predictions.csv").read_bytes()
    pixels = np.stack([np.asarray(Image.open(Path("photos/blue") / name).resize((39, 32))) for name in samples.ids])
    assert model.predict(pixels[:, :, 3:35].transpose(0, 3, 1, 2)).shape == (12,)
    assert model.input_shape == (3, 32, 32)


def test_runs_on_one_network_share_its_file(here):
    first, second = (run("method=coral", *FEATURES, f"seed={seed}").directory / ENCODER for seed in (3, 4))
    assert first.stat().st_ino == second.stat().st_ino


def test_samples_of_another_shape_or_unit_are_refused_before_the_network_sees_them(here):
    model = da.load(run("method=coral", *FEATURES).directory)
    with pytest.raises(DataError, match=r"shape \(2, 3, 8, 8\); the model takes \(n, 3, 32, 32\)"):
        model.predict(np.zeros((2, 3, 8, 8), np.uint8))
    with pytest.raises(DataError, match="bring all to one type and scale"):
        model.predict(np.full((2, 3, 32, 32), 0.5))


def test_batches_do_not_matter_and_what_cannot_be_read_is_left_out(here, tmp_path, monkeypatch):
    directory = str(run("method=coral", *FEATURES).directory)
    shutil.copytree(here / "photos" / "blue", tmp_path / "new")
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    assert predict([directory, f"data={tmp_path / 'new'}", f"output={whole}"]) == 0
    (tmp_path / "new" / "a2x.png").write_bytes(b"no image")
    monkeypatch.setattr("da.cli.predict.BATCH", 4 * 512)  # four samples of 512 features
    assert predict([directory, f"data={tmp_path / 'new'}", f"output={parts}", "skip_unreadable=true"]) == 0
    names = [[line.split(",")[:2] for line in file.read_text().splitlines()] for file in (whole, parts)]
    assert names[0] == names[1]


def test_a_run_without_the_file_of_its_network_says_what_is_missing(here, tmp_path):
    away = shutil.copytree(run("method=coral", *FEATURES).directory, tmp_path / "model")
    (away / ENCODER).unlink()
    with pytest.raises(DataError, match=r"cannot be read .*features\.safetensors.*copy the whole folder"):
        da.load(away)


def test_an_exported_network_takes_pixels_where_features_were_frozen(here, tmp_path):
    from da.engine.export import export

    model = da.load(run("method=dann", *FEATURES, *SHORT).directory)
    file = tmp_path / "model.pt2"
    assert export(model, "torch", file) < 1e-4
    samples = model.inputs.before.read(here / "photos" / "blue").x[:]
    network = torch.export.load(file).module()
    logits = network(torch.from_numpy(samples).float() / 255).detach().numpy()
    expected = model.answer(model.read("photos/blue"))[1]
    np.testing.assert_allclose(logits, expected, atol=1e-4)
