# The two commands of the README are `make demo` and `make test`; everything they need is fetched by themselves.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help demo test check docs pages bench soak clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml
	@echo "· Python environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fast,test,check,docs,bench]'
	@touch $@

demo: $(INSTALLED)  ## the whole road on real servers: SQL, Debezium, Kafka, syncsvc, MongoDB (KEEP=1 stays up, SQL=mysql)
	@exec $(BIN)/syncsvc demo $(if $(KEEP),--keep) $(if $(SQL),--sql $(SQL))

check: $(INSTALLED)  ## ruff, mypy --strict, import contract, layout: within two minutes, no servers
	@$(BIN)/ruff check syncsvc tests benchmarks docs
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config importlinter.ini
	@$(BIN)/python -m pytest tests/layout

test: $(INSTALLED)  ## every test: fast ones first, then those that start real servers
	@$(BIN)/python -m pytest -m 'not servers' -n auto
	@$(BIN)/python -m pytest -m servers

bench: $(INSTALLED)  ## measure what fits in ten minutes, against the rival where the kit is at hand: make bench ARGS='--pairs 3'
	@$(BIN)/python -m benchmarks $(ARGS)
docs: $(INSTALLED)  ## the documentation as a site in site/, built strictly (SERVE=1 shows it while it is written)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs $(if $(SERVE),serve,build) --strict  # with --quiet it would not be strict

pages: $(INSTALLED)  ## write the pages that are made from the code anew: errors, settings, commands, mapping
	@for page in errors settings cli; do $(BIN)/python -m tests.docs.$${page}_page; done
	@$(BIN)/python -m syncsvc.mapping.reference docs/mapping.md


soak: $(INSTALLED)  ## the simulator on many histories: make soak HISTORIES=20000
	@$(BIN)/python -m tests.simulation.soak $(or $(HISTORIES),5000)

clean:  ## the environment and caches of this folder (not the downloads)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache site
