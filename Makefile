# Two commands on a fresh machine: `make up` starts everything, `make test` proves it.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: check
check: format-check lint types imports test ## what CI runs: format, lint, types, imports, tests

.PHONY: format
format: ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

.PHONY: format-check lint types imports
format-check:
	$(BIN)/ruff format --check --quiet .
lint:
	$(BIN)/ruff check --quiet .
types:
	$(BIN)/mypy
imports:
	$(BIN)/lint-imports --no-timing

.PHONY: test
test: ## run the tests
	$(BIN)/pytest $(ARGS)
