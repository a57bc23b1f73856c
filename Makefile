# The everyday commands. `make run` starts SkillSprout; `make test` runs every test.

PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
ONET_RELEASE ?=
BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help run prepare test check format bench release lock

help: ## Show these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

.venv/installed: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

.venv/installed-dev: requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@ .venv/installed

prepare: export DEBUG ?= 1
prepare: .venv/installed
	python manage.py migrate --no-input --verbosity 0
	python manage.py seed_demo
	python manage.py make_schedules
	python manage.py make_admin

run: export DEBUG ?= 1
run: export HOST := $(HOST)
run: prepare ## Start web, worker and beat (PORT=8000)
	exec honcho start --port $(PORT)

test: .venv/installed-dev ## Run every test (DATABASE_URL and REDIS_URL choose the services)
	python -m pytest -n auto --dist loadfile $(ARGS)

check: .venv/installed-dev ## Run the gate: format, lint, types, layers, migrations, schema, templates
	ruff format --check .
	ruff check .
	mypy .
	lint-imports
	DEBUG=1 python manage.py makemigrations --check --dry-run
	DEBUG=1 python manage.py spectacular --validate --fail-on-warn --file $${TMPDIR:-/tmp}/skillsprout-schema.yaml
	djlint --check templates
	djlint --lint templates

format: .venv/installed-dev ## Put code and templates into shape
	ruff format .
	ruff check --fix .
	djlint --reformat --quiet templates

bench: .venv/installed-dev ## Measure speed and memory (ONET_RELEASE: a path to the full release)
	python -m benchmarks

release: export DEBUG ?= 1
release: prepare ## Load the newest official O*NET release, or the one that ONET_RELEASE names
	$(if $(ONET_RELEASE),python manage.py import_onet "$(ONET_RELEASE)",python manage.py sync_onet --source release)

lock: .venv/installed-dev ## Compile the exact versions anew
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--python-version 3.11 pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--python-version 3.11 --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt
