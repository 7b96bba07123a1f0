"""Scikit-learn's classifiers for use after an estimator, with C chosen by cross-validation."""
