"""``halo import``: YAML for the schedules that exist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.importing.session import build_draft, describe, observe_for_import, select_schedules, write
from halo_iac.errors import FileError, ProjectNotFound
from halo_iac.load.find import FILE_NAME
from halo_iac.model.project import Scope
from halo_iac.paths import display_path
from halo_iac.render.formats import RenderContext, ReviewFormat, open_view
from halo_iac.render.yaml import scalar_text
from halo_iac.storage.outputs import check_links
from halo_iac.storage.schema_files import write_schemas
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.cli.importing.session import ImportContext, ImportDraft
    from halo_iac.importing.entries import Selection

What = Annotated[
    list[str] | None,
    typer.Argument(metavar="WHAT", help="Schedule ids or title globs; default: all schedules in scope."),
]
IncludeArchived = Annotated[
    bool, typer.Option("--include-archived", help="Also import archived schedules, with `state: archived`.")
]
Into = Annotated[
    str | None,
    typer.Option(
        "--into", metavar="FILE", help="Add the entries to this new or existing file, which the project must include."
    ),
]
PromptFiles = Annotated[bool, typer.Option("--prompt-files", help="Write multi-line prompts to files in prompts/.")]


@platform_command
def import_(
    context: CommandContext,
    what: What = None,
    include_archived: IncludeArchived = False,
    prompt_files: PromptFiles = False,
    into: Into = None,
) -> int:
    """Add the platform's existing schedules to the project file.

    Then shows the plan, which has no changes for them. Nothing is written to the platform. To an existing project file
    it adds only schedules that are not declared yet, and preserves every other byte; without a project file, it writes
    a new one. Fields equal to the defaults are left out. A schedule whose title is not unique, or cannot be declared,
    is pinned by id.

    \b
    Examples:
      halo import
      halo import "Checkout: *" --prompt-files
      halo import "Research: *" --into schedules/research.yaml
      halo import --file halo.staging.yaml --sandbox
    """
    path = _find_target(context)
    with CommandContext(context.console, context.target._replace(file=str(path)), context.cwd) as there:
        importing = observe_for_import(there, path, _resolve_into(context, path, into))
        selection = select_schedules(importing, what or [], with_archived=include_archived)
        draft = build_draft(importing, selection.wanted, has_prompt_files=prompt_files)
        is_changed = importing.before is None or bool(draft.imported.entries)
        path = importing.target
        if is_changed:
            write(importing, draft)
        if importing.before is None:
            write_schemas(importing.path.parent)
        _print_summary(importing, selection, draft, path)
        _propose_scope(importing, what or [])
        console = context.console
        with console.after(f"{path} {'was written' if is_changed else 'needed no change'}"):
            format_ = ReviewFormat.JSON if console.wants_json else ReviewFormat.TEXT
            view = open_view(format_, RenderContext(console.out_style, console.clock()))
            console.print(view.plan(draft.planned, draft.planned))
    return 1 if what and (selection.outside or draft.imported.left_out) else 0


def _find_target(context: CommandContext) -> Path:
    """Return the project file: the one that is there, or the one to be written."""
    try:
        path = Path(display_path(context.project_path, context.cwd))
    except ProjectNotFound:
        path = Path(context.named_file or FILE_NAME)
    check_links(path, context.cwd)
    if not path.parent.is_dir():
        raise FileError(f"{path.parent}: no such folder", hint="create it first")
    return path


def _resolve_into(context: CommandContext, path: Path, name: str | None) -> Path | None:
    """Return the file that `--into` names, unless it is the project file itself."""
    if name is None:
        return None
    into = Path(display_path(context.cwd / name, context.cwd))
    check_links(into, context.cwd)
    if not into.parent.is_dir():
        raise FileError(f"{into.parent}: no such folder", hint="create it first")
    return None if into.resolve() == path.resolve() else into


def _propose_scope(importing: ImportContext, what: list[str]) -> None:
    """Propose a scope equal to the title globs, so that other schedules do not count as undeclared."""
    prefixes = {each.removesuffix("*") for each in what if each.endswith("*")}
    if len({*what}) != 1 or not prefixes or importing.project.scope != Scope():
        return
    (prefix,) = prefixes
    titles = [entry.title for entry in importing.project.entries if entry.title is not None]
    if prefix.strip() and "*" not in prefix and all(title.startswith(prefix) for title in titles):
        line = f"scope: {{title_prefix: {scalar_text(prefix, quote=chr(34), is_flow=True)}}}"
        console = importing.context.console
        console.log(console.err_style.safe(f"To limit {importing.path} to these titles, add `{line}` to it."))


def _print_summary(importing: ImportContext, selection: Selection, draft: ImportDraft, path: Path) -> None:
    console = importing.context.console
    count = counted(len(draft.imported.entries), "schedule")
    files = f" and {counted(len(draft.prompts), 'prompt file')} in prompts/" if draft.prompts else ""
    if importing.held is None:
        summary = f"Wrote {path} with {count}{files}."
    elif draft.imported.entries:
        summary = f"Added {count} to {path}{files}."
    else:
        declared = f"; {counted(len(selection.declared), 'schedule')} declared already" if selection.declared else ""
        summary = f"Nothing to add to {path}{declared}."
    console.log(console.err_style.safe(summary))
    reasons = (*draft.imported.left_out, *((remote, "outside the project's scope") for remote in selection.outside))
    for remote, reason in reasons:
        console.log(f"Left out: {console.err_style.safe(f'{describe(remote)}: {reason}')}")
