"""The claim of Dai et al., ICML 2007: with few target labels TrAdaBoost beats an SVM on the target or on both domains.

Errors in percent on the rest of the target, means of ten random draws of target labels, all six tasks of 20
Newsgroups with the first two groups of each top as the source; linear SVM with C = 1 on rows of unit length, 100
rounds; as many target labels as 1 percent (left) and 5 percent (right) of the source's samples:

task       source  target  both  TrAdaBoost  source  target  both  TrAdaBoost
comp-rec     14.0    20.5   9.0         7.7    14.0     1.8   4.6         3.0
comp-sci     30.5    27.4  25.7        16.9    30.5     5.2  16.4         5.6
comp-talk     5.3    20.6   4.5         5.4     5.4     4.2   3.1         3.0
rec-sci      30.3    23.7  16.9        11.2    30.3     3.1   7.5         3.6
rec-talk     23.7    26.1  11.9        13.1    23.7     5.9   5.9         7.0
sci-talk     20.0    31.6  16.0        16.2    20.0    12.9   9.8        10.2
mean         20.6    25.0  14.0        11.7    20.7     5.5   7.9         5.4

The claim holds for the mean at 1 percent, though on rec-talk, comp-talk and sci-talk both domains together do better.
At 5 percent the target alone is about as good in the mean and better on four tasks. The paper's figures at 1 percent
(known from memory only, for groups and preprocessing that we do not know) are 22.2, 12.7 and 8.0 on rec-talk and 24.0,
16.4 and 9.7 on rec-sci for target, both and TrAdaBoost.

All of that is by confidence. With hard votes, TrAdaBoost here is the SVM on both: it fits the target labels at once.
"""

import numpy as np
import pytest
from scipy import sparse
from sklearn.svm import LinearSVC

from da.data.newsgroups20 import PAIRS, Newsgroups20
from da.domain import Withheld
from da.estimators.boosting.tradaboost import TrAdaBoost

HIDDEN = Withheld("target", "the method does not need it")
SVM = LinearSVC(C=1.0, dual=True, random_state=0, max_iter=10000)


def errors(pair: str, ratio: float, split: int, *, n_estimators: int, confidence: bool = True) -> list[float]:
    """Errors of the SVM on the target labels, on both domains, and of TrAdaBoost, in percent."""
    task = Newsgroups20(pair=pair).load()
    source, target = task.sources[0].train, task.target.train
    order = np.random.default_rng(split).permutation(len(target))
    few = round(ratio * len(source))
    labelled, rest = target.take(order[:few]), target.take(order[few:])
    x, y = sparse.vstack([source.x, labelled.x]).tocsr(), np.r_[source.y, labelled.y]
    answers = [SVM.fit(labelled.x, labelled.y).predict(rest.x), SVM.fit(x, y).predict(rest.x)]
    boosted = TrAdaBoost(classifier=SVM, n_estimators=n_estimators, confidence=confidence).fit(source, HIDDEN, labelled)
    return [100.0 * float(np.mean(answer != rest.y)) for answer in (*answers, boosted.predict(rest.x))]


@pytest.mark.data
@pytest.mark.slow
def test_with_one_percent_of_labels_it_beats_the_target_alone_and_both_together(published):
    target, both, boosted = np.mean([errors(pair, 0.01, 0, n_estimators=50) for pair in PAIRS], axis=0)
    assert both == pytest.approx(13.7, abs=0.3)
    assert boosted < min(target, both) - 2.0
    assert boosted < 12.0


@pytest.mark.data
@pytest.mark.slow
def test_with_five_percent_it_beats_both_together_and_equals_the_target_alone(published):
    target, both, boosted = np.mean([errors(pair, 0.05, 0, n_estimators=50) for pair in PAIRS], axis=0)
    assert boosted < both - 1.5
    assert boosted == pytest.approx(target, abs=1.0)


@pytest.mark.data
def test_hard_votes_boost_nothing_here(published):
    _, both, boosted = errors("rec-sci", 0.01, 0, n_estimators=3, confidence=False)
    assert boosted == both
