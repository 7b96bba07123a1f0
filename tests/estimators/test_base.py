from contextlib import nullcontext

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import da.domain
from da.config import catalog
from da.domain import Domain
from da.errors import DataError, UsageError
from da.estimators.base import Weighting, limited, matched, matrix, share_of
from da.estimators.sample_size import effective_sample_size, warn_if_few
from da.estimators.transfer import Transfer
from da.estimators.weighting.logistic_ratio import LogisticRatio
from da.setting import ALL, Access


def weighted(raw):
    weighting = Weighting()
    weighting._set_weights(np.asarray(raw, dtype=float), np.zeros((len(raw), 2)))
    return weighting


def test_weights_are_brought_to_mean_one_and_cut_at_zero():
    assert weighted([1.0, 3.0, -5.0, 0.0]).weights_.tolist() == [1.0, 3.0, 0.0, 0.0]
    assert weighted([2e-300, 6e-300]).weights_.tolist() == pytest.approx([0.5, 1.5])


@pytest.mark.parametrize("raw", [[0.0, 0.0], [-1.0, -2.0], [1.0, np.nan], [1.0, np.inf]])
def test_degenerate_weights_are_refused_with_a_remedy(raw):
    with pytest.raises(DataError, match=r"^Weighting found no finite positive weight: .*; widen the bandwidth"):
        weighted(raw)


def test_effective_sample_size():
    assert weighted([1.0] * 8).effective_sample_size_ == pytest.approx(8.0)
    assert weighted([1.0, 0.0, 0.0]).effective_sample_size_ == pytest.approx(1.0)
    assert weighted([3.0, 1.0]).effective_sample_size_ == pytest.approx(16.0 / 10.0)


@pytest.mark.parametrize("raw", [[100.0, *[0.0] * 19], [5.0, 1.0, 1.0, 0.5], [1.0] * 6], ids=["one", "some", "even"])
@pytest.mark.parametrize("least", [0.0, 0.1, 0.5, 0.9])
def test_weights_are_drawn_towards_1_just_so_far_that_a_share_is_in_effect(raw, least):
    """By bisection over the mixture, whose effective share falls with the trust."""
    w = np.array(raw) / np.mean(raw)
    found, trust = limited(w, least)

    def share(a):
        mixed = a * w + (1.0 - a)
        return mixed.sum() ** 2 / (mixed @ mixed) / len(w)

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if share(middle) >= least else (low, middle)
    assert trust == pytest.approx(low if share(1.0) < least else 1.0)
    np.testing.assert_allclose(found, trust * w + (1.0 - trust))
    assert found.mean() == pytest.approx(1.0)
    assert effective_sample_size(found) >= least * len(w) - 1e-9


def test_auto_asks_for_ten_samples_a_feature_from_a_tenth_to_nine_tenths_of_the_source():
    assert share_of("auto", 500, 2) == share_of("auto", 10**6, 2) == 0.1
    assert share_of("auto", 500, 8) == pytest.approx(0.16)
    assert share_of("auto", 500, 44) == pytest.approx(0.88)
    assert share_of("auto", 500, 46) == share_of("auto", 10, 4000) == 0.9
    assert share_of(0.3, 500, 46) == 0.3
    for wrong in (1.0, -0.1, "much", None):
        with pytest.raises(UsageError, match="`min_effective` must be at least 0 and below 1, or 'auto', got"):
            share_of(wrong, 500, 2)


def test_weightings_of_the_catalogue_choose_the_share_by_the_features_and_nothing_on_demand():
    raw = np.r_[np.full(95, 0.1), np.full(5, 20.0)]
    for entry in catalog.entries("method").values():
        if "Weighting" in catalog.kinds(entry.signature):
            assert entry.config["min_effective"] == "auto", entry.name
            made = catalog.build(entry.config)
            assert made.min_effective == "auto", f"{entry.name}: code and YAML differ"
            for d, least in ((1, 10.0), (5, 50.0), (300, 90.0)):
                made._set_weights(raw, np.zeros((100, d)))
                assert made.effective_sample_size_ == pytest.approx(least), entry.name
            made.set_params(min_effective=0.0)._set_weights(raw, np.zeros((100, 300)))
            assert made.trust_ == 1.0


def test_what_is_estimated_stays_to_be_seen():
    weighting = LogisticRatio(min_effective=0.5)
    weighting._set_weights(np.array([9.0, 0.0, 0.0]), np.zeros((3, 2)))
    assert weighting.estimated_sample_size_ == pytest.approx(1.0)
    assert weighting.effective_sample_size_ == pytest.approx(1.5)
    assert weighting.trust_ == pytest.approx(0.5**0.5)


@pytest.mark.parametrize(("kept", "warns"), [(4, True), (5, False), (100, False)])
def test_a_weighting_that_leaves_less_than_5_percent_warns(kept, warns):
    weights = np.r_[np.full(kept, 100.0 / kept), np.zeros(100 - kept)]
    with (
        pytest.warns(UserWarning, match=r"an effective 4.0 of 100 source samples remain; set min_effective where")
        if warns
        else nullcontext()
    ):
        warn_if_few(effective_sample_size(weights), 100)


class OneSample(Weighting):
    """Weighs the first sample alone."""

    needs = Access(source_y=ALL, target_x=True)

    def fit(self, source, target):
        self._set_weights(np.arange(len(source)) == 0, source.x)
        return self


def test_training_on_a_degenerate_weighting_warns():
    source = Domain(np.arange(60.0)[:, None], np.arange(60) % 2)
    with pytest.warns(UserWarning, match="The weighting is degenerate: an effective 1.0 of 60"):
        Transfer(OneSample(), LogisticRegression()).fit((source.take(np.arange(60)),), Domain(np.zeros((3, 1))))


@pytest.mark.parametrize(
    "x",
    [
        np.array([[0.0, 1.0], [0.2, 0.0]]),
        np.array([[0, 255], [51, 0]], dtype=np.uint8),
        np.array([[[[0.0]], [[1.0]]], [[[0.2]], [[0.0]]]]),
        sparse.csr_matrix(np.array([[0.0, 1.0], [0.2, 0.0]])),
        sparse.csr_matrix(np.array([[0, 255], [51, 0]], dtype=np.uint8)),
        torch.tensor([[0.0, 1.0], [0.2, 0.0]], dtype=torch.float64),
    ],
    ids=["dense", "bytes", "images", "sparse", "sparse bytes", "tensor"],
)
def test_a_matrix_is_flat_and_float64(x):
    found = matrix(x)
    assert str(found.dtype) in ("float64", "torch.float64")
    np.testing.assert_allclose(found, [[0.0, 1.0], [0.2, 0.0]])


def test_a_matrix_is_a_copy():
    x = np.zeros((2, 2))
    matrix(x)[:] = 1.0
    assert x.sum() == 0.0


def test_a_sparse_input_too_large_for_memory_is_refused(monkeypatch):
    x = sparse.csr_matrix((100_000, 100_000))
    with pytest.raises(DataError, match=r"^100,000 sparse rows of 100,000 columns are too large to be made dense"):
        matrix(x)
    monkeypatch.setattr(da.domain, "DENSE_LIMIT", 6)
    assert matrix(sparse.csr_matrix((2, 3))).shape == (2, 3)


def test_domains_of_different_widths_are_refused():
    assert [x.shape for x in matched(Domain(np.zeros((2, 3))), Domain(np.zeros((4, 3, 1))))] == [(2, 3), (4, 3)]
    with pytest.raises(DataError, match="Source inputs have 3 features and target inputs 4; bring them to one space"):
        matched(Domain(np.zeros((2, 3))), Domain(np.zeros((2, 4))))
