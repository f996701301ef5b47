# Two commands do all the set-up: `make app` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# One process a core. A file's tests stay together, as they share servers, pages and trained networks.
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Each of them has one thread: two that share a core would wait for each other.
test test-fast: export OMP_NUM_THREADS ?= 1

.PHONY: app test test-fast bench site check check-web audit sbom format clean fuzz
.DEFAULT_GOAL := app

app: $(VENV)/.app-installed
	$(BIN)/python app.py

test: $(VENV)/.dev-installed
	$(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

# Without the browser and without what takes long: for the time between two commits.
test-fast: $(VENV)/.dev-installed
	$(BIN)/python -m pytest $(PARALLEL) -m "not browser and not slow" $(PYTEST_ARGS)

# Damaged scans of every format for so many seconds, then damaged checkpoints for half of it; FUZZ_ARGS="--seed 7 --only png" for those
# scans alone. What goes wrong is kept in outputs/fuzz.
FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.dev-installed
	OMP_NUM_THREADS=1 PYTHONPATH=. $(BIN)/python tests/fuzz.py --seconds $(FUZZ_SECONDS) $(FUZZ_ARGS)
	OMP_NUM_THREADS=1 PYTHONPATH=. $(BIN)/python tests/fuzz.py --seconds $$(($(FUZZ_SECONDS) / 2)) --only checkpoint

check: $(VENV)/.dev-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	.ci/check-web $(VENV)

# The browser's side alone.
check-web: | $(BIN)/python
	.ci/check-web $(VENV)

# All speeds beside their floors and peers, into docs/benchmarks.md: three quarters of an hour. BENCH_ARGS="--only search" for a part.
bench: $(VENV)/.dev-installed requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/bench.py $(BENCH_ARGS)

# The documentation as a site, into build/site.
site: $(VENV)/.dev-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

# Known flaws of what is installed; a line says so where nobody can be asked.
audit: $(VENV)/.dev-installed
	$(BIN)/python tools/audit.py

# build/sbom.cdx.json: what is passed on with the app, and under which licences.
sbom: $(VENV)/.dev-installed
	$(BIN)/python tools/sbom.py

format: $(VENV)/.dev-installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@if [ -x node_modules/.bin/prettier ]; then npm run --silent format; fi

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app-installed: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev-installed: requirements-dev.txt requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.app-installed

clean:
	rm -rf $(VENV) node_modules .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
