"""Office-Caltech10 with different features of source and target."""

from __future__ import annotations

from typing import ClassVar, Literal

from da.data.named import check_names, transductive_task
from da.data.office_caltech10 import CLASSES, DOMAINS, read_domain
from da.domain import Task
from da.errors import ConfigError
from da.setting import ALL, DIFFERENT, Access


class OfficeCaltech10Hetero:
    """Office-Caltech10 across feature spaces: source and target have different kinds of features.

    Domains, counts, kinds of features, normalisation, protocol (transductive) and metric are those of
    :class:`~da.data.office_caltech10.OfficeCaltech10`: by default 958 x 800 SURF counts of amazon against 1123 x 512
    SqueezeNet features of caltech10, 10 classes.

    Args:
        source: ``amazon``, ``caltech10``, ``dslr`` or ``webcam``.
        target: another of these.
        source_features: ``surf``, ``squeezenet512`` or ``decaf6`` (the latter of dslr and webcam only).
        target_features: another of these.
        normalize: ``zscore``, ``zscore_l2``, ``l2`` or ``none``, for both.
    """

    offers: ClassVar[Access] = Access(source_y=ALL, target_x=True, target_y=ALL, spaces=DIFFERENT)
    held_out: ClassVar[bool] = False  # no part of the source is left to validate on
    licence: ClassVar[str] = "none stated, for research"
    citation: ClassVar[str] = "Gong et al., CVPR 2012; Saenko et al., ECCV 2010; Griffin et al., Caltech-256, 2007"

    def __init__(
        self,
        *,
        source: Literal["amazon", "caltech10", "dslr", "webcam"] = "amazon",
        target: Literal["amazon", "caltech10", "dslr", "webcam"] = "caltech10",
        source_features: str = "surf",
        target_features: str = "squeezenet512",
        normalize: Literal["zscore", "zscore_l2", "l2", "none"] = "zscore",
    ):
        self.source, self.target, self.normalize = source, target, normalize
        self.source_features, self.target_features = source_features, target_features

    @staticmethod
    def domains() -> tuple[str, ...]:
        """Names of all domains."""
        return DOMAINS

    def load(self) -> Task:
        """Read and normalise both domains.

        Raises:
            ConfigError: a name is unknown, or source and target have the same name or features.
            DataError: a file is missing or differs from the known one.
        """
        check_names(self.source, self.target, DOMAINS)
        if self.source_features == self.target_features:
            raise ConfigError(
                f"data.source_features and data.target_features are both '{self.source_features}'; "
                "name two different kinds, or use data=office_caltech10."
            )
        return transductive_task(
            [read_domain(self.source, self.source_features, self.normalize, key="source_features")],
            read_domain(self.target, self.target_features, self.normalize, key="target_features"),
            CLASSES,
        )
