# make demo   install, make images of birds, train a small AttnGAN on them, generate eight captions, write a report
# make test   install what the tests need, and run them all
# make test-core   the tests that every change has to pass
# make site   build the documentation into site/
PYTHON ?= python3
VENV ?= .venv
RUN ?= runs/aviary
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
CORE := $(addprefix tests/,registry contracts recipes parts parity train)
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup
INSTALL := $(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)

.PHONY: demo test test-core lint bench site clean

$(BIN)/python:
	$(if $(UV),$(UV) venv --quiet --seed --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV)"
	$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV), with what tests and checks need"
	$(INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed
	@if [ -f $(RUN)/recipe.json ]; then $(BIN)/zoo train --resume $(RUN); \
	else $(BIN)/zoo train attngan-aviary --data aviary:4000 --out $(RUN); fi
	$(BIN)/zoo sample $(RUN) --captions docs/captions.txt --images 4 --seed 3 --out $(RUN)/captions.png --attention
	@echo "open $(RUN)/report.html"

test: $(VENV)/.installed-dev
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
	|| { apt-get update -qq && apt-get install -qq -y chromium >/dev/null; }
	$(PYTEST)

test-core: $(VENV)/.installed-dev
	$(PYTEST) $(CORE)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

# The variable silences a notice about the future of MkDocs, which is none about this site.
site: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache
