# Two commands on a fresh machine: `make up` starts everything, `make test` proves it.
.DEFAULT_GOAL := help
PYTHON ?= python3
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z -]+:.*## / {printf "  make %-30s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: install ## install what is missing, start everything on this machine and stay (Ctrl-C stops it)
	@exec $(BIN)/python -m workers.embedded up $(ARGS)

.PHONY: stop-primary stop-secondary
stop-primary stop-secondary: ## stop a local inbox, as if that mail server were down
	@$(BIN)/python -m workers.embedded stop $(@:stop-%=%)

.PHONY: start-primary start-secondary
start-primary start-secondary: ## start it again
	@$(BIN)/python -m workers.embedded start $(@:start-%=%)

.PHONY: check
check: format-check lint types imports test ## what CI runs: format, lint, types, imports, tests

.PHONY: format
format: install-dev ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

.PHONY: format-check lint types imports
format-check: install-dev
	$(BIN)/ruff format --check --quiet .
lint: install-dev
	$(BIN)/ruff check --quiet .
types: install-dev
	$(BIN)/mypy
imports: install-dev
	$(BIN)/lint-imports --no-logo

.PHONY: test
test: install-dev ## run the tests
	$(BIN)/pytest $(ARGS)

.PHONY: benchmark
benchmark: install-dev ## measure side by side (ARGS="overhead --rounds 7" some, or how often)
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: benchmark-peers
benchmark-peers: install-dev ## install what the benchmark `peers` compares with, apart from all else
	$(BIN)/python -m pip install --quiet --upgrade --require-hashes --target $(VENV)/peers -r requirements/peers.txt

.PHONY: fuzz
fuzz: install-dev ## try a hundred times as many odd inputs at every door as a test run does; takes long
	$(BIN)/pytest --hypothesis-profile=long --timeout 14400 tests/doors $(ARGS)

.PHONY: install install-dev python
install: python
	@$(PYTHON) -m workers.embedded.install run
install-dev: python
	@$(PYTHON) -m workers.embedded.install dev
python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: there is no $(PYTHON)"; \
	  echo "hint: apt install python3 python3-venv, or name another: make up PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -c "import platform; print(platform.python_version())")"; \
	  echo "hint: install a newer one and name it: make up PYTHON=python3.12"; exit 1; }

.PHONY: pins
PINS := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
pins: ## compile requirements/ from pyproject.toml (needs uv; ARGS=--upgrade takes newer versions)
	@command -v $(UV) >/dev/null || { echo "error: there is no uv"; echo "hint: pip install uv"; exit 1; }
	$(UV) $(PINS) $(ARGS) --extra embedded --output-file requirements/run.txt \
	  pyproject.toml requirements/build.in
	$(UV) $(PINS) $(ARGS) --extra tracing --constraints requirements/run.txt \
	  --output-file requirements/tracing.txt pyproject.toml
	$(UV) $(PINS) $(ARGS) --extra embedded --extra tracing --group dev --constraints requirements/run.txt \
	  --constraints requirements/tracing.txt --output-file requirements/dev.txt pyproject.toml
	$(UV) $(PINS) $(ARGS) --constraints requirements/run.txt --output-file requirements/peers.txt \
	  requirements/peers.in
