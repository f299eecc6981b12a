# Two commands are enough: `make demo` sets up and runs the main job on the simulated market, `make test` checks it all.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Two workers. What shares something that takes long to build stays with one of them (tests/conftest.py); the long groups
# come first, so that both end together.
PYTEST := $(BIN)/python -m pytest -n 2 --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test lint unit dbt integration soak bench lock generate clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Undertow needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.installed  ## Set up and run the whole way on the simulated market
	$(BIN)/undertow demo

test: lint $(VENV)/.installed  ## Lint, then every test that needs no network
	$(PYTEST) tests

lint: $(VENV)/.installed  ## Style, types and boundaries
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/.installed  ## Tests in seconds
	$(PYTEST) tests/unit

dbt: $(VENV)/.installed  ## The dbt project on a real DuckDB
	$(PYTEST) tests/dbt

integration: $(VENV)/.installed  ## Dagster, dbt and the simulated market together
	$(PYTEST) tests/integration

soak: $(VENV)/.installed  ## Refreshes killed, broken, looked back on and rebuilt: half an hour
	$(PYTEST) -m soak tests

bench: $(VENV)/.installed  ## Print where the time goes, as ratios
	$(BIN)/python -m tests.bench

generate: $(VENV)/.installed  ## Write the files that derive from the registry
	$(BIN)/undertow generate

lock:  ## Resolve the exact pins anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras \
		pyproject.toml --output-file requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras \
		--group dev --constraints requirements.txt pyproject.toml --output-file requirements-dev.txt

clean:  ## Remove the virtual environment and everything the market homes hold
	rm -rf $(VENV) .undertow
