"""Text of a new closed-form method of each kind: its code, its YAML and its test."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = '''"""{title}."""

from __future__ import annotations

from typing import {typing}
{imports}

class {class_name}({kind}):
    """One line that says what the method does.
{doc}
    Reference: authors, title, venue and year, with the equations that are implemented.
    """

{family_line}    needs = Access({needs})
    search_space = {{}}  # ranges to search, such as {{"weight": log_uniform(0.1, 10.0)}} from da.search_space
    corrects = ({corrects})  # shifts of data=toy; on one at least it must beat its baseline
'''

MAPPING = """
    def __init__(self) -> None:  # hyper-parameters: keyword-only, annotated, the same defaults in the YAML
        pass

    def fit(self, source: Domain, target: Domain) -> Self:
        \"\"\"Learn ``n_features_``; whatever else is learnt are plain attributes that end in ``_``.\"\"\"
        x_s, _ = matched(source, target)  # (n_s, d) and (n_t, d) arrays, or tensors where these are given
        self.n_features_ = x_s.shape[1]
        return self

    def transform(self, x: Any, *, domain: str = "target") -> Any:
        return matrix(x)  # map `x` of the source here, or of both domains
"""

WEIGHTING = """
    def __init__(self, *, min_effective: ProperFraction | Literal["auto"] = "auto"):
        self.min_effective = min_effective  # the constructor stores its keywords, and does nothing else

    def fit(self, source: Domain, target: Domain) -> Self:
        \"\"\"Learn ``weights_``.\"\"\"
        x_s, _ = matched(source, target)  # (n_s, d) and (n_t, d) arrays, or tensors where these are given
        raw = np.ones(len(x_s))  # p_t(x) / p_s(x) up to a factor
        self._set_weights(raw, x_s)
        return self
"""

PREDICTOR = """
    def __init__(self, *, classifier: BaseEstimator | None = None):
        self.classifier = classifier  # the constructor stores its keywords, and does nothing else

    def fit(self, source: Domain, target: Domain) -> Self:
        \"\"\"Learn ``model_`` and ``classes_``.\"\"\"
        x_s, _ = map(dense, matched(source, target))  # (n_s, d) and (n_t, d) NumPy arrays
        y = labels_to_tell_apart(source)
        self.classes_ = np.unique(y)
        self.model_ = trained(self.classifier, x_s, y)
        return self

    def predict_proba(self, x: Any) -> np.ndarray:
        return probabilities(self.model_, dense(x), self.classes_)
"""

BOOSTING = """
    def __init__(self, *, classifier: BaseEstimator | None = None):
        self.classifier = classifier  # the constructor stores its keywords, and does nothing else

    def fit(self, source: Domain, target: Any, labelled: Any = None) -> Self:
        \"\"\"Learn ``model_`` and ``classes_``; the unlabelled target is not used.\"\"\"
        x, y, _ = pooled(source, labelled)  # (n_s + m, d), the source first, and their labels
        self.classes_ = np.unique(y)
        learner = LogisticRegression() if self.classifier is None else self.classifier
        check_learner(learner, type(self).__name__)
        self.model_ = clone(learner).fit(x, y, sample_weight=np.ones(len(y)))  # weights of your own
        return self

    def predict_proba(self, x: Any) -> np.ndarray:
        return probabilities(self.model_, dense(x), self.classes_)
"""

WEIGHTING_DOC = """
    Args:
        min_effective: smallest effective sample size, as a share of the source: weights are shrunk towards 1 to reach
            it (:func:`~da.estimators.base.limited`); 0 does not shrink the estimated weights, and ``"auto"`` is ten
            samples per feature, from 0.1 to 0.9 (:func:`~da.estimators.base.share_of`).
"""
CLASSIFIER_DOC = """
    Args:
        classifier: template of the classifier; None is the run's, or, outside a run, logistic regression.
"""

TEST_HEAD = '''"""{title} against the equations of the paper, written out."""

import numpy as np

{test_imports}

def domains() -> tuple[Domain, Domain]:
    """A source of two classes, and a target that is moved and scaled."""
    rng = np.random.default_rng(0)
    y_s, y_t = np.arange(60) % 2, np.arange(80) % 2
    x_s = rng.normal(size=(60, 4)) + 4.0 * y_s[:, None]
    return Domain(x_s, y_s), Domain(0.5 * (rng.normal(size=(80, 4)) + 4.0 * y_t[:, None]) + 1.0, y_t)

'''
TEST_MAPPING = """
def test_the_map_is_the_equation() -> None:
    source, target = domains()
    fitted = {class_name}().fit(source, target.without_labels())
    expected = source.x  # the paper's equation on source.x and target.x
    np.testing.assert_allclose(fitted.transform(source.x, domain="source"), expected)
    np.testing.assert_allclose(fitted.transform(target.x), target.x)  # and what becomes of the target
"""
TEST_WEIGHTING = """
def test_the_weights_are_the_equation() -> None:
    source, target = domains()
    fitted = {class_name}(min_effective=0.0).fit(source, target.without_labels())
    expected = np.ones(60)  # the paper's equation on source.x and target.x
    np.testing.assert_allclose(fitted.weights_, expected / expected.mean())
"""
TEST_PREDICTOR = """
def test_the_predictions_are_the_equation() -> None:
    source, target = domains()
    fitted = {class_name}().fit(source, target.without_labels())
    expected = LogisticRegression().fit(source.x, source.y).predict_proba(target.x)  # the paper's equation
    np.testing.assert_allclose(fitted.predict_proba(target.x), expected, atol=1e-3)
"""
TEST_BOOSTING = """
def test_the_predictions_are_the_equation() -> None:
    source, target = domains()
    few = target.take(np.arange(8))
    fitted = {class_name}().fit(source, target.without_labels(), few)
    both = np.vstack([source.x, few.x]), np.concatenate([source.y, few.y])
    expected = LogisticRegression().fit(*both).predict_proba(target.x)  # the paper's equation
    np.testing.assert_allclose(fitted.predict_proba(target.x), expected, atol=1e-3)
"""


@dataclass(frozen=True)
class Skeleton:
    """What a new closed-form method begins as, by what it learns.

    Args:
        base: class that it derives from.
        body: its methods.
        test: of its equation.
        imports: of its code.
        test_imports: of its test, besides its class.
        needs: its access.
        corrects: the toy shifts of its kind.
        doc: its arguments, for the docstring.
        config: its keywords, for the YAML.
        typing: what its code imports from ``typing``.
    """

    base: str
    body: str
    test: str
    imports: str
    test_imports: str = "from da.domain import Domain"
    needs: str = "source_y=ALL, target_x=True"
    corrects: str = '"rotation", "subspace"'
    doc: str = ""
    config: str = ""
    typing: str = "Any, Self"

    def code(self, words: dict[str, str]) -> str:
        """The module, for a method of this kind."""
        more = {
            "typing": self.typing,
            "kind": self.base,
            "needs": self.needs,
            "corrects": self.corrects,
            "doc": self.doc,
        }
        return HEAD.format(imports=self.imports, **more, **words) + self.body

    def shell(self, words: dict[str, str]) -> str:
        """The shell of its test."""
        own = "from {module} import {class_name}".format(**words)
        imports = "\n".join(sorted([*self.test_imports.splitlines(), own])) + "\n"
        return (TEST_HEAD + self.test).format(test_imports=imports, **words)


MAPS = Skeleton(
    "FeatureMapping",
    MAPPING,
    TEST_MAPPING,
    """
from da.domain import Domain
from da.estimators.base import FeatureMapping, matched, matrix
from da.setting import ALL, Access
""",
)
WEIGHTS = Skeleton(
    "Weighting",
    WEIGHTING,
    TEST_WEIGHTING,
    """
import numpy as np

from da.bounds import ProperFraction
from da.domain import Domain
from da.estimators.base import Weighting, matched
from da.setting import ALL, Access
""",
    corrects='"covariate",',
    doc=WEIGHTING_DOC,
    config="min_effective: auto\n",
    typing="Literal, Self",
)
PREDICTS = Skeleton(
    "Predictor",
    PREDICTOR,
    TEST_PREDICTOR,
    """
import numpy as np
from sklearn.base import BaseEstimator

from da.domain import Domain
from da.estimators.base import Predictor, matched
from da.estimators.labelling.parts import dense, labels_to_tell_apart, probabilities, trained
from da.setting import ALL, Access
""",
    "from da.domain import Domain\nfrom da.estimators.classifiers.linear import LogisticRegression",
    doc=CLASSIFIER_DOC,
    config="classifier: null\n",
)
BOOSTS = Skeleton(
    "Predictor",
    BOOSTING,
    TEST_BOOSTING,
    """
import numpy as np
from sklearn.base import BaseEstimator, clone

from da.domain import Domain
from da.estimators.base import Predictor
from da.estimators.boosting.pooling import check_learner, pooled
from da.estimators.classifiers.linear import LogisticRegression
from da.estimators.labelling.parts import dense, probabilities
from da.setting import ALL, FEW, Access
""",
    "from da.domain import Domain\nfrom da.estimators.classifiers.linear import LogisticRegression",
    needs="source_y=ALL, target_y=FEW",
    doc=CLASSIFIER_DOC,
    config="classifier: null\n",
)
KINDS = {"boosting": BOOSTS, "labelling": PREDICTS, "subspace": MAPS, "transport": MAPS, "weighting": WEIGHTS}
"""The kind that a new method of a family is of at first."""
