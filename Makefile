# make setup  what the others do first: .venv, the pinned packages, the native code
# make demo   set-up, then the main job on scikit-learn's digits
# make test   set-up, then the tests
# make test-all   those that take long as well
# make test-cc    the C++ core by itself, under sanitizers (a compiler is all it needs)
# make explorer        the page of `tfsp explore` from its sources in explorer/ (node 20, npm)
# make test-explorer   those sources' own tests, and that the page's files are what they make
# make lint   the linter and the type checker
# make build  rebuilds the native code that changed
# make wheel  a wheel in dist/; PYTHON=python3.12 for another Python, which gets an environment of its own
PYTHON ?= python3.11
VENV := $(if $(filter-out python3.11,$(PYTHON)),.venv-$(notdir $(PYTHON)),.venv)
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# A file at a time for each of two processes, in the order of their names: the long ones are not last.
PYTEST := -n 2 --dist loadfile --no-loadscope-reorder --durations=10
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: setup demo test test-all test-cc explorer test-explorer lint format build wheel clean

setup: $(STAMP)

demo: $(STAMP)
	$(BIN)/python scripts/demo.py

test: $(STAMP)
	$(BIN)/python -m pytest $(PYTEST) -m "not slow"

test-all: $(STAMP)
	$(BIN)/python -m pytest $(PYTEST)

test-cc:
	$(MAKE) -j2 -f tests/cc/Makefile

explorer: explorer/node_modules/.installed
	cd explorer && npm run --silent build

test-explorer: explorer/node_modules/.installed
	cd explorer && npm run --silent check && npm run --silent test

# What is installed runs no scripts of its own: esbuild comes as a finished program.
explorer/node_modules/.installed: explorer/package-lock.json explorer/package.json
	cd explorer && npm ci --silent --ignore-scripts
	touch $@

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: $(STAMP)
	$(BIN)/python setup.py --quiet build_ext --inplace

wheel: $(STAMP)
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps --wheel-dir dist .

# Pinned versions first, then the package without a second look at the index.
$(STAMP): requirements.txt pyproject.toml setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ test $(PYTHON) = python3.11 && python3 -m venv $(VENV); }
	$(BIN)/python -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14) and 'tfsp needs Python 3.11, 3.12 or 3.13')"
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info
