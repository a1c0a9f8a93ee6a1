"""Making plans for ``plan``, ``apply``, ``undo`` and ``drift``, and their exit codes."""

from __future__ import annotations

import gc
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from halo_iac import exit_codes
from halo_iac.api.secret import Secret
from halo_iac.cli.context import CommandContext
from halo_iac.cli.options import GuardOptions
from halo_iac.cli.project_files.options import MAX_CONCURRENT_PROJECTS
from halo_iac.cli.project_files.several import display_name, load_project_list
from halo_iac.errors import PlatformError, RefusedError
from halo_iac.findings import find_credentials
from halo_iac.findings.today import find_shifted_fires_today
from halo_iac.model.finding import errors
from halo_iac.model.plan import Plan, PlanList
from halo_iac.pipeline import ObservedProject, PlanRequest, ProjectSource, observe_projects, plan_projects
from halo_iac.plan import Overrides
from halo_iac.render.style import PLAIN
from halo_iac.render.values import join_names
from halo_iac.storage.plan_file import write_saved_plan

if TYPE_CHECKING:
    from halo_iac.base_comparison import BaseProject
    from halo_iac.model.apply_result import ApplyOutcome, Summary
    from halo_iac.model.drift import DriftKind
    from halo_iac.model.project import Project
    from halo_iac.model.remote import PlatformState, PlatformTarget


class SavedPlan(NamedTuple):
    """The content of a saved plan, and the file that it was read from."""

    name: str
    content: Plan | PlanList

    def find(self, context: CommandContext, *, is_only: bool) -> Plan:
        """Return the saved plan of a project file; if command and file have only one, that one."""
        if is_only and isinstance(self.content, Plan):
            return self.content
        plans = (self.content,) if isinstance(self.content, Plan) else self.content.projects
        file = display_name(context)
        for plan in plans:
            if plan.file == file:
                return plan
        saved = join_names([plan.file or "a file without a name" for plan in plans], PLAIN)
        message = f"{self.name} has no plan for {file}; it has plans for {saved}"
        raise RefusedError(message, hint="nothing was changed; pass the --file options that it was saved with")


class ProjectRun(NamedTuple):
    """A project file of a command, its plan, and the outcome of applying it; ``None`` if it was not applied."""

    context: CommandContext
    planned: Plan
    outcome: ApplyOutcome | None = None

    def redact_plan(self) -> Plan:
        """Return the plan with what depends on the clock and the command line, which is shown but not saved.

        See docs/semantics.md#actions.

        From now on, text in prompts that looks like a credential is redacted in all output. A plan is saved before
        that, since apply compares the saved plan with the changes it is going to write.
        """
        project = self.context.load()
        redact_credentials(self.context, project, self.planned)
        today = find_shifted_fires_today(self.planned, project, self.context.console.clock())
        return replace(self.planned, findings=(*self.planned.findings, *today)) if today else self.planned


def make_plans(
    context: CommandContext,
    targets: Sequence[str],
    guards: GuardOptions = GuardOptions(),
    *,
    saved: SavedPlan | None = None,
    base_projects: Sequence[BaseProject | None] = (),
) -> tuple[ProjectRun, ...]:
    """Return the plan of each project file against its platform.

    A saved plan brings its targets unless others are named; ``base_projects`` has the base of each file.
    """
    sources = _sources(context, targets, guards, saved, base_projects)
    plans = plan_projects(sources, allow_archive=guards.allow_archive)
    return tuple(map(ProjectRun, context.projects, plans))


def observe(context: CommandContext, ignored: Collection[DriftKind] = ()) -> tuple[ObservedProject, ...]:
    """Return the drift of each project file; credentials in prompts are redacted from now on."""
    found = observe_projects(_sources(context), ignored)
    for each, seen in zip(context.projects, found, strict=True):
        redact_credentials(each, each.load(), seen.drift.plan)
    return found


def _sources(
    context: CommandContext,
    targets: Sequence[str] = (),
    guards: GuardOptions = GuardOptions(),
    saved: SavedPlan | None = None,
    base_projects: Sequence[BaseProject | None] = (),
) -> Sequence[ProjectSource]:
    """Return the source of each project file; those of a list were all read, and are observed concurrently."""
    gc.disable()  # plans are kept until the command ends; garbage collection would take most of the time
    contexts = context.projects
    keys = load_project_list(context) if context.is_list else frozenset[str]()
    allow_archive = 0 if context.is_list else guards.allow_archive
    overrides = Overrides(allow_archive, frozenset(guards.allow_create or ()), frozenset(guards.allow_takeover or ()))
    sources = []
    for number, each in enumerate(contexts):
        part = None if saved is None else saved.find(each, is_only=not context.is_list)
        wanted = tuple(dict.fromkeys(targets)) or (part.targets if part is not None else ())
        request = PlanRequest(wanted, overrides, part, base_projects[number] if base_projects else None, keys)
        sources.append(ProjectSource(each.load, partial(_observe, contexts, number), request))
    return sources


def _observe(contexts: Sequence[CommandContext], number: int, project: Project) -> tuple[PlatformTarget, PlatformState]:
    """Return the platform state of one project file; those of the next files are requested at the same time."""
    if len(contexts) == 1:
        return contexts[0].observe(project)
    for each in contexts[number : number + MAX_CONCURRENT_PROJECTS]:
        each.begin_observing()
    try:
        return contexts[number].observe(project)
    except PlatformError as error:
        error.message = f"{project.path}: {error.message}"
        raise


def redact_credentials(context: CommandContext, project: Project, planned: Plan) -> None:
    """Redact credentials in the prompts of a plan from now on."""
    for credential in sorted(find_credentials(project, planned)):
        context.console.redactor.add_credential(Secret(credential))


def plan_exit_code(planned: Plan, *, is_detailed: bool) -> int:
    """Return a plan's code: 1 if an entry is blocked or a finding an error, else 3 if refused, else 2 if asked for."""
    code = exit_code(planned, is_refused=bool(planned.blocking_violations))
    return exit_codes.PENDING if code == exit_codes.OK and is_detailed and planned.changes else code


def exit_code(planned: Plan, summary: Summary | None = None, *, is_refused: bool = False) -> int:
    """Return the most serious exit code: with a blocked entry a successful run counts as failed or partial.

    See docs/cli.md#exit-codes.

    With a finding that is an error there is no run. ``is_refused`` is true if a guard or the user refused.
    """
    if summary is not None and summary.exit_code:
        return summary.exit_code
    if planned.blocked or errors(planned.findings):
        has_written = summary is not None and summary.has_written
        return exit_codes.PARTLY_APPLIED if has_written else exit_codes.FAILED
    return exit_codes.REFUSED if is_refused else exit_codes.OK


def save_plans(context: CommandContext, runs: Sequence[ProjectRun], name: str) -> None:
    """Write the plan's document, or one of the plans of a list, readable by its owner only: it holds prompts."""
    from halo_iac.render.json import plan_json, plans_json

    plans = [run.planned for run in runs]
    text = plans_json(plans) if context.is_list else plan_json(*plans)
    write_saved_plan(Path(name), context.cwd, context.console.redacted(text))
