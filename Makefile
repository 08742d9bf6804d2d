# The two commands of the README are `make demo` and `make test`; everything they need is fetched by themselves.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml
	@echo "· Python environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fast,test,check]'
	@touch $@

demo: $(INSTALLED)  ## the whole road on real servers: SQL, Debezium, Kafka, syncsvc, MongoDB (KEEP=1 stays up, SQL=mysql)
	@exec $(BIN)/syncsvc demo $(if $(KEEP),--keep) $(if $(SQL),--sql $(SQL))

check: $(INSTALLED)  ## ruff, mypy --strict, import contract, layout: within two minutes, no servers
	@$(BIN)/ruff check syncsvc tests benchmarks deploy
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config importlinter.ini
	@$(BIN)/python -m pytest tests/layout

test: $(INSTALLED)  ## every test: fast ones first, then those that start real servers
	@$(BIN)/python -m pytest -m 'not servers' -n auto
	@$(BIN)/python -m pytest -m servers

bench: $(INSTALLED)  ## measure: transport, stages, and the harness's workload where it is at hand
	@$(BIN)/python -m benchmarks

soak: $(INSTALLED)  ## the simulator on many histories: make soak HISTORIES=20000
	@$(BIN)/python -m tests.simulation.soak $(or $(HISTORIES),5000)

clean:  ## the environment and caches of this folder (not the downloads)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
