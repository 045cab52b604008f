PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
WORKERS ?= auto

.PHONY: help setup check format lint types imports spelling test quick oldest docs site bench \
  bench-full peers

help: ## Say what can be made.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: ## Make .venv with everything that `make check` needs.
	python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --editable '.[dev]'

check: lint types imports spelling site test ## All checks; what has to pass before a change lands.

format: ## Format the code and mend what ruff can.
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

imports:
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command as run; run()'

spelling: # codespell is optional: pre-commit brings it
	@if $(PYTHON) -m codespell_lib --version >/dev/null 2>&1; then \
	  $(PYTHON) -m codespell_lib; else echo 'codespell is not installed: spelling not checked'; fi

# Each worker of the tests has a core, and benchmarks count seconds of one.
test quick oldest bench bench-full: export OMP_NUM_THREADS = 1
test: ## Tests, doctests, and the code blocks of the documentation.
	$(PYTHON) -m pytest --numprocesses $(WORKERS) --quiet

QUICK := $(wildcard tests/test_*.py) tests/rules/expressions tests/rules/test_files.py \
  tests/tables/test_frames.py tests/tables/test_files.py tests/tables/test_inference.py \
  tests/synthesizer/test_synthesizer.py tests/synthesizer/test_quotas.py tests/cli/test_rows.py \
  tests/cli/test_options.py tests/cli/test_bad_input.py tests/metrics/test_verdict.py \
  tests/systems/epic tests/systems/cllm
quick: ## What breaks most, up to the first failure: under 90 seconds on two cores.
	$(PYTHON) -m pytest --numprocesses $(WORKERS) --quiet --exitfirst -m 'not slow' $(QUICK)

OLDEST := $(shell sed -n 's/.*"polars>=\([0-9.]*\)".*/\1/p' pyproject.toml)
oldest: ## Tests of expressions and files with the oldest polars that the metadata allows.
	$(PYTHON) -m pip install --quiet --upgrade --no-deps --target .venv/oldest-polars \
	  polars==$(OLDEST) polars-runtime-32==$(OLDEST)
	PYTHONPATH=.venv/oldest-polars $(PYTHON) -m pytest --numprocesses $(WORKERS) --quiet \
	  tests/rules/expressions/test_operators.py tests/rules/expressions/test_expression.py \
	  tests/tables/test_files.py tests/tables/test_encoding.py

site: export NO_MKDOCS_2_WARNING = 1
site: ## Build the documentation site in build/site; a broken link or docstring fails.
	$(PYTHON) -m mkdocs build --quiet

docs: ## Write docs/cli.md anew from the commands' own help.
	$(PYTHON) docs/cli_reference.py

bench: ## Measure on scikit-learn's tables and on simulators; see benchmarks/README.md.
	$(PYTHON) -m benchmarks.run_offline

PEERS ?= build/peers
peers: ## Set up the peers of the benchmarks, each in an environment of its own below PEERS.
	$(PYTHON) -m benchmarks.set_up_peers $(PEERS)

bench-full: ## Measure beside peers on the tables below DATA=DIR (see benchmarks/README.md); hours.
	@test -n "$(DATA)" || { echo 'name the folder of the data files: make bench-full DATA=DIR'; exit 2; }
	$(PYTHON) -m benchmarks.set_up_peers $(PEERS)
	$(PYTHON) -m benchmarks.anchors --data $(DATA) --peers $(PEERS)
	$(PYTHON) -m benchmarks.conditions --data $(DATA)
	$(PYTHON) -m benchmarks.determinism
	$(PYTHON) -m benchmarks.scale
	$(PYTHON) -m benchmarks.large
	$(PYTHON) -m benchmarks.engines
	$(PYTHON) -m benchmarks.leaderboard --peers $(PEERS)
