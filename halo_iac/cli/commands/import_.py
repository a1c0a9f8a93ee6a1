"""``halo import``: YAML for the schedules that exist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.import_session import build_draft, named, observe_for_import, select_schedules, write
from halo_iac.errors import FileError, ProjectNotFound
from halo_iac.load.find import FILE_NAME
from halo_iac.paths import display_path
from halo_iac.render.view import RenderContext, ReviewFormat, open_view
from halo_iac.storage.outputs import check_way
from halo_iac.storage.schema_files import write_schemas
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.cli.import_session import ImportContext, ImportDraft
    from halo_iac.importing import Selection

What = Annotated[
    list[str] | None,
    typer.Argument(metavar="WHAT", help="Schedule ids or title globs; default: all schedules in scope."),
]
IncludeArchived = Annotated[
    bool, typer.Option("--include-archived", help="Also import archived schedules, with `state: archived`.")
]
PromptFiles = Annotated[bool, typer.Option("--prompt-files", help="Write multi-line prompts to files in prompts/.")]


@platform_command
def import_(
    context: CommandContext,
    what: What = None,
    include_archived: IncludeArchived = False,
    prompt_files: PromptFiles = False,
) -> int:
    """Add the platform's existing schedules to the project file.

    Then shows the plan, which has no changes for them. Nothing is written to the platform. An existing project file
    gets only the schedules that it does not declare yet, and keeps every byte that it has; without a project file, a
    new one is written. Fields equal to the defaults are left out. A schedule whose title is not unique, or cannot be
    declared, is pinned by id.

    \b
    Examples:
      halo import
      halo import "Checkout: *" --prompt-files
      halo import --file halo.staging.yaml --sandbox
    """
    path = _target(context)
    with context.with_file(path) as there:
        ground = observe_for_import(there, path)
        choice = select_schedules(ground, what or [], with_archived=include_archived)
        draft = build_draft(ground, choice.wanted, has_prompt_files=prompt_files)
        is_changed = ground.before is None or bool(draft.adoption.entries)
        if is_changed:
            write(ground, draft)
        if ground.before is None:
            write_schemas(ground.path.parent)
        _print_summary(ground, choice, draft, path)
        console = context.console
        with console.after(f"{path} {'was written' if is_changed else 'needed no change'}"):
            format_ = ReviewFormat.JSON if console.wants_json else ReviewFormat.TEXT
            view = open_view(format_, RenderContext(console.out_style, console.clock()))
            console.print(view.plan(draft.planned, draft.planned))
    return 1 if what and (choice.outside or draft.adoption.left_out) else 0


def _target(context: CommandContext) -> Path:
    """Return the project file: the one that is there, or the one to be written."""
    try:
        path = Path(display_path(context.project_path, context.cwd))
    except ProjectNotFound:
        path = Path(context.named_file or FILE_NAME)
    check_way(path, context.cwd)
    if not path.parent.is_dir():
        raise FileError(f"{path.parent}: no such folder", hint="create it first")
    return path


def _print_summary(ground: ImportContext, choice: Selection, draft: ImportDraft, path: Path) -> None:
    console = ground.context.console
    count = counted(len(draft.adoption.entries), "schedule")
    files = f" and {counted(len(draft.prompts), 'prompt file')} in prompts/" if draft.prompts else ""
    if ground.before is None:
        said = f"Wrote {path} with {count}{files}."
    elif draft.adoption.entries:
        said = f"Added {count} to {path}{files}."
    else:
        declared = f"; {counted(len(choice.declared), 'schedule')} declared already" if choice.declared else ""
        said = f"Nothing to add to {path}{declared}."
    console.log(console.err_style.safe(said))
    reasons = (*draft.adoption.left_out, *((remote, "outside the project's scope") for remote in choice.outside))
    for remote, reason in reasons:
        console.log(f"Left out: {console.err_style.safe(f'{named(remote)}: {reason}')}")
