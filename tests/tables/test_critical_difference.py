from __future__ import annotations

import re
import sys

import pytest

from da.errors import UsageError
from da.tables.critical_difference import _levels, critical_difference, critical_difference_svg
from da.tables.significance import Ranking

pytestmark = pytest.mark.versions

pytest.importorskip("matplotlib")
RANKING = Ranking({"jda": 1.25, "tca": 2.0, "pca": 2.75, "unadapted": 4.0}, 12, 0.001, (("jda", "tca"), ("tca", "pca")))


def test_the_diagram_names_every_method_with_its_rank_in_ink_of_the_page():
    text = critical_difference_svg(RANKING)
    assert text.startswith("<svg")
    for words in ("jda  1.25", "tca  2.00", "2.75  pca", "4.00  unadapted"):
        assert words in text
    assert "currentColor" in text
    assert "#1c1d21" not in text
    assert not re.search(r'(href|src)="http', text)
    assert text == critical_difference_svg(RANKING)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_suffix_chooses_the_format(suffix, tmp_path):
    head = critical_difference(RANKING, tmp_path / "new" / f"cd{suffix}").read_bytes()[:200]
    assert {".png": b"PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix] in head


def test_bars_that_overlap_stand_below_each_other():
    assert _levels([(1, 2), (1.5, 3), (2.5, 4), (5, 6)]) == [0, 1, 0, 0]


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"da\[report\]"):
        critical_difference_svg(RANKING)
