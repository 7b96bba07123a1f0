"""Which inputs and labels a method may use and data offer, and the named settings (standard library only)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Labels(IntEnum):
    """How many labels of a domain may be used while fitting."""

    NONE = 0
    FEW = 1
    ALL = 2


class Spaces(IntEnum):
    """How the feature spaces of source and target relate."""

    SAME = 0
    DIFFERENT = 1
    ANY = 2
    """Only for data: the relation is known once the files are read."""


class Sources(IntEnum):
    """How many source domains there are."""

    ONE = 0
    MANY = 1


NONE, FEW, ALL = Labels.NONE, Labels.FEW, Labels.ALL
SAME, DIFFERENT, ANY = Spaces.SAME, Spaces.DIFFERENT, Spaces.ANY
ONE, MANY = Sources.ONE, Sources.MANY


@dataclass(frozen=True, kw_only=True)
class Access:
    """Inputs and labels that may be used while fitting: those that a method *needs*, or that data *offer*.

    There are two kinds of fields. *Access* is ordered: data must offer at least what the method needs, and the method
    is given exactly what it needs, never more. A *relation* (``spaces``, ``sources``) is a property of the data that
    the method must support: ``spaces=DIFFERENT`` of a method means that it also handles different feature spaces, and
    ``sources=MANY`` that it keeps several sources apart (other methods are given them pooled into one).

    Args:
        source_x: the source inputs.
        source_y: labels of the source.
        target_x: the unlabelled inputs of the target's training split.
        target_y: labels of the target's training split; ``FEW`` is a given number per class.
        spaces: the same or different feature spaces.
        sources: one source domain, or many that are kept apart.

    >>> needs = Access(source_y=ALL, target_x=True, target_y=FEW)
    >>> Access(source_y=ALL, target_x=True, target_y=ALL).lacks(needs)  # data that offer enough
    []
    >>> Access(source_y=ALL, target_x=True).lacks(needs)
    ['few target labels']
    """

    source_x: bool = True
    source_y: Labels = NONE
    target_x: bool = False
    target_y: Labels = NONE
    spaces: Spaces = SAME
    sources: Sources = ONE

    def lacks(self, needs: Access) -> list[str]:
        """What a method with such ``needs`` lacks on data that offer this, as noun phrases; empty if nothing."""
        gaps = []
        if needs.source_x and not self.source_x:
            gaps.append("source inputs")
        if needs.source_y > self.source_y:
            gaps.append(f"{needs.source_y.name.lower()} source labels")
        if needs.target_x and not self.target_x:
            gaps.append("unlabelled target inputs")
        if needs.target_y > self.target_y:
            gaps.append(f"{needs.target_y.name.lower()} target labels")
        if self.spaces == DIFFERENT and needs.spaces == SAME and needs.source_x:
            gaps.append("one feature space shared by source and target")
        return gaps


SETTINGS: dict[str, Access] = {
    "source_only": Access(source_y=ALL),
    "transductive": Access(source_y=ALL, target_x=True),
    "semi_supervised": Access(source_y=ALL, target_x=True, target_y=FEW),
    "heterogeneous": Access(source_y=ALL, target_x=True, target_y=FEW, spaces=DIFFERENT),
    "inductive": Access(source_x=False, target_y=FEW),
    "supervised": Access(source_x=False, target_x=True, target_y=ALL),
    "unsupervised": Access(target_x=True),
    "source_free": Access(source_x=False, target_x=True),
}
"""The access of each named setting of the field."""


def setting_of(needs: Access) -> str:
    """The name of the setting with the access of ``needs``, whatever the number of sources; ``custom`` if none has it.

    >>> setting_of(Access(source_y=ALL, target_x=True))
    'transductive'
    """
    for name, pattern in SETTINGS.items():
        if all(
            getattr(pattern, fact) == getattr(needs, fact)
            for fact in ("source_x", "source_y", "target_x", "target_y", "spaces")
        ):
            return name
    return "custom"
