# chaos-test: `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(VENV)/bin/uv
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: help setup chaos verify ui report test check bench truth clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install everything, pinned, into .venv

$(STAMP): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chaos-test needs Python 3.11 or later; say which with: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --no-deps -e .
	@touch $@

lock: ## pin the newest versions that pyproject.toml allows
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra toolkit --group dev pyproject.toml -o requirements.lock --upgrade

chaos: $(STAMP) ## break the Orbital Travel Planner and leave a report
	$(BIN)/chaos-test run $(ARGS)

verify: $(STAMP) ## measure the newest run's patches on copies, alone and together
	$(BIN)/chaos-test fix verify --all --together $(ARGS)

ui: $(STAMP) ## the planner under chaos, with the Locust web UI
	$(BIN)/chaos-test ui $(ARGS)

report: $(STAMP) ## rebuild the newest run's report (or ARGS=reports/<run-id>)
	$(BIN)/chaos-test report $(ARGS)

test: $(STAMP) ## run the tests
	$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder $(ARGS)

check: $(STAMP) ## format, lint, types, layering, dependencies, the bare wheel
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python tests/bare_wheel.py

bench: $(STAMP) ## measure the overheads (minutes; not a test)
	$(BIN)/python -m benchmarks

truth: $(STAMP) ## let finders look for known defects with three seeds, and measure what is proposed (minutes)
	$(BIN)/python -m benchmarks.truth --mend $(ARGS)

clean: ## remove .venv, caches and run folders
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find reports -mindepth 1 -maxdepth 1 ! -name README.md ! -name sample -exec rm -rf {} +
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
