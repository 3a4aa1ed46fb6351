# Needs make and a Python 3.11 or newer with pip and venv; nothing else is installed outside .venv.
# Everything a target leaves behind is in .venv, var, build or dist.

PORT ?= 8000
ARGS ?=
# The rule packs of the demonstration, the base first; read when the instance is made.
PACKS ?= packs/china packs/zhejiang
export PORT PYTHON
# Any python3 can run tools/bootstrap.py, which then looks for one that is new enough.
STARTER := $(shell for p in "$(PYTHON)" python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c '' >/dev/null 2>&1 && { echo "\"$$p\""; break; }; done)
SETUP = $(if $(STARTER),$(STARTER) tools/bootstrap.py,@echo "需要 Python >= 3.11 / Python >= 3.11 is needed"; exit 1;)
PY := .venv/bin/python
PYTEST := $(PY) -m pytest -n 2 -rs

.PHONY: help demo serve check test test-all test-large bench screenshots lock bundle clean

help:
	@echo 'make demo      set up and open the demonstration (PORT=8000, ARGS=--no-serve)'
	@echo 'make serve     serve the instance in var/'
	@echo 'make test      style, types and tests'
	@echo 'make test-all  `make test`, then `make test-large`: the large properties, every engine, the pages in a browser, and the database tests on PostgreSQL'
	@echo 'make bench     how to run the measurements'
	@echo 'make screenshots  make the pictures of docs/images anew'
	@echo 'make bundle    an archive that sets itself up without a network'
	@echo 'make lock      resolve the dependencies anew (UPGRADE=1: to the newest)'
	@echo 'make clean     remove .venv, build and caches; var/ stays'

demo:
	@$(SETUP)
	@.venv/bin/rongtong demo $(foreach pack,$(PACKS),--pack $(pack)) $(ARGS)

serve:
	@$(SETUP)
	@.venv/bin/rongtong serve $(ARGS)

check:
	@$(SETUP) dev
	@$(PY) -m ruff check src tests bench tools
	@$(PY) -m ruff format --check src tests bench tools
	@$(PY) -m mypy

test: check
	@$(PYTEST) -m 'not large and not browser' $(ARGS)

test-all: test test-large

# What `test` leaves out. The longest run comes last, so that its closing line is the last word.
test-large:
	@$(SETUP) dev bench
	@command -v java >/dev/null || echo 'NOT RUN on Spark: no java on PATH.'
	@$(PYTEST) -m 'large or browser' $(ARGS)
	@$(PY) tools/throwaway_postgres.py $(PYTEST) --only-database $(ARGS)

bench:
	@$(SETUP) dev bench
	@echo 'Each is a command that prints its figures:'
	@for f in bench/*.py; do echo "  $(PY) $$f"; done

screenshots:
	@$(SETUP) dev bench
	@$(PY) -m pytest tests/browser/test_screenshots.py tests/browser/test_problem_newcomer.py -k "not without" --screenshots docs/images $(ARGS)

lock:
	@UPGRADE=$(UPGRADE) tools/lock.sh

bundle:
	@$(SETUP)
	@$(PY) tools/bundle.py

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis src/rongtong.egg-info
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} +
