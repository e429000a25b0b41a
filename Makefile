# Two commands on a fresh machine, with nothing but Python 3.10+ and make:
#   make demo    the main job: the example cast, drawn offline, with a quota wait on the way
#   make test    the whole suite, in parallel
# And when there is an hour:
#   make simulate    crashes, quotas and lost answers by the hundred thousand; two hundred kills; hostile inputs
# Everything is installed into a virtual environment of this folder.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/charimg-*)
EDITABLE := $(foreach plugin,$(PLUGINS),-e $(plugin))
DEMO ?= demo
SEEDS ?= 100000
CHARACTERS ?= 100000
KILLS ?= 200
FUZZ_SECONDS ?= 600
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test simulate fuzz lint types wheels docs pictures bench clean
.DELETE_ON_ERROR:

$(VENV)/installed: setup.cfg pyproject.toml $(wildcard plugins/*/setup.cfg)
	@echo "Installing charimg and its plugins into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -e . $(EDITABLE)
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	@echo "Installing what the tests need ..."
	@$(PIP) install -e '.[test]' $(EDITABLE)
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed-test
	@$(PIP) install -e '.[test,dev]' $(EDITABLE)
	@touch $@

demo: $(VENV)/installed
	@mkdir -p $(DEMO)
	@test -e $(DEMO)/characters.yaml || cp docs/examples/gopal-bhar/characters.yaml $(DEMO)/
	@$(BIN)/charimg -C $(DEMO) run --provider avatar -o quota=12 -o latency=0.6
	@$(BIN)/charimg -C $(DEMO) gallery

test: $(VENV)/installed-test
	@$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

simulate: $(VENV)/installed-test
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --jobs $$($(BIN)/python -c 'import os; print(os.cpu_count())')
	$(BIN)/python -m tests.disasters.killing --kills $(KILLS)
	$(MAKE) fuzz

fuzz: $(VENV)/installed-test
	$(BIN)/python -m tests.fuzzing --seconds $(FUZZ_SECONDS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev
	$(BIN)/mypy charimg $(foreach plugin,$(PLUGINS),$(plugin)/$(subst -,_,$(notdir $(plugin))))

wheels: $(VENV)/installed-dev
	$(BIN)/python tests/check_wheels.py

docs: $(VENV)/installed-dev
	$(BIN)/python docs/make_reference.py

pictures: $(VENV)/installed-dev
	$(BIN)/python docs/make_pictures.py

bench: $(VENV)/installed-test
	$(BIN)/python -m tests.benchmarks.startup
	$(BIN)/python -m tests.benchmarks.policy_overhead
	$(BIN)/python -m tests.benchmarks.long_runs --characters $(CHARACTERS)

clean:
	rm -rf $(VENV) $(DEMO) build dist *.egg-info plugins/*/build plugins/*/*.egg-info
