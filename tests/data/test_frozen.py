"""Features of a frozen network: which file they lie in, what is in it, and that every run takes it."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from small import SMALL

from da.config.compose import compose
from da.config.validate import validate
from da.data.frozen import Frozen, digests
from da.data.image_folder import ImageFolder
from da.domain import Domain, Split, Task
from da.engine import run as runs
from da.errors import ConfigError, DataError
from da.nn.networks import MLP, LeNet

pytestmark = pytest.mark.versions

NET = partial(LeNet, maps=[2, 3], features=5)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


def images(n: int, seed: int, name: str) -> Domain:
    rng = np.random.default_rng(seed)
    return Domain(rng.integers(0, 256, size=(n, 1, 16, 16), dtype=np.uint8), np.arange(n) % 2, name=name)


def task(cut: int = 12) -> Task:
    source, target = images(20, 0, "red"), images(15, 1, "blue")
    held = Split(source.take(np.arange(cut)), source.take(np.arange(cut, 20)))
    return Task("red->blue", (held,), Split(target, target), ("a", "b"), transductive=True)


def count(monkeypatch) -> list[int]:
    """Numbers of samples that pass through an encoder from now on."""
    seen: list[int] = []
    forward = torch.nn.Flatten.forward

    def counted(self, x):
        seen.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(torch.nn.Flatten, "forward", counted)
    return seen


def test_features_are_the_networks_and_everything_else_stays() -> None:
    raw, made = task(), Frozen(network=NET).apply(task())
    assert made.name == "red->blue (LeNet)"
    assert (made.classes, made.transductive) == (raw.classes, True)
    assert made.target.test is made.target.train
    torch.manual_seed(0)
    encoder = LeNet((1, 16, 16), 2, maps=[2, 3], features=5).encoder.eval()
    for name, domain in made.parts().items():
        other = raw.parts()[name]
        np.testing.assert_array_equal(domain.y, other.y)
        assert (domain.name, domain.x.dtype, domain.x.shape) == (other.name, np.float32, (len(other), 5))
        with torch.no_grad():
            expected = encoder(other.tensors().x).numpy()
        np.testing.assert_allclose(np.asarray(domain.x), expected, rtol=1e-5, atol=1e-6)


def test_the_second_time_nothing_is_computed(monkeypatch, cache) -> None:
    first = Frozen(network=NET).apply(task())
    seen = count(monkeypatch)
    second = Frozen(network=NET).apply(task())
    assert not seen
    assert first.fingerprint() == second.fingerprint()
    assert len(list(cache.iterdir())) == 2, "one file for each domain, whatever its split"


def test_another_split_or_order_of_the_same_images_is_the_same_file(monkeypatch) -> None:
    Frozen(network=NET).apply(task(12))
    seen = count(monkeypatch)
    other = Frozen(network=NET).apply(task(7))
    turned = task()
    backwards = Split(turned.target.train.take(np.arange(15)[::-1]))
    again = Frozen(network=NET).apply(replace(turned, target=backwards))
    assert not seen
    np.testing.assert_array_equal(again.target.train.x[:], other.target.train.x[::-1])


def test_equal_images_are_embedded_once(monkeypatch) -> None:
    domain = images(4, 0, "red")
    twice = domain.take(np.array([0, 1, 2, 3, 0, 0]))
    seen = count(monkeypatch)
    made = Frozen(network=NET).apply(Task("t", (Split(twice),), Split(images(3, 1, "blue")), ("a", "b")))
    assert seen == [4, 3]
    np.testing.assert_array_equal(made.sources[0].train.x[0], made.sources[0].train.x[5])


@pytest.mark.parametrize(
    "change",
    [
        {"network": partial(LeNet, maps=[2, 4], features=5)},
        {"network": partial(LeNet, maps=[2, 3], features=5, dropout=0.5)},
        {"dtype": "float16"},
        {"unit": True},
        {"weights": "moved.pt"},
    ],
    ids=["shape", "structure", "dtype", "unit", "weights"],
)
def test_whatever_changes_the_features_changes_the_file(change, tmp_path, monkeypatch, cache) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(7)
    torch.save(NET((1, 16, 16), 2).state_dict(), "moved.pt")
    Frozen(network=NET).apply(task())
    Frozen(**({"network": NET} | change)).apply(task())
    assert len(list(cache.iterdir())) == 4
    changed = task()
    changed.target.train.x[3, 0, 5, 5] ^= 1
    Frozen(**({"network": NET} | change)).apply(changed)
    assert len(list(cache.iterdir())) == 5, "one pixel of the target"


def test_a_digest_tells_type_and_shape_apart() -> None:
    x = np.zeros((2, 4), dtype=np.float32)
    found = {digests(Domain(a))[0] for a in (x, x.reshape(2, 2, 2), x.view(np.int32), x.astype(np.float64), x + 1)}
    assert len(found) == 5
    assert digests(Domain(x))[0] == digests(Domain(x))[1]


def test_random_weights_are_the_same_every_time_and_leave_the_seed_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    Frozen(network=NET).apply(task())
    assert torch.equal(before, torch.get_rng_state())


def test_half_precision_is_near_and_half_as_large(cache) -> None:
    whole, half = (Frozen(network=NET, dtype=d).apply(task()).target.train.x for d in ("float32", "float16"))
    assert half.dtype == np.float16
    np.testing.assert_allclose(np.asarray(half, dtype=np.float32), whole[:], rtol=1e-3, atol=1e-3)


def test_rows_of_unit_length() -> None:
    plain, unit = (np.asarray(Frozen(network=NET, unit=u).apply(task()).target.train.x) for u in (False, True))
    np.testing.assert_allclose(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True), rtol=1e-5, atol=1e-6)


def test_what_cannot_be_is_refused_with_a_sentence(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"features\.dtype='float61' is unknown; did you mean 'float16'"):
        Frozen(network=NET, dtype="float61").apply(task())
    mixed = replace(task(), target=Split(Domain(np.zeros((3, 1, 20, 20), dtype=np.uint8), np.zeros(3, dtype=int))))
    with pytest.raises(DataError, match="one network needs one shape"):
        Frozen(network=NET).apply(mixed)
    torch.save(LeNet((1, 16, 16), 2, maps=[9, 3], features=5).state_dict(), tmp_path / "other.pt")
    with pytest.raises(
        ConfigError,
        match=r"other\.pt' do not fit this network: shapes differ at 0\.0\.weight \(9, .*features\.network must be",
    ):
        Frozen(network=NET, weights=str(tmp_path / "other.pt")).apply(task())
    huge = Domain(np.full((4, 3), 1e30, dtype=np.float32), np.arange(4) % 2, name="huge")
    with pytest.raises(DataError, match="features of huge are not all finite as float16"):
        Frozen(network=MLP, dtype="float16").apply(Task("t", (Split(huge),), Split(huge), ("a", "b")))


def test_a_run_takes_features_of_a_network_that_another_run_trained(tmp_path) -> None:
    common = [*SMALL, "data=digits", f"output={tmp_path}/runs"]
    common.remove("data=toy")
    common.remove("data.samples=60")
    trained = runs.run(compose([*common, "method=source_only", "network.features=64"])).directory / "model.safetensors"
    saved = ["features=saved", f"features.weights={trained}", "features.network.features=64"]
    overrides = [*common, *saved, "method=coral", "classifier=one_nn"]
    with pytest.raises(ConfigError, match=r"do not fit this network: .*features\.network must be"):
        runs.run(compose([*overrides, "features.network.features=32"]))
    made = runs.run(compose(overrides))
    assert made.record.config["features"]["weights"] == str(trained)
    assert made.record.task.name.endswith("(LeNet)")
    plain = runs.run(compose([*common, "method=coral", "classifier=one_nn"]))
    assert "features" not in plain.record.config
    assert plain.record.fingerprint != made.record.fingerprint
    again = runs.run(compose(overrides))
    assert not again.fresh
    save_file({k: v + 0.1 for k, v in load_file(trained).items()}, trained)
    with pytest.warns(UserWarning, match="The data of an earlier run have changed"):
        other = runs.run(compose(overrides))
    assert other.fresh, "other weights are other data, in the same process too"
    assert other.record.fingerprint != made.record.fingerprint


@pytest.mark.parametrize("method", ["dann", "weighted_risk", "subspace_alignment"])
def test_every_kind_of_method_runs_on_features(method, tmp_path) -> None:
    config = compose(
        [
            *SMALL,
            f"method={method}",
            "features=saved",
            "features.weights=random",
            "features.network.features=6",
            f"output={tmp_path}",
        ]
    )
    result = runs.run(config)
    assert result.record.status == "finished"


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["features=squeeznet"], "did you mean 'squeezenet'"),
        (["features=squeezenet", "features.dtyp=float16"], "did you mean 'dtype'"),
        (["features=squeezenet", "features.network.weight=a"], "did you mean 'weights'"),
        (["features.weights=a"], "choose features=NAME first"),
    ],
)
def test_mistakes_are_refused_before_anything_is_loaded(overrides, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        validate(compose([*SMALL, *overrides]))


# 1-nearest-neighbour on rows of unit length with the features that came with the images, which were made of the
# original images; ours are made of these, reduced to 224 pixels and compressed again.
GIVEN = {("dslr", "webcam"): 95.6, ("webcam", "dslr"): 100.0}


@pytest.mark.data
@pytest.mark.slow
def test_squeezenet_gives_the_features_that_came_with_the_images(real_data, monkeypatch) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    from da.config import catalog
    from da.estimators.linalg import unit_rows

    monkeypatch.setenv("DA_DATA_DIR", str(real_data))
    data = ImageFolder(root="office_caltech10/office_caltech10_images_max224.zip", source="webcam", target="dslr",
                       size=227, crop=False, test_fraction=0.0, validation_fraction=0.0)  # fmt: skip
    made = catalog.build(catalog.entries("features")["squeezenet"].config).apply(data.load())
    found = {d.name: (np.asarray(d.x, dtype=np.float64), d.y) for d in (made.sources[0].train, made.target.train)}
    for name, (x, y) in found.items():
        with np.load(real_data / f"office_caltech10/squeezenet512/{name}_squeezenet512.npz") as file:
            given = file["X"].astype(np.float64)
            np.testing.assert_array_equal(file["y"], y)
        cosine = (unit_rows(x) * unit_rows(given)).sum(1)
        assert cosine.mean() > 0.985, (name, cosine.mean())
        assert cosine.min() > 0.95, (name, cosine.min())
        assert np.linalg.norm(x, axis=1).mean() == pytest.approx(np.linalg.norm(given, axis=1).mean(), rel=0.05)
    for (source, target), accuracy in GIVEN.items():
        (x_s, y_s), (x_t, y_t) = found[source], found[target]
        model = KNeighborsClassifier(1, algorithm="brute").fit(unit_rows(x_s), y_s)
        assert 100 * model.score(unit_rows(x_t), y_t) == pytest.approx(accuracy, abs=1.5)
