# Needs python3 (3.11 or newer) and make; brings the rest itself (tools/bootstrap.py).
# `make` alone lists the targets.

PORT ?= 8080
ARGS ?=

PYTHON3 ?= python3
BIN := .venv/bin
SETUP := @$(PYTHON3) tools/bootstrap.py
# Bytecode is kept whatever the environment says: tests start hundreds of processes, and each would compile all again.
# Whoever has done its share takes tests from the others, but each begins with a part that lies together: what a module
# shares among its tests (a gateway, a browser) is started once.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --dist worksteal

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run ui ui-tests test proofs attack soak clients recordings mutants check fmt bench bench-code-mode bench-micro bench-overview lock wheel clean

help: ## list the targets
	@echo "make run       set up and serve on port $(PORT), with a mock model to try"
	@echo "make test      units, golden cases, journeys"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '  %-15s %s\n' "$$name" "$$text"; done
	@echo
	@echo "Variables: PORT=8080 (run), ARGS='-k name' (test, clients), QUICK=1 (bench), UPGRADE=1 (lock)."

setup: ## make .venv hold exactly what the lock says
	$(SETUP) dev

run: ## serve the demo: one streamed answer through the gateway, then keep serving (PORT=8080)
	$(SETUP) run
	@$(PYTHON3) tools/ui.py --optional
	@exec $(BIN)/asbru demo --port $(PORT)

ui: ## build the web UI from ui/, which the control process serves under /ui
	@$(PYTHON3) tools/ui.py

ui-tests:
	@$(PYTHON3) tools/ui.py --tests

test: setup ui-tests ## units, golden cases, journeys over real sockets (ARGS='-k name')
	@ASBRU_UI_SHORT=1 $(PYTEST) -n 4 $(ARGS)

proofs: setup ## limits under load and faults, in full, ten minutes; figures in build/proofs.json
	@$(BIN)/python -m tests.proofs

attack: setup ## attacks on a gateway that runs, five minutes; figures in build/attack.json (ARGS='name')
	@$(BIN)/python -m tests.attacks $(ARGS)

soak: setup ## half an hour of mixed traffic; the memory of each process, each minute (ARGS=minutes)
	@$(BIN)/python -m tests.attacks.soak $(ARGS)

mutants: setup ## plant 60 small faults, one at a time, and count those that tests see; minutes
	@$(BIN)/python tools/mutants.py $(ARGS)

clients: ui-tests ## the SDKs, coding agents and browser as they are, through Asbru (ARGS='-k name')
	$(SETUP) clients
	@ASBRU_UI_MATRIX=1 $(PYTEST) -n 2 clients tests/ui $(ARGS)

recordings: setup ## replay recorded provider traffic (ASBRU_RECORDINGS=folder)
	@$(BIN)/python tools/recordings.py

check: setup ## format, lint, types, floors, house style; under a minute
	@$(BIN)/python tools/check.py

fmt: setup ## write what `check` can repair by itself
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .
	@$(BIN)/python tools/wrap_pages.py *.md docs/*.md docs/guides/*.md docs/reference/cli.md

bench: setup ## measure against the peers; QUICK=1: asbru, nginx and envoy in five minutes
	@QUICK=$(QUICK) $(BIN)/python -m bench

bench-code-mode: setup ## tokens, cost and round trips with and without code mode; figures in build/code-mode.json
	@$(BIN)/python -m bench.code_mode

bench-micro: setup ## count instructions per call
	@$(BIN)/python -m bench.micro

bench-overview: setup ## the overview of the web UI over ten million records, and p99 of calls meanwhile (DIR=records)
	@$(BIN)/python -m bench.overview $(or $(DIR),bench/build/overview)

lock: ## resolve pyproject.toml into locks/ (UPGRADE=1: to the newest versions)
	$(SETUP) lock $(if $(UPGRADE),--upgrade)

wheel: setup ui ## build dist/asbru-*.whl
	@$(BIN)/python -m hatchling build -t wheel

clean: ## remove what was built and installed here
	rm -rf .venv .tools build dist ui/node_modules src/asbru/ui_files .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests tools clients bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
