# The two commands that matter: `make demo` and `make test`. Both need only Python 3.11 to 3.13 and the package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .bench

.PHONY: demo test lint format bench generate clean

demo: $(VENV)/installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: lint
	$(BIN)/pytest -n auto

lint: $(VENV)/developing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/developing
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Measured without the development tools: some of them slow imports down.
bench: $(BENCH)/installed
	$(BENCH)/bin/python benchmarks/run.py

# Writes what is generated and committed: the JSON Schemas.
generate: $(VENV)/installed
	$(BIN)/halo schema project > schemas/halo.schema.json
	$(BIN)/halo schema include > schemas/halo.include.schema.json
	$(BIN)/halo schema plan > schemas/halo.plan.schema.json

clean:
	rm -rf $(VENV) $(BENCH) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "halo needs Python 3.11 to 3.13; name one: make PYTHON=python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/developing: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(BENCH)/installed: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@
