"""Closed-form transfer with scikit-learn manners: ``fit(source, target)``; learned attributes end in ``_``."""
