"""20 Newsgroups as the six two-class tasks of text transfer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from scipy import sparse

from da.bounds import Bound, ProperFraction, Seed
from da.data.readers import read_table
from da.data.splits import Raw, assemble
from da.domain import Task
from da.errors import ConfigError, nearest
from da.files import require
from da.setting import ALL, Access

TOPS = ("comp", "rec", "sci", "talk")
PAIRS = tuple(f"{a}-{b}" for k, a in enumerate(TOPS) for b in TOPS[k + 1 :])
SUBS = 4
SHA256 = {
    "comp": "179c702415977ffd19ffc2195beeef686daf31ba71f39b9e2ab2b9fcec9df583",
    "rec": "ec1b44ff1d6e70d3141bd35c20bce87609e1b57f17aa0f4df346399ab8e38936",
    "sci": "3cada241846ba9d49a7ed50f77312445cf9e045a642f455abe0e632a81ce1dc5",
    "talk": "eecabf07c2360b7d93b300da808d0c90c5044e4edea7b99d3cb440524159e877",
}
NORMALIZATIONS = ("l2", "binary", "none")


class Newsgroups20:
    """20 Newsgroups: top category of a message, one of two, from some of their groups to the others.

    Each of ``comp`` (3870 messages), ``rec`` (3968), ``sci`` (3945) and ``talk`` (3250) has four groups, as in
    comp.graphics, comp.os.ms-windows.misc, comp.sys.ibm.pc.hardware and comp.sys.mac.hardware. Two top categories are
    the classes; some groups of both are the source and the rest the target, so that only some of the words of a
    category indicate the class in both domains. ``x`` is ``(n, 25804)`` ``float64``, sparse (CSR): counts of stemmed
    terms times :math:`\\log_2` of the inverse document frequency over all messages, as distributed by Long et al. The
    metric is accuracy on the target.

    Logistic regression without adaptation on the default source and rows of unit length has an accuracy of 87.8, 73.1,
    95.0, 72.3, 79.2 and 81.4 percent on the six pairs (ours; no published table has exactly these groups).

    Args:
        pair: ``comp-rec``, ``comp-sci``, ``comp-talk``, ``rec-sci``, ``rec-talk`` or ``sci-talk``.
        source_subs: two lists, the source's groups of the first and of the second category, as numbers 0 to 3 in
            alphabetical order, such as [[0, 2], [1, 3]]; None is [[0, 1], [0, 1]]. Two of each make 36 choices.
        normalize: ``l2`` scales rows to unit length, ``binary`` does so with the presence of terms, ``none`` keeps the
            weights.
        test_fraction: fraction of the target to test on, stratified; 0 uses all of it for adaptation and testing
            (transductive).
        split_seed: seed of that split.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    held_out: ClassVar[bool] = False  # no part of the source is left to validate on
    licence: ClassVar[str] = "none stated, for research"
    citation: ClassVar[str] = "Lang, Newsweeder, ICML 1995; Long et al., TKDE 2014"

    def __init__(
        self,
        *,
        pair: str = "rec-talk",
        source_subs: list[list[Annotated[int, Bound(least=0, most=3)]]] | None = None,
        normalize: Literal["l2", "binary", "none"] = "l2",
        test_fraction: ProperFraction = 0.0,
        split_seed: Seed = 0,
    ):
        self.pair, self.source_subs, self.normalize = pair, source_subs, normalize
        self.test_fraction, self.split_seed = test_fraction, split_seed

    def load(self) -> Task:
        """Read both categories and divide them into source and target.

        Raises:
            ConfigError: a name is unknown, or a domain would lack a class.
            DataError: a file is missing or differs from the known one.
        """
        if self.pair not in PAIRS:
            raise ConfigError(f"data.pair='{self.pair}' is unknown; {nearest(self.pair, PAIRS)}")
        if self.normalize not in NORMALIZATIONS:
            raise ConfigError(
                f"data.normalize='{self.normalize}' is unknown; {nearest(self.normalize, NORMALIZATIONS)}"
            )
        chosen = [[0, 1], [0, 1]] if self.source_subs is None else self.source_subs
        source, target = [], []
        for top, subs in zip(self.pair.split("-"), checked(chosen), strict=True):
            x, sub = read_top(top, self.normalize)
            inside = np.isin(sub, subs)
            source.append((x[inside], top))
            target.append((x[~inside], top))
        raws = [joined(part, f"{self.pair} {name}") for part, name in ((source, "source"), (target, "target"))]
        return assemble(
            raws[:1], raws[1], test_fraction=self.test_fraction, validation_fraction=0.0, split_seed=self.split_seed
        )


def checked(chosen: Any) -> list[list[int]]:
    """Check that there are two lists of groups, each with some of the four but not all, and return them.

    Raises:
        ConfigError: it is anything else.
    """
    fits = isinstance(chosen, Sequence) and len(chosen) == 2 and all(isinstance(s, Sequence) for s in chosen)
    if not fits or not all(0 < len(set(s)) < SUBS and set(s) <= set(range(SUBS)) for s in chosen):
        raise ConfigError(
            f"data.source_subs={chosen} is no two lists of 1 to {SUBS - 1} groups numbered 0 to {SUBS - 1}; "
            "give one list for each top, such as [[0,1],[0,1]]."
        )
    return [list(s) for s in chosen]


def read_top(top: str, normalize: str) -> tuple[Any, np.ndarray]:
    """``(n, 25804)`` CSR rows of a top category, and the ``(n,)`` numbers of their groups.

    Raises:
        DataError: the file is missing or differs (see :func:`da.files.require`).
    """
    path = require(f"newsgroups20/{top}.npz", SHA256[top])
    x, sub, *_ = read_table(path, label_column="sub")
    x = sparse.csr_matrix(x, dtype=np.float64)
    if normalize == "binary":
        x.data = np.ones_like(x.data)
    if normalize != "none":
        length = np.sqrt(np.asarray(x.multiply(x).sum(axis=1)).ravel())
        x.data /= np.repeat(length, np.diff(x.indptr))
    return x, np.asarray(sub)


def joined(parts: list[tuple[Any, str]], name: str) -> Raw:
    """Rows of several top categories, labelled by the categories' names."""
    y = np.concatenate([np.full(x.shape[0], top) for x, top in parts])
    return Raw(sparse.vstack([x for x, _ in parts], format="csr"), y, name)
