# Everything that a clone needs. The two that matter: `make demo` and `make test`.

ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$name" && break; done)
endif
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo test lint types bench floors golden versions clean

demo: $(VENV)/.installed
	@PATH="$(abspath $(BIN)):$$PATH" sh examples/demo.sh

test: $(VENV)/.for-tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: $(VENV)/.for-development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.for-development
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/start.py
	$(BIN)/python -m benchmarks.accept

floors: $(VENV)/.for-tests ## fails where real time is slower than promised
	$(BIN)/python -m benchmarks.floors

golden: $(VENV)/.for-tests ## rewrites the bodies that tests expect
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/test_golden.py

versions: $(VENV)/.installed ## rewrites the fixtures in the shapes of older API versions
	$(BIN)/python tests/make_versions.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found." >&2; exit 1; }
	@echo "Making an environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); $(PYTHON) -m pip install --quiet --user virtualenv && $(PYTHON) -m virtualenv --quiet $(VENV); }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing the engine ..."
	@$(PIP) --editable '.[relay,sandbox]'
	@touch $@

$(VENV)/.for-tests: pyproject.toml | $(VENV)/.installed
	@echo "Installing what tests need ..."
	@$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/.for-development: pyproject.toml | $(VENV)/.installed
	@echo "Installing what development needs ..."
	@$(PIP) --editable '.[dev]'
	@touch $@
