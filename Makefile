# `make help` lists what there is.
PYTHON ?= python3
BIN := .venv/bin
export PYTHONUNBUFFERED := 1
# Sources and pages are UTF-8, whatever the language is.
export PYTHONUTF8 := 1
# Without stored bytecode every kernel and worker would compile torch anew, seconds each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: book pdf run test test-all study train release fetch notebooks bench environment lint help clean

book: .venv/installed  ## the environment, the chapters executed on this machine, the pages
	$(BIN)/python book/chapters.py
	$(BIN)/python book/tables.py
	$(BIN)/python book/explorer.py
	$(BIN)/python book/rule_bench.py
	$(BIN)/python book/speed.py
	$(BIN)/python book/house.py
	@$(MAKE) --no-print-directory _build/html/index.html
	@echo "the book is at _build/html/index.html"

# Always from scratch: a second, incremental build would not repeat the warnings that made the first one fail.
.DELETE_ON_ERROR:
_build/html/index.html: _config.yml _toc.yml $(wildcard book/*.* book/chapters/* book/static/* book/templates/* book/studies/*/* book/api/*) $(wildcard lib/*.py lib/*/*.py)
	rm -rf _build
	$(BIN)/jupyter-book build . --warningiserror --nitpick --keep-going --quiet

# Through a headless Chromium.
pdf: book  ## the book as one PDF, and the findings on two pages, in _build/pdf/
	$(BIN)/python book/printed.py

# Two tests at once: threads of one that wait for each other would take time from the other.
test: book  ## the tests of everything, in the quick tier
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2

# With the simulations of coverage that take minutes each.
test-all: book  ## the tests with the simulations of coverage that take minutes each
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 -m ""

# PARAMETERS="--widths 4 8"; `python -m lib.run 03 --widths 4 8` is the same.
run: .venv/installed  ## CHAPTER=03 [PARAMETERS="--widths 4 8"]: a chapter again with other parameters, its plan first
	$(BIN)/python -m lib.run $(CHAPTER) $(PARAMETERS)

# What is trained stays, so that the same command goes on after an interruption.
study: .venv/installed  ## STUDY=name: its chapters with the data and parameters of book/studies.toml, for hours or days
	$(BIN)/python book/studies.py "$(STUDY)"

# Networks of the studies, for hours or days at the lowest priority; stop it at any moment, and go on with the same command.
train: .venv/installed  ## [STUDY=name] [LINES="b e"] [EPOCHS=n] [PLAN=1]: networks of the studies, at the lowest priority
	$(BIN)/python book/train.py $(STUDY) $(if $(LINES),--lines $(LINES)) $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(PLAN),--plan)

# For authors: the trained networks of a study, rounded and packed with checksums; EPOCHS=n and FAMILIES="a b" choose.
release: .venv/installed  ## STUDY=name [EPOCHS=n] [FAMILIES="a b"]: trained networks packed with checksums (for authors)
	$(BIN)/python book/release.py "$(STUDY)" $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(FAMILIES),--families $(FAMILIES))

# Released networks of a study that are not in the repository.
fetch: .venv/installed  ## STUDY=name: released networks that are not in the repository
	$(BIN)/python book/fetch.py "$(STUDY)"

# For authors: execute the sources with their default parameters and commit the result.
notebooks: .venv/installed  ## the chapters executed with their defaults, to be committed (for authors)
	$(BIN)/python book/chapters.py --commit

# One core, so that nothing waits for another thread; about ten minutes, on a machine that does nothing else.
bench: .venv/installed  ## [PARTS="similarity cka"]: times beside those of others, written to benchmarks/results.json
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks $(PARTS)

environment: .venv/installed  ## .venv with everything that is needed

lint: .venv/installed  ## style, imports and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet lib tests book benchmarks
	$(BIN)/mypy

help:  ## this list
	@awk -F ':.*## *' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python"; exit 1; }
	@if command -v uv >/dev/null; then \
	  echo "installing the environment into .venv with uv (about 6 GB)"; \
	  uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
	  uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[test,bench]'; \
	else \
	  echo "installing the environment into .venv with pip (about 6 GB; a few minutes)"; \
	  $(PYTHON) -m venv .venv && \
	  $(BIN)/python -m pip install --no-compile --progress-bar off --quiet --constraint constraints.txt --editable '.[test,bench]'; \
	fi
	@touch $@

clean:  ## removes what was built, not what was trained
	rm -rf _build book/chapters results/book results/mine
