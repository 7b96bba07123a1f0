"""The subject of checks, and the selection of the checks that apply to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from da.estimators.base import Estimator
from da.setting import Access


@dataclass(frozen=True)
class CheckedMethod:
    """A method under check.

    Args:
        name: name for messages.
        make: class or function that makes it from hyper-parameters, with defaults for all of them.
        needs: its access.
        options: hyper-parameters that the checks always pass.
        config: content of its YAML, if it has one.
    """

    name: str
    make: Callable[..., Any]
    needs: Access
    options: dict[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None

    def new(self, **options: Any) -> Any:
        """Make a new method or estimator."""
        return self.make(**(self.options | options))

    @property
    def is_estimator(self) -> bool:
        """Whether it is a closed-form estimator."""
        return inspect.isclass(self.make) and issubclass(self.make, Estimator)


Check = Callable[[CheckedMethod], None]


def checks_for(subject: CheckedMethod) -> Iterator[tuple[str, Check]]:
    """Yield names and functions of the checks that apply, by the kind and the needs of the subject."""
    from da.checks import behaviour, closed_form, constructor, deep, gradients, sources, training, withheld

    own = (closed_form,) if subject.is_estimator else (deep, gradients, training)
    modules = (constructor, *own, sources, withheld, behaviour)
    for module in modules:
        for name, function in vars(module).items():
            title = name.removeprefix("check_")
            exempt = title in getattr(subject.make, "exempt", {})
            if name.startswith("check_") and not exempt and getattr(function, "applies", _always)(subject):
                yield title, function


def _always(subject: CheckedMethod) -> bool:
    return True


def applies_if(condition: Callable[[CheckedMethod], bool]) -> Callable[[Check], Check]:
    """Mark a check that applies to some subjects only."""

    def mark(check: Check) -> Check:
        check.applies = condition  # type: ignore[attr-defined]  # a function may carry attributes
        return check

    return mark
