# Cadencia: every command of the README. `make demo` and `make test` need python3 and make, no more.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES ?= demo

.PHONY: demo test lint lint-sql bench ui install lock format help

help:
	@echo "make demo | test | lint | bench | ui | install | lock | format"

# Bytecode is compiled once here: without it every command spends half a minute compiling imports.
$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else "Cadencia needs Python 3.11 to 3.13; this is %d.%d. Set PYTHON=/path/to/python3.x" % v[:2])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	-$(BIN)/python -m compileall -q -j 2 $(VENV)/lib >/dev/null 2>&1
	$(BIN)/python -m orchestration.lib.dbt_project
	@touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	$(BIN)/cadencia run --sources $(SOURCES)

# A file's tests stay on one worker, so that what the file sets up is made once; the long files come first.
test: $(STAMP)
	@tests/install_system_parts.sh
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory lint-sql

# sqlfluff renders with dbt, which opens a database: an empty one of its own.
lint-sql: $(STAMP)
	@mkdir -p $(VENV)/sqlfluff
	CADENCIA_DBT_DATABASE=$(CURDIR)/$(VENV)/sqlfluff/crm.duckdb $(BIN)/sqlfluff lint dbt_project/models --processes 2

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python -m benchmarks.btyd
	$(BIN)/python -m benchmarks.run_overhead
	$(BIN)/python -m benchmarks.simulation
	$(BIN)/python -m benchmarks.identity.made_households --records 100000 --out $(VENV)/made_households.parquet
	$(BIN)/python -m benchmarks.identity --records $(VENV)/made_households.parquet --id record_id \
	  --truth person --household-truth household

# The UI and the daemon share DAGSTER_HOME with the command line: runs started there show up here.
ui: $(STAMP)
	$(BIN)/cadencia ui

# Versions and hashes only, never an index host: the lock must install from any mirror.
lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --extra dev --extra dashboard --extra spark pyproject.toml \
	  --output-file requirements-spark.lock
