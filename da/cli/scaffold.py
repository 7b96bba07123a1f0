"""Scaffold of a new method: code, YAML and test."""

from __future__ import annotations

import re
from pathlib import Path

from da.config import catalog
from da.errors import ConfigError, nearest

METHOD = '''"""{title}."""

from __future__ import annotations

from torch.nn.functional import cross_entropy

from da.domain import Batch
from da.methods.base import Method, Terms
from da.setting import ALL, Access


class {class_name}(Method):
    """One line that says what the method does.

    Reference: authors, title, venue and year, with the equations that are implemented.
    """

    needs = Access(source_y=ALL, target_x=True)
    search_space = {{}}  # ranges to search, such as {{"weight": log_uniform(0.1, 10.0)}} from da.search_space

    def __init__(self) -> None:  # hyper-parameters: keyword-only, annotated, the same defaults in the YAML
        super().__init__()

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)  # each has z, logits, y and weight
        return {{"task": cross_entropy(source.logits, source.y)}}  # add a term of your own on source.z, target.z
'''

TEST = '''"""{title}: its terms against the equations of the paper, written out."""

import torch
from deep import assert_same_gradients, case, reaches, updates

from da.methods.{family}.{name} import {class_name}


def test_the_terms_are_the_equations() -> None:
    method, batch = case({class_name})
    terms = method.terms(batch, 0.5)
    assert set(terms) == {{"task"}}  # add each term of yours, and write its equation out below, slowly
    log_p = method.network(batch.source.x).logits.log_softmax(1)
    task = -torch.stack([log_p[i, y] for i, y in enumerate(batch.source.y.tolist())]).mean()
    torch.testing.assert_close(terms["task"], task)
    assert_same_gradients(terms["task"], task, method.network)  # shows what is detached; values do not


def test_who_is_moved_by_which_term() -> None:
    method, batch = case({class_name})
    assert reaches(method.terms(batch, 0.5)["task"], method.network.encoder)
    assert reaches(method.terms(batch, 0.5)["task"], method.network.head)


def test_schedules_at_the_start_halfway_and_at_the_end() -> None:
    method, batch = case({class_name})
    found = [method.terms(batch, progress)["task"].item() for progress in (0.0, 0.5, 1.0)]
    assert found == [found[0]] * 3  # the values of a ramp of yours


def test_which_parameters_a_step_updates_and_how_often() -> None:
    assert updates({class_name}) == {{"all": 1}}
'''


def families() -> list[str]:
    """The folders of ``da/methods``."""
    return sorted(
        folder.name for folder in (catalog.ROOT / "da" / "methods").iterdir() if (folder / "__init__.py").is_file()
    )


def new_method(name: str, family: str) -> tuple[Path, Path, Path]:
    """Write the code, the YAML and a test of a new method, which is source-only until it is given a term.

    They are ``da/methods/FAMILY/NAME.py``, ``conf/method/NAME.yaml`` and ``tests/methods/test_NAME.py``.

    Raises:
        ConfigError: the name is not a Python name or exists already, or there is no such family.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ConfigError(
            f"'{name}' cannot name a method; use lower-case words joined by underscores, such as my_method."
        )
    if family not in families():
        raise ConfigError(f"There is no family '{family}'; {nearest(family, families())}")
    code = catalog.ROOT / "da" / "methods" / family / f"{name}.py"
    config = catalog.CONF / "method" / f"{name}.yaml"
    test = catalog.ROOT / "tests" / "methods" / f"test_{name}.py"
    for file in (code, config, test):
        if file.exists():
            raise ConfigError(f"{file.relative_to(catalog.ROOT)} exists already; choose another name.")
    class_name = "".join(word.capitalize() for word in name.split("_"))
    words = {"title": name.replace("_", " ").capitalize(), "class_name": class_name, "family": family, "name": name}
    code.write_text(METHOD.format(**words), encoding="utf-8")
    test.parent.mkdir(parents=True, exist_ok=True)
    test.write_text(TEST.format(**words), encoding="utf-8")
    config.write_text(f"_target_: da.methods.{family}.{name}.{class_name}\n", encoding="utf-8")
    catalog.entries.cache_clear()
    return code, config, test
