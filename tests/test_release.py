"""What is said of a version: its changes, its notes, and the Pythons that it was tried with."""

import re
import tomllib

from processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NOTES = ROOT / "docs" / "releases" / f"{PROJECT['version']}.md"


def test_the_version_has_changes_and_notes() -> None:
    assert re.search(rf"^## {re.escape(PROJECT['version'])} ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert NOTES.read_text().startswith(f"# {PROJECT['version']}\n")


def test_the_pythons_of_the_notes_are_those_that_the_package_states() -> None:
    row = next(line for line in NOTES.read_text().splitlines() if line.startswith("| Python |"))
    tried = re.findall(r"(3\.\d+)\.\d+", row)
    stated = [text.rpartition(" :: ")[2] for text in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", text)]
    assert tried == stated
    assert PROJECT["requires-python"] == f">={tried[0]}"


def test_make_alone_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.findall(r"^([\w/.-]+):(?!=)", makefile, re.MULTILINE)[0] == "help"  # which make without a target runs
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    listed = re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())
