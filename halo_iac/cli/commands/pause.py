"""``halo pause`` and ``halo resume``: stop schedules, or let them fire again, at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from halo_iac.cli import options
from halo_iac.cli.apply.flow import ApplyOptions, run_apply, show_plans
from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.output import OutputWriter
from halo_iac.cli.plan.request import ProjectRun, redact_credentials
from halo_iac.cli.project_files.enabled import EnabledFile
from halo_iac.cli.project_files.entries import looks_like_key
from halo_iac.errors import UsageError
from halo_iac.model.plan import PAUSING, Cause
from halo_iac.pausing import PauseRequest, Selection
from halo_iac.pipeline import plan_pause
from halo_iac.render.formats import ReviewFormat
from halo_iac.render.text.wrap import wrap_lines
from halo_iac.text import has_invisible

if TYPE_CHECKING:
    from halo_iac.model.project import Project

_MAX_REASON_LENGTH: Final = 1_000
_STATES: Final = {Cause.PAUSED: "paused already", Cause.RESUMED: "active already"}


class PauseOptions(NamedTuple):
    """Which schedules are meant, and why: the options that `pause` and `resume` share."""

    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY|ID", help="Schedules by their keys in the project file, or by id."),
    ] = None
    id: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="A schedule by its id; can be repeated.")
    ] = None
    agent: Annotated[
        list[str] | None,
        typer.Option(
            "--agent",
            "--agent-uuid",
            metavar="AGENT",
            help="All schedules in scope of this agent (an alias, a name or a UUID); can be repeated.",
        ),
    ] = None
    all: Annotated[bool, typer.Option("--all", help="All schedules in scope, including undeclared ones.")] = False
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="The reason; recorded in the receipt.")
    ] = None
    write: Annotated[
        bool,
        typer.Option("--write", help="Also write `enabled` to the entries in the project file; comments are kept."),
    ] = False


@platform_command
def pause(
    context: CommandContext,
    chosen: PauseOptions = PauseOptions(),
    include_protected: Annotated[
        bool, typer.Option("--include-protected", help="Also pause schedules whose titles `protect:` covers.")
    ] = False,
    protect: options.Protect = None,
    writing: options.WriteOptions = options.WriteOptions(),
) -> int:
    """Pause schedules at once, declared or not.

    Shows what it will pause and what the files declare, and asks for confirmation. Each schedule is read before it is
    written; only `enabled` changes. `halo undo` with the receipt resumes exactly those that were paused. An entry that
    says `enabled: true` is resumed by the next apply, unless --write changes it.

    Exit codes: as for `halo apply`; 0 also if everything is already paused.

    \b
    Examples:
      halo pause checkout-daily --reason "the model is down"
      halo pause --agent checkout --yes
      halo pause --all --project 2f6c1c5e-7d1f-4a55-9a86-3c6f7f2f9d10
    """
    context.tighten(protect, None)
    return _run(context, Cause.PAUSED, chosen, writing, includes_protected=include_protected)


@platform_command
def resume(
    context: CommandContext,
    chosen: PauseOptions = PauseOptions(),
    include_protected: Annotated[
        bool, typer.Option("--include-protected", help="Accepted for consistency with `halo pause`; has no effect.")
    ] = False,
    writing: options.WriteOptions = options.WriteOptions(),
) -> int:
    """Resume paused schedules at once, declared or not.

    Shows what it will resume, and asks for confirmation. Schedules that the files disable (`enabled: false`) are listed
    and skipped, unless --write changes that. It resumes whatever is paused; to resume only what one `halo pause`
    stopped, use `halo undo` with its receipt.

    Exit codes: as for `halo apply`; 0 also if everything is already active.

    \b
    Examples:
      halo resume checkout-daily
      halo resume --agent checkout --yes
    """
    return _run(context, Cause.RESUMED, chosen, writing, includes_protected=include_protected)


def _run(
    context: CommandContext,
    cause: Cause,
    chosen: PauseOptions,
    writing: options.WriteOptions,
    *,
    includes_protected: bool,
) -> int:
    request = PauseRequest(cause, _read_selection(context, PAUSING[cause], chosen), includes_protected, chosen.write)
    apply_options = ApplyOptions(*writing, reason=_check_reason(chosen.reason))
    console, verb = context.console, PAUSING[cause]
    style = console.out_style
    with OutputWriter(context, ReviewFormat.TEXT, None) as results:  # a page would replace the page of the plan
        if request.writes and context.project_if_any() is None:
            raise UsageError("--write needs a project file, and none was found", hint="name it with --file")
        project = context.project_or_empty()
        made = plan_pause(request, lambda: project, context.observe)
        redact_credentials(context, project, made.plan)
        file = EnabledFile(context, made.keys if request.writes else (), is_enabled=cause is Cause.RESUMED)
        runs = [ProjectRun(context, made.plan)]
        if not results.is_document:
            show_plans(context, runs, unchanged_state=_STATES[cause])
            for line in filter(None, (made.outlook, file.intention)):
                console.print("\n".join(wrap_lines([style.safe(f"Files: {line}.")], style)))
        question = f"{verb.capitalize()} {{schedules}} on {{platform}}"
        command = (verb, *_selection_words(request, apply_options.reason))
        apply_options = replace(apply_options, question=question, command=command, on_end=file.write)
        return run_apply(context, results, runs, apply_options)


def _read_selection(context: CommandContext, verb: str, chosen: PauseOptions) -> Selection:
    """Return which schedules are meant; an unknown key is an error with near matches."""
    references, agents, is_all = chosen.references, chosen.agent, chosen.all
    named = [*(references or ()), *(chosen.id or ())]
    if bool(named) + bool(agents) + is_all != 1:
        hint = f"run `halo {verb} --help` for examples"
        raise UsageError("name schedules by key or --id, or pass --agent or --all, and only one of these", hint=hint)
    if any(not each.strip() for each in (*named, *(agents or ()))):
        raise UsageError("a key, --id or --agent is empty", hint="give it a value, or remove it")
    if is_all and context.target.project is None and context.project_if_any() is None:
        message = "--all needs a project file or --project, so that no setting chooses the project"
        raise UsageError(message, hint="pass --project ID")
    keys: list[str] = []
    project: Project | None = context.project_if_any() if references else None
    for reference in references or ():
        (keys if looks_like_key(project, reference) else named).append(reference)
    return Selection(tuple(keys), tuple(each for each in named if each not in keys), tuple(agents or ()))


def _check_reason(reason: str | None) -> str | None:
    if reason is None:
        return None
    if not reason.strip():
        raise UsageError("--reason is empty", hint="give it a text, or remove it")
    if len(reason) > _MAX_REASON_LENGTH or has_invisible(reason):
        message = f"--reason takes one line of at most {_MAX_REASON_LENGTH:,} characters, without invisible ones"
        raise UsageError(message, hint="shorten it, or remove them")
    return reason


def _selection_words(request: PauseRequest, reason: str | None) -> list[str]:
    """Return the words that select the same schedules again."""
    keys, ids, agents = request.selection
    words = [*keys, *(word for each in ids for word in ("--id", each))]
    words += [word for each in agents for word in ("--agent", each)]
    return [
        *(words or ["--all"]),
        *(["--reason", reason] if reason else ()),
        *(["--write"] if request.writes else ()),
        *(["--include-protected"] if request.includes_protected else ()),
    ]
