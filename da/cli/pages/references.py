"""Reference pages: data sets, selection rules with their regret, and every key of a configuration."""

from __future__ import annotations

import math
import re
import statistics
from pathlib import Path

from da import selection
from da.cli.pages import docstring
from da.cli.pages.docstring import cell
from da.cli.pages.methods import NOTE, as_written
from da.config import catalog
from da.config.catalog import Entry
from da.results.scores import shown
from da.setting import ALL, DIFFERENT, MANY, NONE
from da.tables import ranking, regret, rules
from da.tables.writer import Sheet

DATA_SETS = catalog.ROOT / "docs" / "data-sets.md"
CONFIGURATION = catalog.ROOT / "docs" / "configuration.md"
FILES = (DATA_SETS, CONFIGURATION)
COMMENTED = re.compile(r"^(\w+): *(.*?)(?: +# (.*))?$")
GROUPS = {
    "method": "what is trained; see [Methods](methods/index.md)",
    "data": "what it is trained on; see [Data sets](data-sets.md)",
    "network": "of deep methods",
    "classifier": "of closed-form methods",
    "optimizer": "of deep methods",
    "trainer": "device, processes, epochs, precision of deep methods",
    "logger": "what is written beside the record",
    "launcher": "where the runs of `-m` happen",
    "sweep": "a search in place of a grid, with `-m`",
    "features": "a frozen network in place of the inputs, computed once",
    "term": "what `terms=[NAME,...]` adds to the loss of a deep method",
    "callbacks": "Lightning's callbacks, beside our own, of deep methods",
    "experiment": "several of these at once, as tried",
}


def pages() -> dict[Path, str]:
    """The text of each page, by file."""
    return {DATA_SETS: data_sets(), CONFIGURATION: configuration()}


def data_sets() -> str:
    """A section for each data set, from its docstring and its YAML."""
    entries = {name: e for name, e in catalog.entries("data").items() if e.is_built_in}
    table = [[f"[{e.name}](#{e.name})", cell(docstring.markdown(e.summary)), _offers(e)] for e in entries.values()]
    parts = [
        "# Data sets",
        "`digits`, `simulated` and the toys come with the code. Other sets are read from the folder that `DA_DATA_DIR` "
        "names (`./data` otherwise) and verified by checksum where their files are known; they are not redistributed "
        "here. Own files: [Data](data.md).",
        Sheet(["data", "what it is", "offers"], table, words=(0, 1, 2)).markdown(),
        *(_data_set(e) for e in entries.values()),
        NOTE,
    ]
    return "\n\n".join(parts) + "\n"


def _offers(entry: Entry) -> str:
    access = entry.access
    said = ["source labels" if access.source_y == ALL else "", "target labels" if access.target_y != NONE else ""]
    said.append("different feature spaces" if access.spaces == DIFFERENT else "")
    said.append("several sources" if access.sources == MANY else "")
    return ", ".join(filter(None, said))


def _data_set(entry: Entry) -> str:
    doc = docstring.read(entry.signature.doc)
    rows = [
        [f"`data.{key}`", f"`{as_written(value)}`", cell(doc.arguments.get(key, ""))]
        for key, value in entry.config.items()
        if key != "_target_"
    ]
    parts = [
        f"## {entry.name}",
        doc.summary,
        doc.body,
        Sheet(["key", "default", "meaning"], rows, words=(0, 1, 2)).markdown() if rows else "",
        *(f"{word.capitalize()}: {found}." for word in ("licence", "citation") if (found := _constant(entry, word))),
    ]
    return "\n\n".join(part for part in parts if part)


def _constant(entry: Entry, name: str) -> str:
    node = entry.signature.constants.get(name)
    return str(getattr(node, "value", "") or "").strip().rstrip(".")


def selection_rules() -> str:
    """What each rule reads, and what it loses when it chooses epochs and methods on the committed tables."""
    methods = regret.method_choice()
    ranked = ranking.within_runs(rules.read(rules.named())[0]) if rules.PAGE.is_file() else []
    epochs = {found.rule: statistics.fmean(found.regrets) for found in ranked if found.regrets}
    body = []
    for name in sorted(selection.names(), key=lambda n: (methods[n].mean if n in methods else math.inf, n)):
        module, of = selection.criterion(name), methods.get(name)
        body.append(
            [
                f"`{name}`",
                cell((module.__doc__ or "").splitlines()[0].rstrip(".")),
                ", ".join(f"`{field}`" for field in sorted(module.READS)),
                shown(epochs[name], 1) if name in epochs else "-",
                f"{shown(of.mean, 1)} ({shown(of.low, 1)} to {shown(of.high, 1)})" if of else "-",
            ]
        )
    head = ["rule", "what it is", "reads", "regret of epochs", "regret of methods (95 %)"]
    return Sheet(head, body, words=(0, 1, 2)).markdown()


def configuration() -> str:
    """Keys of ``conf/train.yaml`` and of every option of the groups but methods and data sets."""
    parts = [
        "# Configuration",
        "`python scripts/train.py KEY=VALUE ...` composes `conf/train.yaml` with one option of each group "
        "(`GROUP=OPTION`), then the keys that you give. A misspelt key is refused before anything runs. "
        "`python scripts/train.py --cfg job` prints what was composed.",
        "## Keys of a run",
        _keys(),
        "## Groups",
        *(_group(name) for name in sorted(catalog.groups(), key=lambda group: [*GROUPS, group].index(group))),
        NOTE,
    ]
    return "\n\n".join(parts) + "\n"


def _keys() -> str:
    text = (catalog.CONF / "train.yaml").read_text(encoding="utf-8")
    lines = [found for line in text.splitlines() if (found := COMMENTED.match(line))]
    rows = [[f"`{m[1]}`", f"`{m[2]}`", cell(m[3] or "")] for m in lines if m[1] not in ("defaults", "hydra")]
    return Sheet(["key", "default", "meaning"], rows, words=(0, 1, 2)).markdown()


def _group(name: str) -> str:
    said = GROUPS.get(name, "")
    head = f"### {name}" + (f"\n\n{said[0].upper()}{said[1:]}." if said else "")
    if name in ("method", "data"):
        return head
    given = "terms=[{}]" if name == "term" else f"{name}={{}}"
    options = [f"#### {given.format(option)}\n\n{_option(name, option)}" for option in catalog.options(name)]
    return "\n\n".join([head, *options])


def _option(group: str, option: str) -> str:
    """What an option's class says of itself, and its YAML."""
    file = catalog.CONF / group / f"{option}.yaml"
    yaml = f"```yaml\n# {file.relative_to(catalog.ROOT).as_posix()}\n{file.read_text(encoding='utf-8').strip()}\n```"
    entry = catalog.entries(group).get(option) if group != "experiment" else None
    if entry is None or not entry.path.startswith("da."):
        return yaml
    doc = docstring.read(entry.signature.doc)
    arguments = [f"- `{key}`: {doc.arguments[key]}" for key in entry.config if key in doc.arguments]
    return "\n\n".join(part for part in (doc.summary, "\n".join(arguments), yaml) if part)
