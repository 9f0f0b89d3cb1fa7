# `make demo` and `make test` need nothing but Python >= 3.11 and make; they set up everything else in .venv.
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

.PHONY: help demo test test-slow lint bench clean

help: ## show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "no Python from 3.11 to 3.13 found; install one, or say make PYTHON=/path/to/python"; exit 1; }
	@echo "setting up .venv (once; some minutes) ..."
	@$(BIN)/python -c '' 2>/dev/null || { rm -rf .venv && $(PYTHON) -m venv .venv; }
	@$(PIP) install -c constraints.txt --editable '.[dev]' 2>&1 | grep -v '^WARNING' || true
	@$(BIN)/python -c 'import sweep.cli, pytest, mypy' && touch $@

demo: $(READY) ## compute the quick grid and show two of the paper's figures (about two minutes)
	$(BIN)/sweep launch grids/quick.yaml
	$(BIN)/sweep report runs/quick.zarr
	@echo "The pictures: runs/quick.report/index.html"

test: $(READY) ## run every test but the slow ones (under eight minutes)
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-slow: $(READY) ## run the long fault, scale and statistics tests
	$(BIN)/python -m pytest -m slow --timeout 1800 $(ARGS)

lint: $(READY) ## style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## measure speed against peers, each speed behind a check of correctness
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/ising_speed.py

clean: ## remove what set-up and runs have made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache runs
