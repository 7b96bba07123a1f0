"""Common checks that detect typical bugs of methods and of data sets, for this package's and your own.

From a shell: ``python -m da.checks my_method``, or ``python -m da.checks my_data``. In your own tests::

    from da.checks import CheckedMethod, checks_for

    subject = CheckedMethod("mine", MyMethod, MyMethod.needs)
    for name, check in checks_for(subject):
        check(subject)

and likewise with ``CheckedTerm("mine", MyTerm, MyTerm.needs)``.

A check is a function of a :class:`CheckedMethod`, :class:`CheckedTerm` or :class:`CheckedData`; it raises an
``AssertionError`` whose message explains the failure.
"""

from da.checks.suite import CheckedData, CheckedMethod, CheckedTerm, checks_for

__all__ = ["CheckedData", "CheckedMethod", "CheckedTerm", "checks_for"]
