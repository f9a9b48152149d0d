# `make run` and `make test` do everything on a machine with Python >= 3.11 and make.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 5000
MINUTES ?= 10
# Empty: the tests alone, in two thirds of the time.
COVERAGE ?= --cov --cov-report=term
BIN := $(VENV)/bin
CLIENTS := $(VENV)/clients
SPARK := $(VENV)/spark
STORES := $(VENV)/stores

.PHONY: help run test check dev-image hooks test-lowest test-vm test-clients test-spark test-stores test-cluster bench bench-images bench-files families soak torture docs pictures lock clean
.DEFAULT_GOAL := help

help:  ## Show the targets
	@sed -nE 's/^([a-z-]+):.*##/\1	/p' $(MAKEFILE_LIST) | expand -t 14

run: $(VENV)/run  ## Install, train, evaluate and serve on port 5000
	$(BIN)/iris-deploy train
	$(BIN)/iris-deploy evaluate
	$(BIN)/iris-deploy serve --port $(PORT)

test: $(VENV)/dev  ## Install, check the floors of the house, run the tests, measure coverage
	$(BIN)/lint-imports
	$(BIN)/pytest $(COVERAGE)

check: $(VENV)/dev  ## The floors of the house, formatting, lint, spelling, types, the Dockerfile
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses=0 --quiet tests/unit/test_house.py
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/codespell iris_deploy tests benchmarks docs *.md
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile .devcontainer/Dockerfile

DOCKER ?= docker
DEV_IMAGE ?= iris-deploy-dev
dev-image:  ## Build the image to develop in, and try it; DEV_BUILD="--build-arg BASE_IMAGE=..."
	DOCKER_BUILDKIT=1 $(DOCKER) build --tag $(DEV_IMAGE) --file .devcontainer/Dockerfile $(DEV_BUILD) .
	$(DOCKER) run --rm --init --sysctl net.ipv6.conf.all.disable_ipv6=0 $(DEV_IMAGE) make test COVERAGE= PYTEST_ADDOPTS="$(DEV_TESTS)"

hooks: $(VENV)/dev  ## Have git run formatting, lint, spelling, types and floors before a commit
	$(BIN)/pre-commit install

test-lowest: $(VENV)/lowest  ## The tests on the lowest versions that setup.cfg allows
	$(BIN)/pytest

test-vm: $(VENV)/dev  ## Boot virtual machines with what recipes write: ten minutes, as root, with Docker and qemu
	IRIS_DEPLOY_TEST_MACHINES=1 $(BIN)/pytest --numprocesses=0 tests/machine

test-clients: $(VENV)/dev $(CLIENTS)/installed  ## Ask the server with the clients of Triton, KServe, MLServer and MLflow
	IRIS_DEPLOY_TEST_CLIENTS=$(abspath $(CLIENTS)) $(BIN)/pytest --numprocesses=0 tests/clients

test-spark: $(VENV)/dev $(SPARK)/installed  ## Have a Spark cluster score files and frames; wants a Java
	IRIS_DEPLOY_TEST_SPARK=$(abspath $(SPARK)) $(BIN)/pytest --numprocesses=2 tests/spark

test-stores: $(VENV)/dev $(STORES)/installed  ## Score files of an object store
	IRIS_DEPLOY_TEST_STORES=$(abspath $(STORES)) $(BIN)/pytest --numprocesses=0 tests/stores

test-cluster: $(VENV)/dev  ## Roll over, evict and scale in the cluster of KUBECONFIG; IRIS_DEPLOY_TEST_IMAGE=...
	$(BIN)/pytest --numprocesses=0 -rs tests/cluster

bench: $(VENV)/dev  ## Measure, side by side with the alternatives; BENCH="--quick"
	$(BIN)/python -m benchmarks $(BENCH)

bench-images: $(VENV)/dev  ## Measure the image beside two others, in Docker; BENCH="--base-image ..."
	$(BIN)/python -m benchmarks.images $(BENCH)

bench-files: $(VENV)/dev  ## Score files beside pandas, polars and duckdb: ten minutes; BENCH="--cases csv"
	$(BIN)/python -m benchmarks.files $(BENCH)

families: $(VENV)/dev  ## Measure each family beside scikit-learn, write docs/families.md; BENCH="--classes SVC,PCA"
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.families $(BENCH)

soak: $(VENV)/dev  ## Serve under a mixture of everything for MINUTES, and watch what grows
	$(BIN)/python -m tests.soak --minutes $(MINUTES)

torture: $(VENV)/dev  ## Send all that is hostile for MINUTES, and watch probes and memory
	$(BIN)/python -m tests.torture --minutes $(MINUTES)

docs: $(VENV)/dev  ## Build the documentation into build/docs, with a search; a warning is an error
	$(BIN)/sphinx-build -q -W --keep-going -n -b html docs build/docs
	@echo "open build/docs/index.html"

pictures: $(VENV)/dev  ## Draw the pictures of docs/ anew; wants Chromium
	$(BIN)/python -m tests.pictures

lock: $(VENV)/dev  ## Choose the newest versions, write them down with their hashes
	$(BIN)/uv pip compile $(LOCK) setup.cfg requirements/build.in -o requirements/run.txt
	$(BIN)/uv pip compile $(LOCK) setup.cfg requirements/build.in --extra dev -o requirements/dev.txt
	$(BIN)/uv pip compile $(LOCK) setup.cfg requirements/build.in --extra plots \
		--resolution lowest-direct -o requirements/lowest.txt
	$(BIN)/uv pip compile $(subst --upgrade,,$(LOCK)) requirements/serve.in $(UNSERVED) -o requirements/serve.txt
	$(BIN)/uv pip compile $(LOCK) requirements/clients.in --override requirements/clients.overrides \
		-o requirements/clients.txt
	$(BIN)/uv pip compile $(LOCK) requirements/spark.in -o requirements/spark.txt
	$(BIN)/uv pip compile $(LOCK) requirements/stores.in -o requirements/stores.txt

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"
# typer does without them; they are for people at a terminal.
UNSERVED := $(addprefix --no-emit-package ,rich pygments markdown-it-py mdurl colorama)

clean:  ## Remove what the targets made, but no artifacts
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "iris-deploy needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The locks are whole: pip has nothing to resolve, and would take newer releases for what has extras.
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps
EDITABLE := $(PIP) --no-build-isolation --editable .

$(VENV)/run: $(VENV)/bin/pip requirements/run.txt setup.cfg
	$(PIP) --require-hashes -r requirements/run.txt
	$(EDITABLE)
	@touch $@

$(VENV)/dev: $(VENV)/bin/pip requirements/dev.txt setup.cfg
	$(PIP) --require-hashes -r requirements/dev.txt
	$(EDITABLE)
	@touch $@

$(VENV)/lowest: $(VENV)/dev requirements/lowest.txt
	$(PIP) --require-hashes -r requirements/lowest.txt
	@touch $@

$(CLIENTS)/bin/pip: | $(VENV)/bin/pip
	$(BIN)/python -m venv $(CLIENTS)

$(CLIENTS)/installed: $(CLIENTS)/bin/pip requirements/clients.txt
	$(CLIENTS)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile \
		--require-hashes -r requirements/clients.txt
	@touch $@

# Beside the packages of the tests, which they use: nothing of it is to be found where it is not asked for.
$(SPARK)/installed $(STORES)/installed: $(VENV)/%/installed: requirements/%.txt | $(VENV)/dev
	$(PIP) --no-compile --upgrade --target $(VENV)/$* --require-hashes -r $<
	@touch $@
