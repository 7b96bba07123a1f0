import numpy as np
import pytest
from sklearn.svm import SVC
from witness import quietly

from da.data.simulated import MULTIPLE, NOISE, Simulated, draw
from da.data.validity import check_task
from da.errors import ConfigError

SKADA = {
    "covariate": "covariate_shift",
    "target": "target_shift",
    "concept": "conditional_shift",
    "subspace": "subspace",
}
each = pytest.mark.parametrize("shift", Simulated.shifts)


@each
@pytest.mark.parametrize("seed", [0, 3])
def test_the_generator_is_skadas(shift, seed):
    make = pytest.importorskip("skada.datasets").make_shifted_datasets
    n = 100 * MULTIPLE[shift]
    with quietly():
        x, y, domain = make(
            n_samples_source=n, n_samples_target=n, shift=SKADA[shift], noise=NOISE[shift], label="binary",
            center_cov_shift=(-0.4, 3), random_state=seed,
        )  # fmt: skip
    source, target = draw(shift, n, NOISE[shift], seed)
    for ours, of in ((source, domain > 0), (target, domain < 0)):
        np.testing.assert_array_equal(ours.x, x[of])
        np.testing.assert_array_equal(ours.y, y[of])


@each
def test_the_splits_are_skadas(shift):
    selection = pytest.importorskip("skada.model_selection")
    domains = draw(shift, 10 * MULTIPLE[shift], NOISE[shift], 1)
    x, y = (np.concatenate([getattr(d, part) for d in domains]) for part in "xy")
    role = np.repeat([1, -2], [len(d) for d in domains])
    cut = selection.StratifiedDomainShuffleSplit(n_splits=5, test_size=0.2, random_state=0).split(x, y, role)
    for k, (train, test) in enumerate(cut):
        task = Simulated(shift=shift, samples=10, draw_seed=1, split=k).load()
        for split, sign in ((task.sources[0], 1), (task.target, -1)):
            for part, rows in ((split.train, train), (split.test, test)):
                np.testing.assert_array_equal(part.x, x[rows][role[rows] * sign > 0])


@each
def test_counts_classes_and_seeds(shift):
    task = Simulated(shift=shift).load()
    check_task(task)
    counts = {name: len(d) for name, d in task.parts().items()}
    large = 960 if shift == "subspace" else 640
    assert counts == {
        "source/train": large,
        "source/test": large // 4,
        "target/train": large,
        "target/test": large // 4,
    }
    assert np.bincount(task.sources[0].train.y).tolist() == [large // 2, large // 2]
    assert task.fingerprint() == Simulated(shift=shift).load().fingerprint()
    others = [Simulated(shift=shift, split=1), Simulated(shift=shift, draw_seed=1)]
    assert len({task.fingerprint(), *(other.load().fingerprint() for other in others)}) == 3


def test_what_changes_is_what_the_name_says():
    target = Simulated(shift="target").load().target.train
    assert np.bincount(target.y).tolist() == [576, 64]
    covariate = Simulated(shift="covariate").load()
    far = {p: np.linalg.norm(d.x - [-0.4, 3.0], axis=1).mean() for p, d in covariate.parts().items()}
    assert far["target/train"] < 0.5 * far["source/train"]
    concept = Simulated(shift="concept", samples=2000).load()
    np.testing.assert_allclose(
        concept.target.train.x.mean(0), 0.7 * concept.sources[0].train.x.mean(0) + 1.0, atol=0.05
    )
    subspace = Simulated(shift="subspace").load()
    assert (
        SVC()
        .fit(subspace.sources[0].train.x, subspace.sources[0].train.y)
        .score(subspace.target.test.x, subspace.target.test.y)
        < 0.3
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shift": "covariat"}, "did you mean 'covariate'"),
        ({"samples": 0}, "samples=0 is below 1"),
        ({"split": 5}, "split=5 is not one of the 5"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Simulated(**options)
