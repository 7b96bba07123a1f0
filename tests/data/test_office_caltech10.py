import numpy as np
import pytest
from surf import domains, one_nn

from da.data.office_caltech10 import DOMAINS, OfficeCaltech10, read_domain
from da.data.office_caltech10_hetero import OfficeCaltech10Hetero
from da.data.validity import check_task
from da.errors import ConfigError, DataError

# 1-nearest-neighbour without adaptation: the "NN" row of Long et al., ICCV 2013 (JDA), table 3
SURF_1NN = {
    "C>A": 23.70, "C>W": 25.76, "C>D": 25.48, "A>C": 26.00, "A>W": 29.83, "A>D": 25.48,
    "W>C": 19.86, "W>A": 22.96, "W>D": 59.24, "D>C": 26.27, "D>A": 28.50, "D>W": 63.39,
}  # fmt: skip
# ours, computed once with scikit-learn; no published table
SQUEEZENET_1NN = {
    "C>A": 90.9, "C>W": 79.7, "C>D": 85.4, "A>C": 82.2, "A>W": 79.0, "A>D": 86.6,
    "W>C": 74.5, "W>A": 81.6, "W>D": 100.0, "D>C": 76.3, "D>A": 81.7, "D>W": 95.6,
}  # fmt: skip
# the 1NN row of the benchmark list of the repository jindongwang/transferlearning
DECAF6_1NN = {"D>W": 91.5, "W>D": 98.1}


@pytest.fixture
def office(real_data, monkeypatch):
    monkeypatch.setenv("DA_DATA_DIR", str(real_data))
    return real_data / "office_caltech10"


def row(pairs, **keywords):
    """1-NN accuracy in percent of each pair, without adaptation."""
    found = {}
    for pair in pairs:
        source, target, truth = domains(pair, **keywords)
        found[pair] = one_nn(source.x, source.y, target.x, truth)
    return found


@pytest.mark.data
def test_surf_gives_the_published_row_exactly(office):
    assert row(SURF_1NN) == SURF_1NN


@pytest.mark.data
def test_squeezenet_with_unit_rows_gives_the_known_row(office):
    found = row(SQUEEZENET_1NN, features="squeezenet512", normalize="l2")
    assert found == pytest.approx(SQUEEZENET_1NN, abs=0.051)  # printed with one decimal


@pytest.mark.data
def test_decaf6_gives_the_published_row(office):
    assert row(DECAF6_1NN, features="decaf6") == pytest.approx(DECAF6_1NN, abs=0.051)


@pytest.mark.data
def test_the_protocol_is_full_and_transductive(office):
    task = OfficeCaltech10().load()
    check_task(task)
    assert (task.name, task.transductive, task.n_classes) == ("caltech10->amazon", True, 10)
    assert task.classes[0] == "backpack"
    assert task.classes[-1] == "projector"
    assert task.sources[0].test is None
    assert task.target.train is task.target.test
    counts = {name: len(read_domain(name, "surf", "none")) for name in DOMAINS}
    assert counts == {"amazon": 958, "caltech10": 1123, "dslr": 157, "webcam": 295}


@pytest.mark.data
def test_a_part_of_the_source_can_be_held_out(office):
    whole, task = OfficeCaltech10().load(), OfficeCaltech10(validation_fraction=0.2).load()
    check_task(task)
    train, held = task.sources[0].train, task.sources[0].test
    assert len(held) == round(0.2 * 1123)
    rows = {row.tobytes() for row in (*train.x, *held.x)}
    assert rows == {row.tobytes() for row in whole.sources[0].train.x}, "standardised over the whole domain, then split"
    assert task.transductive
    np.testing.assert_array_equal(task.target.test.x, whole.target.test.x)


@pytest.mark.data
def test_zscore_l2_is_zscore_in_rows_of_unit_length(office):
    x, z = (read_domain("dslr", "surf", normalize).x for normalize in ("zscore_l2", "zscore"))
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1)
    np.testing.assert_allclose(x * np.linalg.norm(z, axis=1, keepdims=True), z, atol=1e-12)


@pytest.mark.data
@pytest.mark.parametrize("name", DOMAINS)
def test_zscore_is_per_domain_by_the_population_deviation(office, name):
    for features in ("surf", "squeezenet512"):
        x = read_domain(name, features, "zscore").x
        np.testing.assert_allclose(x.mean(axis=0), 0.0, atol=1e-12)
        alive = np.ptp(read_domain(name, features, "none").x, axis=0) > 0
        np.testing.assert_allclose(x[:, alive].std(axis=0), 1.0, rtol=1e-9)
        assert not x[:, ~alive].any()


@pytest.mark.data
@pytest.mark.parametrize("name", DOMAINS)
def test_squeezenet_rows_are_aligned_with_surf_rows(office, name):
    surf, deep = read_domain(name, "surf", "l2"), read_domain(name, "squeezenet512", "l2")
    np.testing.assert_array_equal(surf.y, deep.y)

    # labels alone would not notice a shuffle inside a class: two views of the same images must agree on which are
    # alike beyond their class, which a shuffle inside classes destroys
    def agreement(index: np.ndarray) -> float:
        within = []
        for c in range(10):
            rows = np.flatnonzero(surf.y == c)
            pairs = np.triu_indices(len(rows), 1)
            a, b = surf.x[rows], deep.x[index[rows]]
            within.append(np.corrcoef((a @ a.T)[pairs], (b @ b.T)[pairs])[0, 1])
        return float(np.mean(within))

    rng = np.random.default_rng(0)
    shuffled = np.arange(len(surf))
    for c in range(10):
        rows = np.flatnonzero(surf.y == c)
        shuffled[rows] = rng.permutation(rows)
    assert agreement(np.arange(len(surf))) > 0.1 + agreement(shuffled)


@pytest.mark.data
def test_hetero_pairs_different_spaces_and_shares_the_rest(office):
    task = OfficeCaltech10Hetero().load()
    check_task(task)
    assert (task.name, task.transductive) == ("amazon->caltech10", True)
    assert task.sources[0].train.x.shape == (958, 800)
    assert task.target.test.x.shape == (1123, 512)
    same = OfficeCaltech10(source="amazon", target="caltech10").load()
    np.testing.assert_array_equal(task.sources[0].train.x, same.sources[0].train.x)


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"source": "amazn"}, r"data\.source='amazn' is unknown; did you mean 'amazon'\?"),
        ({"target": "caltech"}, r"data\.target='caltech' is unknown; did you mean 'caltech10'\?"),
        ({"source": "amazon"}, "are both 'amazon'; name two different domains"),
        ({"features": "surff"}, r"data\.features='surff' is unknown; did you mean 'surf'\?"),
        ({"normalize": "z-score"}, r"data\.normalize='z-score' is unknown; did you mean 'zscore'\?"),
        ({"features": "decaf6"}, "exists for dslr and webcam only, not for caltech10"),
    ],
)
def test_bad_keywords(keywords, sentence):
    with pytest.raises(ConfigError, match=sentence):
        OfficeCaltech10(**keywords).load()


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"target_features": "surf"}, "are both 'surf'; name two different kinds, or use data=office_caltech10"),
        ({"source_features": "surff"}, r"data\.source_features='surff' is unknown; did you mean 'surf'\?"),
        ({"target": "amazon"}, "are both 'amazon'"),
    ],
)
def test_bad_hetero_keywords(keywords, sentence):
    with pytest.raises(ConfigError, match=sentence):
        OfficeCaltech10Hetero(**keywords).load()


def test_missing_files(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"office_caltech10/surf/Caltech10_SURF_L10.mat.*DA_DATA_DIR="):
        OfficeCaltech10().load()
