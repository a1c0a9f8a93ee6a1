"""Which renderer draws what, in each format that ``plan``, ``apply``, ``undo`` and ``validate`` know.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from halo_iac.cli.options import ReviewFormat
from halo_iac.cli.workplace import Workplace
from halo_iac.errors import HaloError, Problem, ProjectNotFound
from halo_iac.links import followed

if TYPE_CHECKING:
    from halo_iac.cli.ended import Ended
    from halo_iac.model.change import Plan
    from halo_iac.model.finding import Finding
    from halo_iac.render.style import Style

Draw = Callable[[ReviewFormat, "Style"], str]
"""Draws one result in any format, for whoever can show what the style says."""


class Place:
    """Where and when a command runs, worked out for the formats that have to know it."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    @property
    def now(self) -> datetime:
        """Return the current instant."""
        return self._workplace.console.clock()

    @cached_property
    def prefix(self) -> str:
        """Return the way from the root of the repository to the working directory."""
        from halo_iac.load.paths import displayed

        return displayed(followed(self._workplace.cwd), self._root)

    @cached_property
    def marker(self) -> str:
        """Return the first line of markdown; it is the same whether the project file can be read or not."""
        from halo_iac.load.find import FILE_NAME
        from halo_iac.load.paths import displayed
        from halo_iac.render.markdown import marker

        env, choice = self._workplace.console.env, self._workplace.choice
        try:
            file = self._workplace.project_path
        except ProjectNotFound:
            file = self._workplace.cwd / (self._workplace.named_file or FILE_NAME)
        is_sandbox = choice.sandbox or choice.sandbox_file is not None or env.get("HALO_SANDBOX")
        return marker(
            displayed(followed(file), self._root),
            choice.project or env.get("INF_PROJECT_ID", ""),
            "sandbox" if is_sandbox else env.get("INF_API_URL", ""),
        )

    @cached_property
    def _root(self) -> Path:
        """Return the root of the repository, or what GitHub's runner has checked out, whichever is nearer."""
        cwd = followed(self._workplace.cwd)
        workspace = self._workplace.console.env.get("GITHUB_WORKSPACE")
        checked_out = followed(Path(workspace)) if workspace else None
        return next((each for each in (cwd, *cwd.parents) if each == checked_out or (each / ".git").exists()), cwd)


def drawing_of_plan(planned: Plan, shown: Plan, place: Place) -> Draw:
    """Return what draws a plan; people are ``shown`` it with what only a clock can tell, its document has none."""

    def draw(format: ReviewFormat, style: Style) -> str:  # noqa: A002 - what it is called everywhere
        if format is ReviewFormat.JSON:
            from halo_iac.render.json import plan_json

            return plan_json(planned)
        return _plan(shown, None, format, style, place)

    return draw


def drawing_of_run(planned: Plan, ended: Ended | None, place: Place) -> Draw:
    """Return what draws a plan and what came of it; ``ended`` is ``None`` where nothing was carried out."""

    def draw(format: ReviewFormat, style: Style) -> str:  # noqa: A002 - what it is called everywhere
        if format is not ReviewFormat.JSON:
            return _plan(planned, ended, format, style, place)
        from halo_iac.render.json import apply_json

        if ended is None:
            return apply_json(planned, None)
        return apply_json(planned, ended.summary, receipt=ended.receipt, undo=ended.undo)

    return draw


def _plan(planned: Plan, ended: Ended | None, format: ReviewFormat, style: Style, place: Place) -> str:  # noqa: A002
    summary = None if ended is None else ended.summary
    if format is ReviewFormat.MARKDOWN:
        from halo_iac.render.markdown import plan_markdown

        page = partial(plan_markdown, planned, style, marker=place.marker, now=place.now)
        return page() if ended is None else page(summary=summary, commands=ended.commands)
    if format is ReviewFormat.GITHUB:
        from halo_iac.render.github import plan_github

        return plan_github(planned, style, prefix=place.prefix, summary=summary)
    from halo_iac.render.text.plan import plan_text

    drawn = plan_text(planned, style, now=place.now)
    if ended is None:
        return drawn
    from halo_iac.render.text.outcome import summary_text

    return drawn + summary_text(ended.summary, style, ended.commands)


def drawing_of_problems(problems: Sequence[Problem], told: str, place: Place, findings: Sequence[Finding] = ()) -> Draw:
    """Return what draws the problems of project files and their findings; ``told`` is said where there are none."""

    def draw(format: ReviewFormat, style: Style) -> str:  # noqa: A002 - what it is called everywhere
        if format is ReviewFormat.JSON:
            from halo_iac.render.json import problems_json

            return problems_json(problems, findings)
        if format is ReviewFormat.MARKDOWN:
            from halo_iac.render.markdown import problems_markdown

            return problems_markdown(problems, style, marker=place.marker, findings=findings, told=told)
        if format is ReviewFormat.GITHUB:
            from halo_iac.render.github import problems_github

            return problems_github(problems, style, prefix=place.prefix, findings=findings, told=told)
        from halo_iac.render.problems import findings_text, problems_text

        return problems_text(problems, style) or f"{findings_text(findings, style)}{style.safe(told)}\n"

    return draw


def drawing_of_error(error: HaloError, place: Place) -> Draw:
    """Return what draws an error."""

    def draw(format: ReviewFormat, style: Style) -> str:  # noqa: A002 - what it is called everywhere
        if format is ReviewFormat.JSON:
            from halo_iac.render.json import error_json

            return error_json(error)
        if format is ReviewFormat.MARKDOWN:
            from halo_iac.render.markdown import error_markdown

            return error_markdown(error, style, marker=place.marker)
        if format is ReviewFormat.GITHUB:
            from halo_iac.render.github import error_github

            return error_github(error, style, prefix=place.prefix)
        from halo_iac.render.problems import error_text

        return error_text(error, style)

    return draw
