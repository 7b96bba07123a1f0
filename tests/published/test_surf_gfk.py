"""The GFK row of Long et al., ICCV 2013 (JDA), table 3: 1-nearest-neighbour on z-scored SURF, all samples."""

import pytest
from surf import PAIRS, domains, one_nn

from da.estimators.subspace.gfk import GFK

pytestmark = pytest.mark.data

PUBLISHED = {
    "C>A": 41.02, "C>W": 40.68, "C>D": 38.85, "A>C": 40.25, "A>W": 38.98, "A>D": 36.31,
    "W>C": 30.72, "W>A": 29.75, "W>D": 80.89, "D>C": 30.28, "D>A": 32.05, "D>W": 75.59,
}  # fmt: skip
TWENTY = {"C>A", "C>W", "A>C", "A>D", "W>C", "D>A"}  # found by matching, as the paper does not say; the others have 10
# ours for the other choice of dimension; no published table
OTHER = {
    "C>A": 38.20, "C>W": 34.58, "C>D": 41.40, "A>C": 36.24, "A>W": 40.00, "A>D": 35.03,
    "W>C": 24.93, "W>A": 31.84, "W>D": 87.90, "D>C": 30.10, "D>A": 30.06, "D>W": 84.41,
}  # fmt: skip


def accuracy(pair: str, n_components: int | None) -> float:
    source, target, truth = domains(pair)
    fitted = GFK(n_components=n_components).fit(source, target)
    return one_nn(fitted.transform(source.x, domain="source"), source.y, fitted.transform(target.x), truth)


@pytest.mark.parametrize("pair", PAIRS)
def test_equals_the_published_row(pair, published):
    assert accuracy(pair, 20 if pair in TWENTY else 10) == PUBLISHED[pair]


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS)
def test_the_other_dimension_stays_as_computed_once(pair, published):
    assert accuracy(pair, 10 if pair in TWENTY else 20) == OTHER[pair]


# by the measure of Gong et al., which the published row does not follow: accuracy and dimension; no published table
CHOSEN = {"W>D": (85.35, 14), "C>W": (40.68, 20), "A>D": (38.22, 18)}


@pytest.mark.slow
@pytest.mark.parametrize("pair", CHOSEN)
def test_the_dimension_chosen_by_disagreement_stays_as_computed_once(pair, published):
    source, target, _ = domains(pair)
    assert len(GFK(n_components=None).fit(source, target).angles_) == CHOSEN[pair][1]
    assert accuracy(pair, None) == CHOSEN[pair][0]
