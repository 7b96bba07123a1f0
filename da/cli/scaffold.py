"""Scaffolds of new methods, terms and data sets: code, YAML and test, into the checkout or into one's own folder."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from da.cli import scaffold_closed_form, scaffold_data, scaffold_deep, scaffold_term
from da.config import catalog
from da.errors import ConfigError, nearest
from da.places import NewFiles, command, in_checkout, new_files


def deep_families() -> list[str]:
    """The folders of ``da/methods``."""
    folders = (Path(scaffold_deep.__file__).parents[1] / "methods").iterdir()
    return sorted(folder.name for folder in folders if (folder / "__init__.py").is_file())


def families() -> list[str]:
    """The folders of ``da/methods``, and those of ``da/estimators`` that hold methods."""
    return sorted([*deep_families(), *scaffold_closed_form.KINDS])


def new_method(name: str, family: str) -> NewFiles:
    """Write the code, the YAML and a test of a new method, which adapts nothing until it is given something to learn.

    Raises:
        ConfigError: the name is not a Python name or exists already, or there is no such family.
    """
    if family not in families():
        raise ConfigError(f"There is no family '{family}'; {nearest(family, families())}")
    closed_form = scaffold_closed_form.KINDS.get(family)
    kind = "estimators" if closed_form else "methods"
    files = _free(name, "method", f"da/{kind}/{family}/{name}.py", f"tests/{kind}/test_{name}.py")
    words = _words(name, files) | {"family_line": "" if in_checkout() else f'    family = "{family}"\n'}
    if closed_form:
        _write(files, closed_form.code(words), closed_form.config, closed_form.shell(words))
    else:
        _write(files, scaffold_deep.CODE.format(**words), "", scaffold_deep.TEST.format(**words))
    return files


def new_data(name: str) -> NewFiles:
    """Write the code, the YAML and a test of a new data set, which draws samples until it is told what to read.

    Raises:
        ConfigError: the name is not a Python name or exists already.
    """
    files = _free(name, "data", f"da/data/{name}.py", f"tests/data/test_{name}.py")
    words = _words(name, files)
    _write(files, scaffold_data.CODE.format(**words), scaffold_data.CONFIG, scaffold_data.TEST.format(**words))
    return files


def new_term(name: str) -> NewFiles:
    """Write the code, the YAML and a test of a new term, which keeps features small until it is given an equation.

    Raises:
        ConfigError: the name is not a Python name or exists already.
    """
    files = _free(name, "term", f"da/terms/{name}.py", f"tests/terms/test_{name}.py")
    words = _words(name, files)
    _write(files, scaffold_term.CODE.format(**words), scaffold_term.CONFIG, scaffold_term.TEST.format(**words))
    return files


def _free(name: str, group: str, code: str, test: str) -> NewFiles:
    """Where the files go, checked to be free."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ConfigError(
            f"'{name}' cannot name a {'data set' if group == 'data' else group}; use lower-case words joined by "
            f"underscores, such as my_{group}."
        )
    if name in catalog.entries(group):
        raise ConfigError(f"{group}={name} exists already; choose another name.")
    files = new_files(group, name, code, test)
    for file in (files.code, files.config, files.test):
        if file.exists():
            raise ConfigError(f"{_shown(file)} exists already; choose another name.")
    return files


def _words(name: str, files: NewFiles) -> dict[str, str]:
    class_name = "".join(word.capitalize() for word in name.split("_"))
    return {
        "title": name.replace("_", " ").capitalize(),
        "class_name": class_name,
        "module": files.module,
        "name": name,
    }


def _write(files: NewFiles, code: str, config: str, test: str) -> None:
    class_name = "".join(word.capitalize() for word in files.config.stem.split("_"))
    texts = {files.code: code, files.config: f"_target_: {files.module}.{class_name}\n{config}", files.test: test}
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _shown(file: Path) -> Path:
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


def method_main(words: Sequence[str]) -> int:
    """Start a method: ``NAME --family FAMILY``; returns the exit code."""
    parser = argparse.ArgumentParser(prog="new_method", description="Start a method: its code, its YAML and its test.")
    parser.add_argument("name", help="lower-case words joined by underscores, such as my_method")
    parser.add_argument(
        "--family",
        default="transductive",
        help=f"deep: {', '.join(deep_families())}; closed-form: {', '.join(scaffold_closed_form.KINDS)}",
    )
    options = parser.parse_args(words)
    try:
        files = new_method(options.name, options.family)
    except ConfigError as error:
        print(f"new_method: {error}", file=sys.stderr)
        return 2
    what = "what it learns" if options.family in scaffold_closed_form.KINDS else "a term"
    return _tell(files, f"the method: give it {what}", "its test: write the paper's equation out", "method")


def term_main(words: Sequence[str]) -> int:
    """Start a term: ``NAME``; returns the exit code."""
    parser = argparse.ArgumentParser(prog="new_term", description="Start a term: its code, its YAML and its test.")
    parser.add_argument("name", help="lower-case words joined by underscores, such as my_term")
    options = parser.parse_args(words)
    try:
        files = new_term(options.name)
    except ConfigError as error:
        print(f"new_term: {error}", file=sys.stderr)
        return 2
    return _tell(files, "the term: give it its equation", "its test: write the paper's equation out", "term")


def data_main(words: Sequence[str]) -> int:
    """Start a data set: ``NAME``; returns the exit code."""
    parser = argparse.ArgumentParser(prog="new_data", description="Start a data set: its code, its YAML and its test.")
    parser.add_argument("name", help="lower-case words joined by underscores, such as my_data")
    options = parser.parse_args(words)
    try:
        files = new_data(options.name)
    except ConfigError as error:
        print(f"new_data: {error}", file=sys.stderr)
        return 2
    return _tell(files, "the data set: read your files", "its test: counts, and what is known of them", "data")


def _tell(files: NewFiles, code: str, test: str, group: str) -> int:
    """Say what was written and what to do next; in a checkout its pages are rendered anew."""
    from da.cli import docs

    for file, what in ((files.code, code), (files.config, "its keywords, with the same defaults"), (files.test, test)):
        print(f"{_shown(file)}  {what}")
    if in_checkout() and (stale := docs.render(write=True)):
        print(f"rendered anew: {', '.join(stale)}")
    name = files.config.stem
    uses = {"method": "method={} data=digits", "term": "method=dann terms=[{}] data=digits"}
    own = uses.get(group, "method=source_only data={}").format(name)
    print(f"\n{command('checks')} {group}/{name}\n{command('train')} {own}")
    return 0
