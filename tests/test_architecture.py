"""Imports only go down, every library has one home, and only `cli` has a clock and an environment.

See docs/architecture.md#layers.

The tables below are the architecture; read them from the top. Where the tree differs from docs/architecture.md on
purpose, the reason stands beside it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from halo_iac.cli import app
from halo_iac.model.schedule import NUMBERS
from halo_iac.render.formats import ReviewFormat

ROOT = Path(__file__).parent.parent / "halo_iac"

LAYERS = {
    "__main__": "cli",
    # Everything: match is what a schedule key is looked up with, and the cycles that a new title would close.
    "cli": "__init__ api apply base_comparison checkout ci errors exit_codes findings fire_times git hints importing "
    "load match mcp model observe page paths pausing pipeline plan preview render report_diff resolve runs sandbox "
    "storage text undo version workers yaml_edit",
    # What a coding assistant asks for; the command line hands it files and platforms.
    "mcp": "api errors fire_times hints model render runs text version workers",
    "pipeline": "base_comparison diff findings match model pausing plan resolve undo",
    # What asks the host of the repository.
    "ci": "api checkout errors storage version",
    # What asks the platform.
    "runs": "api errors hints model workers",
    "observe": "api errors model workers",
    "apply": "api errors hints model workers",
    "api": "checkout errors hints model text",  # the writer takes specs, hence more of model than remote
    # What reads and writes this machine.
    "git": "checkout errors load paths",  # a commit is a tree of files as the loader reads them
    "storage": "__init__ checkout errors load model paths render text",
    # What only draws.
    "render": "errors fire_times hints model page preview text",
    # What is pure: no platform, no clock, no printing.
    "base_comparison": "errors model resolve",
    "page": "findings fire_times model preview report_diff",
    "preview": "fire_times model",
    "report_diff": "model",
    "undo": "errors hints load match model plan resolve",  # what it writes has to be what a file could declare
    "pausing": "errors hints model plan resolve text",
    "plan": "diff errors fire_times hints model text",
    "diff": "model",
    "resolve": "errors hints model",
    "match": "model text",
    "load": "checkout errors hints model paths text",
    "importing": "errors hints model resolve text",
    "findings": "fire_times hints model text",
    "yaml_edit": "load render",  # text that was read, and text as it is written
    "fire_times": "model text",
    "model": "errors exit_codes hints",  # what ended a run early is part of how it ended
    # The ground.
    "workers": "",
    "text": "",
    "hints": "",
    "errors": "exit_codes",
    "exit_codes": "",
    "__init__": "",
    "version": "__init__",
    "paths": "",
    "checkout": "paths",
    # A fake that shared the client's code would share its mistakes; where its file lies, and threads, have no part in
    # that.
    "sandbox": "paths workers",
}
"""Module or package of halo_iac → those it may import besides itself."""

PURE = (
    "base_comparison diff errors findings fire_times hints importing load match model page pausing plan preview render "
    "resolve text undo yaml_edit"
)

HOMES = {
    "_ruamel_yaml": "load/yaml_events",  # the C parser
    "anyio": "mcp/server",
    "cronsim": "fire_times sandbox/handlers/schedules",
    "deepdiff": "diff",
    "jinja2": "render/html/*",
    "markdown_it": "render/html/*",
    "httpcore": "api/connection",
    "httpx": "api/connection api/exchange api/failures api/http_request api/sandbox_transport api/transport "
    "ci/host_api",
    "markupsafe": "render/html/*",
    "mcp": "mcp/server",
    "mcp_types": "mcp/server",
    "pydantic": "load/json_schema mcp/* render/json storage/receipt_reader",  # our own documents
    "pydantic_core": "api/trpc api/inf_config load/* render/json sandbox/*",  # checks what people write; reads JSON
    "rich": "cli/* render/text/*",
    "ruamel": "yaml_edit/edits load/yaml_builder load/yaml_events load/yaml_parser load/yaml_pure render/yaml",
    "sqlite3": "sandbox/store/*",
    "typer": "cli/*",
    "tzdata": "model/zones",
}
"""Library → the modules that may import it; for types alone, any may."""

FORBIDDEN = {
    "print": "only cli prints, through its console",
    "input": "only cli asks",
    "os.environ": "only cli reads the environment",
    "os.getenv": "only cli reads the environment",
    "sys.stdin": "only cli has streams",
    "sys.stdout": "only cli has streams",
    "sys.stderr": "only cli has streams",
    "datetime.now": "the clock is passed in",
    "datetime.utcnow": "the clock is passed in",
    "date.today": "the clock is passed in",
    "time.time": "the clock is passed in",
}
EXCEPTIONS = {
    ("api/transport", "os.environ"),  # SSL_CERT_FILE and SSL_CERT_DIR, where httpx looks as well
    ("api/response_hints", "datetime.now"),  # a Retry-After may be an instant; tests pass theirs
    ("sandbox/platform", "datetime.now"),  # the default of a clock that is passed in
}

MAX_LINES = 400
LONGER = {
    "load/files": 420,  # the disk and the tree of a commit, which have to answer alike
}
"""Modules that may have more lines than the others, with how many."""


BOOT = {
    "cli/main": "nothing is imported before --version is answered, typer alone before --help, no command to complete",
}
"""Module → why it imports whatever it needs inside functions."""

HEAVY = {
    ("cli/*", "halo_iac.sandbox.*"): "sqlite3, and a platform that only --sandbox needs",
    ("cli/*", "halo_iac.git.* halo_iac.git halo_iac.base_comparison"): "only --base, --require-head and doctor ask git",
    ("cli/commands/mcp", "halo_iac.mcp.server halo_iac.cli.mcp_host"): "the SDK, an extra that takes a second",
    ("cli/* render/text/report", "rich.*"): "only a terminal is drawn on",
    ("cli/context cli/sandbox_link", "halo_iac.api.transport halo_iac.api.sandbox_transport"): "httpx, 0.1 s",
    ("api/exchange api/transport", "halo_iac.api.connection"): "httpcore, which the network alone needs",
    ("cli/context", "halo_iac.cli.connection halo_iac.cli.sandbox_link"): "offline nothing is asked",
    ("cli/app", "halo_iac.model.ids"): "help that lists commands has no id to read",
    ("cli/app", "halo_iac.cli.usage"): "only wrong usage takes it",
    (
        "cli/commands/apply cli/commands/drift cli/commands/plan",
        "halo_iac.cli.*",
    ): "read while the platform answers; --base and git alone",
    (
        "cli/connection",
        "halo_iac.api.* halo_iac.observe halo_iac.model.remote",
    ): "what asks the platform, offline unused",
    ("cli/console cli/redaction", "halo_iac.api.* halo_iac.render.*"): "completion and --help say none of it",
    ("cli/context", "halo_iac.load.* halo_iac.load halo_iac.model.project"): "plans ask before they read files",
    ("cli/commands/validate", "halo_iac.cli.project_files.several"): "only several files take it",
    (
        "cli/context",
        "halo_iac.cli.project_files.globs",
    ): "reads folders as project files are read; only several files take it",
    ("ci/github ci/gitlab", "halo_iac.ci.host_api"): "httpx; only a job with a token asks its host",
    ("cli/context", "halo_iac.api.auth"): "offline there are no settings",
    ("cli/output", "halo_iac.load.*"): "ruamel.yaml: plans ask before they read files",
    ("cli/plan/request", "halo_iac.render.json"): "only --out and --json take it",
    ("cli/runs/request", "halo_iac.load.*"): "ruamel.yaml, which only --prompt-file takes here",
    ("cli/commands/preview", "halo_iac.render.preview_json"): "the TypeAdapters of JSON, which only --json takes",
    (
        "cli/commands/preview",
        "halo_iac.page halo_iac.render.markdown.* halo_iac.render.strips",
    ): "the text of a preview has no strips",
    ("storage/plan_file", "halo_iac.render.json"): "likewise, which only a saved plan takes",
    ("diff", "deepdiff"): "0.1 s; only an unequal list takes it",
    ("fire_times sandbox/handlers/schedules", "cronsim"): "only a cron expression takes it",
    ("load/*", "halo_iac.load.suggestions.*"): "only a mistake in a file takes them",
    ("load/yaml_events", "halo_iac.load.yaml_pure"): "only where the C parser is missing",
    (
        "pipeline",
        "halo_iac.base_comparison halo_iac.undo halo_iac.pausing halo_iac.plan.drift",
    ): "a plan takes none of them",
    ("render/text/view", "halo_iac.render.text.*"): "validate draws neither a plan nor what an apply has done",
    ("cli/reports/compared", "halo_iac.storage.report_file"): "ruamel.yaml, which only a report in a file takes",
    ("cli/commands/report_diff", "halo_iac.render.markdown.*"): "what draws plans, which only --format markdown takes",
    ("render/report", "halo_iac.render.yaml"): "ruamel.yaml, which only a report in a folder takes",
    (
        "storage/schema_files",
        "halo_iac.load.json_schema",
    ): "the models of project files, which only init and import take",
    ("storage/file_lock", "fcntl"): "POSIX alone has it",
    ("sandbox/server", "resource"): "POSIX alone has it",
    (
        "sandbox/platform sandbox/procedures",
        "halo_iac.sandbox.handlers halo_iac.sandbox.firing",
    ): "runs, which a plan does not start, and traces, which it does not read",
    (
        "sandbox/platform sandbox/demo/history",
        "halo_iac.sandbox.ingest halo_iac.sandbox.span_record halo_iac.sandbox.demo.traces",
    ): "traces",
    ("sandbox/handlers/datasets", "halo_iac.sandbox.analyst.* halo_iac.sandbox.span_record"): "the analysis of traces",
}
"""Modules, what they may import inside functions, and why it is not imported with them.

See docs/decisions/0010-import-tables.md. Everything else stands at the top, which tests/test_imports.py keeps fast.
"""

# What the tree is ---------------------------------------------------------------------------------------------------


@cache
def modules() -> dict[str, ast.Module]:
    """Return every module by its path below the package, such as ``load/yaml_parser``."""
    return {
        path.relative_to(ROOT).with_suffix("").as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(ROOT.rglob("*.py"))
    }


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Return all that a tree is made of, its own root first."""
    return tuple(ast.walk(tree))


@cache
def source(module: str) -> str:
    return (ROOT / f"{module}.py").read_text(encoding="utf-8")


def layer(module: str) -> str:
    return module.split("/", maxsplit=1)[0]


@cache
def imports(tree: ast.AST) -> tuple[tuple[str, ...], ...]:
    """Return what a module imports, part by part, wherever it does so; ``from a import b`` may mean a module a.b."""
    return tuple(parts for node in nodes(tree) for parts in imported_by(node))


def imported_by(node: ast.AST) -> Iterator[tuple[str, ...]]:
    if isinstance(node, ast.Import):
        yield from (tuple(alias.name.split(".")) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        yield from ((*str(node.module).split("."), alias.name) for alias in node.names)


def own_imports(module: str) -> Iterator[tuple[str, ...]]:
    """Yield what a module imports of this package, without the package's name."""
    for parts in imports(modules()[module]):
        if parts[0] == "halo_iac":
            is_package_itself = len(parts) < 2 or parts[1] == "__version__"
            yield ("__init__",) if is_package_itself else parts[1:]


@cache
def libraries(module: str) -> frozenset[str]:
    """Return what a module imports at run time: not what stands under ``if TYPE_CHECKING:``."""
    tree = modules()[module]
    for_types = {
        id(node)
        for branch in nodes(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    return frozenset(parts[0] for node in nodes(tree) if id(node) not in for_types for parts in imported_by(node))


@cache
def named(module: str) -> frozenset[str]:
    """Return calls of bare names, and attributes of names, as they are written."""
    return frozenset(_named(modules()[module]))


def _named(tree: ast.AST) -> Iterator[str]:
    for node in nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def imports_inside_functions() -> set[tuple[str, str]]:
    """Return each module and what a function of it imports, as it is written."""
    return {
        (module, target)
        for module, tree in modules().items()
        for function in nodes(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for target in ([str(node.module)] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }


def is_row(row: tuple[str, str], module: str, target: str) -> bool:
    modules, targets = row
    return any(fnmatch(module, each) for each in modules.split()) and any(
        fnmatch(target, each) for each in targets.split()
    )


# What it has to be --------------------------------------------------------------------------------------------------


def test_every_module_has_a_layer_and_every_layer_a_module() -> None:
    assert {layer(module) for module in modules()} == set(LAYERS)


def test_layers_form_no_cycle() -> None:
    TopologicalSorter({name: allowed.split() for name, allowed in LAYERS.items()}).prepare()


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_imports_go_down_only(name: str) -> None:
    found = {
        (module, parts[0])
        for module in modules()
        if layer(module) == name
        for parts in own_imports(module)
        if parts[0] != name
    }
    allowed = LAYERS[name].split()
    assert sorted((module, imported) for module, imported in found if imported not in allowed) == []


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"cli"}))
def test_every_allowed_import_exists(name: str) -> None:
    found = {parts[0] for module in modules() if layer(module) == name for parts in own_imports(module)}
    assert set(LAYERS[name].split()) <= found


def test_imports_are_at_the_top_except_those_in_two_tables() -> None:
    unlisted = {
        (module, target)
        for module, target in imports_inside_functions()
        if module not in BOOT and not any(is_row(row, module, target) for row in HEAVY)
    }
    assert unlisted == set()


@pytest.mark.parametrize("row", sorted(HEAVY))
def test_every_row_of_the_table_of_lazy_imports_is_used(row: tuple[str, str]) -> None:
    assert any(is_row(row, module, target) for module, target in imports_inside_functions())


@pytest.mark.parametrize("library", sorted(HOMES))
def test_every_library_has_its_home(library: str) -> None:
    users = [module for module in modules() if library in libraries(module)]
    assert [module for module in users if not any(fnmatch(module, home) for home in HOMES[library].split())] == []


def test_every_library_is_known() -> None:
    used = set().union(*map(libraries, modules()))
    assert used - set(sys.stdlib_module_names) == {*HOMES, "halo_iac"} - set(sys.stdlib_module_names)


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_only_cli_uses_streams_a_clock_and_the_environment(what: str) -> None:
    found = [
        module
        for module in modules()
        if layer(module) != "cli" and (module, what) not in EXCEPTIONS and what in named(module)
    ]
    assert found == [], FORBIDDEN[what]


def test_pure_layers_import_no_clock_network_thread_or_randomness() -> None:
    unwanted = {"time", "threading", "subprocess", "socket", "http", "urllib", "random", "secrets", "signal", "asyncio"}
    found = {
        (module, parts[0])
        for module, tree in modules().items()
        if layer(module) in PURE.split()
        for parts in imports(tree)
        if parts[0] in unwanted
    }
    assert found == set()


@cache
def graph() -> dict[str, set[str]]:
    """Return module → the modules of this package that it imports, for types and inside functions as well."""
    names = {module.removesuffix("/__init__"): module for module in modules()}

    def imported(parts: tuple[str, ...]) -> str:
        """Return the module that ``from a import b`` reads: ``a.b`` where that is one, else ``a``."""
        whole = "/".join(parts)
        return names.get(whole) or names["/".join(parts[:-1]) or "__init__"]

    return {module: {imported(parts) for parts in own_imports(module)} - {module} for module in modules()}


def test_no_module_imports_itself_by_way_of_others() -> None:
    TopologicalSorter(graph()).prepare()


def test_only_the_table_of_commands_imports_commands() -> None:
    found = {
        (module, imported)
        for module, all_imported in graph().items()
        for imported in all_imported
        if imported.startswith("cli/commands/") and not module.startswith(("cli/commands/", "cli/app"))
    }
    assert found == set()


def test_no_format_imports_another() -> None:
    views = {"render/" + each.view.rpartition(".")[0].replace(".", "/") for each in ReviewFormat}
    assert [(view, found) for view in views for found in graph()[view] & views] == []


def test_files_are_short_enough_to_read() -> None:
    lines = {module: len(source(module).splitlines()) for module in modules()}
    assert {module: count for module, count in lines.items() if count > LONGER.get(module, MAX_LINES)} == {}
    assert set(LONGER) <= set(lines)


@pytest.mark.parametrize("field", sorted(set(NUMBERS) - {"lookback_hours"}))  # which a finding is about
def test_a_field_of_a_schedule_is_named_in_four_files_at_most(field: str) -> None:
    """What reads, compares, sends and imports schedules goes by the table; runs have options of the same names."""
    of_runs = {"model/runs", "api/runs", "cli/runs/request"}
    named = {module for module in modules() if re.search(rf"\b{field}\b", source(module))} - of_runs
    assert named <= {"model/schedule", "load/fields", "load/suggestions/keys", "render/values"}


def test_commands_do_not_import_each_other() -> None:
    commands = {place.split(".")[0] for place, _ in app._COMMANDS.values()}  # noqa: SLF001 - the one list of commands
    found = {
        (command, parts[2])
        for command in commands
        for parts in own_imports(f"cli/commands/{command}")
        if parts[:2] == ("cli", "commands") and parts[2] in commands - {command}
    }
    assert found == set()


def test_each_stage_is_a_module_with_a_public_function_of_its_name() -> None:
    for stage in ("load", "observe", "match", "resolve", "diff", "plan", "apply"):
        tree = modules().get(stage) or modules()[f"{stage}/__init__"]
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert stage in defined | {parts[-1] for parts in imports(tree)}
