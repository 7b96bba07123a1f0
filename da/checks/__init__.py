"""Common checks that detect typical bugs of domain adaptation methods, for this package's methods and your own.

From a shell: ``python -m da.checks my_method``. In your own tests::

    from da.checks import CheckedMethod, checks_for

    subject = CheckedMethod("mine", MyMethod, MyMethod.needs)
    for name, check in checks_for(subject):
        check(subject)

A check is a function of a :class:`CheckedMethod`; it raises an ``AssertionError`` whose message explains the failure.
"""

from da.checks.suite import CheckedMethod, checks_for

__all__ = ["CheckedMethod", "checks_for"]
