"""Office-Caltech10 as precomputed features: the four domains of the classical tables."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from da.bounds import ProperFraction, Seed
from da.data.named import check_names, transductive_task
from da.data.normalize import NORMALIZATIONS, check_normalization
from da.data.readers import read_table
from da.domain import Domain, Task
from da.errors import ConfigError, nearest
from da.files import require
from da.setting import ALL, Access

DOMAINS = ("amazon", "caltech10", "dslr", "webcam")
CLASSES = (
    "backpack", "bike", "calculator", "headphones", "keyboard", "laptop", "monitor", "mouse", "mug", "projector",
)  # fmt: skip
FILES = {
    ("surf", "amazon"): (
        "surf/amazon_SURF_L10.mat",
        "df32548b994e18d364c99e1f317e1fae100597259f0423a41b90f4f68187bb1f",
    ),
    ("surf", "caltech10"): (
        "surf/Caltech10_SURF_L10.mat",
        "4f9334c8ced489d5054de97a5fd51a61f017f3bcd1f38c9a85c6d78cb9d7bda5",
    ),
    ("surf", "dslr"): (
        "surf/dslr_SURF_L10.mat",
        "44d673c68e1d07b837893aa74dba3b986e4a6cc3fd66f0dd357683bdef059216",
    ),
    ("surf", "webcam"): (
        "surf/webcam_SURF_L10.mat",
        "a6a9c78b4b7181dfbb58bcfd351d4ebd737f171c31247b8884948aa156d3f700",
    ),
    ("squeezenet512", "amazon"): (
        "squeezenet512/amazon_squeezenet512.npz",
        "4cbb803d896bd5e9b8aadb22c9ec1af447fbe2eeee0845f5f808b785a3ea0a12",
    ),
    ("squeezenet512", "caltech10"): (
        "squeezenet512/caltech10_squeezenet512.npz",
        "1a58e7ba75a573770c4fb2fa5dad2eec33358244ce2f9b311282bbe97742d39f",
    ),
    ("squeezenet512", "dslr"): (
        "squeezenet512/dslr_squeezenet512.npz",
        "21fa93b97e00d79179df3cc55fe19b7c063a24fd92686c8a1672b7ba00671204",
    ),
    ("squeezenet512", "webcam"): (
        "squeezenet512/webcam_squeezenet512.npz",
        "51d55ba4a47b87b995e1faac168e982929e049f99ba6b49f83d82c0e938673f1",
    ),
    ("decaf6", "dslr"): (
        "decaf6/dslr_decaf6.npz",
        "40b759128786bcb27cfd7505dc5493be707a238d9ae0830e2171b3cd00acae0a",
    ),
    ("decaf6", "webcam"): (
        "decaf6/webcam_decaf6.npz",
        "4cf0cfe81906690a500ec3c24f16d80f826277a519f89d7885f7085cedbef459",
    ),
}


class OfficeCaltech10:
    """Office-Caltech10: 10 object classes in 4 domains, as SURF bags of words or deep features.

    amazon has 958 samples, caltech10 1123, dslr 157, webcam 295. ``surf`` is 800 integer counts, ``squeezenet512``
    512 and ``decaf6`` 4096 deep features (the latter of dslr and webcam only); ``x`` is ``(n, d)`` ``float64``.
    The protocol is full and transductive, as in the tables of GFK, TCA and JDA: all of the source is labelled, and
    all of the target is used for both adaptation and testing. The metric is accuracy on the target.

    ``zscore`` follows those papers, whose code calls ``zscore(x, 1)`` in MATLAB: each row is divided by its sum, then
    each feature is standardised within each domain by the *population* standard deviation. With this normalisation,
    1-nearest-neighbour without adaptation equals the published row on all 12 SURF tasks. (So it does with the sample
    standard deviation, which only scales a whole domain by a factor near 1; the results do not distinguish the two.)

    Args:
        source: ``amazon``, ``caltech10``, ``dslr`` or ``webcam``.
        target: another of these.
        features: ``surf``, ``squeezenet512`` or ``decaf6``.
        normalize: ``zscore``, ``zscore_l2`` (then rows of unit length), ``l2`` (usual for deep features) or ``none``.
        validation_fraction: fraction of the source that is held out, stratified; the tables have none.
        split_seed: seed of that split.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL)
    licence: ClassVar[str] = "none stated, for research"
    citation: ClassVar[str] = "Gong et al., CVPR 2012; Saenko et al., ECCV 2010; Griffin et al., Caltech-256, 2007"

    def __init__(
        self,
        *,
        source: Literal["amazon", "caltech10", "dslr", "webcam"] = "caltech10",
        target: Literal["amazon", "caltech10", "dslr", "webcam"] = "amazon",
        features: str = "surf",
        normalize: Literal["zscore", "zscore_l2", "l2", "none"] = "zscore",
        validation_fraction: ProperFraction = 0.0,
        split_seed: Seed = 0,
    ):
        self.source, self.target, self.features, self.normalize = source, target, features, normalize
        self.validation_fraction, self.split_seed = validation_fraction, split_seed

    @staticmethod
    def domains() -> tuple[str, ...]:
        """Names of all domains."""
        return DOMAINS

    def load(self) -> Task:
        """Read and normalise both domains.

        Raises:
            ConfigError: a name is unknown, source and target are the same, or the fraction is outside [0, 1).
            DataError: a file is missing or differs from the known one.
        """
        check_names(self.source, self.target, DOMAINS)
        return transductive_task(
            [read_domain(self.source, self.features, self.normalize)],
            read_domain(self.target, self.features, self.normalize),
            CLASSES,
            validation_fraction=self.validation_fraction,
            split_seed=self.split_seed,
        )


def read_domain(name: str, features: str, normalize: str, *, key: str = "features") -> Domain:
    """All samples of a domain as normalised features, in the row order that SURF and SqueezeNet features share.

    Args:
        name: one of ``DOMAINS``.
        features: ``surf``, ``squeezenet512`` or ``decaf6``.
        normalize: one of ``NORMALIZATIONS``.
        key: the configuration's key of ``features``, for messages.

    Raises:
        ConfigError: the kind of features or the normalisation is unknown, or the domain has no features of this kind.
    """
    kinds = {kind for kind, _ in FILES}
    if features not in kinds:
        raise ConfigError(f"data.{key}='{features}' is unknown; {nearest(features, kinds)}")
    check_normalization(normalize)
    if (features, name) not in FILES:
        there = [domain for kind, domain in FILES if kind == features]
        raise ConfigError(
            f"data.{key}='{features}' exists for {' and '.join(there)} only, not for {name}; "
            "name these domains, or use surf or squeezenet512."
        )
    path, sha256 = FILES[features, name]
    x, y, *_ = read_table(require(f"office_caltech10/{path}", sha256))
    first = 1 if features == "surf" else 0  # the original SURF files count classes from 1
    return Domain(
        NORMALIZATIONS[normalize](np.asarray(x, dtype=np.float64)), np.asarray(y, dtype=np.int64) - first, name=name
    )
