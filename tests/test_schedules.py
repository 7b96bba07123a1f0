import pytest

from da.schedules import LEARNING_RATE, constant, cosine_decay, inverse_decay, linear_ramp, sigmoid_ramp


@pytest.mark.parametrize(
    ("schedule", "at"),
    [
        (constant, {0.0: 1.0, 0.3: 1.0, 1.0: 1.0}),
        # 2 / (1 + exp(-10 p)) - 1 = tanh(5 p)
        (sigmoid_ramp, {0.0: 0.0, 0.1: 0.46211715726, 0.5: 0.98661429815, 1.0: 0.99990920426}),
        (linear_ramp, {0.0: 0.0, 0.25: 0.25, 1.0: 1.0}),
        # (1 + 10 p)^(-3/4)
        (inverse_decay, {0.0: 1.0, 0.3: 0.35355339059, 1.5: 0.125}),
        (cosine_decay, {0.0: 1.0, 1 / 3: 0.75, 0.5: 0.5, 2 / 3: 0.25, 1.0: 0.0}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_known_points(schedule, at):
    for progress, value in at.items():
        assert schedule(progress) == pytest.approx(value, abs=1e-10), progress


def test_parameters_of_the_formulas():
    assert sigmoid_ramp(0.5, steepness=2.0) == pytest.approx(0.46211715726)
    assert inverse_decay(0.5, rate=6.0, power=0.5) == pytest.approx(0.5)


@pytest.mark.parametrize("schedule", LEARNING_RATE.values(), ids=LEARNING_RATE)
def test_factors_of_the_learning_rate_start_at_one_and_never_rise(schedule):
    values = [schedule(k / 20) for k in range(21)]
    assert values[0] == 1.0
    assert values == sorted(values, reverse=True)
    assert values[-1] >= 0.0


def test_names_are_those_of_the_functions():
    assert all(name == schedule.__name__ for name, schedule in LEARNING_RATE.items())
