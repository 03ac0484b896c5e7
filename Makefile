# Everything a user or CI runs; each target makes its own environment (locked versions) the first time.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
READY := $(VENV)/.ready
CANARY := $(VENV)/bin/canary

.PHONY: demo test check peers bench acceptance lock clean

demo: $(READY)
	$(CANARY) demo --case shenzhen
	$(CANARY) demo --case noise

test: $(READY)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

check: $(READY)
	scripts/check.sh

peers: $(READY)
	scripts/peers.sh

bench: $(READY)
	scripts/bench.sh

acceptance: $(READY)
	scripts/acceptance.sh

lock: $(READY)
	scripts/lock.sh

$(READY): requirements/dev.txt pyproject.toml $(wildcard canary/scan/*.[ch])
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(READY)

clean:
	rm -rf $(VENV) .peers build *.egg-info
