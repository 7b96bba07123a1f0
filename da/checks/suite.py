"""The subjects of checks, methods and data sets, and the selection of the checks that apply to one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any

from da.domain import Task
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
        return self.make(**self.options | options)

    @property
    def is_estimator(self) -> bool:
        """Whether it is a closed-form estimator."""
        return inspect.isclass(self.make) and issubclass(self.make, Estimator)


@dataclass(frozen=True)
class CheckedTerm:
    """A term under check.

    Args:
        name: name for messages.
        make: class that makes it from its keywords, with defaults for all of them.
        needs: its access.
        options: keywords that the checks always pass.
        config: content of its YAML, if it has one.
    """

    name: str
    make: Callable[..., Any]
    needs: Access
    options: dict[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None

    def new(self, **options: Any) -> Any:
        """Make it with other keywords."""
        return self.make(**self.options | options)


class NotChecked(Exception):
    """A check cannot be run, as what it looks at is not there; the message says what is missing."""


@dataclass(frozen=True)
class CheckedData:
    """A data set under check, loaded once for all checks that do not change its keywords.

    Args:
        name: name for messages.
        make: class that makes it from its keywords, with defaults for all of them.
        offers: its access.
        options: keywords that the checks always pass.
        config: content of its YAML, if it has one.
    """

    name: str
    make: Callable[..., Any]
    offers: Access
    options: dict[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None

    def new(self, **options: Any) -> Any:
        """Make it with other keywords."""
        return self.make(**self.options | options)

    @cached_property
    def loaded(self) -> Task | BaseException:
        """The task, or why there is none."""
        try:
            task: Task = self.new().load()
            return task
        except Exception as error:
            return error

    @property
    def task(self) -> Task:
        """The task.

        Raises:
            NotChecked: it does not load.
        """
        if isinstance(self.loaded, BaseException):
            raise NotChecked("the data do not load")
        return self.loaded


Check = Callable[[Any], None]


def checks_for(subject: CheckedMethod | CheckedTerm | CheckedData) -> Iterator[tuple[str, Check]]:
    """Yield names and functions of the checks that apply, by the kind and the needs of the subject."""
    if isinstance(subject, CheckedTerm):
        from da.checks import terms

        yield from terms.checks(subject)
        return
    for module in _modules(subject):
        for name, function in vars(module).items():
            title = name.removeprefix("check_")
            exempt = title in getattr(subject.make, "exempt", {})
            if name.startswith("check_") and not exempt and _applies(function, subject):
                yield title, function


def _modules(subject: CheckedMethod | CheckedData) -> tuple[ModuleType, ...]:
    if isinstance(subject, CheckedData):
        from da.checks import data_sets

        return (data_sets,)
    from da.checks import behaviour, closed_form, constructor, deep, gradients, sources, training, withheld

    own = (closed_form,) if subject.is_estimator else (deep, gradients, training)
    return (constructor, *own, sources, withheld, behaviour)


def _applies(check: Check, subject: CheckedMethod | CheckedData) -> bool:
    try:
        return bool(getattr(check, "applies", _always)(subject))
    except Exception:  # the subject cannot even be made: so will the check say
        return True


def _always(subject: CheckedMethod | CheckedData) -> bool:
    return True


def applies_if(condition: Callable[[Any], bool]) -> Callable[[Check], Check]:
    """Mark a check that applies to some subjects only."""

    def mark(check: Check) -> Check:
        check.applies = condition  # type: ignore[attr-defined]  # a function may carry attributes
        return check

    return mark
