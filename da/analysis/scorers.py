"""The rules of ``da.selection`` as ``scoring`` of scikit-learn's searches over transfer models.

A rule asks for what runs hand it: features, log-probabilities and labels of held-out source samples, and of target
samples without labels. A scorer takes them from a fitted model as a run does, so that both give the same score.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRequest

from da import selection
from da.domain import Domain
from da.errors import UsageError, nearest
from da.estimators.adapter import TransferClassifier
from da.estimators.roles import counted
from da.estimators.subspace.unadapted import Unadapted
from da.methods.closed_form import ClosedForm

ORACLE = "test_accuracy"
CONFIDENCE = ("bnm", "corr_c", "entropy", "infomax", "soft_neighbourhood_density")
"""Rules that read how probable a model takes its predictions to be."""


class TransferScorer:
    """A rule that scores fitted models, as the ``scoring`` of a search; higher is better, in the units of records.

    Rules that read the target alone need no held-out samples: give the search ``cv=whole(len(X))``
    (:func:`da.estimators.validation.whole`), which trains once on everything. Those that read the source need
    ``cv=TransferKFold(...)``, whose test folds are held-out labelled samples, and answer them as the source's, with or
    without metadata routing. A warning says where a rule reads probabilities and the classifier has none.

    Args:
        rule: a name of ``da.selection.names()``: ``"source_accuracy"``, ``"infomax"``, ``"class_ami"``, ...;
            ``"oracle_accuracy"`` is the accuracy on ``X_target`` by labels passed apart, and no honest choice.
        X_target: ``(m, ...)`` target samples, as the model takes them, for all rules but ``"source_accuracy"``.
        y_target: ``(m,)`` their labels, for ``"oracle_accuracy"`` only.

    Raises:
        UsageError: the rule is unknown, ranks no models, or lacks target samples or labels.

    The source's classes lie at 0 and 4 and the target's at 8 and 12; its samples without a label are filled with -1:

    >>> from sklearn.model_selection import GridSearchCV
    >>> from da.estimators.splitter import TransferKFold
    >>> t = np.linspace(-1.0, 1.0, 20)
    >>> X_source, X_target = np.r_[t, t + 4.0][:, None], np.r_[t + 8.0, t + 12.0][:, None]
    >>> X, domain = np.r_[X_source, X_target], np.repeat(["source", "target"], 40)
    >>> y = np.r_[np.repeat([0, 1], 20), np.full(40, -1)]
    >>> search = GridSearchCV(
    ...     TransferClassifier(),
    ...     {"estimator": [None, "ot_linear"]},
    ...     scoring=TransferScorer("infomax", X_target),
    ...     cv=TransferKFold(4, domain=domain),
    ... )
    >>> search.fit(X, y, domain=domain).best_params_
    {'estimator': 'ot_linear'}
    >>> TransferScorer("oracle_accuracy", X_target, np.repeat([0, 1], 20))(search.best_estimator_, X, y)
    100.0
    """

    def __init__(self, rule: str, X_target: Any = None, y_target: Any = None):
        known = [name for name in selection.names() if name != "last"]
        if rule not in known:
            why = "chooses among epochs; of models none is the last" if rule == "last" else nearest(rule, known)
            raise UsageError(f"There is no rule {rule!r} that ranks models: {why}")
        reads = selection.criterion(rule).READS
        self.rule, self.X_target, self.y_target = rule, X_target, y_target
        self.of_source = any(field.startswith("source") for field in reads)
        self.of_target = any(field.startswith("target") for field in reads)
        if X_target is None and (self.of_target or ORACLE in reads):
            raise UsageError(f"{rule!r} reads target samples; give them as `X_target`.")
        if (y_target is None) == (ORACLE in reads):
            raise UsageError(
                f"{rule!r} reads {'target labels; give them as' if ORACLE in reads else 'no target labels; leave out'} "
                "`y_target`."
            )

    def get_metadata_routing(self) -> MetadataRequest:
        """The request of ``domain`` for :meth:`__call__`."""
        request = MetadataRequest(owner=self)
        request.score.add_request(param="domain", alias=True)
        return request

    def __call__(self, model: Any, X: Any, y: Any = None, domain: Any = None) -> float:
        """Score of a fitted :class:`~da.estimators.adapter.TransferClassifier`, or a pipeline that ends in one.

        Args:
            model: the fitted model.
            X: ``(n, ...)`` held-out samples; looked at by rules that read the source only.
            y: ``(n,)`` their labels.
            domain: ``(n,)`` their domains, of which the source's are scored; None: all are the source's.

        Returns:
            The score, NaN where the rule has none.

        Raises:
            UsageError: the model is another one, or it cannot be told which samples are held-out source samples.
        """
        given, last = model, model
        steps = []
        while isinstance(last, Pipeline):
            steps += [last[:-1]] if len(last) > 1 else []
            last = last[-1]
        if not isinstance(last, TransferClassifier):
            raise UsageError(
                "A TransferScorer scores a TransferClassifier or a pipeline that ends in one, and "
                f"{type(given).__name__} is neither."
            )

        def entering(x: Any) -> Any:
            for step in steps:
                x = step.transform(x)
            return last._checked(x)

        value = selection.score(self.rule, self._evidence(last, entering, X, y, domain))
        return float("nan") if value is None else value

    def _evidence(self, model: TransferClassifier, entering: Any, X: Any, y: Any, domain: Any) -> selection.Evidence:
        """What a run's evaluation hands to rules, as far as this one reads it; inputs are those of the last step."""
        method = as_method(model)
        if self.rule in CONFIDENCE and not method.tells_probabilities:
            warnings.warn(
                f"{type(model.classifier_).__name__} knows margins and no probabilities, so its predictions count as "
                f"certain: {self.rule!r} cannot compare it with classifiers that have probabilities.",
                stacklevel=3,
            )
        found: dict[str, Any] = {}
        if self.of_source:
            held = self._held_out(model, entering(X), y, domain)
            z, logits = method.predict(held.without_labels(), source=True)
            found |= {"source_z": z, "source_logits": logits, "source_y": held.y}
        if self.X_target is not None:
            x = entering(self.X_target)
            z, logits = method.predict(Domain(x))
            found |= {"target_x": x, "target_z": z, "target_logits": logits}
            found |= {"answer": lambda inputs: method.predict(Domain(inputs))[1]}
        if self.y_target is not None:
            right = model.classes_[logits.argmax(1)] == np.asarray(self.y_target)
            found |= {ORACLE: 100.0 * float(np.mean(right))}
        return selection.Evidence(**found)

    def _held_out(self, model: TransferClassifier, X: Any, y: Any, domain: Any) -> Domain:
        """The source samples among those given, with their labels as numbers; -1 for one that is no class."""
        if y is None:
            raise UsageError(f"{self.rule!r} reads labels of held-out source samples; give `y`.")
        roles = model._read(domain, y, asked=True)
        if roles is None:
            if "labelled_target" in model.domains_:
                raise UsageError(
                    f"{self.rule!r} reads held-out source samples, and cannot tell them from labelled target samples; "
                    "pass `domain` through metadata routing."
                )
            model._refuse_unlabelled(y, None)
        rows = np.flatnonzero(counted(roles, X.shape[0]) <= 0)
        if not len(rows):
            raise UsageError(
                f"{self.rule!r} reads held-out source samples, and there are none; split by TransferKFold."
            )
        index = {label: k for k, label in enumerate(model.classes_.tolist())}
        labels = np.asarray(y)[rows].tolist()
        return Domain(X[rows], np.array([index.get(label, -1) for label in labels]))


def as_method(model: TransferClassifier) -> ClosedForm:
    """A fitted model as the method of a run, whose classes are numbers."""
    method = ClosedForm(model.estimator_ or Unadapted(), model.classifier_, len(model.classes_))
    method.model = model.model_
    return method
