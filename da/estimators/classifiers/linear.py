"""Logistic regression and support vector machines whose C may be chosen by cross-validation."""

from __future__ import annotations

from typing import Annotated, Literal

from sklearn import linear_model, svm

from da.bounds import Bound, Count, NonNegative, Positive, PositiveOrInf, Seed, Whole
from da.estimators.classifiers.choice import ChosenC


class LogisticRegression(ChosenC, linear_model.LogisticRegression):  # type: ignore[misc]  # scikit-learn is untyped
    """Multinomial logistic regression with an l2 penalty.

    Args:
        C: inverse strength of the penalty, in samples; ``"cv"`` chooses it, see :class:`ChosenC`.
        class_weight: as in scikit-learn: None, or ``"balanced"``.
        fit_intercept: learn a bias, which is not penalised.
        max_iter: largest number of steps.
        tol: the solver stops at gradients of at most this size.
    """

    def __init__(
        self,
        *,
        C: PositiveOrInf | Literal["cv"] = "cv",  # scikit-learn's name
        class_weight: Literal["balanced"] | None = None,
        fit_intercept: bool = True,
        max_iter: Count = 1000,
        tol: Positive = 1e-4,
    ):
        super().__init__(C=C, class_weight=class_weight, fit_intercept=fit_intercept, max_iter=max_iter, tol=tol)


class LinearSVC(ChosenC, svm.LinearSVC):  # type: ignore[misc]  # scikit-learn is untyped
    """A linear support vector machine with the squared hinge loss, one class against the rest; fast on sparse rows.

    Args:
        C: inverse strength of the penalty, in samples; ``"cv"`` chooses it, see :class:`ChosenC`.
        class_weight: as in scikit-learn: None, or ``"balanced"``.
        fit_intercept: learn a bias, which is penalised like the weight of a constant feature 1.
        intercept_scaling: value of that feature instead of 1; in units of the features' size where C is chosen.
        loss: ``squared_hinge`` or ``hinge``.
        max_iter: largest number of passes.
        random_state: seed of the order of coordinates.
    """

    def __init__(
        self,
        *,
        C: Positive | Literal["cv"] = "cv",  # scikit-learn's name
        class_weight: Literal["balanced"] | None = None,
        fit_intercept: bool = True,
        intercept_scaling: Positive = 1.0,
        loss: Literal["squared_hinge", "hinge"] = "squared_hinge",
        max_iter: Count = 10000,
        random_state: Seed | None = 0,
    ):
        super().__init__(
            C=C,
            class_weight=class_weight,
            fit_intercept=fit_intercept,
            intercept_scaling=intercept_scaling,
            loss=loss,
            max_iter=max_iter,
            random_state=random_state,
        )


class SVC(ChosenC, svm.SVC):  # type: ignore[misc]  # scikit-learn is untyped
    """A support vector machine with the hinge loss, one class against one.

    Args:
        C: inverse strength of the penalty, in samples; ``"cv"`` chooses it, see :class:`ChosenC`.
        class_weight: as in scikit-learn: None, or ``"balanced"``.
        degree: of the kernel ``poly``.
        gamma: of the kernels except ``linear``: a number, ``scale`` or ``auto``.
        kernel: ``linear``, ``rbf``, ``poly`` or ``sigmoid``.
        max_iter: largest number of steps; -1 is no limit, with which the solver may never stop on features of very
            different size.
    """

    works_on_weights = False

    def __init__(
        self,
        *,
        C: Positive | Literal["cv"] = "cv",  # scikit-learn's name
        class_weight: Literal["balanced"] | None = None,
        degree: Whole = 3,
        gamma: NonNegative | Literal["scale", "auto"] = "scale",
        kernel: Literal["linear", "rbf", "poly", "sigmoid"] = "linear",
        max_iter: Annotated[int, Bound(least=-1)] = 100_000,
    ):
        super().__init__(C=C, class_weight=class_weight, degree=degree, gamma=gamma, kernel=kernel, max_iter=max_iter)
