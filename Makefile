# Every target makes what it needs: a machine with Python >= 3.10 and make is enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := runs/demo
# Its pins are years old, and its code is not: it runs on what is installed. From Python 3.12 on it wants setuptools,
# which [dev] has.
TF_AGENTS := tf-agents==0.19.0 gym==0.23.0 gym-notices gin-config
PLAIN := .venv-plain

.PHONY: setup demo browser test test-faults test-plain lint bench clean

setup: $(VENV)/.done

$(VENV)/.done: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	$(BIN)/pip install --quiet --no-deps $(TF_AGENTS)
	touch $@

demo: setup
	rm -rf $(DEMO)
	$(BIN)/rlgen train double_dqn --env CartPole-v1 --steps 30000 --run $(DEMO)
	$(BIN)/rlgen record $(DEMO) --out $(DEMO)/media/cartpole.mp4
	@echo
	@echo "Plot:         $(DEMO)/media/learning_curve.png"
	@echo "Video:        $(DEMO)/media/cartpole.mp4"
	@echo "TensorBoard:  $(BIN)/tensorboard --logdir $(DEMO)"

# What tests of pages need. They are skipped where there is none and it cannot be installed.
browser: setup
	@$(BIN)/python tests/support/chromium.py || { test "$$(id -u)" = 0 && apt-get -qq update && \
	    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes chromium chromium-driver >/dev/null; } || true

test: browser
	$(BIN)/pytest -n 2

# At every operation of a run what `make test` tries at some, and its figures written down.
test-faults: setup
	$(BIN)/pytest -n 2 tests/faults --everything
	$(BIN)/python tests/support/tables.py

# All else where TF-Agents is not installed.
test-plain: browser
	$(PYTHON) -m venv $(PLAIN)
	$(PLAIN)/bin/pip install --quiet --upgrade pip
	$(PLAIN)/bin/pip install --quiet --editable '.[dev]'
	$(PLAIN)/bin/pytest -n 2 --without-tf-agents

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks.speed

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
