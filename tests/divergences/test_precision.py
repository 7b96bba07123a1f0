import torch

from da.divergences.precision import full_precision


@full_precision
def product(a, b, *, scale=None):
    """Documented."""
    return a @ b if scale is None else scale * (a @ b)


def test_half_is_raised_wherever_it_is_given():
    half, double = torch.eye(2, dtype=torch.bfloat16), torch.eye(2, dtype=torch.float64)
    assert product(half, half).dtype == torch.float32
    assert product(a=half, b=half).dtype == torch.float32
    assert product(double, double).dtype == torch.float64
    assert product(torch.eye(2), half, scale=half).dtype == torch.float32
    assert product(half, half, scale=3.0)[0, 0].item() == 3.0


def test_autocast_is_left_and_entered_again():
    a, b = torch.full((1, 1), 1.0 + 2**-12), torch.ones(1, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert product(a, b).item() == 1.0 + 2**-12
        assert (a @ b).dtype == torch.bfloat16


def test_name_and_documentation_are_kept():
    assert (product.__name__, product.__doc__) == ("product", "Documented.")
