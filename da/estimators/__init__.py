"""Closed-form transfer with scikit-learn manners: ``fit(source, target)`` on domains, learned attributes end in ``_``."""
