from __future__ import annotations

import sys

import numpy as np
import pytest

from da.analysis import embedding
from da.analysis.embedding import Panel, Strip, embedding_figure, panel, strips, thinned, tsne
from da.data.grant import examine
from da.domain import Domain, Split, Task
from da.errors import UsageError
from da.methods.parts import Spec
from da.methods.transductive.source_only import SourceOnly
from da.nn.networks import auto

pytestmark = pytest.mark.versions


def blobs(n, seed, classes=3, d=6):
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    return rng.normal(size=(n, d)) + 6.0 * np.eye(classes, d)[y], y


def made_panel(n=25, classes=3, title="source_only"):
    (z_s, y_s), (z_t, y_t) = blobs(n, 0, classes, d=16), blobs(n, 1, classes, d=16)
    return Panel(title, z_s, z_t, y_s, y_t, tuple(f"class {c}" for c in range(classes)))


@pytest.fixture
def task():
    rng = np.random.default_rng(0)

    def domain(name, n=12):
        return Domain(rng.integers(0, 256, (n, 1, 8, 8), dtype=np.uint8), np.arange(n) % 3, name=name)

    split = Split(domain("clean"), domain("clean")), Split(domain("dark"), domain("dark", 9))
    return Task("clean->dark", (split[0],), split[1], ("a", "b", "c"))


def colours_in(file):
    image = pytest.importorskip("matplotlib.image").imread(file)[..., :3]
    return image.shape, {tuple(c) for c in np.round(image.reshape(-1, 3) * 255).astype(int).tolist()}


def test_a_figure_is_written_with_every_class_in_its_colour(tmp_path):
    two = [made_panel(title="source_only"), made_panel(title="dann")]
    examples = [Strip(side, "digits", np.random.default_rng(0).random((3, 8, 8, 3))) for side in ("source", "target")]
    file = embedding_figure(two, tmp_path / "new" / "features.png", examples)
    (height, width, _), colours = colours_in(file)
    assert width == 2 * 3.4 * 200
    assert height > 700
    for colour in embedding.PALETTE[:3]:
        assert tuple(bytes.fromhex(colour[1:])) in colours


def test_the_same_seed_draws_the_same_figure(tmp_path):
    files = [embedding_figure([made_panel()], tmp_path / f"{k}.png") for k in (0, 1)]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("classes", [2, 14])
def test_few_and_many_classes_and_no_labels_can_be_drawn(tmp_path, classes):
    shown = made_panel(30, classes)
    unlabelled = Panel("clusters", shown.z_s, shown.z_t, None, None, shown.classes)
    assert embedding_figure([shown, unlabelled], tmp_path / "f.pdf").stat().st_size > 5000


def test_at_most_600_samples_a_domain_are_embedded(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(embedding, "tsne", lambda z, seed: seen.append(len(z)) or z[:, :2])
    embedding_figure([made_panel(2000)], tmp_path / "f.png")
    assert seen == [1200]
    z, y = blobs(700, 0)
    kept, labels = thinned(z, y, seed=0)
    places = [int(np.flatnonzero((z == row).all(1))[0]) for row in kept]
    assert len(kept) == len(set(places)) == 600
    np.testing.assert_array_equal(labels, y[places])


def test_tsne_keeps_blobs_apart_and_repeats_itself():
    z, y = blobs(60, 0)
    points = tsne(z)
    np.testing.assert_array_equal(points, tsne(z))
    near = np.argsort(np.linalg.norm(points[:, None] - points, axis=2), axis=1)[:, 1]
    assert np.mean(y[near] == y) > 0.9


def test_too_little_is_refused(tmp_path):
    with pytest.raises(UsageError, match="at least 4"):
        tsne(np.zeros((3, 2)))
    with pytest.raises(UsageError, match="no panel"):
        embedding_figure([], tmp_path / "f.png")


def test_without_matplotlib_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match=r'pip install "da\[report\]"'):
        embedding_figure([made_panel()], tmp_path / "f.png")


def test_a_panel_holds_the_test_samples_of_both_domains(task):
    method = SourceOnly()
    method.build(Spec((1, 8, 8), (1, 8, 8), 3, auto))
    shown = panel("source_only", method, task, examine(task, method.needs))
    assert (len(shown.z_s), len(shown.z_t)) == (12, 9)
    np.testing.assert_array_equal(shown.y_t, np.arange(9) % 3)
    assert shown.title.startswith("source_only: target accuracy ")


def test_strips_show_each_class_once_in_both_domains(task):
    source, target = strips(task)
    assert (source.side, source.name, target.side, target.name) == ("source", "clean", "target", "dark")
    x = task.target.train.x
    np.testing.assert_allclose(target.images[1, :, :, 0], x[1, 0] / 255.0, atol=1e-6)
    assert source.images.shape == (3, 8, 8, 3)


def test_features_have_no_strips():
    domain = Domain(np.zeros((4, 5), dtype=np.float32), np.arange(4) % 2)
    task = Task("a->b", (Split(domain),), Split(domain), ("a", "b"))
    assert strips(task) == []
