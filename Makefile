# The two commands: `make run` starts the plant, `make test` proves it. The rest helps developers.
PYTHON ?= python3
BIN := .venv/bin
# Isolated: neither the present folder nor PYTHONPATH has a say in what runs.
ISOLATED := $(BIN)/python -I

.PHONY: run test fast coverage check hooks house install install-test python format docs verification long bench fuzz chaos \
	orders sequences operations search recovery kills pictures soak frontend clean
FAULTS ?= 1000
HOGS ?= 0
MINUTES ?= 60

run: install  ## start the plant in the foreground
	@if running=$$($(ISOLATED) -m supervisor.supervisorctl -c supervisord.conf pid 2>/dev/null); then \
		echo "The plant is already running (supervisord, process $$running): stop it there with Ctrl-C," \
			"or with $(BIN)/supervisorctl shutdown"; exit 1; fi
	@exec $(ISOLATED) -m supervisor.supervisord -n -c supervisord.conf

test: install-test check  ## everything that must hold
	$(BIN)/python -m tests.suite

fast: install-test  ## unit and property tests, without a browser and without processes (a minute)
	$(BIN)/python -m tests.fast

coverage: install-test  ## which lines the fast set does not reach; compiled code is not traced
	$(BIN)/python -m tests.fast --cov --cov-report=term

check: install-test  ## lint, types and import rules
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

hooks: install-test  ## have git run the checks of .pre-commit-config.yaml before each commit
	$(BIN)/pre-commit install

house:  ## measure the source: sizes, comments, names with two meanings
	@$(PYTHON) scripts/house.py

format: install-test  ## put the code into its one format
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

docs: install-test  ## generate what is generated
	$(BIN)/python docs/generate.py

verification: install-test  ## run the verification cases and write docs/verification.md (about three minutes)
	$(BIN)/python -m docs.verify

long: install-test  ## the whole spread against the independent integration, hundreds of random plants (forty minutes)
	KPP_LONG_TESTS=1 $(BIN)/python -m pytest tests/kpp_physics/test_independent.py tests/kpp_physics/test_properties.py

bench: install-test  ## measure, as ratios within one run
	$(BIN)/python -m benchmarks

kills: install-test  ## kill the recorder fifty times during a run and compare (two minutes)
	KPP_RECORDER_KILLS=50 $(BIN)/python -m pytest tests/nodes/recorder/test_process.py -k killed

fuzz: install-test  ## a hundred million damaged inputs, many requests of every kind, a thousand damaged recordings (about an hour)
	KPP_FUZZ=100000000 KPP_SCHEMA_EXAMPLES=200 $(BIN)/python -m pytest --timeout 0 tests/nodes/gateway/test_fuzz.py tests/nodes/gateway/test_schema.py
	KPP_FLIPS=1000 $(BIN)/python -m pytest --timeout 0 tests/recording/test_damage.py -k "flipped or cut_off"

chaos: install-test  ## FAULTS faults under commands beside HOGS busy programs; figures into docs/reliability.md (ten minutes)
	$(BIN)/python -m tests.chaos --faults $(FAULTS) --hogs $(HOGS) --standby --page

orders: install-test  ## all 120 start orders of five nodes; figures into docs/reliability.md (about five minutes)
	$(BIN)/python -m tests.chaos.orders --page

sequences: install-test  ## 10,000 sequences of crashes of clock, journal, standby and subscriber in memory (about four minutes)
	KPP_SEQUENCES=10000 $(BIN)/python -m pytest tests/nodes/test_plant_in_memory.py

operations: install-test  ## MINUTES of random operating sequences; figures into docs/verification.md (an hour)
	$(BIN)/python -m tests.kpp_physics.operations --minutes $(MINUTES) --page

search: install-test  ## MINUTES of search for a schedule that gives more than it takes; figures into docs/verification.md
	$(BIN)/python -m tests.kpp_physics.operations.search --minutes $(MINUTES) --page

recovery: install-test  ## time from a kill to a new state at the WebSocket, into docs/reliability.md
	$(BIN)/python -m tests.chaos.recovery --page

pictures: install-test  ## the pictures of the documentation, of every page with the plant at work (four minutes)
	KPP_PICTURES=docs/images $(BIN)/python -m pytest tests/e2e/test_dashboard_pictures.py

soak: install-test  ## an hour of the plant with a page open: does its heap or its server's memory grow?
	$(BIN)/python -m benchmarks.soak --minutes $(MINUTES)

frontend:  ## bundle the dashboard's JavaScript (needs Node.js; the bundle is committed)
	cd ui/frontend && npm ci --no-audit --no-fund && npm run build

install: python  ## make the environment, or what is missing of it
	@$(PYTHON) scripts/environment.py

install-test: python
	@$(PYTHON) scripts/environment.py test

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }

clean:  ## remove the environment and everything a run has written
	rm -rf .venv var/coverage* var/log/*.log* var/*.sqlite* var/*.sock var/*.pid var/*.lock var/runs var/snapshots var/openings var/forks var/recordings
