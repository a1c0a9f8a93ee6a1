"""Which modules each command does not import, since they are most of its start-up (docs/performance.md#start-up).

Every command runs in a process of its own, which says at its end what it has imported.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from halo_iac.cli.app import _COMMANDS
from halo_iac.sandbox.demo import DEMO_KEY, DEMO_PROJECT_ID
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve

HERE = str(Path(__file__).parent.parent)
RUN = """
import os, sys
sys.path.insert(0, {path!r})
sys.argv[0] = "halo"
leave = os._exit
def tell(code):
    modules = sorted(sys.modules)
    import json
    with open("modules.json", "w") as file:
        json.dump([code, modules], file)
    leave(0)
os._exit = tell
from halo_iac.cli.main import run
run()
"""
HEAVY = {
    *("asyncio", "cronsim", "deepdiff", "h11", "httpcore", "httpx", "idna", "pydantic", "rich", "ruamel.yaml"),
    *("sqlite3", "ssl"),
}
PROJECT = """
version: 1
agents: {checkout: 5a4db0c5-a000-4000-8000-000000000001}
schedules:
  daily: {title: Daily review, agent: checkout, frequency: daily, hours: [9]}
"""


def modules_of(folder: Path, *argv: str, code: int = 0, **env: str) -> set[str]:
    """Return the modules that a command leaves behind."""
    script = RUN.format(path=HERE)
    subprocess.run([sys.executable, "-c", script, *argv], cwd=folder, env=env, check=True, capture_output=True)
    ended, modules = json.loads((folder / "modules.json").read_text())
    assert ended == code
    return set(modules)


def heavy_modules(modules: set[str]) -> set[str]:
    return modules & HEAVY


def modules_of_python() -> set[str]:
    """Return what Python itself loads here, and this environment with it."""
    listed = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], env={}, check=True, capture_output=True, text=True
    )
    return set(listed.stdout.split())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "halo.yaml").write_text(PROJECT)
    return tmp_path


def test_the_version_is_printed_before_anything_is_loaded(tmp_path: Path) -> None:
    new = modules_of(tmp_path, "--version") - modules_of_python() - set(sys.builtin_module_names)
    assert new == {
        "__future__",
        "halo_iac",
        "halo_iac.cli",
        "halo_iac.cli.main",
        "halo_iac.exit_codes",
        "halo_iac.version",
    }


def test_help_loads_the_command_line_alone(tmp_path: Path) -> None:
    modules = modules_of(tmp_path, "--help")
    assert {name.removeprefix("halo_iac.") for name in modules if name.startswith("halo_iac.")} == {
        *(
            "cli",
            "cli.app",
            "cli.console",
            "cli.home_folder",
            "cli.main",
            "cli.redaction",
            "cli.signals",
            "errors",
            "exit_codes",
            "hints",
            "text",
            "version",
        ),
    }
    assert not heavy_modules(modules) | modules & {"json"}


HELPS = """
import contextlib, io, sys
sys.path.insert(0, {path!r})
from halo_iac.cli.main import main
for command in {commands}:
    with contextlib.redirect_stdout(io.StringIO()):
        code = main([command, "--help"])
    modules = {{name for name in sys.modules if name in {heavy} or name.startswith(("{store}", "{platform}"))}}
    print(command, code, *sorted(modules))
"""


def test_no_command_is_heavy_before_it_runs(tmp_path: Path) -> None:
    """In one process: what none of them has loaded at the end, each does without."""
    too_heavy = HEAVY - {"idna", "pydantic", "ruamel.yaml", "ssl"}
    sandbox = {"store": "halo_iac.sandbox.store", "platform": "halo_iac.sandbox.platform"}
    script = HELPS.format(path=HERE, commands=sorted(_COMMANDS), heavy=too_heavy, **sandbox)
    command = [sys.executable, "-c", script]
    shown = subprocess.run(command, cwd=tmp_path, env={}, check=True, capture_output=True, text=True)
    assert shown.stdout.splitlines() == [f"{name} 0" for name in sorted(_COMMANDS)]


def test_validate_does_not_import_the_platform_client(project: Path) -> None:
    modules = modules_of(project, "validate")
    assert heavy_modules(modules) == {"ruamel.yaml"}
    assert not {name for name in modules if name.startswith(("halo_iac.sandbox", "halo_iac.pipeline"))}
    assert not modules & {
        *("halo_iac.api.retry", "halo_iac.api.transport", "halo_iac.cli.connection"),
        *("halo_iac.load.suggestions.timezone", "halo_iac.model.plan", "halo_iac.model.remote"),
    }


def test_a_preview_needs_no_platform_and_draws_what_it_is_asked_for(project: Path) -> None:
    modules = modules_of(project, "preview")
    assert heavy_modules(modules) == {"cronsim", "ruamel.yaml"}
    assert not modules & {"halo_iac.render.json", "halo_iac.pipeline", "halo_iac.sandbox.platform"}


NETWORK = {"h11", "httpcore", "httpx", "idna", "ruamel.yaml", "ssl"}


def test_a_plan_without_changes_neither_compares_field_by_field_nor_draws(project: Path) -> None:
    with Sandbox.open(None) as sandbox, serve(sandbox) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": DEMO_KEY, "INF_PROJECT_ID": DEMO_PROJECT_ID}
        applied = modules_of(
            project, "apply", "--yes", "--concurrency", "4", "--max-rps", "20", "--format", "text", **env
        )
        modules = modules_of(project, "plan", **env)
    assert heavy_modules(modules) == NETWORK
    assert heavy_modules(applied) == {*NETWORK, "cronsim"}  # its receipt is only written
    assert not applied & {"halo_iac.model.runs", "halo_iac.storage.receipt_reader"}
    assert not modules & {
        *("halo_iac.apply", "halo_iac.render.json", "halo_iac.render.text.apply"),
        *("halo_iac.model.runs", "halo_iac.sandbox.platform", "halo_iac.sandbox.protocol", "sqlite3"),
    }


READY = """
import sys
from halo_iac.api.transport import Transport
Transport("http://127.0.0.1:1", None)
assert "httpcore" in sys.modules
"""
EMBEDDED = """
import sys
import httpx
from halo_iac.api.transport import Transport
Transport("sandbox:", None, http=httpx.MockTransport(lambda request: httpx.Response(200)))
assert "httpcore" not in sys.modules
"""


@pytest.mark.parametrize("script", [READY, EMBEDDED])
def test_requests_can_start_before_files_are_parsed(script: str) -> None:
    subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": HERE}, check=True)


ASKED = """
import sys
sys.path.insert(0, {path!r})
from halo_iac.cli.connection import Connection
from halo_iac.cli.main import main
def start(connection):
    assert not {{"halo_iac.load", "halo_iac.pipeline", "ruamel.yaml"}}.intersection(sys.modules)
    print("asked")
    sys.exit()
Connection.start_observing = start
main(["{command}"])
"""


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_the_platform_is_asked_before_what_reads_files_is_imported(project: Path, command: str) -> None:
    env = {"INF_API_URL": "http://127.0.0.1:1", "INF_API_KEY": DEMO_KEY, "INF_PROJECT_ID": DEMO_PROJECT_ID}
    script = ASKED.format(path=HERE, command=command)
    asked = subprocess.run([sys.executable, "-c", script], cwd=project, env=env, check=True, capture_output=True)
    assert asked.stdout == b"asked\n"


WRITTEN = """
import sys
sys.path.insert(0, {path!r})
import halo_iac.cli.context
from halo_iac.api.schedules import Writer
from halo_iac.cli.main import main
ready = set()
observe, create = halo_iac.cli.context.CommandContext.observe, Writer.create
def observed(*given, **options):
    found = observe(*given, **options)
    ready.update(sys.modules)
    return found
def created(*given, **options):
    late.append(sorted(name for name in set(sys.modules) - ready if name.startswith("halo_iac.")))
    return create(*given, **options)
late = []
halo_iac.cli.context.CommandContext.observe, Writer.create = observed, created
main(["apply", "--yes"])
print(late[0])
"""


def test_apply_imports_nothing_of_ours_between_the_plan_and_the_first_write(project: Path) -> None:
    with Sandbox.open(None) as sandbox, serve(sandbox) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": DEMO_KEY, "INF_PROJECT_ID": DEMO_PROJECT_ID}
        script = WRITTEN.format(path=HERE)
        written = subprocess.run(
            [sys.executable, "-c", script], cwd=project, env=env, check=True, capture_output=True, text=True
        )
    assert written.stdout.splitlines()[-1] == "[]"
