# Hearth's verbs. `make` shows them. Each first sees to it that the npm packages are there, Node 24 among them.
SHELL := /bin/sh
STAMP := node_modules/.package-lock.json
HEARTH := node_modules/.bin/node packages/cli/src/main.ts

.PHONY: help up down clean test check bench faults images
help:
	@echo 'make up      bring up Hearth with all it needs, deploy a sample function and invoke it'
	@echo 'make down    stop it; functions, events and the ledger are kept'
	@echo 'make clean   stop it and forget everything'
	@echo 'make test    every test, on real NATS, Valkey and Docker'
	@echo 'make check   types, lint, house rules and laws; under a minute'
	@echo 'make bench   warm and cold latency beside their floors and targets'
	@echo 'make faults  bad requests, kill -9 of everything, a power cut, a full disk: nothing breaks or is lost'
	@echo 'make images  build or pull the images'

$(STAMP): package.json package-lock.json
	@command -v npm >/dev/null || { echo 'Hearth needs Node.js 20 or later with npm. Install them, then run this again.'; exit 1; }
	@echo 'Installing the npm packages (Node 24 is one of them) ...'
	@npm ci --no-audit --no-fund --loglevel=error || { echo 'npm could not install the packages. Is the npm registry within reach?'; exit 1; }
	@touch $(STAMP)

# With Prometheus and Grafana: make up UP=--observability
up: $(STAMP)
	@$(HEARTH) up $(UP)

down: $(STAMP)
	@$(HEARTH) down

# Asks on a terminal; elsewhere: make clean CLEAN=--yes
clean: $(STAMP)
	@$(HEARTH) clean $(CLEAN)

images: $(STAMP)
	@$(HEARTH) images

test: $(STAMP)
	@node_modules/.bin/node e2e/prepare.ts
	@node_modules/.bin/node node_modules/vitest/vitest.mjs run

check: $(STAMP)
	@node_modules/.bin/tsc --noEmit
	@node_modules/.bin/biome check --error-on-warnings .
	@node_modules/.bin/node node_modules/vitest/vitest.mjs run --project law

bench: $(STAMP)
	@$(HEARTH) images
	@node_modules/.bin/node e2e/bench/main.ts

# The same trial again: make faults FUZZ='--seed=5' FAULTS='--seed=7 --kills=20'
faults: $(STAMP)
	@HEARTH_POLICY_CASES=50000 HEARTH_SIGNATURE_CASES=100000 node_modules/.bin/node \
	  node_modules/vitest/vitest.mjs run --project law packages/core/src/policy packages/gateway/src/sigv4
	@$(HEARTH) images
	@node_modules/.bin/node e2e/fuzz/main.ts $(FUZZ)
	@node_modules/.bin/node e2e/faults/main.ts $(FAULTS)
