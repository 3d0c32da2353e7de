# Everything a developer types. `make` alone prints this list.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= $(shell tools/find_python)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
T ?= tests
K ?=
REGION ?=
HAPI ?=
WRITE ?=
NUTS_NODE ?=
PYTEST_WORKERS ?= 2
N ?= 100

.PHONY: help setup fix lint check test coverage demo region bench simulate interop vectors docs lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## a virtual environment from the lock file with hashes

$(STAMP): requirements.lock pyproject.toml tools/setup
	@PYTHON="$(PYTHON)" tools/setup "$(VENV)"

fix: $(STAMP) ## format and mend what can be mended by itself
	@"$(BIN)/python" -m ruff check --fix --quiet . || true
	@"$(BIN)/python" -m ruff format --quiet .

lint: $(STAMP) ## format, lint, types, direction of imports
	@"$(BIN)/python" -m ruff format --check --quiet . && echo "format: in order"
	@"$(BIN)/python" -m ruff check --quiet . && echo "lint: in order"
	@"$(BIN)/python" -m mypy --no-error-summary && echo "types: in order"
	@"$(BIN)/lint-imports" --no-cache >/dev/null || "$(BIN)/lint-imports" --no-cache
	@echo "direction of imports: in order"

test: $(STAMP) ## all tests; T=tests/registry and K=retract narrow it
	@tools/debian_packages optional postgresql softhsm2
	@"$(BIN)/python" -m examples.region.hapi --fetch
	@"$(BIN)/python" -m pytest "$(T)" $(if $(K),-k "$(K)") -n $(PYTEST_WORKERS) --dist loadgroup -q

check: lint test ## lint, then all tests

coverage: $(STAMP) ## branches of the pure packages that tests take: all of credentials, 95 % of registry at least
	@"$(BIN)/python" -m pytest tests/credentials tests/registry -n $(PYTEST_WORKERS) -q --cov=credentials --cov=registry --cov-branch --cov-report=
	@"$(BIN)/python" -m coverage report --include='credentials/*' --skip-covered --show-missing --fail-under=100
	@"$(BIN)/python" -m coverage report --include='registry/*' --skip-covered --show-missing --fail-under=95

demo: $(STAMP) ## the demo region and its story, then stop everything (HAPI=1: two real FHIR servers)
	@"$(BIN)/python" -m examples.region demo $(if $(REGION),--directory "$(REGION)") $(if $(HAPI),--hapi)

region: $(STAMP) ## the same, and keep it up until Ctrl-C
	@"$(BIN)/python" -m examples.region up $(if $(REGION),--directory "$(REGION)") $(if $(HAPI),--hapi)

bench: $(STAMP) ## measure, and write docs/benchmarks.md
	@"$(BIN)/python" -m tests.bench

simulate: $(STAMP) ## many nodes on a simulated clock: N=1000; from there on it writes docs/scale.md
	@"$(BIN)/python" -m tests.simulation "$(N)"

interop: $(STAMP) ## opposite a live nuts-node, in both seats: NUTS_NODE=path/to/binary
	@NUTS_NODE="$(NUTS_NODE)" "$(BIN)/python" -m tests.interop

vectors: $(STAMP) ## make our own test vectors again and compare (WRITE=1: write them)
	@"$(BIN)/python" -m tools.make_vectors $(if $(WRITE),--write)

docs: $(STAMP) ## write the generated pages of docs/ again
	@"$(BIN)/python" -m tools.generate_docs

lock: ## write requirements.lock again from pyproject.toml (needs uv)
	uv pip compile --universal --generate-hashes --extra dev --extra speed --python-version 3.11 --no-annotate --no-header -q pyproject.toml -o requirements.lock

clean: ## remove everything that set-up, demo and tests made
	@rm -rf .venv .region .region-* .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* build dist hazel_node.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
