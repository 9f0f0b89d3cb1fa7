# `make demo` and `make test` need nothing but Python 3.11, 3.12 or 3.13 and make: they set up everything else in .venv.
.DEFAULT_GOAL := help
BIN := .venv/bin
READY := .venv/.ready
SETUP_LOG := .venv/setup.log
SUITABLE := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c '$(SUITABLE)' 2>/dev/null && echo $$p && break; done)

.PHONY: help setup demo test test-slow test-lowest lint docs bench clean

help: ## show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | expand -t 12

setup: $(READY) ## make .venv, with the versions of constraints.txt in it

# A venv that an interrupted set-up left half made has no working pip: it is made anew.
$(READY): pyproject.toml constraints.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		$(PYTHON) -c '$(SUITABLE)' 2>/dev/null || { \
			echo "No Python 3.11, 3.12 or 3.13 with venv found: install one, or say make PYTHON=/path/to/python" >&2; exit 1; }; \
		rm -rf .venv && $(PYTHON) -m venv .venv; }
	@echo "Setting up .venv, once; this takes a few minutes ..."
	@$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --no-compile \
		-c constraints.txt --editable '.[dev]' >$(SETUP_LOG) 2>&1 || { cat $(SETUP_LOG) >&2; exit 1; }
	@$(BIN)/python -m compileall -qq -j 0 .venv/lib sweep || true  # what pip does, but on all cores; some files are templates
	@touch $@

demo: $(READY) ## the paper in small, with its figures (a few minutes of computing)
	$(BIN)/sweep launch grids/quick.yaml
	$(BIN)/sweep report runs/quick.zarr
	@echo "The pictures: open $(CURDIR)/runs/quick.report/index.html"

test: $(READY) ## run every test but the slow ones (about ten minutes)
	$(BIN)/python -m pytest -m "not slow" -n auto --dist worksteal $(ARGS)

test-slow: $(READY) ## run the long fault, scale and statistics tests
	$(BIN)/python -m pytest -m slow --timeout 1800 $(ARGS)

LOWEST := .venv-lowest

# What is not a direct dependency is as new as it can be; so a warning of an old package about a new one is no error here.
test-lowest: ## run `make test` with the oldest versions that pyproject.toml allows, in a venv of their own
	rm -rf $(LOWEST) && python3.11 -m venv $(LOWEST)
	sed -nE '/^dependencies/,/^\]/s/^ *"([a-z0-9-]+)(\[.*\])?>=(.*)",$$/\1==\3/p' pyproject.toml >$(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet -c $(LOWEST)/constraints.txt --editable '.[dev]'
	$(LOWEST)/bin/python -m pytest -m "not slow" -n auto --dist worksteal -o filterwarnings=default $(ARGS)

lint: $(READY) ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy examples $(filter-out benchmarks/ising_peers.py,$(wildcard benchmarks/*.py))
	$(BIN)/lint-imports

docs: $(READY) ## the pages of docs and the reference, in docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q docs docs/_build/html
	@echo "The pages: open $(CURDIR)/docs/_build/html/index.html"

bench: $(READY) ## measure speed against peers, each number behind a check that the results are right
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/durability.py
	$(BIN)/python benchmarks/ising_speed.py
	$(BIN)/python benchmarks/ising_relaxation.py
	$(BIN)/python benchmarks/whole_process.py
	$(BIN)/python benchmarks/rbm_speed.py

clean: ## remove what set-up and tools have made; results in runs stay
	rm -rf .venv $(LOWEST) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info docs/_build
