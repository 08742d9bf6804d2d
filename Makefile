# The two commands of the README are `make demo` and `make test`; everything they need is fetched by themselves.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
COMPILED := $(VENV)/compiled

.DEFAULT_GOAL := help
.PHONY: help demo test test-compiled test-containers check compiled bench docs pages soak lock sbom audit clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(INSTALLED): pyproject.toml
	@echo "· Python environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fast,test,check,docs,bench]'
	@touch $@

demo: $(INSTALLED)  ## the whole road on real servers: SQL, Debezium, Kafka, syncsvc, MongoDB (KEEP=1 stays up, SQL=mysql)
	@exec $(BIN)/syncsvc demo $(if $(KEEP),--keep) $(if $(SQL),--sql $(SQL))

check: $(INSTALLED)  ## ruff, mypy --strict, import contract, layout: within two minutes, no servers
	@$(BIN)/ruff check syncsvc tests benchmarks deploy docs
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config importlinter.ini
	@$(BIN)/python -m pytest tests/layout

test: $(INSTALLED) test-compiled  ## every test: fast ones first, then those that start real servers
	@$(BIN)/python -m pytest -m 'not servers' -n auto
	@$(BIN)/python -m pytest -m servers

# The sources of the wheel with its hot path compiled; never in the checkout, where an edit would leave it stale.
$(COMPILED)/made: $(INSTALLED) hatch_build.py $(shell find syncsvc -name '*.py')
	@echo "· the hot path, compiled by mypyc (a minute)"
	@rm -rf $(COMPILED)
	@SYNCSVC_COMPILE=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(COMPILED) .
	@touch $@

compiled: $(COMPILED)/made  ## the package with its hot path compiled, in .venv/compiled

test-compiled: $(COMPILED)/made  ## the tests of the core once more, on the compiled hot path
	@rm -rf $(COMPILED)/tests && cp -r tests docs pipelines pyproject.toml $(COMPILED)/
	@cd $(COMPILED) && PYTHONPATH=. ../bin/python -c \
	  'from syncsvc.routing import router; assert router.__file__.endswith(".so"), router.__file__'
	@cd $(COMPILED) && PYTHONPATH=. ../bin/python -m pytest -m 'not servers' -n auto tests/test_keys.py \
	  tests/test_flow.py tests/test_views.py tests/changes tests/routing tests/assembly tests/state tests/actors tests/specs \
	  tests/simulation/test_convergence.py

test-containers: export SYNCSVC_TEST_SERVERS = containers
test-containers: $(INSTALLED)  ## where a Docker engine is: the image, the compose file, and Kafka and MongoDB from images
	@$(BIN)/python -m pytest tests/deploy tests/integration

bench: $(INSTALLED) compiled  ## measure what fits in ten minutes, against the rival where the kit is at hand: make bench ARGS='--pairs 3'
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(INSTALLED)  ## the documentation as a site in site/, built strictly (SERVE=1 shows it while it is written)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs $(if $(SERVE),serve,build) --strict  # with --quiet it would not be strict

pages: $(INSTALLED)  ## write what is made from the code anew: pages of docs/, boards and alerts
	@$(BIN)/python -m tests.docs.pages
	@$(BIN)/python -m deploy.observability

soak: $(INSTALLED)  ## the simulator on many histories: make soak HISTORIES=20000
	@$(BIN)/python -m tests.simulation.soak $(or $(HISTORIES),5000)

# As for the image: Python 3.11 on Linux.
LOCK = $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --python-version 3.11 --python-platform linux

lock: $(INSTALLED)  ## what the image installs, with hashes: deploy/image/*.lock
	@$(LOCK) --extra fast --extra avro --output-file deploy/image/requirements.lock pyproject.toml
	@$(LOCK) --output-file deploy/image/build.lock deploy/image/build.in

sbom: $(INSTALLED)  ## sbom.cdx.json: what an installed syncsvc brings along (CycloneDX)
	@PYTHON=$(PYTHON) .ci/sbom

audit: $(INSTALLED)  ## known faults of the dependencies; needs the network
	@.ci/audit

clean:  ## the environment and caches of this folder (not the downloads)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache site
