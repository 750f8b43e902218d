# The task list. `make demo` and `make test` set up what they need; a second run is quick.
PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test check lint types imports unit bench example docs hostile screenshots clean help

help: ## list the tasks
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "warroom needs Python 3.11 or newer; set PYTHON=..."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

demo: $(STAMP) ## an incident under way, nothing else installed
	@$(BIN)/warroom demo

test: check unit ## everything: lint, types, import rules, tests

check: lint types imports

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

unit: $(STAMP)
	$(BIN)/pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

bench: $(STAMP) ## run the benchmarks and rewrite docs/performance.md
	$(BIN)/python -m benchmarks

example: $(STAMP) ## rewrite the example post-mortem in docs/
	$(BIN)/python docs/example.py

docs: $(STAMP) ## rewrite the pages and tables that follow from the code
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/reference.py
	$(BIN)/python docs/keys.py

hostile: $(STAMP) ## attack every door and rewrite docs/hostile-input.md
	$(BIN)/python docs/generate.py hostile

screenshots: $(STAMP) ## redraw the pictures in docs/
	$(BIN)/python docs/screenshots.py
	$(BIN)/python docs/screenshots_telemetry.py
	$(BIN)/python docs/screenshots_exercise.py

clean: ## remove the environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
