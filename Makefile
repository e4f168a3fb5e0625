# Everything sets itself up: a fresh machine needs Python 3.11 or later, make and a package index.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# the tests start hundreds of processes: compiled once is enough
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-interop test-long test-rest lint bench docs clean

help:
	@echo "make demo          set up, then show the main job on a small corpus"
	@echo "make test          set up, lint, type-check and run the tests"
	@echo "make test-interop  tests that need Debian packages or other tools (installs them)"
	@echo "make test-long     exhaustive sweeps: mutations, crashes, tampering (minutes)"
	@echo "make test-rest     both of these at once"
	@echo "make lint          ruff and mypy alone"
	@echo "make bench         all measurements, into docs/ (an hour of an idle machine)"
	@echo "make docs          rewrite docs/cli.md from the commands' own help"
	@echo "make clean         remove what these commands made"

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; say which: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	@echo "setting up $(VENV) (once; about two minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable '.[demo]' --group dev
	@touch $@

demo: $(READY)
	@rm -rf demo
	@$(BIN)/brightline demo demo

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

test: lint
	@$(BIN)/pytest -n 2 --dist worksteal -m "not interop and not long"

test-interop: $(VENV)/.bench
	@sh tests/interop/install.sh
	@$(BIN)/pytest -m interop

test-long: $(READY)
	@$(BIN)/pytest -n 2 --dist worksteal -m "long and not interop"

# both of the above on both cores: as long as their sum would be on one
test-rest: $(VENV)/.bench
	@sh tests/interop/install.sh
	@$(BIN)/pytest -n 2 --dist worksteal -m "interop or long"

$(VENV)/.bench: $(READY)
	@$(BIN)/python -m pip install --quiet --group bench
	@touch $@

bench: $(VENV)/.bench
	@$(BIN)/python -m bench.performance
	@$(BIN)/python -m bench.pdq_orientations --write
	@$(BIN)/python -m bench.recall -o docs/recall.md
	@$(BIN)/python -m bench.jpeg_decoding --write
	@$(BIN)/python -m bench.pipelines --write
	@$(BIN)/python -m bench.rescreen --write
	@$(BIN)/python -m bench.release
	@$(BIN)/python -m bench.ledger --write
	@$(BIN)/python -m bench.origin --write
	@$(BIN)/python -m bench.watermark

docs: $(READY)
	@$(BIN)/python docs/make_cli.py

clean:
	rm -rf $(VENV) .venv-img2dataset demo .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
