# Everything a checkout is used for. `make` alone prints this list.
STACK ?= local
FORMAT ?= table
QUEUE ?= images
TIMEOUT ?= 300
RUNS ?= 5
SIZE_DIVISOR ?= 1
IMAGES_COUNT ?= 2000
OUTAGE_SECONDS ?= 120
REGION ?= eastus
EXAMPLES ?= 100
SAMPLE ?= 45
SEED ?= 1
PYTHON ?= python3.13
# A Pulumi CLI of the user's own comes before the one that scripts/setup.py builds.
export PATH := $(CURDIR)/.venv/bin:$(PATH):$(CURDIR)/.tools/pulumi-3.274.1/bin:$(CURDIR)/.tools/actionlint-1.7.12/bin
export PYTHONPATH :=
# azure-native is a few hundred thousand lines: compiled anew at every run, they cost seconds.
export PYTHONDONTWRITEBYTECODE :=
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup setup-ci setup-dev up classify search urls token redrive backfill agreement stateful-test histories mutants simulate simulate-operations soak throughput bombs preview plan cost down clean format lint package types structure prices scan judge bench bench-api bench-endpoints bench-queries bench-gallery bench-shadow screenshots accuracy search-quality docs check quick whole test lock

ifeq ($(STACK),local)
pulumi = python -m emulator pulumi -- $(STACK) $(1)
# NETWORK: the virtual network that the command runs in, for a private stack.
within = python -m emulator exec $(if $(NETWORK),--virtual-network $(NETWORK)) --
# A browser on this machine opens the emulator's own addresses, not those of Azure.
for_browser = python -m emulator exec --for-browser --
set = emulator
else
pulumi = pulumi $(1) --stack $(STACK)
within =
for_browser =
set = deploy
endif

# Checked before anything is created or changed, and again on what was deployed.
policy = --policy-pack policy/pack
# Before the emulator's network takes over: a changed lock is installed from the package index.
bundle = python -c 'from pathlib import Path; from infra import build_deployment_package; [build_deployment_package(Path("functions", app), Path(".build")) for app in ("pipeline", "api")]'

# `##@` begins a group, `##` behind a target is its description.
help: ## print this list
	@awk '/^##@ / {print ""; print substr($$0, 5)} \
	  /^[a-z-]+:.*## / {text = $$0; sub(/^.*## /, "", text); sub(/:.*/, ""); printf "  make %-14s %s\n", $$0, text}' \
	  $(MAKEFILE_LIST)

define install
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not on PATH; install Python 3.13, or set PYTHON" >&2; exit 1; }
	@$(PYTHON) scripts/setup.py
endef

setup:
	$(install) $(set)

# What the pipelines install to preview and deploy (docs/ci.md).
setup-ci:
	$(install) ci

setup-dev:
	$(install) dev

##@ Use the pipeline

up: setup ## deploy (STACK=local: to the emulator, classify the sample photos, print the gallery's address)
	@$(bundle)
ifeq ($(STACK),local)
	@python -m emulator start
	@$(call pulumi,up --yes $(policy))
	@$(call pulumi,policy analyze $(policy))
	@$(within) python -m client classify --samples --stack $(STACK) --format $(FORMAT) --timeout $(TIMEOUT)
	@$(for_browser) python -m client urls --stack $(STACK) --format $(FORMAT)
else
	@$(call pulumi,up $(policy))
	@$(call pulumi,policy analyze $(policy))
endif

classify: setup ## upload IMAGES="a.jpg 'b c.png'" and print what was found (FORMAT=table|json)
	@$(within) python -m client classify --stack $(STACK) --format $(FORMAT) --timeout $(TIMEOUT) -- $(IMAGES)

search: setup ## search images through the API: Q="red car" LABEL=car (FORMAT=table|json)
	@$(within) python -m client search --stack $(STACK) --format $(FORMAT) $(if $(LABEL),--label "$(LABEL)") -- $(Q)

urls: setup ## print the addresses of gallery, API and token endpoint (FORMAT=table|json)
	@$(for_browser) python -m client urls --stack $(STACK) --format $(FORMAT)

# On the local stack, ROLE is one of the emulator's users; elsewhere the token is that of whoever is signed in.
token: within = $(if $(filter local,$(STACK)),python -m emulator exec --user $(or $(ROLE),reader) --)
token: setup ## print an access token for the API (STACK=local: ROLE=reader|uploader|operator|guest)
	@$(within) python -m client token --stack $(STACK)

preview: set = emulator
preview: setup ## preview STACK against the emulator, offline
	@$(bundle)
	@python -m emulator start
	@python -m emulator pulumi -- $(STACK) preview $(policy)

cost: setup-dev ## what STACK costs in a month at list prices, by meter, and what would cost less (FORMAT=table|json)
	@python -m checks.cost --stack $(STACK) --format $(FORMAT)

down: set = emulator
down: setup ## destroy the local stack through Pulumi and stop the emulator
	@python -m emulator down

clean: ## stop the emulator and delete all its data, without Pulumi
	@if [ -d .local ]; then python -m emulator stop; fi
	@rm -rf .local .build

##@ Operate a deployed stack

# The preview's own exit code is in the comment: what it could not plan is an error there. Code 3 means that the change
# needs approval.
plan: setup-dev ## the pull request comment on a preview of STACK: data at risk, access, changes, cost (FORMAT=table|json)
	@$(bundle)
ifeq ($(STACK),local)
	@python -m emulator start >&2
endif
	@rm -f .build/events.json
	@export PULUMI_DEBUG_COMMANDS=true; $(call pulumi,preview --json --event-log $(CURDIR)/.build/events.json $(policy)) >.build/preview.json || true
	@python -m checks.plan .build/preview.json --events .build/events.json --format $(if $(filter json,$(FORMAT)),json,markdown) || test $$? -eq 3

redrive: setup ## send the messages of the poison queue of QUEUE=images|shadow again, and print the counts (FORMAT=table|json)
	@$(within) python -m client redrive --queue $(QUEUE) --stack $(STACK) --format $(FORMAT)

backfill: setup ## have images analyzed again whose record has another analyzer or other features
	@$(within) python -m client backfill --stack $(STACK) --format $(FORMAT)

agreement: setup ## how far the successor in the shadow agrees with the analyzer; an error below the floors (FORMAT=table|json)
	@$(within) python -m client agreement --stack $(STACK) --format $(FORMAT)

##@ Develop

format: setup-dev ## format the code
	@ruff format . && ruff check --fix .

lint: setup-dev
	@ruff format --check . && ruff check .
	@python -m checks.page_modules
	@actionlint
	@zizmor --quiet --offline .github

scan: setup-dev ## scan prod with checkov, with and without a private network (FORMAT=table|json)
	@$(bundle)
	@python -m checks.checkov_scan --format $(FORMAT)

prices: setup-dev ## fetch the price list of a region from Azure's Retail Prices API (REGION=eastus); needs the internet
	@python -m checks.prices --region $(REGION)

structure: setup-dev ## goals of the code's structure, and how strictly each folder is type-checked (FORMAT=table|json)
	@python -m checks.structure --format $(FORMAT)

bench: setup-dev ## how long a preview of prod takes, beside an empty program (RUNS=5)
	@$(bundle)
	@python -m benchmarks.preview --runs $(RUNS) --format $(FORMAT)

bench-queries: setup-dev ## lists and searches over 10,000 and 100,000 records in the emulated Cosmos DB; some two minutes (RUNS=5)
	@PYTHONPATH=functions:functions/pipeline python -m benchmarks.queries --runs $(RUNS) --format $(FORMAT)

bench-endpoints: setup-dev ## every operation of the API over 100,000 records with embeddings in the emulated Cosmos DB; some four minutes (RUNS=5)
	@PYTHONPATH=functions:functions/pipeline:functions/api python -m benchmarks.endpoints --runs $(RUNS) --format $(FORMAT)

bench-api: setup-dev ## the shipped API: start-up beside an empty app, CPU of its requests, size of the package (RUNS=5)
	@$(bundle)
	@PYTHONPATH=functions:functions/pipeline:functions/api python -m benchmarks.api_app --runs $(RUNS) --format $(FORMAT)

bench-gallery: setup-dev ## the gallery page in Chromium over 100,000 images: first page, filter, scrolling, bytes (RUNS=5)
	@PYTHONPATH=functions:functions/pipeline:functions/api python -m benchmarks.page --runs $(RUNS) --format $(FORMAT)

screenshots: setup-dev ## pictures of each state of the gallery page, wide and narrow, light and dark, in .build/screenshots
	@SCREENSHOTS=.build/screenshots python -m pytest -q tests/functions/api/page/test_states.py

accuracy: setup-dev ## the emulator's category of each packaged photo with a known subject, before and after general tags
	@python -m benchmarks.vision_accuracy --format $(FORMAT)

search-quality: setup-dev ## what the API's searches find among the packaged photos, by labels, words and meaning, and what they should not
	@ORT_DISABLE_TELEMETRY=1 PYTHONPATH=functions:functions/pipeline:functions/api python -m benchmarks.search_quality --format $(FORMAT)

throughput: setup-dev ## the shipped code: images a second, CPU, start-up, size, memory (RUNS=5, IMAGES_COUNT=2000)
	@$(bundle)
	@python -m benchmarks.functions --runs $(RUNS) --images $(IMAGES_COUNT) --format $(FORMAT)

bombs: setup-dev ## files made to do harm, of every format, through the shipped code: event-loop stall and memory of each (RUNS=5)
	@PYTHONPATH=functions:functions/pipeline python -m benchmarks.hostile_files --runs $(RUNS) --format $(FORMAT)

simulate: setup-dev ## a backlog of 50,000 images before pools of 1, 2 and 4 Vision accounts, and ten minutes without each service, in simulated time
	@PYTHONPATH=functions:functions/pipeline python -m benchmarks.simulation --size-divisor $(SIZE_DIVISOR) --format $(FORMAT)

simulate-operations: setup-dev ## backlogs before accounts of Content Understanding, and prod's rate, in simulated time
	@PYTHONPATH=functions:functions/pipeline python -m benchmarks.operations --format $(FORMAT)

bench-shadow: setup-dev ## a successor in the shadow, in simulated time: the images with one that fails, cut-over, rollback, and the calls that are paid
	@PYTHONPATH=functions:functions/pipeline python -m benchmarks.shadow --format $(FORMAT)

soak: set = emulator
soak: setup ## 2,000 images, some of them hostile, through an emulator of its own with outages of each service, and a report (IMAGES_COUNT=2000, OUTAGE_SECONDS=120)
	@$(bundle)
	@python -m benchmarks.soak --images $(IMAGES_COUNT) --outage-seconds $(OUTAGE_SECONDS) --format $(FORMAT)

stateful-test: setup-dev ## the stateful test of the pipeline, with a hundred times the examples
	@EXAMPLES=$(EXAMPLES) python -m pytest -q tests/functions/pipeline/use_cases/test_history.py

docs: setup-dev ## write the generated parts of the documents; check compares them
	@PYTHONPATH=functions:functions/pipeline:functions/api python -m checks.docs

mutants: setup-dev ## change the program in small ways, and print the changes that no test notices (MODULES="policy infra/core", SAMPLE=45, SEED=1)
	@$(bundle)
	@python -m checks.mutants --sample $(SAMPLE) --seed $(SEED) --format $(FORMAT) $(MODULES)

package: setup-dev
	@$(bundle)

types: setup-dev
	@basedpyright

check: setup-dev lint package ## format, lint, types and the tests that need no emulator; offline
	@$(MAKE) --no-print-directory --jobs=2 types quick

test: setup-dev lint package ## all of check, and the tests that deploy to the emulator
	@$(MAKE) --no-print-directory --jobs=2 types whole

# Side by side (tests/support/scheduling.py), for two cores.
quick:
	@python -m pytest -n 2 --dist loadfile -q -m "not emulator"

whole:
	@python -m pytest -n 2 --dist loadfile

lock: setup-dev ## compile requirements/*.txt anew
	@UV=$$(ls -d .tools/uv-*/bin/uv | head -1) scripts/lock

# Old names, kept for one release.
judge:
	@echo "make judge was renamed to make scan" >&2
	@$(MAKE) --no-print-directory scan

histories:
	@echo "make histories was renamed to make stateful-test" >&2
	@$(MAKE) --no-print-directory stateful-test
