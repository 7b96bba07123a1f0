"""Any configuration is accepted, and then composes, plans and hashes stably; or it is refused in one sentence, soon."""

from __future__ import annotations

import copy
import json
import os
import re
import time
from statistics import median
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from da.config import annotations, catalog, foreign
from da.config.compose import Composer
from da.config.titles import run_title
from da.config.validate import KEYS, SIMPLE, validate
from da.engine.result import directory_of
from da.errors import UsageError
from da.results.record import portable, run_id

EXAMPLES = int(os.environ.get("DA_EXAMPLES", "60"))
GROUPS = ("method", "data", "network", "classifier", "optimizer", "trainer", "logger", "launcher")
NAMED = {
    "selection": ["last", "dev", "infomax"],
    "schedule": ["cosine_decay"],
    "embedding": ["apart"],
    "rerun": ["all"],
}
SENTENCE = re.compile(r"[^\n\r]{10,4000}")

odd = st.sampled_from(["", " ", "ä ß 漢", "'", '"', "{a: 1}", "{", "}", "[1, 2]", "${seed}", "${oc.env:HOME}", "${", "$", "\\", "a\\'", "a=b", "a,b", "null", "nan", "inf", "-1", "true", "~", "a\nb", "a\0b", "\ud800", "x" * 300, "../..", "%s", "{0}", "#", "???"])  # fmt: skip
texts = odd | st.text(max_size=12)
numbers = (
    st.sampled_from([0, 1, -1, 2, 0.5, 1.0, 0.0, -0.0, 2**32 - 1, 2**32, 10**30, 1e308, 5e-324, float("nan"), float("inf"), -float("inf")])
    | st.integers(-3, 200)
    | st.floats()
)  # fmt: skip
leaves = st.none() | st.booleans() | numbers | texts
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2), max_leaves=4)  # fmt: skip


def fitting(annotation: str) -> st.SearchStrategy[Any]:
    """Values that an annotation allows, its edges among them."""
    return st.one_of([_fitting(kind) for kind in annotations.kinds(annotation)])


def _fitting(kind: annotations.Kind) -> st.SearchStrategy[Any]:
    if kind.bound is not None:
        bound = kind.bound
        edges = [v for v in (bound.least, bound.most, *bound.among) if v is not None] or [1]
        drawn = st.sampled_from([int(v) for v in edges] if kind.name == "int" else edges) | numbers.filter(kind.holds)
        return drawn | st.sampled_from([float("inf"), "inf"]) if bound.infinite else drawn
    match kind.name:
        case "None":
            return st.none()
        case "bool":
            return st.booleans()
        case "Literal":
            return st.sampled_from(kind.values)
        case "list":
            return st.lists(fitting(kind.inner[0]), max_size=3)
        case "tuple":
            return st.tuples(*map(fitting, kind.inner)).map(list)
        case "str":
            return texts
    return st.none()


@st.composite
def configurations(draw: st.DrawFn) -> tuple[list[str], dict[str, Any]]:
    """Choices of groups, and values of some keys: that fit, at the edge, outside, and of another kind altogether."""
    chosen = {group: draw(st.sampled_from(list(catalog.entries(group)))) for group in GROUPS if draw(st.booleans())}
    for group in ("sweep", "features"):
        if draw(st.integers(0, 5)) == 0:
            chosen[group] = draw(st.sampled_from(list(catalog.entries(group))))
    values: dict[str, Any] = {}
    wild = draw(st.booleans())
    for _ in range(draw(st.integers(0, 4))):
        group = draw(st.sampled_from([*chosen, "", ""]))
        if group:
            signature = catalog.named(group, chosen[group]).signature
            key = draw(
                st.sampled_from([*signature.keywords(), "_target_"])
                if not wild
                else st.sampled_from(list(signature.keywords() or ["x"])) | texts
            )
            allowed = "str" if key == "_target_" else foreign.annotation(signature, key)
        else:
            key = draw(st.sampled_from(list(SIMPLE)) if not wild else st.sampled_from(KEYS) | texts)
            allowed = SIMPLE.get(key, "")
        value = st.sampled_from(NAMED[key]) if key in NAMED and not group else fitting(allowed)
        values[f"{group}.{key}" if group else key] = draw(anything if wild and draw(st.booleans()) else value)
    return [f"{group}={name}" for group, name in chosen.items()], values


def applied(base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """A configuration with some values in the place of its own."""
    changed = copy.deepcopy(base)
    for path, value in values.items():
        group, dot, key = path.partition(".")
        if dot and isinstance(changed.get(group), dict):
            changed[group][key] = value
        elif not dot:
            changed[path] = value
    return changed


def present(config: dict[str, Any], path: str) -> bool:
    """Whether a key stands in the files that a configuration is composed of."""
    group, dot, key = path.partition(".")
    return not dot or key in catalog.entry_of(group, config[group]["_target_"]).config


def reversed_keys(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: reversed_keys(value) for key, value in reversed(content.items())}
    return [reversed_keys(value) for value in content] if isinstance(content, list) else content


def written(value: Any) -> str:
    """A value in the words of Hydra's command line."""
    if isinstance(value, str):
        text = re.sub(r"(\\*)'", lambda found: found[1] * 2 + "\\'", value)
        text = re.sub(r"(\\+)$", lambda found: found[1] * 2, text)
        return f"'{text}'"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def test_configurations_are_stable_or_refused_in_a_sentence() -> None:
    seen = {"accepted": 0, "refused": 0}
    took: list[float] = []
    with Composer() as composer:
        # health checks look at the clock, and at how much of what is drawn is thrown away
        @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(configurations())
        def check(asked: tuple[list[str], dict[str, Any]]) -> None:
            chosen, values = asked
            config = applied(composer.compose(chosen), values)
            before, start = copy.deepcopy(config), time.process_time()
            plan, said = None, ""
            try:
                plan = validate(config)
            except UsageError as error:
                said = str(error)
            assert repr(config) == repr(before), "what is validated is left as it is"
            if plan is None:
                took.append(time.process_time() - start)
                assert SENTENCE.fullmatch(said), said
                assert said[-1] in ".?", said
                seen["refused"] += 1
                return
            seen["accepted"] += 1
            identity = run_id(plan.config, "data")
            assert run_id(validate(config).config, "data") == identity, "a second time"
            assert run_id(validate(reversed_keys(config)).config, "data") == identity, "in another order of keys"
            text = json.dumps(portable(plan.config), allow_nan=False)
            assert run_id(validate(json.loads(text)).config, "data") == identity, "from its record"
            assert directory_of(plan, "data").name == f"seed{plan.config['seed']}-{identity}"
            assert run_title(plan)
            if not any("$" in str(value) or "???" in str(value) for value in values.values()):  # Hydra resolves these
                given = [
                    f"{'' if present(config, key) else '++'}{key}={written(value)}" for key, value in values.items()
                ]
                assert run_id(validate(composer.compose([*chosen, *given])).config, "data") == identity, given

        check()
    assert min(seen.values()) >= EXAMPLES // 10, seen
    assert median(took) < 1.0, "of all, as a single one may meet a machine that pauses"
