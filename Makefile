# make demo   one patient's whole course, and five more, on real parts
# make test   everything that CI runs
PY   ?= python3
VENV ?= .venv
BIN  := $(VENV)/bin

.PHONY: demo up test test-flows lint bench catalogue env

env: $(VENV)/.ready
$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PY) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

test: env
	$(BIN)/python -m pytest

test-flows: env
	$(BIN)/python -m pytest tests/flows

lint: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

catalogue: env
	$(BIN)/python -m deploy.catalogue

bench: env
	$(BIN)/python -m bench
