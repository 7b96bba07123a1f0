import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from da.data.amazon_reviews import DOMAINS, AmazonReviews, zscore
from da.data.validity import check_task
from da.errors import ConfigError, DataError

PAIRS = [(source, target) for source in DOMAINS for target in DOMAINS if source != target]


def load(source="books", target="dvd", **keywords):
    task = AmazonReviews(source=source, target=target, **keywords).load()
    check_task(task)
    return task


@pytest.mark.data
def test_the_large_bags_have_the_protocol_of_the_paper(published):
    tested = {"books": 4465, "dvd": 3586, "electronics": 5681, "kitchen": 5945}
    for source, target in zip(DOMAINS, DOMAINS[1:] + DOMAINS[:1], strict=True):
        task = load(source, target)
        assert (task.name, task.transductive, task.classes) == (f"{source}->{target}", False, ("negative", "positive"))
        domain, train, test = task.sources[0].train, task.target.train, task.target.test
        assert task.sources[0].test is None
        assert [d.x.shape for d in (domain, train, test)] == [(2000, 5000), (2000, 5000), (tested[target], 5000)]
        assert all(sparse.issparse(d.x) and d.x.format == "csr" for d in (domain, train, test))
        assert np.bincount(domain.y).tolist() == np.bincount(train.y).tolist() == [1000, 1000]
        assert (domain.x.data == np.round(domain.x.data)).all()


@pytest.mark.data
def test_the_small_bags_are_transductive(published):
    counts = {"books": 2000, "dvd": 1999, "electronics": 1998, "kitchen": 1999}
    for source, target in zip(DOMAINS, DOMAINS[1:] + DOMAINS[:1], strict=True):
        task = load(source, target, features="bow400")
        assert task.transductive
        assert task.target.train is task.target.test
        assert task.sources[0].train.x.shape == (counts[source], 400)
        np.testing.assert_allclose(task.sources[0].train.x.sum(axis=1), 1.0)


@pytest.mark.data
def test_small_bags_reach_their_known_mean(published):
    """Ours, computed once (no published row is known): z-scored, logistic regression with C = 0.01."""
    found = []
    for source, target in PAIRS:
        task = load(source, target, features="bow400", normalize="zscore")
        domain, test = task.sources[0].train, task.target.test
        found.append(100.0 * LogisticRegression(C=0.01, max_iter=1000).fit(domain.x, domain.y).score(test.x, test.y))
    assert (np.mean(found), min(found), max(found)) == pytest.approx((77.5, 74.0, 83.4), abs=0.1)


@pytest.mark.data
def test_binary_is_whether_a_word_is_there(published):
    counts, there = load().target.test.x, load(normalize="binary").target.test.x
    assert np.unique(there.data).tolist() == [1.0]
    assert ((counts > 0) != (there > 0)).nnz == 0


@pytest.mark.data
def test_tfidf_is_that_of_scikit_learn_over_both_training_parts(published):
    plain, weighted = load(), load(normalize="tfidf")
    known = TfidfTransformer().fit(sparse.vstack([plain.sources[0].train.x, plain.target.train.x]))
    for before, after in (
        (plain.sources[0].train, weighted.sources[0].train),
        (plain.target.test, weighted.target.test),
    ):
        assert abs(known.transform(before.x) - after.x).max() < 1e-12


def test_zscore_is_by_the_reference():
    x, reference = (sparse.random_array((40, 6), density=0.5, rng=seed, format="csr") for seed in (0, 1))
    reference = sparse.csr_matrix(reference.toarray() * (np.arange(6) > 0))  # the first word never occurs
    expected = StandardScaler().fit(reference.toarray()[:, 1:]).transform(x.toarray()[:, 1:])
    found = zscore(x, reference)
    np.testing.assert_allclose(found[:, 1:], expected, atol=1e-12)
    assert not found[:, 0].any()


@pytest.mark.data
def test_zscore_of_the_test_part_is_by_the_training_part_of_its_domain(published):
    plain, scaled = load(), load(normalize="zscore")
    few = slice(0, 50)
    expected = zscore(plain.target.test.x[:, few], plain.target.train.x[:, few])
    np.testing.assert_allclose(scaled.target.test.x[:, few], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"source": "book"}, r"data\.source='book' is unknown; did you mean 'books'\?"),
        ({"target": "dvds"}, r"data\.target='dvds' is unknown; did you mean 'dvd'\?"),
        ({"source": "dvd"}, "are both 'dvd'; name two different domains"),
        ({"features": "bow500"}, r"data\.features='bow500' is unknown; did you mean 'bow5000'\?"),
        ({"normalize": "tf-idf"}, r"data\.normalize='tf-idf' is unknown; did you mean 'tfidf'\?"),
    ],
)
def test_bad_keywords(keywords, sentence):
    with pytest.raises(ConfigError, match=sentence):
        AmazonReviews(**keywords).load()


def test_missing_files(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"There is no file 'amazon_reviews/msda5000_books\.npz'"):
        AmazonReviews().load()


@pytest.mark.data
def test_the_sources_own_test_split_is_kept_out_unless_asked_for(published):
    plain, kept = (AmazonReviews(source_test=asked).load() for asked in (False, True))
    assert plain.sources[0].test is None
    assert len(kept.sources[0].test) == 4465
    assert (kept.sources[0].train.x != plain.sources[0].train.x).nnz == 0
    with pytest.raises(ConfigError, match="needs data.features=bow5000"):
        AmazonReviews(features="bow400", source_test=True).load()
