# Every target sets itself up. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
TICKER ?= AAPL
PROFILE ?= smoke
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
LOADTEST := $(VENV)/.loadtest
CLIENT := $(VENV)/.client
# Tests and servers start hundreds of short processes: without compiled modules each would compile everything again.
unexport PYTHONDONTWRITEBYTECODE
# Processes that run tests at the same time: one more than there are cores, since tests wait for servers most of the time.
PYTEST_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# pip names each package as it goes; the counter turns that into one line of progress.
define install
	@count=$$(grep -c '==' $(1)); echo "Installing $$count pinned packages (once; about a minute)"; \
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps -r $(1) \
	  | awk -v total=$$count '/^(Collecting|Requirement already)/ { n++; name = $$0; sub(/^Collecting /, "", name); sub(/^Requirement already satisfied: /, "", name); sub(/==.*/, "", name); \
	    printf "\r  [%3d/%d] %-40.40s", n, total, name; fflush() } /^Installing collected/ { printf "\r  [%3d/%d] %-40.40s", total, total, "unpacking"; fflush() } END { printf "\r  [%3d/%d] %-40.40s\n", total, total, "installed" }'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --no-index --editable .
endef

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("StockCrew needs Python 3.11 or newer; set PYTHON=python3.12, say")'
	@$(PYTHON) -c 'import sqlite3, sys; sys.version_info < (3, 12) or sqlite3.sqlite_version_info >= (3, 42) or sys.exit("Python 3.12 and newer need SQLite 3.42 or newer; use Python 3.11")'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUNTIME): $(VENV)/.created requirements.txt
	$(call install,requirements.txt)
	@touch $@

$(DEV): $(VENV)/.created requirements-dev.txt
	$(call install,requirements-dev.txt)
	@touch $@ $(RUNTIME)

$(LOADTEST): $(DEV) requirements-loadtest.txt
	$(call install,requirements-loadtest.txt)
	@touch $@

$(CLIENT): $(VENV)/.created requirements-client.txt
	@$(PYTHON) -m venv $(VENV)/client
	@$(VENV)/client/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r requirements-client.txt
	@touch $@

.PHONY: help
help: ## List every target
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(RUNTIME) ## Create the virtual environment and install what running needs

.PHONY: demo
demo: $(RUNTIME) ## Start the service, analyse TICKER (AAPL) over HTTP, print and save the report, stop
	@$(BIN)/python -m crew.cli demo "$(TICKER)" --output demo-output

.PHONY: serve
serve: $(RUNTIME) ## Run API and worker on http://127.0.0.1:8000 until Ctrl-C
	@$(BIN)/python -m crew.cli serve --with-worker

.PHONY: test
test: $(DEV) ## Run the test suite (SQLite; tests that need more say what is missing)
	@$(BIN)/python -m pytest -q -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: lint
lint: $(DEV) ## Ruff, mypy and the layer contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: bench
bench: $(LOADTEST) ## Measure start, memory, latency and throughput against references in the same run
	@for name in tests/bench/bench_*.py; do $(BIN)/python -m "tests.bench.$$(basename "$$name" .py)" || exit $$?; done

.PHONY: eval
eval: $(RUNTIME) ## Inject faults into correct drafts: what verification catches, and what it stops wrongly
	@$(BIN)/python -m crew.cli eval $(EVAL_ARGS)

.PHONY: loadtest
loadtest: $(LOADTEST) ## Load-test PROFILE (smoke) with k6 against a service of its own; leaves three files in results/
	@$(BIN)/python -m loadtests.run --profile "$(PROFILE)"

.PHONY: simulate
simulate: $(LOADTEST) ## Rolling restart under load, a killed worker, twice the workers; needs nginx and PostgreSQL's server programs
	@$(BIN)/python -m deploy.simulation

.PHONY: image
image: ## Build the image for real (Docker, or the builder beside the checkout), run it locked down, and check it
	@bash .ci/stages/70-image.sh

.PHONY: requirements
requirements: ## Write the hash-pinned requirements files from pyproject.toml (needs uv)
	@bash .ci/requirements.sh

.PHONY: clean
clean: ## Remove the virtual environment and everything generated
	@rm -rf $(VENV) demo-output results .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
