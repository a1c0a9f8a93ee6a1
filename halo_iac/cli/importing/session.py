"""Computes the files that ``import`` writes, and checks them by their plan, before anything is written."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halo_iac.cli.context import CommandContext
from halo_iac.cli.importing.check import find_problems
from halo_iac.errors import FileError, HaloError, ProjectError
from halo_iac.importing.entries import (
    ImportResult,
    Selection,
    agent_names,
    entries_that_do_not_round_trip,
    import_schedules,
    select,
)
from halo_iac.importing.layout import in_one_spelling, omit_defaults, put_prompts_in_files, shared_fields
from halo_iac.load.limits import MAX_FILE, MAX_PROMPT
from halo_iac.match import match
from halo_iac.model.project import Project
from halo_iac.model.schedule import normalized_prompt
from halo_iac.pipeline import PlanRequest, plan_project
from halo_iac.plan import resolved_policy
from halo_iac.render.yaml import block_text, project_text
from halo_iac.resolve import Catalog, resolve
from halo_iac.storage.atomic import check_replaceable, new_files, read_bytes, read_start, replace_unchanged, write_new
from halo_iac.storage.file_lock import folder_lock
from halo_iac.storage.schema_files import INCLUDE_SCHEMA
from halo_iac.yaml_edit import CannotEdit, add_entries

if TYPE_CHECKING:
    from halo_iac.cli.connection import Connection
    from halo_iac.model.plan import Plan
    from halo_iac.model.remote import PlatformState, RemoteSchedule

Entries = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ImportDraft:
    """The files to write: the project file's text, new prompt files beside it, and the plan of both."""

    imported: ImportResult
    text: str
    prompts: Mapping[str, str]
    planned: Plan


@dataclass
class ImportContext:
    """A project file, which may not exist yet (``before`` is ``None``), and the state of its platform.

    ``target`` is the file that gets the entries: the project file, or one that it includes; ``held`` is its content,
    ``None`` if it does not exist yet.
    """

    context: CommandContext
    path: Path
    before: bytes | None
    target: Path
    held: bytes | None
    project: Project
    connection: Connection
    actual: PlatformState

    @cached_property
    def text(self) -> str:
        """Return the target's text without a byte order mark; for a new included file, its first lines."""
        if self.held is not None or self.target == self.path:
            return (self.held or b"").decode("utf-8-sig")
        schema = self.path.parent / INCLUDE_SCHEMA  # beside the project file, for editors
        name = Path(os.path.relpath(schema, self.target.parent)).as_posix()
        head = f"# yaml-language-server: $schema={name}\n" if schema.is_file() else ""
        return f"{head}schedules: {{}}\n"

    @cached_property
    def catalog(self) -> Catalog:
        """Return the agents with their names in the project."""
        return Catalog(self.project, self.actual)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Return how entries of this project name agents: id → name."""
        return agent_names(self.actual, self.catalog, self.project.aliases)

    @cached_property
    def base(self) -> Mapping[str, Any]:
        """Return the values of an empty entry in this project, with the agent as an import would write it."""
        agent = self.catalog.find(self.project.fallback["agent"]) if "agent" in self.project.fallback else None
        base = {name: value for name, value in self.project.fallback.items() if name != "agent"}
        return {**base, "agent": self.names.get(agent, agent)} if isinstance(agent, str) else base

    def plan(self, drafts: Mapping[Path, bytes], keys: Collection[str] = ()) -> Plan:
        """Return the plan of the project with the files in ``drafts``; they must declare the ``keys``."""

        def project() -> Project:
            loaded = self.context.load_file(self.path, drafts)
            if not {entry.key for entry in loaded.entries}.issuperset(keys):
                hint = "add it to `include:`, or name a file with --into that is included"
                raise FileError(f"{self.target} is not included by {self.path}; nothing was written", hint=hint)
            return loaded

        return plan_project(project, lambda _: (self.connection.host, self.actual), PlanRequest())


def observe_for_import(context: CommandContext, path: Path, into: Path | None) -> ImportContext:
    """Read the project file, if it exists, and the platform; raises if entries cannot be written for them."""
    before, project = None, Project(str(path), ())
    if into is not None and not path.exists():
        raise FileError(f"--into names a file that {path} includes, but there is no {path}", hint="run `halo init`")
    if path.exists():
        before = read_bytes(path, MAX_FILE)
        project = context.load_file(path, {path: before})
        if project.unread:
            message = f"nothing was written: the sparse checkout leaves out the included file {project.unread[0]}"
            raise HaloError(message, hint="run `git sparse-checkout add` to check it out")
        check_replaceable(path)
    held = before
    if into is not None:
        held = read_bytes(into, MAX_FILE) if into.exists() else None
    if into is not None and held is not None:
        check_replaceable(into)
    connection = context.connect(project)
    actual = connection.start_observing().result()
    if actual.gap is not None:
        raise HaloError(f"nothing was written: the list of schedules is incomplete ({actual.gap})", hint="run again")
    return ImportContext(context, path, before, into or path, held, project, connection, actual)


def select_schedules(importing: ImportContext, what: list[str], *, with_archived: bool) -> Selection:
    """Return the selected schedules, by matching the project's entries."""
    pairing = resolve(importing.project, match(importing.project, importing.actual), importing.actual)
    policy = resolved_policy(importing.project, pairing)
    declared = {pair.remote.id for pair in pairing.pairs if pair.remote is not None}
    declared |= {id_ for blocked in pairing.blocked for id_ in blocked.ids}
    return select(
        importing.actual.schedules,
        what,
        is_declared=lambda remote: remote.id in declared,
        is_in_scope=lambda remote: policy.covers(remote.agent_id, remote.title),
        with_archived=with_archived,
    )


def build_draft(importing: ImportContext, wanted: tuple[RemoteSchedule, ...], *, has_prompt_files: bool) -> ImportDraft:
    """Return the files with entries for these schedules, without those that the plan would then change."""
    entries, context = importing.project.entries, importing.context
    imported = import_schedules(
        wanted,
        importing.actual,
        importing.names,
        lambda found: find_problems(context, importing.path, found),
        keys=[entry.key for entry in entries],
        titles={entry.title: None if entry.id else entry.key for entry in entries if entry.title is not None},
    )
    before = None if importing.before is None else importing.plan({importing.path: importing.before})
    while True:
        text, prompts = _arrange_files(importing, imported, has_prompt_files=has_prompt_files)
        try:
            planned = importing.plan(_drafts(importing, text, prompts), imported.entries.keys())
        except ProjectError as error:
            hint = "the change would cause these problems; nothing was written"
            raise ProjectError(error.problems, hint=hint) from None
        reasons = entries_that_do_not_round_trip(imported.entries.keys(), before, planned)
        if not reasons:
            return ImportDraft(imported, text, prompts, planned)
        imported = imported.without(reasons)


def write(importing: ImportContext, draft: ImportDraft) -> None:
    """Write all the files or none."""
    console, folder = importing.context.console, importing.target.parent
    with new_files({folder / name: console.redacted(text) for name, text in draft.prompts.items()}):
        if importing.held is not None:
            with folder_lock(importing.target):
                replace_unchanged(importing.target, importing.held, draft.text)
        elif not write_new(importing.target, console.redacted(draft.text)):
            raise FileError(
                f"{importing.target} was created in the meantime; it was not overwritten", hint="run the command again"
            )


def describe(remote: RemoteSchedule) -> str:
    """Return a schedule's name for messages."""
    return f"{remote.title!r} ({remote.id})"


def _drafts(importing: ImportContext, text: str, prompts: Mapping[str, str]) -> dict[Path, bytes]:
    folder = importing.target.parent
    return {importing.target: text.encode(), **{folder / name: held.encode() for name, held in prompts.items()}}


def _arrange_files(
    importing: ImportContext, imported: ImportResult, *, has_prompt_files: bool
) -> tuple[str, dict[str, str]]:
    """Return the project file's text, and the new prompt files."""
    shared = shared_fields(imported.entries.values()) if importing.before is None else {}
    entries = omit_defaults(imported.entries, {**importing.base, **shared})
    prompts: dict[str, str] = {}
    if has_prompt_files:
        mappings = [("defaults", shared), *entries.items()]
        (shared, *others), prompts = put_prompts_in_files(
            mappings, lambda name, text: _can_write_prompt(importing, name, text)
        )
        entries = dict(zip(entries, others, strict=True))
    entries = {key: in_one_spelling(fields) for key, fields in entries.items()}
    shared = in_one_spelling(shared)
    missing = {name: text for name, text in prompts.items() if not (importing.target.parent / name).exists()}
    if importing.before is not None:
        return (_merge_into_file(importing, entries) if entries else importing.text), missing
    is_named = importing.context.target.project is not None
    text = project_text(
        entries,
        defaults=shared,
        project_id=importing.connection.project.id if is_named else None,
        notes=[f"not imported: {describe(remote)}: {reason}" for remote, reason in imported.left_out],
    ).text
    return text, missing


def _merge_into_file(importing: ImportContext, entries: Entries) -> str:
    try:
        return add_entries(importing.text, entries)
    except CannotEdit as error:
        console, lines = importing.context.console, f"schedules:\n{block_text(entries)}"
        hint = f"add these entries by hand:\n{lines}"
        if not console.wants_json:
            console.print(lines)
            hint = "add the entries on standard output by hand"
        raise FileError(f"{importing.target} was not changed: {error.reason}", hint=hint) from None


def _can_write_prompt(importing: ImportContext, name: str, text: str) -> bool:
    """Return whether a prompt file can be written: it does not exist, or has the same text."""
    path = importing.target.parent / name
    if not (path.exists() or path.is_symlink()):
        return True
    if not path.is_file():
        return False
    return normalized_prompt(read_start(path, MAX_PROMPT).decode("utf-8-sig", "replace")) == normalized_prompt(text)
