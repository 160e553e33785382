# make demo   one patient's whole course, and five more, on real parts
# make test   everything that CI runs
PY   ?= python3
VENV ?= .venv
BIN  := $(VENV)/bin

.PHONY: demo up test test-flows lint bench catalogue env

# What runs the practice; what tests and linters add comes on top of it, in the same environment.
$(VENV)/.local: requirements/local.txt
	$(PY) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

env: $(VENV)/.ready
$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PY) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(VENV)/.local $@

demo: $(VENV)/.local
	$(BIN)/python -m deploy.local.cli demo $(ARGS)

up: $(VENV)/.local
	$(BIN)/python -m deploy.local.cli up $(ARGS)

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
