# Two commands are enough on a fresh machine: `make run` and `make test`. Each sets up .venv first.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 3
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install run words test coverage mutation-test crash-test property wheel-test bench check audit format lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

install: $(READY) ## Set up .venv, or bring it up to date, and start nothing

run: $(READY) ## Execute the chain (first time: on the bundled sample); ARGS="-p chunk_size=300" passes options
	$(BIN)/nic-etl run $(ARGS)

test: $(READY) ## Run the whole test suite; ARGS="-k search" passes options to pytest
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

# Apart from `test`: following each line makes the tests of this process take half as long again.
coverage: $(READY) ## Run the tests and list the lines that none executes; ARGS="tests/unit -k search"
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term $(ARGS)

mutation-test: $(READY) ## Put small faults into a copy: which do the tests notice? (hours); ARGS="chunking --sample 10"
	$(BIN)/python -m tests.mutation $(ARGS)

crash-test: $(READY) ## Kill runs at 70 and more moments and compare what is left (half an hour)
	$(BIN)/python -m tests.crash $(ARGS)

property: $(READY) ## Try random sequences of edits, runs and accidents (half an hour); ARGS="--minutes 5 --seed 7"
	$(BIN)/python -m tests.property $(ARGS)

wheel-test: $(READY) ## Install a wheel into an empty environment and use it (minutes); ARGS="--with pip"
	$(BIN)/python -m tests.wheel $(ARGS)

# With PEERS=1 the peers are installed into an environment of their own, below the user's cache folder.
bench: $(READY) ## Measure the chain beside a plain script; PEERS=1: beside its peers; ARGS="--documents 60"
	$(BIN)/python -m tests.bench $(if $(PEERS),--peers) $(ARGS)

check: $(READY) ## Check style, types and rooms (ruff, mypy, lint-imports)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# pip-audit runs in an environment of its own, and asks a service: without a network there is nothing to ask.
audit: $(READY) ## Look up the locked packages in the database of known vulnerabilities (needs the network)
	@said=$$($(BIN)/uv tool run --quiet --from 'pip-audit>=2.9,<3' pip-audit -s osv --progress-spinner off \
		--disable-pip --require-hashes -r requirements.lock 2>&1); code=$$?; \
	case "$$said" in \
		*Found*known\ vulnerabilit*) echo "$$said"; exit 1;; \
	esac; \
	if [ $$code -eq 0 ]; then echo "pip-audit: $$said"; \
	else echo "pip-audit was skipped: it or its database cannot be reached from here."; fi

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

words: $(READY) ## Enter new sentences into the catalogue of translations, and compile it
	$(BIN)/python -m tests.wording

lock: $(READY) ## Resolve the dependencies anew into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--extra dev --extra dashboard --extra notify --extra cluster --extra serve pyproject.toml -o requirements.lock

clean: ## Remove .venv and caches; outputs/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .coverage*

# Bytecode is compiled at once: without it every kernel would spend 10 to 20 s on imports where Python may
# not write it later. --no-deps: the lock file is complete, and it leaves out OpenCV's colliding builds.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: install it, or call make PYTHON=/path/to/python"; exit 1; }
	@echo "Setting up $(VENV): this downloads several GB the first time."
	@$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q runner stage_notebooks/stagekit
	@touch $@
