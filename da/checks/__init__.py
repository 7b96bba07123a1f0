"""Checks that catch the bugs of domain adaptation; every method passes them, ours and yours.

From a shell: ``python -m da.checks my_method``. In your own tests::

    from da.checks import Subject, checks_for

    subject = Subject("mine", MyMethod, MyMethod.needs)
    for name, check in checks_for(subject):
        check(subject)

A check is a function of a :class:`Subject`; it raises an ``AssertionError`` whose message says what is wrong.
"""

from da.checks.subject import Subject, checks_for

__all__ = ["Subject", "checks_for"]
