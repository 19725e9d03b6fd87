# Everything a checkout is used for. `make` alone prints this list.
STACK ?= local
FORMAT ?= table
TIMEOUT ?= 300
RUNS ?= 5
IMAGES_COUNT ?= 2000
OUTAGE_SECONDS ?= 120
EXAMPLES ?= 100
PYTHON ?= python3.13
# A Pulumi CLI of the user's own comes before the one that tools/setup.py builds.
export PATH := $(CURDIR)/.venv/bin:$(PATH):$(CURDIR)/.tools/pulumi-3.274.1/bin
export PYTHONPATH :=
# azure-native is a few hundred thousand lines: compiled anew at every run, they cost seconds.
export PYTHONDONTWRITEBYTECODE :=
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev up classify redrive backfill histories simulate soak throughput bombs preview down clean format lint package types judge bench check quick whole test lock

ifeq ($(STACK),local)
pulumi = python -m local pulumi -- $(STACK) $(1)
# NETWORK: the virtual network that the command runs in, for a private stack.
within = python -m local exec $(if $(NETWORK),--virtual-network $(NETWORK)) --
set = local
else
pulumi = pulumi $(1) --stack $(STACK)
within =
set = deploy
endif

# Checked before anything is created or changed, and again on what was deployed.
policy = --policy-pack policy/pack
# Before the laptop's network takes over: a changed lock is installed from the package index.
bundle = python -c 'from pathlib import Path; from infra import build; build(Path("functions"), Path(".build"))'

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

define install
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not on PATH; install Python 3.13, or set PYTHON" >&2; exit 1; }
	@$(PYTHON) tools/setup.py
endef

setup:
	$(install) $(set)

setup-dev:
	$(install) dev

up: setup ## deploy (STACK=local: to this laptop, then classify the sample photos)
	@$(bundle)
ifeq ($(STACK),local)
	@python -m local start
	@$(call pulumi,up --yes $(policy))
	@$(call pulumi,policy analyze $(policy))
	@$(within) python tools/classify.py --samples --stack $(STACK) --format $(FORMAT) --timeout $(TIMEOUT)
else
	@$(call pulumi,up $(policy))
	@$(call pulumi,policy analyze $(policy))
endif

classify: setup ## upload IMAGES="a.jpg 'b c.png'" and print what was found (FORMAT=table|json)
	@$(within) python tools/classify.py --stack $(STACK) --format $(FORMAT) --timeout $(TIMEOUT) -- $(IMAGES)

redrive: setup ## send what lies in the poison queue again, and print the counts (FORMAT=table|json)
	@$(within) python tools/operate.py redrive --stack $(STACK) --format $(FORMAT)

backfill: setup ## analyse again whatever the present analyser and features did not make
	@$(within) python tools/operate.py backfill --stack $(STACK) --format $(FORMAT)

preview: set = local
preview: setup ## plan STACK against the laptop's stand-in, offline
	@$(bundle)
	@python -m local start
	@python -m local pulumi -- $(STACK) preview $(policy)

down: set = local
down: setup ## destroy the local stack through Pulumi and stop the laptop cloud
	@python -m local down

clean: ## as down, and delete all its data
	@if [ -d .local ]; then python -m local stop; fi
	@rm -rf .local .build

format: setup-dev ## format the code
	@ruff format . && ruff check --fix .

lint: setup-dev
	@ruff format --check . && ruff check .

judge: setup-dev ## what checkov says of prod, with and without a private network (FORMAT=table|json)
	@$(bundle)
	@PYTHONPATH=. python tools/judge.py --format $(FORMAT)

bench: setup-dev ## how long a preview of prod takes, beside an empty program (RUNS=5)
	@$(bundle)
	@python benchmarks/preview.py --runs $(RUNS) --format $(FORMAT)

throughput: setup-dev ## the shipped code: images a second, CPU, start-up, size, memory (RUNS=5, IMAGES_COUNT=2000)
	@$(bundle)
	@PYTHONPATH=. python benchmarks/functions.py --runs $(RUNS) --images $(IMAGES_COUNT) --format $(FORMAT)

bombs: setup-dev ## files made to do harm, of every format, through the shipped code: event-loop stall and memory of each (RUNS=5)
	@PYTHONPATH=functions python benchmarks/hostile_files.py --runs $(RUNS) --format $(FORMAT)

simulate: setup-dev ## a backlog of 50,000 images before pools of 1, 2 and 4 Vision accounts, in simulated time
	@PYTHONPATH=functions python benchmarks/simulation.py --format $(FORMAT)

soak: set = local
soak: setup ## 2,000 images, some of them hostile, through a laptop cloud of its own with outages of each service, and a report (IMAGES_COUNT=2000, OUTAGE_SECONDS=120)
	@$(bundle)
	@PYTHONPATH=. python tools/soak.py --images $(IMAGES_COUNT) --outage-seconds $(OUTAGE_SECONDS) --format $(FORMAT)

histories: setup-dev ## the stateful test of the pipeline, with a hundred times the examples
	@EXAMPLES=$(EXAMPLES) python -m pytest -q tests/functions/test_history.py

package: setup-dev
	@$(bundle)

types: setup-dev
	@basedpyright

check: setup-dev lint package ## format, lint, types and the tests that need no laptop cloud; offline
	@$(MAKE) --no-print-directory --jobs=2 types quick

test: setup-dev lint package ## all of check, and the tests that deploy to the laptop
	@$(MAKE) --no-print-directory --jobs=2 types whole

# Side by side, on both cores; whatever needs a laptop cloud shares one.
quick:
	@python -m pytest -n 2 --dist loadgroup -q -m "not laptop"

whole:
	@python -m pytest -n 2 --dist loadgroup

lock: setup-dev ## compile requirements/*.txt anew
	@UV=$$(ls -d .tools/uv-*/bin/uv | head -1) tools/lock
