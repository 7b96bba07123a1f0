"""The classifiers that follow an estimator: scikit-learn's, which choose their C by themselves."""
