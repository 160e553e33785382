# make demo        six patients' whole courses on real parts; ARGS=--stay keeps it running
# make up          the same practice in real time; it stays until Ctrl-C
# make test        every test, on the best Kafka and PostgreSQL to be had
# make test-flows  the patients' stories alone
# make lint        ruff, mypy, import contracts
# make bench       figures side by side; writes docs/benchmarks*: pages, numbers, pictures
# make catalogue   writes the contract's files and pages from the code
# make env         all of it installed, with `practice`: . .venv/bin/activate
PY   ?= python3
VENV ?= .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo up test test-flows lint bench catalogue env

# What runs the practice. What tests and linters add comes on top of it, in the same environment.
$(VENV)/.local: requirements/local.txt pyproject.toml
	$(PY) -m venv $(VENV)
	$(PIP) --require-hashes -r $<
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

env: $(VENV)/.ready
$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PY) -m venv $(VENV)
	$(PIP) --require-hashes -r $<
	$(PIP) --no-deps --no-build-isolation -e .
	touch $(VENV)/.local $@

demo: $(VENV)/.local
	$(BIN)/practice demo $(ARGS)

up: $(VENV)/.local
	$(BIN)/practice up $(ARGS)

# Files side by side, in their order, each process with servers of its own: tests mostly wait.
test: env
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
		--no-loadscope-reorder

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
