"""``halo sandbox``: served for other clients, reset, and never mistaken for a file of somebody else's."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from command_line import CommandLine, tree
from sandbox_process import exports, served

from halo_iac.sandbox import demo

PROJECT = """\
version: 1
schedules:
  daily: {title: Daily, agent: checkout, frequency: daily, at: "09:00"}
"""


def test_the_first_three_lines_point_a_shell_at_it_and_it_works(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    with served(folder) as running:
        env = exports(running)
        assert list(env) == ["INF_API_URL", "INF_API_KEY", "INF_PROJECT_ID"]
        assert (env["INF_API_KEY"], env["INF_PROJECT_ID"]) == (demo.DEMO_KEY, demo.DEMO_PROJECT_ID)
        planned = halo("plan", **env)
        assert planned.out.startswith("SANDBOX  ")
        assert f"Host     {env['INF_API_URL']}  (INF_API_URL)\n" in planned.out
        assert halo("apply", "--yes", **env).code == 0
        assert halo("schedule", "list", **env).err == f"SANDBOX {env['INF_API_URL']}\n"
        through_the_port = halo("schedule", "list", "--json", **env).json
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=10)
    assert (running.returncode, out) == (0, "")
    assert err == f"Sandbox {folder / '.halo' / 'sandbox.db'} on {env['INF_API_URL']}; Ctrl-C ends it.\n"
    assert halo("schedule", "list", "--sandbox", "--json").json == through_the_port != []


def test_its_own_key_is_printed_even_where_the_environment_holds_it(folder: Path) -> None:
    with served(folder, "--sandbox-file", "other.db", INF_API_KEY=demo.DEMO_KEY) as running:
        assert exports(running)["INF_API_KEY"] == demo.DEMO_KEY
        running.terminate()
        assert running.wait(10) == 0
    assert (folder / "other.db").exists()


def test_serving_and_resetting_take_the_flag_that_every_command_takes(halo: CommandLine, folder: Path) -> None:
    with served(folder, "--sandbox") as running:
        env = exports(running)
        assert halo("agent", "list", **env).code == 0
    ended = halo("sandbox", "reset", "--yes", "--sandbox")
    assert (ended.code, ended.out) == (0, f"Removed {folder / '.halo' / 'sandbox.db'}.\n")


def test_a_project_that_is_not_known_is_refused_and_does_not_come_into_being(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    halo("agent", "list", "--sandbox", "--project", "made-before")
    with served(folder) as running:
        env = exports(running)
        mistyped = halo("plan", "--project", "mistyped", **env)
        assert (mistyped.code, mistyped.out) == (1, "")
        assert "HTTP 403): This key has no access to project mistyped." in mistyped.err
        assert halo("plan", "--project", "made-before", **env).code == 0
        projects = halo("doctor", "--json", **env)
    assert "mistyped" not in projects.out


def test_the_project_of_the_project_file_is_served_and_exported(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT.replace("schedules:", "project: shop-1\nschedules:"))
    with served(folder) as running:
        env = exports(running)
        assert env["INF_PROJECT_ID"] == "shop-1"
        assert halo("apply", "--yes", **env).code == 0


def test_a_project_file_with_problems_does_not_keep_the_sandbox_from_being_served(folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 2\n")
    with served(folder) as running:
        assert exports(running)["INF_PROJECT_ID"] == demo.DEMO_PROJECT_ID
        running.send_signal(signal.SIGINT)
        assert "halo.yaml has problems, so its project is not looked for.\n" in running.communicate(timeout=10)[1]


def test_a_key_that_only_reads_is_refused_the_write(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    with served(folder) as running:
        env = {**exports(running), "INF_API_KEY": demo.DEMO_READ_KEY}
        assert halo("plan", **env).code == 0
        ended = halo("apply", "--yes", **env)
    assert ended.code == 1
    assert "HTTP 403" in ended.out
    assert ended.out.endswith("Applied: nothing; 1 failed.\n")


def test_a_port_in_use_is_told(halo: CommandLine) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        ended = halo("sandbox", "serve", "--port", port)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"error: the sandbox cannot listen on port {port}: Address already in use\n"
        "hint: choose another --port, or 0 for any free one\n"
    )


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_wrong_usage(halo: CommandLine, port: str) -> None:
    assert halo("sandbox", "serve", "--port", port).code == 64


# Reset --------------------------------------------------------------------------------------------------------------


def test_a_reset_forgets_everything(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    halo("apply", "--sandbox", "--yes")
    path = folder / ".halo" / "sandbox.db"
    ended = halo("sandbox", "reset", "--yes")
    assert (ended.code, ended.out, ended.err) == (0, f"Removed {path}.\n", "")
    assert sorted(name for name in tree(folder) if "receipts" not in name) == [".halo/.gitignore", "halo.yaml"]
    assert halo("schedule", "list", "--sandbox", "--json").json == []
    halo("sandbox", "reset", "--yes")
    assert halo("sandbox", "reset").out == f"There is no sandbox at {path}.\n"


def test_a_reset_asks(halo: CommandLine, folder: Path) -> None:
    halo("agent", "list", "--sandbox")
    path = folder / ".halo" / "sandbox.db"
    ended = halo("sandbox", "reset")
    assert (ended.code, ended.err) == (3, f"error: {path} is left as it is\nhint: answer yes, or run with --yes\n")
    assert halo("sandbox", "reset", answer="no\n").code == 3
    assert path.exists()
    assert halo("sandbox", "reset", answer="yes\n").code == 0
    assert not path.exists()


@pytest.mark.parametrize(
    "command", [("sandbox", "reset", "--yes"), ("sandbox", "serve"), ("agent", "list"), ("plan",)], ids=" ".join
)
def test_a_file_that_is_no_sandbox_is_left_as_it_is(halo: CommandLine, folder: Path, command: tuple[str, ...]) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    ended = halo(*command, "--sandbox-file", "halo.yaml")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {folder / 'halo.yaml'}")
    assert tree(folder) == {"halo.yaml": PROJECT.encode()}


def test_a_directory_is_no_sandbox(halo: CommandLine) -> None:
    for command in (("sandbox", "reset", "--yes"), ("sandbox", "serve"), ("agent", "list")):
        ended = halo(*command, "--sandbox-file", ".")
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("error: ")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")
def test_a_disk_without_room_is_no_reason_to_start_anew(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    with files_of_at_most(4096):
        planned, asked = halo("plan", "--sandbox"), halo("doctor", "--sandbox")
    reason = f"{folder / '.halo' / 'sandbox.db'}: SQLite says: disk I/O error"
    hint = "hint: free space on its disk, or name a file on another one with --sandbox-file"
    assert (planned.code, planned.err) == (1, f"error: {reason}\n{hint}\n")
    assert (asked.code, reason in asked.out, hint in asked.out) == (1, True, True)
    assert halo("plan", "--sandbox").code == 0


def test_a_file_that_cannot_be_opened_is_no_reason_to_start_anew(halo: CommandLine, folder: Path) -> None:
    ended = halo("agent", "list", "--sandbox-file", ".")
    assert ended.code == 1
    assert ended.err == (
        f"error: {folder}: SQLite says: unable to open database file\n"
        "hint: check the permissions of the file and its folder, or name another file with --sandbox-file\n"
    )


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow further, as on a disk that is full."""
    import resource  # noqa: PLC0415 (not on Windows)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_sandbox_has_a_private_folder_that_git_ignores(halo: CommandLine, folder: Path) -> None:
    halo("agent", "list", "--sandbox")
    assert os.name == "nt" or (folder / ".halo").stat().st_mode & 0o777 == 0o700
    assert (folder / ".halo" / ".gitignore").read_text() == "*\n"
