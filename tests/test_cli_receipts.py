"""The receipt of an apply: its path, permissions and content, and what happens if it cannot be written."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, titles, tree
from receipts import HEADER
from sandbox_calls import PROJECT
from strategies import BASE

from halo_iac.errors import FileError
from halo_iac.model.plan import Action
from halo_iac.model.receipt import Result, WriteIntent, WriteOutcome
from halo_iac.sandbox.demo import DEMO_KEY, DEMO_PROJECT_ID
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.server import serve
from halo_iac.storage import receipt_file as receipts
from halo_iac.storage import receipt_reader
from halo_iac.storage.receipt_file import ReceiptFile
from halo_iac.storage.receipt_reader import load_receipt

ROOT = Path(__file__).parent.parent
PROJECT_FILE = """\
version: 1
schedules:
  a: {title: Alpha, agent: checkout, frequency: daily, hours: 9}
  b: {title: Beta, agent: support-bot, frequency: daily, hours: 9}
"""


@pytest.fixture
def project(folder: Path) -> Path:
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    return folder


def intent(number: int) -> WriteIntent:
    return WriteIntent(
        number=number,
        action=Action.CREATE,
        key="a",
        id=None,
        title=f"T{number}",
        is_archived=False,
        before=None,
        after=BASE,
    )


def kept_in(folder: Path) -> list[Path]:
    return sorted((folder / ".halo" / "receipts").glob("*"))


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Where it lies ------------------------------------------------------------------------------------------------------


def test_an_apply_keeps_a_receipt_and_says_where(halo: CommandLine, project: Path) -> None:
    ended = halo("apply", "--sandbox", "--yes")
    (path,) = kept_in(project)
    name = str(path.relative_to(project))
    assert path.name.startswith("20261102T120000.000Z-")
    command = f"halo undo {name} --allow-archive 2 --sandbox"
    assert ended.err.endswith(f"Receipt: {name}; run `{command}` to undo what was done.\n")
    receipt = load_receipt(name)
    assert (receipt.header.project_id, receipt.header.at) == (PROJECT, "2026-11-02T12:00:00.000Z")
    assert [(write.intent.title, write.result) for write in receipt.writes] == [("Alpha", "done"), ("Beta", "done")]
    assert receipt.gap is None


def test_json_names_the_receipt_and_the_way_back(halo: CommandLine, project: Path) -> None:
    ended = halo("apply", "--sandbox", "--yes", "--json")
    name = str(kept_in(project)[0].relative_to(project))
    assert (ended.json["receipt"], ended.json["undo"]) == (name, f"halo undo {name} --allow-archive 2 --sandbox")
    assert ended.err.count("Receipt") == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_receipt_is_readable_by_its_owner_only(halo: CommandLine, project: Path) -> None:
    (project / ".halo").mkdir(mode=0o755)
    halo("apply", "--sandbox", "--yes")
    assert [permissions(path) for path in (project / ".halo", project / ".halo" / "receipts", *kept_in(project))] == [
        0o700,
        0o700,
        0o600,
    ]
    assert (project / ".halo" / ".gitignore").read_text() == "*\n"


def test_receipts_are_beside_the_project_file(
    halo: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    halo("apply", "--sandbox", "--yes")
    assert len(kept_in(project)) == 1


def test_a_receipt_can_have_another_path(halo: CommandLine, project: Path) -> None:
    ended = halo("apply", "--sandbox", "--yes", "--receipt", "run one.jsonl")
    assert "`halo undo 'run one.jsonl' --allow-archive 2 --sandbox`" in ended.err
    assert (kept_in(project), load_receipt("run one.jsonl").gap) == ([], None)
    assert permissions(project / "run one.jsonl") == 0o600


def test_a_receipt_holds_no_key(halo: CommandLine, project: Path) -> None:
    (project / "halo.yaml").write_text(PROJECT_FILE.replace("Alpha", f"{DEMO_KEY} x"))
    with Sandbox.open(None) as sandbox, serve(sandbox) as server:
        env = {"INF_API_URL": server.url, "INF_API_KEY": DEMO_KEY, "INF_PROJECT_ID": DEMO_PROJECT_ID}
        assert halo("apply", "--yes", **env).code == 0
    (path,) = kept_in(project)
    assert (DEMO_KEY in path.read_text(), load_receipt(str(path)).writes[0].intent.title) == (False, "*** x")


def test_a_receipt_that_is_too_large_suggests_no_undo(
    halo: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (receipts, receipt_reader):
        monkeypatch.setattr(module, "MAX_RECEIPT_BYTES", 1_000)
    ended = halo("apply", "--sandbox", "--yes")
    name = str(kept_in(project)[0].relative_to(project))
    assert ended.err.splitlines()[-2:] == [
        "The receipt is too large for `halo undo`; apply in smaller parts with --target to be able to undo them.",
        f"Receipt: {name}.",
    ]
    assert halo("undo", name, "--sandbox").code == 1


def test_an_apply_without_changes_leaves_no_receipt(halo: CommandLine, project: Path) -> None:
    halo("apply", "--sandbox", "--yes")
    before = kept_in(project)
    assert halo("apply", "--sandbox", "--yes", "--receipt", "new.jsonl").code == 0
    assert halo("apply", "--sandbox", "--target", "a").code == 0
    assert (kept_in(project), (project / "new.jsonl").exists()) == (before, False)


def test_a_declined_apply_leaves_no_receipt(halo: CommandLine, project: Path) -> None:
    assert halo("apply", "--sandbox").code == 3
    assert halo("apply", "--sandbox", answer="no\n").code == 3
    assert kept_in(project) == []


# Where there can be none --------------------------------------------------------------------------------------------


def test_a_file_that_is_there_stays_as_it_is_and_nothing_is_applied(halo: CommandLine, project: Path) -> None:
    ended = halo("apply", "--sandbox", "--yes", "--receipt", "halo.yaml")
    assert (ended.code, ended.err.splitlines()) == (
        1,
        [
            "error: halo.yaml already exists; it was not overwritten",
            "hint: set another path with --receipt FILE; nothing was changed",
        ],
    )
    assert ((project / "halo.yaml").read_text(), titles(halo)) == (PROJECT_FILE, [])


def test_a_link_is_not_followed(halo: CommandLine, project: Path) -> None:
    (project / "link.jsonl").symlink_to(project / "elsewhere.jsonl")
    assert halo("apply", "--sandbox", "--yes", "--receipt", "link.jsonl").code == 1
    assert not (project / "elsewhere.jsonl").exists()


@pytest.mark.parametrize("name", ["no/such/folder.jsonl", "."])
def test_an_unwritable_receipt_is_reported_before_anything_is_sent(halo: CommandLine, project: Path, name: str) -> None:
    ended = halo("apply", "--sandbox", "--yes", "--receipt", name)
    assert (ended.code, "--receipt FILE" in ended.err, titles(halo)) == (1, True, [])
    assert (project / "halo.yaml").read_text() == PROJECT_FILE


def test_an_empty_name_is_wrong_usage(halo: CommandLine, project: Path) -> None:
    assert halo("apply", "--sandbox", "--yes", "--receipt", " ").code == 64
    assert kept_in(project) == []


def test_a_default_place_that_cannot_be_made_names_the_option(halo: CommandLine, project: Path) -> None:
    (project / ".halo").write_text("a file")
    env = {"HALO_SANDBOX": "sandbox.db"}
    ended = halo("apply", "--yes", **env)
    assert ended.code == 1
    assert ended.err.splitlines() == [
        f"error: {project}/.halo already exists; it was not overwritten",
        "hint: set another path with --receipt FILE; nothing was changed",
    ]
    assert halo("schedule", "list", "--json", **env).json["schedules"] == []
    assert halo("apply", "--yes", "--receipt", "here.jsonl", **env).code == 0


@pytest.mark.parametrize(("working", "code"), [(0, 1), (1, 1)], ids=["at once", "before the first write"])
def test_a_disk_that_fails_lets_nothing_be_sent(
    halo: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch, working: int, code: int
) -> None:
    sync, left, receipt = os.fsync, working, project / "r.jsonl"

    def failing(descriptor: int) -> None:
        nonlocal left
        if receipt.exists() and os.path.samestat(os.fstat(descriptor), receipt.stat()):
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(receipts.os, "fsync", failing)
    ended = halo("apply", "--sandbox", "--yes", "--receipt", "r.jsonl")
    monkeypatch.setattr(receipts.os, "fsync", sync)
    assert (ended.code, "No space left on device" in ended.err) == (code, True)
    assert titles(halo) == []
    assert receipt.exists() is (working > 0)


# What is kept when --------------------------------------------------------------------------------------------------


def test_many_threads_share_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, durable = os.fsync, 0

    def counting(descriptor: int) -> None:
        nonlocal durable
        sync(descriptor)
        durable += 1

    monkeypatch.setattr(receipts.os, "fsync", counting)
    file = ReceiptFile(tmp_path / "r.jsonl", HEADER, str)
    barrier = threading.Barrier(16)

    def work(place: int) -> None:
        barrier.wait()
        for number in range(place * 10 + 1, place * 10 + 11):
            file.record_intent([intent(number)])
            assert f'"number":{number},'.encode() in (tmp_path / "r.jsonl").read_bytes()
            file.record_outcome(WriteOutcome(number=number, result=Result.DONE, id=f"s{number}"))

    threads = [threading.Thread(target=work, args=(place,)) for place in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file.close()
    receipt = load_receipt(str(tmp_path / "r.jsonl"))
    assert sorted(write.intent.number for write in receipt.writes) == list(range(1, 161))
    assert {write.result for write in receipt.writes} == {Result.DONE}
    assert (receipt.gap, durable <= 163) == (None, True)


def test_no_write_is_recorded_or_sent_after_the_receipt_is_closed(tmp_path: Path) -> None:
    file = ReceiptFile(tmp_path / "r.jsonl", HEADER, str)
    file.record_intent([intent(1)])
    file.close()
    before = tree(tmp_path)
    file.record_outcome(WriteOutcome(number=1, result=Result.DONE))
    with pytest.raises(FileError, match="the run is over"):
        file.record_intent([intent(2)])
    assert tree(tmp_path) == before


def test_each_line_of_a_receipt_is_a_json_document(halo: CommandLine, project: Path) -> None:
    halo("apply", "--sandbox", "--yes")
    lines: list[dict[str, Any]] = [json.loads(line) for line in kept_in(project)[0].read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["receipt", "intent", "intent", "outcome", "outcome", "end"]
