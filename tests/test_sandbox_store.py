from __future__ import annotations

import json
import os
import sqlite3
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from full_disk import files_of_at_most
from sandbox_calls import DAILY, PROJECT, Caller, Clock, demo_agents, error_of

from halo_iac.paths import make_private_folder
from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.protocol import SandboxError, ServerFailure
from halo_iac.sandbox.store import Key, Store
from halo_iac.sandbox.store.schema import MIGRATIONS


def test_a_file_opened_again_has_everything(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with Sandbox.open(path) as sandbox:
        caller = Caller(sandbox)
        created = caller.create(modelId=None)
        archived = caller.mutate("haloSchedule.archive", {"id": caller.create()["id"]})
        context = caller.query("project.getAuthContext")
        sandbox.add_key(Key("sk-inference-third"))
    with Sandbox.open(path) as sandbox:
        caller = Caller(sandbox)
        assert caller.listed(includeArchived=True) == [created, archived]
        assert caller.query("project.getAuthContext") == context
        assert Caller(sandbox, "sk-inference-third").query("project.getProjects") == []
        renamed = caller.mutate("haloSchedule.update", {"id": created["id"], "title": "Renamed"})
        assert renamed["modelId"] == "halo-large"


def test_two_sandboxes_may_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with Sandbox.open(path) as one, Sandbox.open(path) as other:
        created = Caller(one).create()
        assert Caller(other).listed() == [created]
        Caller(other).mutate("haloSchedule.archive", {"id": created["id"]})
        assert Caller(one).listed() == []


def test_eight_threads_on_a_file_lose_nothing(tmp_path: Path) -> None:
    def work(number: int) -> str:
        with Sandbox.open(path) as sandbox:
            created = Caller(sandbox).create(title=f"Number {number}")
            return str(Caller(sandbox).mutate("haloSchedule.update", {"id": created["id"], "hours": [1]})["title"])

    path = tmp_path / "sandbox.db"
    with ThreadPoolExecutor(8) as pool:
        titles = list(pool.map(work, range(40)))
    with Sandbox.open(path) as sandbox:
        assert sorted(each["title"] for each in sandbox.schedules()) == sorted(titles)


@pytest.mark.parametrize("has_links", [True, False])
def test_eight_threads_that_make_a_file_at_once_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    def refuse(*_names: Path) -> None:
        raise PermissionError

    if not has_links:
        monkeypatch.setattr("os.link", refuse)

    def work(path: Path) -> None:
        start.wait(10)
        Sandbox.open(path).close()

    start = Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        for number in range(5):
            list(pool.map(work, [tmp_path / f"{number}.db"] * 8))
    assert sorted(each.name for each in tmp_path.iterdir()) == [f"{number}.db" for number in range(5)]


def test_a_new_file_appears_with_all_tables_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def observe(draft: Path, path: Path) -> None:
        assert not path.exists()
        link(draft, path)
        with closing(sqlite3.connect(path)) as connection:
            seen.append(connection.execute("PRAGMA user_version").fetchone())
            seen.append(connection.execute("PRAGMA journal_mode").fetchone())

    seen: list[tuple[object]] = []
    link = os.link
    monkeypatch.setattr("os.link", observe)
    Sandbox.open(tmp_path / "sandbox.db").close()
    assert seen == [(len(MIGRATIONS),), ("wal",)]


def test_a_file_made_meanwhile_by_another_process_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link_late(draft: Path, path: Path) -> None:
        monkeypatch.undo()
        with Sandbox.open(path) as other:
            created.append(Caller(other).create())
        link(draft, path)

    created: list[dict[str, Any]] = []
    link = os.link
    monkeypatch.setattr("os.link", link_late)
    with Sandbox.open(tmp_path / "sandbox.db") as sandbox:
        assert Caller(sandbox).listed() == created != []


def test_one_row_updated_by_many_threads_keeps_every_change(tmp_path: Path) -> None:
    fields = {"hours": [1], "minutes": [2], "spanLimit": 3, "lookbackHours": 4, "maxTurns": 5, "enabled": False}
    with Sandbox.open(tmp_path / "sandbox.db") as sandbox:
        caller = Caller(sandbox)
        schedule_id = caller.create()["id"]

        def change(name: str) -> None:
            caller.mutate("haloSchedule.update", {"id": schedule_id, name: fields[name]})

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(change, fields))
        stored = caller.query("haloSchedule.getById", {"id": schedule_id})
        assert {name: stored[name] for name in fields} == fields


def test_a_halo_folder_is_private_and_hides_itself_from_git(tmp_path: Path) -> None:
    folder = tmp_path / "new" / ".halo"
    Sandbox.open(folder / "sandbox.db").close()
    assert (folder / ".gitignore").read_text(encoding="ascii") == "*\n"
    if sys.platform != "win32":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_halo_folder_that_is_there_is_made_private_and_hidden_with_the_file_in_it(tmp_path: Path) -> None:
    folder = tmp_path / ".halo"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "sandbox.db").touch()
    (folder / "sandbox.db").chmod(0o644)
    Sandbox.open(folder / "sandbox.db").close()
    assert (folder / ".gitignore").read_text(encoding="ascii") == "*\n"
    if sys.platform != "win32":
        assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "sandbox.db")] == [0o700, 0o600]


def test_no_link_in_place_of_a_halo_folder_or_its_sandbox_is_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / ".halo"
    outside.mkdir()
    folder.symlink_to(outside, target_is_directory=True)
    with pytest.raises(SandboxError, match="it is a symbolic link; remove it"):
        Sandbox.open(folder / "sandbox.db")
    folder.unlink()
    folder.mkdir()
    (folder / "sandbox.db").symlink_to(outside / "sandbox.db")
    with pytest.raises(SandboxError, match="it is a symbolic link; remove it"):
        Sandbox.open(folder / "sandbox.db")
    assert list(outside.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")
def test_a_halo_folder_gets_its_gitignore_once_the_disk_has_room(tmp_path: Path) -> None:
    folder = tmp_path / ".halo"
    with files_of_at_most(0), pytest.raises(OSError, match="File too large"):
        make_private_folder(folder)
    make_private_folder(folder)
    assert (folder / ".gitignore").read_text(encoding="ascii") == "*\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")
def test_a_users_gitignore_is_kept_if_no_file_can_be_opened(tmp_path: Path) -> None:
    import resource

    folder = tmp_path / ".halo"
    make_private_folder(folder)
    (folder / ".gitignore").write_text("*.db\n", encoding="ascii")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            make_private_folder(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (folder / ".gitignore").read_text(encoding="ascii") == "*.db\n"


def test_a_users_gitignore_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / ".halo"
    folder.mkdir()
    (folder / ".gitignore").write_text("*.db\n", encoding="ascii")
    Sandbox.open(folder / "sandbox.db").close()
    assert (folder / ".gitignore").read_text(encoding="ascii") == "*.db\n"


def test_a_folder_of_another_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other").chmod(0o755)
    Sandbox.open(tmp_path / "other" / "sandbox.db").close()
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["sandbox.db"]
    assert (tmp_path / "other").stat().st_mode & 0o777 in {0o755, 0o777}  # the latter on Windows


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_new_file_and_its_journals_are_their_owner_s_wherever_they_are(tmp_path: Path) -> None:
    path = tmp_path / "other" / "sandbox.db"
    with Sandbox.open(path) as sandbox:
        Caller(sandbox).create()
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {"sandbox.db": 0o600, "sandbox.db-shm": 0o600, "sandbox.db-wal": 0o600}


def test_a_file_that_is_not_a_database_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    path.write_text("version: 1\n" * 100, encoding="utf-8")
    with pytest.raises(SandboxError) as caught:
        Sandbox.open(path)
    said = f"{path}: SQLite says: file is not a database"
    assert (str(caught.value), caught.value.failure) == (said, ServerFailure.CONTENT)
    assert path.read_text(encoding="utf-8") == "version: 1\n" * 100


@pytest.mark.parametrize("version", [0, 1, len(MIGRATIONS), 99])
def test_a_database_of_something_else_is_left_as_it_is(tmp_path: Path, version: int) -> None:
    path = tmp_path / "photos.db"
    make_database(path, "CREATE TABLE photos (name)", f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(SandboxError) as caught:
        Sandbox.open(path)
    said = f"{path} is a database, but not a sandbox"
    assert (str(caught.value), caught.value.failure) == (said, ServerFailure.CONTENT)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"photos.db": before}


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    Sandbox.open(path).close()
    make_database(path, "PRAGMA user_version = 99", "CREATE TABLE of_later (id)")
    with pytest.raises(SandboxError) as caught:
        Sandbox.open(path)
    said = f"{path} is a sandbox from a later version of halo"
    assert (str(caught.value), caught.value.failure) == (said, ServerFailure.CONTENT)


def make_database(path: Path, *statements: str) -> None:
    """Do something to a database, which need not be there, as another program would."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_a_folder_in_place_of_the_file_is_an_error_of_the_sandbox(tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as caught:
        Sandbox.open(tmp_path)
    said = f"{tmp_path}: SQLite says: unable to open database file"
    assert (str(caught.value), caught.value.failure) == (said, ServerFailure.ACCESS)


def test_a_file_in_place_of_the_folder_is_an_error_of_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("", encoding="ascii")
    with pytest.raises(SandboxError, match="the sandbox's folder cannot be created") as caught:
        Sandbox.open(tmp_path / "x" / "y" / "sandbox.db")
    assert caught.value.failure is ServerFailure.ACCESS
    with pytest.raises(SandboxError):
        Sandbox.open(tmp_path / "x" / "sandbox.db")


def test_nothing_of_a_failed_write_remains() -> None:
    def fail_half_way() -> None:
        with store.writing() as tables:
            tables.add_project("p", "P", "2026-01-01T00:00:00.000Z")
            raise ZeroDivisionError

    store = Store(None)
    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with store.reading() as tables:
        assert tables.projects() == []
    store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")
@pytest.mark.parametrize("length", [10, 10_000_000])
def test_a_write_that_the_disk_has_no_room_for_says_so_and_the_next_one_works(tmp_path: Path, length: int) -> None:
    path = tmp_path / "sandbox.db"
    store = Store(path)
    with files_of_at_most(0), pytest.raises(SandboxError) as caught, store.writing() as tables:
        tables.add_project("p", "P" * length, "2026-01-01T00:00:00.000Z")
    assert (str(caught.value), caught.value.failure) == (f"{path}: SQLite says: disk I/O error", ServerFailure.SPACE)
    with store.writing() as tables:
        tables.add_project("q", "Q", "2026-01-01T00:00:00.000Z")
        assert [project["id"] for project in tables.projects()] == ["q"]
    store.close()


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS seq, 'a' AS id FROM n"


@pytest.mark.parametrize(
    "statements",
    [
        f"DROP TABLE schedules; CREATE VIEW schedules AS {ENDLESS}",
        f"DROP TABLE projects; CREATE VIEW projects AS {ENDLESS}",
        "CREATE TRIGGER t AFTER UPDATE ON clock BEGIN DELETE FROM schedules; END",
        f"CREATE VIEW more AS {ENDLESS}",
        "CREATE TABLE more (x)",
        "CREATE INDEX more ON agents (wire)",
        "ALTER TABLE keys ADD COLUMN more",
        "DROP TABLE runs; CREATE TABLE runs (seq INTEGER PRIMARY KEY)",
        "DROP TABLE clock; CREATE TABLE clock (only INTEGER, ahead AS (zeroblob(1000000000)))",
    ],
)
def test_a_database_that_holds_more_than_a_sandbox_s_own_is_not_opened(tmp_path: Path, statements: str) -> None:
    path = tmp_path / "sandbox.db"
    Sandbox.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements)
    with pytest.raises(SandboxError) as caught:
        Sandbox.open(path)
    assert str(caught.value) == f"{path} is a database, but not a sandbox"


@pytest.mark.parametrize("ahead", ["1e308", "-1", "'soon'", "x'00'"])
def test_a_clock_that_no_sandbox_has_set_is_refused(tmp_path: Path, ahead: str) -> None:
    path = tmp_path / "sandbox.db"
    Sandbox.open(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE clock SET ahead = {ahead}")
    with pytest.raises(SandboxError) as caught:
        Sandbox.open(path)
    assert caught.value.failure is ServerFailure.CONTENT


@pytest.mark.parametrize("wire", ["5", "'{'", "'[]'", "x'ff'", "replace(hex(zeroblob(50000)), '00', '[')"])
def test_a_row_that_no_sandbox_has_written_is_an_error_of_the_sandbox(tmp_path: Path, wire: str) -> None:
    path = tmp_path / "sandbox.db"
    Sandbox.open(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE agents SET wire = {wire}")
    with Sandbox.open(path) as sandbox:
        answer = Caller(sandbox).send_query("agent.listForProject", {"projectId": PROJECT})
    assert error_of(answer)[0::3] == (500, "the sandbox's file contains data that no sandbox wrote")


def test_statistics_in_a_sandbox_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    Sandbox.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("ANALYZE")
    Sandbox.open(path).close()


def test_a_closed_sandbox_answers_that_it_is_closed() -> None:
    sandbox = Sandbox.open(None)
    sandbox.close()
    answer = Caller(sandbox).send_query("haloSchedule.listEligibleModels")
    assert error_of(answer) == (500, -32603, "INTERNAL_SERVER_ERROR", "The sandbox is closed.")


def test_a_file_of_the_version_before_runs_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    connection = sqlite3.connect(path)
    connection.executescript(MIGRATIONS[0])
    connection.execute("INSERT INTO projects VALUES (?, 'Sandbox', '2026-11-01T00:00:00.000Z')", (PROJECT,))
    connection.execute("INSERT INTO keys VALUES (?, 1, 1, 1)", (demo.DEMO_KEY,))
    agent = "INSERT INTO agents (project_id, id, wire) VALUES (?, ?, ?)"
    connection.executemany(agent, [(PROJECT, each["id"], json.dumps(each)) for each in demo.AGENTS])
    schedule = "INSERT INTO schedules (id, project_id, is_archived, wire) VALUES (?, ?, ?, ?)"
    common = {**DAILY, "hours": [13], "enabled": True}
    rows = [{**common, "id": "active"}, {**common, "id": "archived", "archivedAt": "2026-11-01T00:00:00.000Z"}]
    values = [(row["id"], PROJECT, "archivedAt" in row, json.dumps(row)) for row in rows]
    connection.executemany(schedule, values)
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    clock = Clock()
    with Sandbox.open(path, clock=clock) as sandbox:
        caller = Caller(sandbox)
        assert caller.listed(includeArchived=True) == rows
        assert caller.query("agent.listForProject", {"projectId": PROJECT}) == demo_agents(30)
        assert sandbox.advance() == []  # nothing is made up for of the time before
        clock.advance(hours=1)
        assert [(fire.schedule_id, fire.at) for fire in sandbox.advance()] == [("active", "2026-11-02T13:00:00.000Z")]


def test_an_instant_of_a_schedule_has_one_run_whatever_the_code_does(tmp_path: Path) -> None:
    clock = Clock()
    with Sandbox.open(tmp_path / "sandbox.db", clock=clock) as sandbox:
        schedule_id = Caller(sandbox).create(hours=[13])["id"]
        clock.advance(hours=1)
        assert len(sandbox.advance()) == 1
    store = Store(tmp_path / "sandbox.db")
    with store.writing() as tables:
        [run] = tables.runs.of_schedule(schedule_id, 2)
        with pytest.raises(sqlite3.IntegrityError):
            tables.runs.add(replace(run, id="another"))
    store.close()
