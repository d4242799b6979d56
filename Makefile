# Two commands set everything up: `make demo` and `make test`.
.DEFAULT_GOAL := help
PYTHON ?= python3
CHROMIUM ?= chromium
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := --constraint constraints.txt

.PHONY: help demo test test-all test-newest test-other check schema picture bench corpus bench-compare \
  bench-before-after clean

help:  ## say what can be made
	@sed -n 's/^\([a-z-]*\):.*  ## /  make \1\t/p' Makefile

demo: $(VENV)/installed  ## install mprunner into .venv, execute experiments/bank.yaml and say where its page is
	@# exit code 1 says that a trial failed; the summary above it says which
	$(BIN)/mprunner run experiments/bank.yaml || test $$? -eq 1

test: $(VENV)/installed-dev  ## install the development tools and execute the tests
	$(BIN)/pytest -n logical --dist loadgroup

test-all: $(VENV)/installed-dev  ## the tests with every long fault and fuzz loop
	$(BIN)/pytest -n logical --dist loadgroup -m "slow or not slow"

test-newest:  ## the tests with the newest release of every dependency, in an environment of its own
	$(MAKE) test VENV=.venv-newest CONSTRAINTS=

test-other: $(VENV)/installed-dev  ## statuses and containment on another interpreter: make test-other OTHER=python3.13
	MPRUNNER_TEST_PYTHON=$(OTHER) $(BIN)/pytest -q tests/process/test_statuses.py tests/process/test_containment.py \
	  tests/process/test_isolation.py

check: $(VENV)/installed-dev  ## lint, format, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

schema: $(VENV)/installed-dev  ## renew experiments/experiment.schema.json
	$(BIN)/mprunner schema --output experiments/experiment.schema.json

picture: $(VENV)/installed-dev  ## renew docs/report.png, a page as README.md shows it; needs Chromium
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	{ $(BIN)/mprunner run -q --no-report experiments/bank.yaml --results "$$folder" >/dev/null || test $$? -eq 1; } && \
	$(BIN)/mprunner report bank --results "$$folder" --output "$$folder/page.html" && \
	$(CHROMIUM) --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=0.7 \
	  --virtual-time-budget=5000 --user-data-dir="$$folder/chromium" --window-size=1280,2540 \
	  --screenshot=docs/report.png "file://$$folder/page.html"

bench: $(VENV)/installed-dev  ## the benchmarks: a line for each figure
	$(BIN)/python tests/benchmarks/bench.py
	$(BIN)/python tests/benchmarks/fidelity.py
	$(BIN)/python tests/benchmarks/tables.py
	$(BIN)/python tests/benchmarks/other_pythons.py

corpus: $(VENV)/installed-dev  ## how long each race of tests/corpus takes to show
	$(BIN)/python tests/benchmarks/corpus.py

bench-compare: $(VENV)/installed-dev  ## what compare makes of 180 real runs, in a quarter of an hour
	$(BIN)/python tests/benchmarks/compare_runs.py

bench-before-after: $(VENV)/installed-dev  ## is a revision that is 5 % slower found? 40 runs, in some minutes
	$(BIN)/python tests/benchmarks/before_after.py

clean:  ## remove what was built, never results
	rm -rf $(VENV) .venv-newest tests/browser/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "mprunner needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[report,explore]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check $(CONSTRAINTS) --editable '.[dev]'
	@touch $@ $(VENV)/installed
