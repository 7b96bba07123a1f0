# `make demo` and `make test` need Python 3.11, git and make; they create what they need below .venv.
PYTHON ?= python3
BIN := .venv/bin

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	touch $@

setup: .venv/ready  ## create the environment

demo: .venv/ready  ## adaptation beats source-only on real digits: a table, records and a figure below runs/demo
	$(BIN)/python scripts/demo.py

test: .venv/ready  ## run the fast tests (DA_DATA_DIR=FOLDER for those on real data; ARGS=... for pytest)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

test-kernels: .venv/ready  ## the same, thrice: as CPUs without AVX, with AVX2 and with AVX-512 compute
	$(BIN)/python tests/kernels.py -n auto --dist worksteal $(ARGS)

define test-with # name of the environment, options of uv: runs the tests marked `versions` there, without constraints.txt
	$(BIN)/uv venv --quiet --clear --python $(PYTHON) .venv-$(1)
	$(BIN)/uv pip install --quiet --python .venv-$(1)/bin/python $(2) -r pyproject.toml --extra dev
	$(BIN)/uv pip install --quiet --python .venv-$(1)/bin/python --no-deps --editable .
	OMP_NUM_THREADS=1 .venv-$(1)/bin/python -m pytest -n auto --dist worksteal -m 'versions and not slow' $(ARGS)
endef

test-lowest: .venv/ready  ## tests of what depends on other packages, with the lowest versions that pyproject.toml declares
	$(call test-with,lowest,--resolution lowest-direct)

test-newest: .venv/ready  ## the same, with the newest released versions (PYTHON=python3.13 for another Python)
	$(call test-with,newest,--upgrade)

lint: .venv/ready  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:  ## remove the environment and all runs
	rm -rf .venv .venv-lowest .venv-newest runs

.PHONY: help setup demo test test-kernels test-lowest test-newest lint clean
