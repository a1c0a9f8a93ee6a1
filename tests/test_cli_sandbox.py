"""``halo sandbox``: served for other clients, reset, and no other file taken for one."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import sqlite3
import sys
import threading
from contextlib import ExitStack, closing
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import NoReturn

import pytest
from command_line import CommandLine, schedules, tree
from full_disk import files_of_at_most
from sandbox_process import exported_variables, serve_process

from halo_iac.api.limits import RetryPolicy
from halo_iac.api.secret import SANDBOX_KEY_PREFIX
from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.run_state import ENDINGS
from halo_iac.sandbox.store import Key
from halo_iac.sandbox.store.schema import MIGRATIONS

PROJECT = """\
version: 1
schedules:
  daily: {title: Daily, agent: checkout, frequency: daily, at: "09:00"}
"""


def test_the_first_three_lines_point_a_shell_at_it_and_it_works(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    with serve_process(folder) as running:
        env = exported_variables(running)
        assert list(env) == ["INF_API_URL", "INF_API_KEY", "INF_PROJECT_ID"]
        assert re.fullmatch("sk-inference-sandbox-[0-9a-f]{32}", env["INF_API_KEY"])
        assert env["INF_PROJECT_ID"] == demo.DEMO_PROJECT_ID
        planned = halo("plan", **env)
        assert planned.out.startswith("SANDBOX  ")
        assert f"Host     {env['INF_API_URL']}  (INF_API_URL)\n" in planned.out
        assert halo("apply", "--yes", **env).code == 0
        assert halo("schedule", "list", **env).err == f"SANDBOX {env['INF_API_URL']}\n"
        through_the_port = halo("schedule", "list", "--json", **env).json["schedules"]
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=10)
    assert (running.returncode, out) == (0, "")
    assert err == f"Serving sandbox {folder / '.halo' / 'sandbox.db'} on {env['INF_API_URL']}; press Ctrl-C to stop.\n"
    assert schedules(halo) == through_the_port != []


def test_the_key_of_a_served_sandbox_is_printed_even_if_the_environment_holds_it(folder: Path) -> None:
    with Sandbox.open(folder / "other.db") as sandbox:
        key = sandbox.key
    with serve_process(folder, "--sandbox-file", "other.db", INF_API_KEY=key) as running:
        assert exported_variables(running)["INF_API_KEY"] == key
        running.terminate()
        assert running.wait(10) == 0
    assert (folder / "other.db").exists()


def test_every_sandbox_has_a_key_of_its_own_and_keeps_it(folder: Path) -> None:
    keys = []
    for name in ("a.db", "b.db", "a.db"):
        with Sandbox.open(folder / name) as sandbox:
            keys.append(sandbox.key)
    assert keys[0] == keys[2] != keys[1]
    assert demo.KEY_PREFIX == SANDBOX_KEY_PREFIX
    assert all(key.startswith(SANDBOX_KEY_PREFIX) for key in keys)


def test_no_sandbox_takes_the_key_that_all_of_them_once_had(halo: CommandLine, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "old.db")) as old:
        for step in MIGRATIONS[:2]:
            old.executescript(step)
        old.execute("INSERT INTO keys VALUES (?, 1, 1, 1)", (demo.DEMO_KEY,))
        old.execute("PRAGMA user_version = 2")
        old.commit()
    with serve_process(folder, "--sandbox-file", "old.db") as running:
        env = exported_variables(running)
        assert halo("agent", "list", **env).code == 0
        refused = halo("agent", "list", **{**env, "INF_API_KEY": demo.DEMO_KEY})
    assert (refused.code, "HTTP 401" in refused.err) == (1, True)


def test_the_key_of_a_sandbox_is_hidden_wherever_it_turns_up(halo: CommandLine, folder: Path) -> None:
    with Sandbox.open(folder / "other.db") as sandbox:
        key = sandbox.key
    (folder / "halo.yaml").write_text(PROJECT.replace("title: Daily", f"title: Daily {key}"))
    for argv in (["plan"], ["plan", "--json"], ["plan", "--format", "markdown"], ["apply", "--yes"], ["validate", key]):
        ended = halo(*argv, *(["--sandbox"] if "validate" not in argv else []))
        assert key not in ended.text
        assert "***" in ended.text


def test_a_served_sandbox_is_known_by_its_key_whatever_its_address(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    env = {"INF_API_KEY": f"{SANDBOX_KEY_PREFIX}{'0' * 32}", "INF_PROJECT_ID": "p", "INF_API_URL": "http://127.0.0.1:9"}
    once = replace(halo, patience=RetryPolicy(attempts=1))
    assert once("schedule", "list", **env).err.startswith("SANDBOX http://127.0.0.1:9\n")


@pytest.mark.parametrize("name", ["named.test", "NAMED.test."])
def test_another_host_name_is_accepted_if_it_is_given(folder: Path, name: str) -> None:
    with serve_process(folder, "--host", "named.test", "--host", "other.test") as running:
        port = int(exported_variables(running)["INF_API_URL"].rpartition(":")[2])
        for host, status in ((f"{name}:{port}", 401), ("other.test", 401), ("third.test", 403), ("localhost", 401)):
            with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as client:
                client.request("GET", "/project.getProjects", headers={"Host": host})
                assert client.getresponse().status == status


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_idle_connections_block_no_client_and_use_no_processor_time(halo: CommandLine, folder: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))"
    with ExitStack() as stack:
        running = stack.enter_context(serve_process(folder, before=limit))
        env = exported_variables(running)
        port = int(env["INF_API_URL"].rpartition(":")[2])
        for _ in range(40):
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=10)))
        assert halo("agent", "list", **env).code == 0
        ticks = Path(f"/proc/{running.pid}/stat")
        if ticks.exists():
            before = [int(each) for each in ticks.read_text().rpartition(")")[2].split()[11:13]]
            threading.Event().wait(1)
            after = [int(each) for each in ticks.read_text().rpartition(")")[2].split()[11:13]]
            assert sum(after) - sum(before) < 30  # of the hundred in a second


def test_serving_and_resetting_take_the_flag_that_every_command_takes(halo: CommandLine, folder: Path) -> None:
    with serve_process(folder, "--sandbox") as running:
        env = exported_variables(running)
        assert halo("agent", "list", **env).code == 0
    ended = halo("sandbox", "reset", "--yes", "--sandbox")
    assert (ended.code, ended.out) == (0, f"Removed {folder / '.halo' / 'sandbox.db'}.\n")


def test_an_unknown_project_is_refused_and_not_created(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    halo("agent", "list", "--sandbox", "--project", "made-before")
    with serve_process(folder) as running:
        env = exported_variables(running)
        mistyped = halo("plan", "--project", "mistyped", **env)
        assert (mistyped.code, mistyped.out) == (1, "")
        assert "HTTP 403): This key has no access to project mistyped." in mistyped.err
        assert halo("plan", "--project", "made-before", **env).code == 0
        projects = halo("doctor", "--json", **env)
    assert "mistyped" not in projects.out


def test_the_project_of_the_project_file_is_served_and_exported(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT.replace("schedules:", "project: shop-1\nschedules:"))
    with serve_process(folder) as running:
        env = exported_variables(running)
        assert env["INF_PROJECT_ID"] == "shop-1"
        assert halo("apply", "--yes", **env).code == 0


def test_a_project_file_with_problems_does_not_keep_the_sandbox_from_being_served(folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 2\n")
    with serve_process(folder) as running:
        assert exported_variables(running)["INF_PROJECT_ID"] == demo.DEMO_PROJECT_ID
        running.send_signal(signal.SIGINT)
        assert "halo.yaml has problems, so its project was not added.\n" in running.communicate(timeout=10)[1]


def test_a_key_that_only_reads_is_refused_the_write(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    with Sandbox.open(folder / ".halo" / "sandbox.db") as sandbox:
        sandbox.add_key(Key(demo.DEMO_READ_KEY, can_write=False, every_project=True))
    with serve_process(folder) as running:
        env = {**exported_variables(running), "INF_API_KEY": demo.DEMO_READ_KEY}
        assert halo("plan", **env).code == 0
        ended = halo("apply", "--yes", **env)
    assert ended.code == 1
    assert "HTTP 403" in ended.out
    assert ended.out.endswith("Applied: nothing; 1 failed.\n")


def test_a_port_in_use_is_reported(halo: CommandLine) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        ended = halo("sandbox", "serve", "--port", port)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"error: the sandbox cannot listen on port {port}: Address already in use\n"
        "hint: choose another --port, or 0 for a free one\n"
    )


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_an_invalid_port_is_wrong_usage(halo: CommandLine, port: str) -> None:
    assert halo("sandbox", "serve", "--port", port).code == 64


# Reset --------------------------------------------------------------------------------------------------------------


def test_a_reset_forgets_everything(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    halo("apply", "--sandbox", "--yes")
    path = folder / ".halo" / "sandbox.db"
    ended = halo("sandbox", "reset", "--yes")
    assert (ended.code, ended.out, ended.err) == (0, f"Removed {path}.\n", "")
    assert sorted(name for name in tree(folder) if "receipts" not in name) == [".halo/.gitignore", "halo.yaml"]
    assert schedules(halo) == []
    halo("sandbox", "reset", "--yes")
    assert halo("sandbox", "reset").out == f"No sandbox exists at {path}; nothing was removed.\n"


def test_a_reset_asks(halo: CommandLine, folder: Path) -> None:
    halo("agent", "list", "--sandbox")
    path = folder / ".halo" / "sandbox.db"
    ended = halo("sandbox", "reset")
    assert (ended.code, ended.err) == (3, f"error: {path} was not removed\nhint: answer `yes`, or pass --yes\n")
    assert halo("sandbox", "reset", answer="no\n").code == 3
    assert path.exists()
    assert halo("sandbox", "reset", answer="yes\n").code == 0
    assert not path.exists()


@pytest.mark.parametrize(
    "command", [("sandbox", "reset", "--yes"), ("sandbox", "serve"), ("agent", "list"), ("plan",)], ids=" ".join
)
def test_a_file_that_is_no_sandbox_is_not_removed(halo: CommandLine, folder: Path, command: tuple[str, ...]) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    ended = halo(*command, "--sandbox-file", "halo.yaml")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {folder / 'halo.yaml'}")
    assert tree(folder) == {"halo.yaml": PROJECT.encode()}


START_ANEW = "hint: run `halo sandbox reset --sandbox-file "


def test_a_sandbox_that_is_served_is_not_removed(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    path = folder / ".halo" / "sandbox.db"
    with serve_process(folder) as running:
        env = exported_variables(running)
        ended = halo("sandbox", "reset", "--yes")
        assert halo("apply", "--yes", **env).code == 0
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"error: {path} is in use; it was not removed\n"
        "hint: stop the `halo sandbox serve` or other command that uses it first\n"
    )
    assert len(schedules(halo)) == 1
    assert halo("sandbox", "reset", "--yes").out == f"Removed {path}.\n"


NOT_A_SANDBOX = ("CREATE TABLE precious (id)",), ("PRAGMA journal_mode = WAL", "CREATE TABLE agents (id)")


@pytest.mark.parametrize("statements", NOT_A_SANDBOX, ids=["plain", "WAL"])
@pytest.mark.parametrize("name", ["mine.sqlite", "a ?#%.db", ".halo/sandbox.db"])
def test_a_reset_keeps_other_databases(halo: CommandLine, folder: Path, name: str, statements: tuple[str, ...]) -> None:
    (folder / ".halo").mkdir()
    with closing(sqlite3.connect(folder / name, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
        while_open = halo("sandbox", "reset", "--yes", "--sandbox-file", name)
    before = tree(folder)
    ended = halo("sandbox", "reset", "--yes", "--sandbox-file", name)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"error: {folder / name} is not recognised as a sandbox file; it was not removed\n"
        "hint: name the sandbox file with --sandbox-file, or remove this file by hand\n"
    )
    assert while_open == ended
    assert tree(folder) == before


def test_a_reset_removes_a_sandbox_killed_before_its_file_was_written(halo: CommandLine, folder: Path) -> None:
    with serve_process(folder, "--sandbox-file", "other.db") as running:
        exported_variables(running)
        running.kill()
        running.wait(10)
    assert halo("sandbox", "reset", "--yes", "--sandbox-file", "other.db").code == 0
    assert tree(folder) == {}


def test_a_reset_knows_a_sandbox_of_a_later_version(halo: CommandLine, folder: Path) -> None:
    halo("agent", "list", "--sandbox")
    path = folder / ".halo" / "sandbox.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    ended = halo("agent", "list", "--sandbox")
    assert ended.err.startswith(f"error: {path} is a sandbox from a later version of halo\n{START_ANEW}")
    assert "` to start with an empty sandbox" in ended.err
    assert halo("sandbox", "reset", "--yes").out == f"Removed {path}.\n"


@pytest.mark.parametrize("name", ["my sandbox.db", "shop/.halo/sandbox.db"])
def test_the_hint_to_reset_names_the_damaged_file(halo: CommandLine, folder: Path, name: str) -> None:
    halo("agent", "list", "--sandbox")
    halo("agent", "list", "--sandbox-file", name)
    damage(folder / name)
    ended = halo("schedule", "list", HALO_SANDBOX=name)
    assert ended.err == (
        f"error: {folder / name}: SQLite says: database disk image is malformed\n"
        f"{START_ANEW}{shlex.quote(name)}` to start with an empty sandbox, or name another file with --sandbox-file\n"
    )
    words = shlex.split(ended.err.split("`")[1])[1:]
    assert halo(*words, "--yes").out == f"Removed {folder / name}.\n"
    assert (folder / ".halo" / "sandbox.db").exists()


def damage(path: Path) -> None:
    """Wipe out the tables of a database, so that there is nothing left but their names."""
    with closing(sqlite3.connect(path)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        pages = [page for (page,) in connection.execute("SELECT rootpage FROM sqlite_master")]
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(bytes(size))


def test_a_damaged_file_is_removed_from_the_sandbox_s_own_place_alone(halo: CommandLine, folder: Path) -> None:
    own = folder / ".halo" / "sandbox.db"
    own.parent.mkdir()
    for path in (own, folder / "bad.db"):
        path.write_bytes(b"damaged beyond recognition" * 9)
        ended = halo("agent", "list", "--sandbox-file", str(path))
        assert ended.err.startswith(f"error: {path}: SQLite says: file is not a database\n")
        assert ("halo sandbox reset" in ended.err) is (path == own)
    assert halo("sandbox", "reset", "--yes", "--sandbox-file", "bad.db").code == 1
    assert halo("sandbox", "reset", "--yes").code == 0
    assert sorted(tree(folder)) == [".halo/.gitignore", "bad.db"]


def test_an_interrupted_tick_does_not_deny_fires(halo: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sandbox, "tick", interrupt)
    ended = halo("sandbox", "tick")
    assert ended.code == 130
    assert "error: interrupted; the sandbox's clock may have moved, and schedules may have fired\n" in ended.err


def test_a_tick_into_the_past_names_the_sandbox_to_reset(halo: CommandLine) -> None:
    ended = halo("sandbox", "tick", "--until", "2000-01-01T00:00:00Z", "--sandbox-file", "other.db")
    assert ended.code == 3
    assert ended.err.endswith("hint: run `halo sandbox reset --sandbox-file other.db` to start with an empty sandbox\n")


def test_a_directory_is_no_sandbox(halo: CommandLine) -> None:
    for command in (("sandbox", "reset", "--yes"), ("sandbox", "serve"), ("agent", "list")):
        ended = halo(*command, "--sandbox-file", ".")
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("error: ")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")
def test_a_full_disk_gives_no_hint_to_remove_the_sandbox(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT)
    with files_of_at_most(4096):
        planned, asked = halo("plan", "--sandbox"), halo("doctor", "--sandbox")
    reason = f"{folder / '.halo' / 'sandbox.db'}: SQLite says: disk I/O error"
    hint = "hint: free space on its disk, or name a file on another one with --sandbox-file"
    assert (planned.code, planned.err) == (1, f"error: {reason}\n{hint}\n")
    assert (asked.code, reason in asked.out, hint in asked.out) == (1, True, True)
    assert halo("plan", "--sandbox").code == 0


def test_an_unreadable_file_gives_no_hint_to_remove_the_sandbox(halo: CommandLine, folder: Path) -> None:
    ended = halo("agent", "list", "--sandbox-file", ".")
    assert ended.code == 1
    assert ended.err == (
        f"error: {folder}: SQLite says: unable to open database file\n"
        "hint: check the permissions of the file and its folder, or name another file with --sandbox-file\n"
    )


def test_the_sandbox_has_a_private_folder_that_git_ignores(halo: CommandLine, folder: Path) -> None:
    halo("agent", "list", "--sandbox")
    assert os.name == "nt" or (folder / ".halo").stat().st_mode & 0o777 == 0o700
    assert (folder / ".halo" / ".gitignore").read_text() == "*\n"


def test_the_next_runs_end_as_set(halo: CommandLine) -> None:
    said = halo("sandbox", "next-run", "--ends", "failed", "--after", "1m30s", "--times", "2")
    assert (said.code, said.out) == (0, "Next 2 runs: failed, 90s after the start\n")
    assert halo("sandbox", "next-run", "--ends", "cancelled").out.endswith("\nThen 1 run: cancelled\n")
    listed = halo("sandbox", "next-run", "--json").json
    assert listed == [
        {"ends": "failed", "afterSeconds": 90.0, "times": 2},
        {"ends": "cancelled", "afterSeconds": None, "times": 1},
    ]
    assert halo("sandbox", "next-run", "--clear", "--ends", "no_traces").out == "Next 1 run: no_traces\n"
    assert halo("sandbox", "next-run", "--clear").out == "No endings are set; runs complete.\n"


@pytest.mark.parametrize("status", ENDINGS)
def test_every_ending_of_a_run_can_be_rehearsed(halo: CommandLine, folder: Path, status: str) -> None:
    assert halo("sandbox", "next-run", "--ends", status, "--after", "1s").code == 0
    with Sandbox.open(folder / ".halo" / "sandbox.db") as sandbox:
        assert [ending.status for ending, _ in sandbox.next_endings] == [status]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["next-run", "--ends", "bogus"], "'bogus' is not one of 'completed'"),
        (["next-run", "--after", "10s"], "--after was given without --ends"),
        (["next-run", "--times", "2"], "--times was given without --ends"),
        (["next-run", "--ends", "failed", "--times", "0"], "--times"),
        (["next-run", "--ends", "failed", "--after", "10"], "--after 10 is not a duration that a run can take"),
        (["next-run", "--ends", "failed", "--after", "2 months"], "is not a duration that a run can take"),
        (["serve", "--run-time", "25h"], "--run-time 25h is not a duration that a run can take"),
        (["serve", "--run-time", "-3s"], "--run-time -3s is not a duration that a run can take"),
    ],
)
def test_an_invalid_ending_is_wrong_usage(halo: CommandLine, folder: Path, argv: list[str], message: str) -> None:
    ended = halo("sandbox", *argv)
    assert (ended.code, message in ended.err) == (64, True)
    assert tree(folder) == {}


def test_a_served_run_takes_the_time_that_was_asked_for(halo: CommandLine, folder: Path) -> None:
    with serve_process(folder, "--run-time", "1h") as running:
        env = exported_variables(running)
        run = halo("run", "create", "--agent-uuid", "checkout", "--json", **env).json["runId"]
    with closing(sqlite3.connect(folder / ".halo" / "sandbox.db")) as connection:
        assert connection.execute("SELECT pace FROM runs WHERE id = ?", (run,)).fetchone() == (1200,)
