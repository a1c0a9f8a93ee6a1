"""Locks on project files: no edit is lost, and the lock of an ended process is released."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from command_line import CommandLine, tree
from forked import HaloProcess
from sandbox_calls import Caller

from halo_iac.errors import FileError
from halo_iac.sandbox.platform import Sandbox
from halo_iac.storage.file_lock import folder_lock

ROOT = Path(__file__).parents[1]
ENTRY = '  {key}: {{title: "{key}", agent: checkout, frequency: hourly, minutes: [0], prompt: Look.}}\n'
HOLD = "import sys; from pathlib import Path; from halo_iac.storage.file_lock import folder_lock\n"
HOLD += "with folder_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()\n"


def holder(path: Path) -> subprocess.Popen[str]:
    """Return a process that holds the lock of a file."""
    command = [sys.executable, "-c", HOLD, str(path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "held\n"
    return running


def is_free(path: Path) -> bool:
    try:
        with folder_lock(path, timeout=0):
            return True
    except FileError:
        return False


@pytest.mark.parametrize("is_included", [False, True])
def test_renames_at_once_lose_nothing(halo: CommandLine, folder: Path, *, is_included: bool) -> None:
    keys = [f"k{number}" for number in range(5)]
    entries = "schedules:\n" + "".join(ENTRY.format(key=key) for key in keys)
    if is_included:
        (folder / "halo.yaml").write_text("version: 1\ninclude: [more.yaml]\n")
        (folder / "staging.yaml").write_text("version: 1\ninclude: [link.yaml]\n")
        (folder / "more.yaml").write_text(entries)
        (folder / "link.yaml").symlink_to("more.yaml")
    else:
        (folder / "halo.yaml").write_text("version: 1\n" + entries)
        (folder / "staging.yaml").symlink_to("halo.yaml")
    before = set(tree(folder))
    running = [
        HaloProcess("rename", key, f"{key}, another", "-f", file, cwd=folder, env={})
        for key, file in zip(keys, ("halo.yaml", "staging.yaml") * 3, strict=False)
    ]
    for process in running:
        _, err = process.communicate(30)
        assert process.returncode == 0, err
    written = (folder / ("more.yaml" if is_included else "halo.yaml")).read_text()
    assert [key for key in keys if f"{key}, another" not in written] == []
    assert set(tree(folder)) == before
    assert halo("validate").code == 0


def test_a_rename_reads_what_the_one_before_it_has_written(halo: CommandLine, folder: Path) -> None:
    path = folder / "halo.yaml"
    path.write_text("version: 1\nschedules:\n" + ENTRY.format(key="a"))
    held = holder(path)
    codes: list[int] = []
    second = threading.Thread(target=lambda: codes.append(halo("rename", "a", "third").code))
    second.start()
    second.join(1)
    assert second.is_alive()
    path.write_text(path.read_text().replace('"a"', '"second"'))
    held.communicate()
    second.join(30)
    assert codes == [0]
    assert 'title: "third"' in path.read_text()
    assert 'renamed_from: "second"' in path.read_text()


def test_an_import_waits_for_its_turn_and_overwrites_nothing(halo: CommandLine, folder: Path) -> None:
    path = folder / "halo.yaml"
    path.write_text("version: 1\nschedules: {}\n")
    with Sandbox.open(folder / ".halo" / "sandbox.db") as sandbox:
        Caller(sandbox).create(title="There")
    held = holder(path)
    codes: list[int] = []
    importing = threading.Thread(target=lambda: codes.append(halo("import", "--sandbox").code))
    importing.start()
    importing.join(3)
    assert importing.is_alive()
    path.write_text("version: 1\nschedules: {}   # mine\n")
    held.communicate()
    importing.join(30)
    assert (codes, path.read_text()) == ([1], "version: 1\nschedules: {}   # mine\n")


def test_a_lock_is_one_for_every_name_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "halo.yaml").symlink_to("real/halo.yaml")
    with folder_lock(tmp_path / "real" / "halo.yaml"):
        names = ["real/halo.yaml", "real/gone.yaml", "link/halo.yaml", "halo.yaml", "other.yaml"]
        assert [is_free(tmp_path / name) for name in names] == [False, False, False, False, True]
    assert is_free(tmp_path / "halo.yaml")
    assert tree(tmp_path) == {}


def test_the_lock_of_a_killed_process_is_released(tmp_path: Path) -> None:
    path = tmp_path / "halo.yaml"
    held = holder(path)
    with pytest.raises(FileError, match="another command is still editing"), folder_lock(path, timeout=0.1):
        pass
    held.kill()
    held.communicate()
    assert is_free(path)
    assert tree(tmp_path) == {}


def test_a_lock_is_given_back_by_what_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyError), folder_lock(tmp_path / "halo.yaml"):
        raise KeyError
    assert is_free(tmp_path / "halo.yaml")


def test_a_file_is_locked_if_its_folder_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows, which takes the file away with the last that has it open; here, its holder does."""
    monkeypatch.setattr(sys, "platform", "win32")
    for flag in ("O_TEMPORARY", "O_NOINHERIT"):
        monkeypatch.setattr(os, flag, 0, raising=False)
    with folder_lock(tmp_path / "halo.yaml"):
        assert not is_free(tmp_path / "halo.yaml")
    [path] = tmp_path.iterdir()
    path.unlink()
    assert is_free(tmp_path / "halo.yaml")
