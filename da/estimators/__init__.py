"""Closed-form transfer with scikit-learn conventions: ``fit(source, target)``; learned attributes end in ``_``."""
