# Everything a machine with Python 3.11+ and make needs: `make run` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed
WORKERS ?= 2
FLOORS := .venv-floors

.PHONY: run test lint format typecheck unit test-floors faults clean

run: $(READY) ## the quick comparison: runs, CSVs, figures in results/quick
	$(BIN)/python -m experiments.compare --preset quick --out results/quick --workers $(WORKERS)
	$(BIN)/python -m experiments.plot results/quick

test: lint typecheck unit ## what CI runs

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(READY)
	$(BIN)/mypy

unit: $(READY)
	$(BIN)/pytest -n $(WORKERS) tests/bitseq_env --cov --cov-branch --cov-fail-under=95
	$(BIN)/pytest -n $(WORKERS) --ignore tests/bitseq_env

test-floors: $(FLOORS)/.installed ## the tests with the lowest versions allowed, but for PyTorch's
	$(FLOORS)/bin/pytest -n $(WORKERS)

faults: $(READY) ## kills, full disks, hostile files at full length: half an hour, results/faults.md
	$(BIN)/pytest tests/faults --faults results/faults.md

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if v >= (3, 11) else 'Python 3.11 or newer is needed; $(PYTHON) is %d.%d. Try: make PYTHON=python3.11' % v)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[experiments,rendering,search,tests]"
	touch $(READY)

# Each "name>=version" of pyproject.toml as name==version.
$(FLOORS)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(FLOORS)
	sed -n 's/^ *"\(.*\)>=\([^",]*\).*/\1==\2/p' pyproject.toml | grep -v '^torch==' >$(FLOORS)/floors.txt
	grep '^torch==' constraints.txt >>$(FLOORS)/floors.txt
	$(FLOORS)/bin/python -m pip install --quiet --constraint $(FLOORS)/floors.txt --editable ".[experiments,rendering,search,tests]"
	touch $@

clean:
	rm -rf $(VENV) $(FLOORS) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
