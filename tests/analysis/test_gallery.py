"""The gallery: what is drawn, for which shift, and that the figures do not depend on when they are drawn."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from da.analysis.gallery import Exhibit, exhibit, fitted, gallery, toybox
from da.config import catalog
from da.errors import DataError
from da.estimators.subspace.unadapted import Unadapted
from da.estimators.weighting.logistic_ratio import LogisticRatio

ENTRIES = [e for e in catalog.entries("method").values() if e.is_estimator]


def made(name: str) -> Exhibit:
    entry = catalog.named("method", name)
    return exhibit(name, entry.summary, catalog.build(entry.config))


def test_a_weighting_is_shown_on_the_shift_that_it_corrects() -> None:
    shown = made("logistic_ratio")
    assert shown.box.shift == "covariate"
    before, after = shown.accuracy
    assert after > before + 5
    assert shown.model.estimator.weights_.std() > 0.3
    assert fitted(Unadapted(), shown.box)[1] == before


class Broken(LogisticRatio):
    def fit(self, source, target):
        raise DataError("There is nothing to weigh.")


def test_a_method_that_fails_says_why_in_its_panel(tmp_path) -> None:
    shown = exhibit("broken", "Fail.", Broken())
    assert shown.model == "There is nothing to weigh."
    assert gallery("family", [shown], tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_figure_is_the_same_every_time(tmp_path) -> None:
    files = [gallery("subspace", [made("coral"), made("pooled")], tmp_path / f"{k}.png") for k in (0, 1)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_toys_hold_back_what_they_should() -> None:
    box = toybox("rotation", True)
    assert len(box.sources) == 2
    assert box.target.y is None
    assert np.bincount(box.labelled.y).tolist() == [3, 3, 3]
    rows = {tuple(r) for r in box.target.x}
    assert not rows & {tuple(r) for r in box.labelled.x}
    assert not rows & {tuple(r) for r in box.test.x}


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted({e.family for e in ENTRIES}))
def test_every_method_of_the_catalogue_has_its_panel(family, tmp_path) -> None:
    shown = [made(e.name) for e in ENTRIES if e.family == family]
    assert not [e.name for e in shown if isinstance(e.model, str)]
    gallery(family, shown, tmp_path / "a.png")
