"""Common checks that detect typical bugs of domain adaptation methods, for this package's methods and your own.

From a shell: ``python -m da.checks my_method``. In your own tests::

    from da.checks import Subject, checks_for

    subject = Subject("mine", MyMethod, MyMethod.needs)
    for name, check in checks_for(subject):
        check(subject)

A check is a function of a :class:`Subject`; it raises an ``AssertionError`` whose message explains the failure.
"""

from da.checks.subject import Subject, checks_for

__all__ = ["Subject", "checks_for"]
