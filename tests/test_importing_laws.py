"""The laws of import and rename: whatever a project file looks like and whatever the platform holds."""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from command_line import CommandLine, CommandResult
from hypothesis import assume, given
from hypothesis import strategies as st
from project_files import load_document
from ruamel.yaml import YAML
from sandbox_calls import PROJECT
from strategies import AGENTS, HOST, ODD_PROMPTS, any_titles, documents, plain_titles, platforms, wire

from halo_iac.load import load
from halo_iac.match import match, title_cycles
from halo_iac.model.plan import Plan
from halo_iac.model.project import Project
from halo_iac.model.remote import PlatformState, RemoteSchedule, UnreadableSchedule
from halo_iac.pipeline import PlanRequest, plan_project
from halo_iac.resolve import resolve
from halo_iac.sandbox.platform import Sandbox

Wires = list[dict[str, Any]]


class File(NamedTuple):
    """A project file as a user wrote it, and its content."""

    text: str
    document: dict[str, Any]


@dataclass
class Desk:
    """A folder with a project file, and a platform."""

    folder: Path
    wires: Wires

    @property
    def file(self) -> Path:
        return self.folder / "halo.yaml"

    @property
    def content(self) -> str:
        return self.file.read_bytes().decode()

    def halo(self, *argv: str) -> CommandResult:
        line = CommandLine({"INF_CONFIG_DIR": str(self.folder)})
        return line(argv[0], "--file", str(self.file), *argv[1:])

    def imported(self, *argv: str) -> CommandResult:
        return self.halo("import", *argv, "--sandbox-file", str(self.folder / "sandbox.db"))

    @property
    def project(self) -> Project:
        return load(self.file, variables={}, cwd=self.folder)

    @property
    def actual(self) -> PlatformState:
        return PlatformState(tuple(map(RemoteSchedule, self.wires)), AGENTS)

    @property
    def plan(self) -> Plan:
        return plan_project(lambda: self.project, lambda _: (HOST, self.actual), PlanRequest())


@contextmanager
def open_desk(wires: Wires, text: str | None = None) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory() as folder:
        there = Desk(Path(folder), wires)
        with Sandbox.open(there.folder / "sandbox.db") as sandbox:
            sandbox.seed(PROJECT, wires)
        if text is not None:
            there.file.write_bytes(text.encode())
        yield there


# Files as people write them -----------------------------------------------------------------------------------------


def block_yaml(document: dict[str, Any], step: int) -> str:
    yaml = YAML()
    yaml.width = 80
    yaml.indent(mapping=step, sequence=step + 2, offset=step)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


@st.composite
def files(draw: st.DrawFn) -> File:
    """Draw a project file: JSON or lines, with comments, anchors, empty lines, any indentation and any end."""
    document = draw(documents())
    if draw(st.integers(0, 4)) == 0:
        text = json.dumps(document, indent=draw(st.sampled_from([None, 2])), ensure_ascii=False)
    else:
        if draw(st.booleans()):  # put schedules first, so that something follows them
            document = {"schedules": document["schedules"], **document}
        text = block_yaml(document, draw(st.sampled_from([2, 2, 3, 4])))
        between = draw(st.sampled_from(["", "\n", "  # of the next\n", "\n# a\tnote: [x]\n\n"]))
        text = re.sub(r"(?m)^ +key-", lambda found: between + found[0], text)
        text = re.sub(
            r"(?m)^( +key-\w+):$", draw(st.sampled_from([r"\1:", r"\1:  # c", r"\1: &anchor"])), text, count=1
        )
        text += draw(st.sampled_from(["", "# the end\n", "      # of the last\n  # nearer\n\n# the end", "...\n"]))
    if draw(st.booleans()):
        text = text.rstrip("\n")
    if draw(st.integers(0, 3)) == 0:
        text = text.replace("\n", "\r\n")
    return File(text, document)


def is_longer_by_one_piece(before: str, after: str) -> bool:
    """Say whether only one piece was put in; for ``{}``, braces may have made way, and a last line may have ended."""
    for old in (before, before.replace("schedules: {}", "schedules:")):
        start = next((at for at, (a, b) in enumerate(zip(old, after, strict=False)) if a != b), len(old))
        if any(after.endswith(old[at:]) and len(after) > len(old) for at in range(start, max(-1, start - 200), -1)):
            return True
    return False


@given(files(), platforms(plain_titles | any_titles, most=5), st.booleans())
def test_an_import_adds_undeclared_schedules_and_nothing_else(drawn: File, wires: Wires, with_archived: bool) -> None:
    options = ["--include-archived"] if with_archived else []
    with open_desk(wires, drawn.text) as there:
        before, plan = there.project, there.plan
        pairing = resolve(before, match(before, there.actual), there.actual)
        ended = there.imported(*options)
        assert ended.code == 0, ended.err
        keys = {entry.key for entry in there.project.entries} - {entry.key for entry in before.entries}
        assert (there.content == drawn.text) if not keys else is_longer_by_one_piece(drawn.text, there.content)
        assert {each.key for each in before.entries} <= {each.key for each in there.project.entries}
        after = there.plan
        assert not [each for each in (*after.changes, *after.blocked) if each.key in keys]
        assert len(after.changes) <= len(plan.changes)
        left_out = ended.err.count("Left out: ")
        wanted = [
            remote
            for remote in there.actual.schedules
            if plan.policy.covers(remote.agent_id, remote.title)
            and (remote.is_active or with_archived)
            and remote.id not in {pair.remote.id for pair in pairing.pairs if pair.remote}
            and remote.id not in {id_ for blocked in pairing.blocked for id_ in blocked.ids}
        ]
        assert len(keys) + left_out == len(wanted)
        content = there.content
        assert "Nothing to add to " in there.imported(*options).err
        assert there.content == content


@given(platforms(any_titles, most=6), st.booleans(), st.booleans())
def test_a_new_file_says_what_the_platform_holds(wires: Wires, with_archived: bool, has_prompt_files: bool) -> None:
    options = [*(["--include-archived"] if with_archived else []), *(["--prompt-files"] if has_prompt_files else [])]
    with open_desk(wires) as there:
        assert there.imported(*options).code == 0
        plan = there.plan
        assert (plan.changes, plan.blocked, plan.refusals) == ((), (), ())
        readable = [each for each in there.actual.schedules if not isinstance(each.spec(), UnreadableSchedule)]
        assert plan.unchanged + len(plan.paused) >= sum(each.is_active for each in readable)
        content = there.content
        assert "Nothing to add to " in there.imported(*options).err
        assert there.content == content
        for path in there.folder.glob("prompts/*"):
            assert f"prompt_file: prompts/{path.name}\n" in content


# Renames ------------------------------------------------------------------------------------------------------------


@given(files(), st.data())
def test_a_rename_is_one_change_of_the_title_and_undone_is_none(drawn: File, data: st.DataObject) -> None:
    document = drawn.document
    keys = [key for key, entry in document["schedules"].items() if "state" not in entry]
    assume(keys)
    assume(not title_cycles(load_document(document).entries))
    key = data.draw(st.sampled_from(keys))
    title = document.get("scope", {}).get("title_prefix", "") + data.draw(
        st.sampled_from(["New", "it's: new", '"new" #1', "- new", "new, [x]", "costs ${5}", "é 😀"])
    )
    with open_desk([], drawn.text) as there:
        ended = there.halo("rename", "--", key, title)
        assert ended.code == 0, ended.err
        before, after = document["schedules"][key], next(each for each in there.project.entries if each.key == key)
        formers = dict.fromkeys([*before.get("renamed_from", []), before["title"]])
        assert (after.title, dict.fromkeys(after.renamed_from)) == (title, formers)
        assert there.halo("rename", key, before["title"]).code == 0
        assert next(each for each in there.project.entries if each.key == key).title == before["title"]


@given(st.sampled_from(ODD_PROMPTS), st.sampled_from(["", "'", '"']), st.sampled_from(["New", "it's", "a: b"]))
def test_a_rename_of_what_exists_is_planned_as_a_change_of_its_title_alone(prompt: str, quote: str, title: str) -> None:
    with open_desk([wire("5c000000-0000-4000-8000-000000000001", "Old", prompt=prompt)]) as there:
        there.imported()
        there.file.write_bytes(there.content.replace("title: Old", f"title: {quote}Old{quote}  # c").encode())
        key = there.project.entries[0].key
        assert there.halo("rename", key, title).code == 0
        (change,) = there.plan.changes
        assert [(each.field, each.before, each.after) for each in change.fields] == [("title", "Old", title)]
        assert there.plan.refusals == ()
        assert there.halo("rename", key, "Old").code == 0
        assert (there.plan.changes, there.plan.blocked) == ((), ())
