# `make run` runs the hub with a simulated province in a space of its own, SIMULATE=0 make run the official one; `make unit` the tests
# that need no Kafka, `make test` every test but those that kill, freeze and fill disks, which it has where CI is set; `make faults` has
# them at full length. All make the environment first.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.complete
# Where an environment forbids Python to keep what it compiled (images often do), each of the many processes that tests start would
# compile all packages again, which takes longer than most tests: it is kept, out of the way.
BYTECODE := PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX="$(CURDIR)/$(VENV)/bytecode"
# tests/conftest.py says which tests go to one process together, and which first.
PYTEST := env $(BYTECODE) $(VENV)/bin/python -m pytest --dist loadgroup --no-loadscope-reorder
CORES := $(shell getconf _NPROCESSORS_ONLN)

COMMA := ,

.PHONY: run unit test faults check lock clean

run: $(STAMP)
	@exec $(VENV)/bin/lgsp up

unit: $(STAMP)
	@exec $(PYTEST) -n $(CORES) --hypothesis-profile=unit tests/unit

# One process more than cores: tests of whole hubs wait for them half of their time.
test: $(STAMP)
	@$(PYTEST) -n $$(($(CORES) + 1)) $(if $(CI),,-m "not faults")
	@$(if $(CI),,echo "Left out: the tests that kill$(COMMA) freeze and fill disks. CI=true make test has them, make faults at full length.")

faults: $(STAMP)
	@FAULTS=long exec $(PYTEST) tests/faults

check: $(STAMP)
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check -q . && $(VENV)/bin/mypy && $(VENV)/bin/lint-imports

# The stamp is written last, so that an environment that was interrupted half-way is made again from nothing.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) is missing or older than 3.11: install Python 3.11 or newer, or run make PYTHON=/path/to/python3.11." >&2; exit 1; }
	@$(PYTHON) -P ops/environment.py $(VENV)
	@touch $@

# requirements.lock is for this folder, tests included; requirements-image.lock for what runs in an image.
LOCKING := --generate-hashes --universal --python-version 3.11 --custom-compile-command "make lock"
lock:
	@command -v uv >/dev/null || { echo "uv is missing: pip install uv, then try again." >&2; exit 1; }
	uv pip compile -q $(LOCKING) --extra test pyproject.toml -o requirements.lock
	uv pip compile -q $(LOCKING) --extra build --constraint requirements.lock pyproject.toml -o requirements-image.lock

clean:
	rm -rf $(VENV) var
