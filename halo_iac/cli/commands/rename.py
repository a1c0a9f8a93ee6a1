"""``halo rename``: another title for an entry, and ``renamed_from`` for what it was called."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halo_iac.cli import options
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.entries import get_entry
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import FileError, ProjectError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.load import entries as titles
from halo_iac.load.limits import MAX_FILE
from halo_iac.match import title_cycles
from halo_iac.render.json import document
from halo_iac.storage.atomic import check_replaceable, read_bytes, replace_unchanged
from halo_iac.storage.file_lock import folder_lock
from halo_iac.storage.outputs import check_links
from halo_iac.yaml_edit import CannotEdit, rename_entry

if TYPE_CHECKING:
    from halo_iac.model.project import Entry, Project


def rename(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The entry's key in the project file.")],
    title: Annotated[str | None, typer.Argument(metavar="TITLE", help="The new title.")] = None,
    former: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TITLE", help="Only record this earlier title; the file has the new one already."
        ),
    ] = None,
    file: options.File = None,
    checkout: options.Checkout = None,
    format: options.FormatOption = options.Format.TEXT,
    json: options.Json = False,
    no_color: options.NoColor = False,
    sandbox: options.SandboxAnywhere = False,
) -> int:
    """Change an entry's title and record the old one.

    The title identifies a schedule: without `renamed_from:`, a new title means a different schedule. Writes the title
    and `renamed_from:` to the file with the entry, and preserves every other byte. An entry with an `id:` needs no
    renamed_from and gets none.

    \b
    Examples:
      halo rename checkout-daily "Checkout: daily review"
      halo rename checkout-daily --from "Daily checkout review"
    """
    console: Console = ctx.obj
    target = TargetOptions(file, sandbox=sandbox, checkout=checkout)
    console.prepare(json=json, format=format, no_color=no_color, format_command=target.format_command)
    if (title is None) == (former is None):
        raise UsageError("give either a new title or --from", hint="run `halo rename --help` for examples")
    entry = get_entry(CommandContext(console, target).load(), key)
    with folder_lock(Path(entry.origins.entry.path or "")):
        return _rename(CommandContext(console, target), key, title, former)


def _rename(context: CommandContext, key: str, title: str | None, former: str | None) -> int:
    """Read the files while holding the lock, since another rename may have changed them, and write."""
    project = context.load()
    entry = get_entry(project, key)
    if entry.is_retired:
        raise UsageError(f"schedule {key!r} is archived in the project file", hint="remove `state: archived` first")
    if title is not None:
        _check_title(project, entry, title)
        former = None if entry.id is not None else entry.title
    else:
        assert former is not None  # noqa: S101 - one of the two is given
        _check_former(project, entry, former)
    new = None if former in entry.renamed_from else former
    renamed = entry if title is None and new is None else _edit(context, entry, title, new)
    edited = entry.origins.entry.path if renamed is not entry else "no file"
    with context.console.after(f"{edited} was edited"):
        _print_summary(context, entry, renamed, former)
    return 0


def _check_title(project: Project, entry: Entry, title: str) -> None:
    if title == entry.title:
        record = Command("rename", entry.key, "--from", "OLD TITLE")
        raise UsageError(
            f"schedule {entry.key!r} already has this title",
            hint=Hint("if you changed it by hand, run `{}` to record the old title", record),
        )
    reason = titles.invalid_title_reason(title)
    if reason is not None:
        corrected = titles.correct_title(title)
        raise UsageError(reason, hint=f"use {shlex.quote(corrected)}" if corrected else None)
    prefix = project.scope.title_prefix
    if prefix is not None and not title.startswith(prefix):
        raise UsageError(f"the title is outside the scope: it must start with {prefix!r}", hint="add the prefix")
    for other in project.entries:
        if other.title == title and other is not entry and (other.id is None or entry.id is None):
            hint = "choose another title, or pin each entry with `id:`"
            raise UsageError(f"{other.key!r} already has this title ({other.origins.of('title')})", hint=hint)


def _check_former(project: Project, entry: Entry, former: str) -> None:
    if entry.id is not None:
        hint = "change its `title:`; the next plan shows that as a rename"
        raise UsageError(f"schedule {entry.key!r} is pinned by its `id:` and needs no renamed_from", hint=hint)
    if former == entry.title:
        raise UsageError(
            f"{former!r} is the current title of schedule {entry.key!r}", hint="pass an earlier title with --from"
        )
    if not former or any("\ud800" <= character <= "\udfff" for character in former):
        raise UsageError("--from is not a valid title", hint="copy the title from the output of `halo plan`")
    for other in project.entries:
        if other is not entry and former in {other.title, *other.renamed_from}:
            where = other.origins.of("title" if former == other.title else "renamed_from")
            what = "is the title" if former == other.title else "is an earlier title"
            raise UsageError(
                f"{former!r} {what} of {other.key!r} ({where})", hint="a schedule belongs to one entry only"
            )


def _edit(context: CommandContext, entry: Entry, title: str | None, former: str | None) -> Entry:
    """Check the project with the edited file, write that file, and return the new entry."""
    path = Path(entry.origins.entry.path or "")
    check_links(path, context.cwd)
    before = read_bytes(path, MAX_FILE)
    check_replaceable(path)
    try:
        text = rename_entry(before.decode("utf-8-sig"), entry.key, title=title, former=former)
    except CannotEdit as error:
        where = entry.origins.of("title")
        raise FileError(f"{where}: {error.reason}; nothing was written", hint="edit it by hand") from None
    try:
        project = context.load_file(context.project_path, {path: text.encode()})
    except ProjectError as error:
        raise ProjectError(error.problems, hint="the change would cause these problems; nothing was written") from None
    renamed = next(each for each in project.entries if each.key == entry.key)
    cycle = title_cycles(project.entries).get(renamed.title or "")
    if renamed.id is None and cycle:
        titles = ", ".join(map(repr, cycle))
        hint = "pin the entries with `id:`, or remove an earlier title from their renamed_from; nothing was written"
        raise UsageError(f"renamed_from would form a cycle: {titles}", hint=hint)
    replace_unchanged(path, before, text)
    return renamed


def _print_summary(context: CommandContext, before: Entry, after: Entry, former: str | None) -> None:
    console, path = context.console, after.origins.entry.path
    if console.wants_json:
        renamed = {"key": after.key, "file": path, "title": after.title, "renamed_from": after.renamed_from}
        console.print(document(renamed))
        return
    if after is before:
        summary = f"{path} already records that {after.key} was called {former!r}."
    elif after.title == before.title:
        summary = f"{path}: recorded that {after.key}, {after.title!r}, was called {former!r}."
    else:
        summary = f"{path}: renamed {after.key} from {before.title!r} to {after.title!r}."
    console.print(console.out_style.safe(summary))
    if former is None:
        console.log("It is pinned by its id and needs no renamed_from.")
    console.log(Hint("Next: run `{}` to see the change.", Command("plan")))
