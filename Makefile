# Two commands do all the set-up: `make app` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# One process a core. A file's tests stay together, as they share servers, pages and trained networks.
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Each of them has one thread: two that share a core would wait for each other.
test test-fast: export OMP_NUM_THREADS ?= 1

.PHONY: app test test-fast bench site check check-web audit sbom format clean fuzz lock newest
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

# requirements.lock anew, from an index of packages.
lock: | $(BIN)/python
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'
	$(BIN)/python tools/lock.py --uv build/uv/bin/uv

# The fast tests with the newest versions of everything, beyond the bounds of requirements.txt: by hand, or once a week.
newest: $(VENV)/.dev-installed
	rm -rf build/newest && $(PYTHON) -m venv build/newest
	$(BIN)/python tools/newest.py > build/newest/requirements.txt
	build/newest/bin/python -m pip install --quiet --disable-pip-version-check -r build/newest/requirements.txt
	OMP_NUM_THREADS=1 build/newest/bin/python -m pytest $(PARALLEL) -m "not browser and not slow" $(PYTEST_ARGS)

format: $(VENV)/.dev-installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@if [ -x node_modules/.bin/prettier ]; then npm run --silent format; fi

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# LOCKED=1 installs the exact versions of requirements.lock, each file checked by its hash; torch, which the lock leaves out, comes first.
$(VENV)/.app-installed: requirements.txt | $(BIN)/python
ifdef LOCKED
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
endif
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

# With LOCKED=1 the locked versions come first: they fit the ranges of requirements-dev.txt, so they stay.
$(VENV)/.dev-installed: requirements-dev.txt requirements.txt | $(BIN)/python $(if $(LOCKED),$(VENV)/.app-installed)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.app-installed

clean:
	rm -rf $(VENV) node_modules .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
