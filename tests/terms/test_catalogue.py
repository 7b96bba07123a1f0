"""Every term has a test of its own, which the mutation gate runs."""

from pathlib import Path

import pytest

from da.checks.__main__ import targets
from da.config import catalog

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", catalog.entries("term"))
def test_every_term_has_a_test_that_writes_its_equation_out(name: str) -> None:
    entry = catalog.named("term", name)
    text = (HERE / f"test_{name}.py").read_text(encoding="utf-8")
    assert entry.path.rpartition(".")[2] in text
    assert "def written_out(" in text
    assert "assert_same_gradients(" in text
    assert targets()[f"terms.{name}"].module == entry.path.rpartition(".")[0]


def test_every_class_has_a_yaml_and_the_reverse() -> None:
    classes = {path for path in catalog.classes("terms", "needs") if not path.startswith("da.terms.base.")}
    assert classes == {entry.path for entry in catalog.entries("term").values() if entry.is_built_in}
