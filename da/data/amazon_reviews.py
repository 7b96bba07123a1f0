"""Amazon product reviews as bags of words: sentiment across four product categories."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from scipy import sparse

from da.domain import Domain, Split, Task
from da.errors import ConfigError, nearest
from da.files import require
from da.setting import ALL, Access

DOMAINS = ("books", "dvd", "electronics", "kitchen")
CLASSES = ("negative", "positive")
FILES = {
    ("bow400", "books"): ("books_400.mat", "7a53b54f0c0e81e7ee4774d762a927399cede9a802a2409732ba00cc1c23a17a"),
    ("bow400", "dvd"): ("dvd_400.mat", "13a71d399f9c7ae57064952979c830455057ffd0a8da73f2c9075338d64d98ce"),
    ("bow400", "electronics"): ("elec_400.mat", "f1dd6e01c1eed956d3abe6493a6bb5efc95e6585b8b9b2d856c0c07e12893a35"),
    ("bow400", "kitchen"): ("kitchen_400.mat", "b1f4e5ddfbd7b37ad2638fccbf83bd8558abf63b3e8d69a9d5bca77b1a49fed5"),
    ("bow5000", "books"): (
        "msda5000_books.npz",
        "e8df70ef2f62bacc125e5b32ab896b1145685bff18c47a7c9734008cd2323187",
    ),
    ("bow5000", "dvd"): (
        "msda5000_dvd.npz",
        "1c694da098035bf324d02c0b5eb38c02f5e39108fc31eb3078b5db63a53fe243",
    ),
    ("bow5000", "electronics"): (
        "msda5000_electronics.npz",
        "d4317d6920bae989695788d692226e6c262bd65385b311bed7848c349ff9d40f",
    ),
    ("bow5000", "kitchen"): (
        "msda5000_kitchen.npz",
        "896f2d30cbb429a6d09750c43d93545ed9542f8ec8e26fafe631dcd16fb83b42",
    ),
}
NORMALIZATIONS = ("none", "binary", "tfidf", "zscore")


class AmazonReviews:
    """Amazon product reviews: sentiment (positive or negative) for books, DVDs, electronics and kitchen appliances.

    ``bow5000`` are counts of the 5000 most frequent unigrams and bigrams, sparse ``(n, 5000)``, in the protocol of
    Ganin et al.: 2000 labelled reviews of the source, 2000 unlabelled ones of the target, and the target's test split
    (books 4465, dvd 3586, electronics 5681, kitchen 5945) for testing. The source's own test split is left out by
    default, since it would add labels beyond the 2000. ``bow400`` are frequencies of 400 words, dense, with rows that
    sum to 1 (books 2000, dvd 1999, electronics 1998, kitchen 1999), and transductive: all of the target is used for
    both adaptation and testing. The metric is accuracy on the target.

    Args:
        source: ``books``, ``dvd``, ``electronics`` or ``kitchen``.
        target: another of these.
        features: ``bow5000`` or ``bow400``.
        normalize: ``none``; ``binary``, whether a word occurs; ``tfidf``, counts times
            :math:`1 + \\ln((1 + n) / (1 + n_w))` over the training parts of both domains (n reviews, n_w with the
            word), in rows of unit length; or ``zscore``, each word to mean 0 and standard deviation 1 over the
            training part of its domain, which makes sparse rows dense.
        source_test: keep the source's own test split of ``bow5000`` as held-out samples, for selection rules that need
            them; it is never trained on.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "none stated, for research"
    citation: ClassVar[str] = "Blitzer et al., ACL 2007; Chen et al., ICML 2012; Ganin et al., JMLR 2016"

    def __init__(
        self,
        *,
        source: Literal["books", "dvd", "electronics", "kitchen"] = "books",
        target: Literal["books", "dvd", "electronics", "kitchen"] = "dvd",
        features: str = "bow5000",
        normalize: Literal["none", "binary", "tfidf", "zscore"] = "none",
        source_test: bool = False,
    ):
        self.source, self.target, self.features, self.normalize = source, target, features, normalize
        self.source_test = source_test

    @staticmethod
    def domains() -> tuple[str, ...]:
        """Names of all domains."""
        return DOMAINS

    def load(self) -> Task:
        """Read both domains and normalise them.

        Raises:
            ConfigError: a name is unknown, or source and target are the same.
            DataError: a file is missing or differs from the known one.
        """
        for key, name in (("source", self.source), ("target", self.target)):
            if name not in DOMAINS:
                raise ConfigError(f"data.{key}='{name}' is unknown; {nearest(name, DOMAINS)}")
        if self.source == self.target:
            raise ConfigError(f"data.source and data.target are both '{self.source}'; name two different domains.")
        kinds = {kind for kind, _ in FILES}
        if self.features not in kinds:
            raise ConfigError(f"data.features='{self.features}' is unknown; {nearest(self.features, kinds)}")
        if self.normalize not in NORMALIZATIONS:
            raise ConfigError(
                f"data.normalize='{self.normalize}' is unknown; {nearest(self.normalize, NORMALIZATIONS)}"
            )
        names: tuple[str, str] = (self.source, self.target)
        parts = {name: read(name, self.features) for name in names}
        trained = {name: part[0][0] for name, part in parts.items()}
        weight = idf(*trained.values()) if self.normalize == "tfidf" else None

        def domains(name: str) -> list[Domain]:
            """A domain's training part and, of ``bow5000``, its test part; both normalised by the training part."""
            scaled = (
                zscore(x, trained[name]) if self.normalize == "zscore" else words(x, self.normalize, weight)
                for x, _ in parts[name]
            )
            return [Domain(x, y, name=name) for x, (_, y) in zip(scaled, parts[name], strict=True)]

        if self.source_test and self.features != "bow5000":
            raise ConfigError(f"data.source_test=true needs data.features=bow5000; {self.features} has one part only.")
        source, target = domains(self.source), domains(self.target)
        return Task(
            name=f"{self.source}->{self.target}",
            sources=(Split(*source[: 2 if self.source_test else 1]),),
            target=Split(target[0], target[-1]),
            classes=CLASSES,
            transductive=len(target) == 1,
        )


def read(name: str, features: str) -> list[tuple[Any, np.ndarray]]:
    """Inputs and labels of a domain: one part of ``bow400``; training and test parts of ``bow5000``.

    Raises:
        DataError: the file is missing or differs (see :func:`da.files.require`).
    """
    file, sha256 = FILES[features, name]
    path = require(f"amazon_reviews/{file}", sha256)
    if features == "bow400":
        from scipy.io import loadmat

        content = loadmat(path)
        return [(np.asarray(content["fts"], dtype=np.float64), content["labels"].ravel().astype(np.int64))]
    parts = []
    with np.load(path, allow_pickle=False) as content:
        for part in ("train", "test"):
            data, indices, indptr = (content[f"{part}_{field}"] for field in ("data", "indices", "indptr"))
            x = sparse.csr_matrix(
                (data.astype(np.float64), indices.astype(np.int32), indptr.astype(np.int32)),
                shape=tuple(content[f"{part}_shape"]),
            )
            parts.append((x, (content[f"{part}_y"] > 0).astype(np.int64)))
    return parts


def words(x: Any, normalize: str, weight: np.ndarray | None) -> Any:
    """Counts unchanged, as 0 or 1, or multiplied by a weight per word in rows of unit length."""
    if normalize == "none":
        return x
    if normalize == "binary":
        return (x > 0).astype(np.float64)
    x = sparse.csr_matrix(x).multiply(weight).tocsr()
    length = np.sqrt(np.asarray(x.multiply(x).sum(axis=1)).ravel())
    return sparse.diags_array(1.0 / np.where(length > 0, length, 1.0)).tocsr() @ x


def idf(*parts: Any) -> np.ndarray:
    """``(d,)`` smoothed inverse document frequency over the rows of all parts."""
    n = sum(x.shape[0] for x in parts)
    weight: np.ndarray = 1.0 + np.log((1.0 + n) / (1.0 + sum(np.asarray((x > 0).sum(axis=0)).ravel() for x in parts)))
    return weight


def zscore(x: Any, reference: Any) -> np.ndarray:
    """Dense rows standardised by the reference's mean and population standard deviation; constant words become 0."""
    x, reference = (part.toarray() if sparse.issparse(part) else part for part in (x, reference))
    deviation = reference.std(axis=0)
    scaled: np.ndarray = np.where(
        deviation > 0, (x - reference.mean(axis=0)) / np.where(deviation > 0, deviation, 1), 0
    )
    return scaled
