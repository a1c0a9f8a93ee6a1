"""The formats of a result, and what draws each: a new format is one class and one row here (docs/cli.md#formats)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from halo_iac.errors import HaloError, Problem
    from halo_iac.hints import Command
    from halo_iac.model.apply_result import ApplyOutcome
    from halo_iac.model.drift import Drift
    from halo_iac.model.finding import Finding
    from halo_iac.model.plan import Plan
    from halo_iac.render.style import Style

PageKind = Literal["plan", "drift"]
"""The kinds of pages that are kept up to date: a pull request has one of plans, an issue one of drift."""

PAGE_MARKERS: Final[dict[PageKind, str]] = {"plan": "<!-- halo-plan: ", "drift": "<!-- halo-drift: "}
"""How the first line of a markdown page begins, and no other line, so that a page is recognized without drawing one."""


class PageIdentity(NamedTuple):
    """The identity of a page, by which an earlier run's page is found; a field that only the file sets is empty."""

    file: str
    project: str
    host: str
    kind: PageKind = "plan"


class ProjectPlan(NamedTuple):
    """The plan of one of several project files and its outcome, as :class:`View` takes them.

    ``format_command`` returns a command about the file as its reader has to paste it.
    """

    planned: Plan
    shown: Plan
    outcome: ApplyOutcome | None = None
    format_command: Callable[[Command], str] = str

    def styled(self, style: Style) -> Style:
        """Return a style in which commands name this project file."""
        return style._replace(format_command=self.format_command)


class ProjectCheck(NamedTuple):
    """The problems and findings of one of several project files; ``conclusion`` is printed if it has no problems."""

    file: str
    problems: Sequence[Problem]
    findings: Sequence[Finding] = ()
    conclusion: str = ""


class ProjectDrift(NamedTuple):
    """The drift of one of several project files; ``format_command`` is as in :class:`ProjectPlan`."""

    drift: Drift
    format_command: Callable[[Command], str] = str

    def styled(self, style: Style) -> Style:
        """Return a style in which commands name this project file."""
        return style._replace(format_command=self.format_command)


@dataclass(frozen=True, slots=True)
class RenderContext:
    """Where and when a result is drawn, and what its output can show.

    ``prefix`` returns the path from the root of the repository to the working directory, ``identity`` what a page is
    about. Both look at files, so they are asked only by the formats that need them.
    """

    style: Style
    now: datetime | None = None
    prefix: Callable[[], str] = str
    identity: Callable[[], PageIdentity] = lambda: PageIdentity("", "", "")


class View(Protocol):
    """Draws every kind of result in one format; each method returns the whole text."""

    def __init__(self, context: RenderContext) -> None: ...

    def plan(self, planned: Plan, shown: Plan) -> str:
        """Draw a plan; ``shown`` also has what depends on the clock, which a saved document must not hold."""

    def applied(self, planned: Plan, outcome: ApplyOutcome | None) -> str:
        """Draw a plan and its outcome, ``None`` if nothing was carried out."""

    def plans(self, plans: Sequence[ProjectPlan]) -> str:
        """Draw the plans of several project files."""

    def all_applied(self, plans: Sequence[ProjectPlan]) -> str:
        """Draw the plans of several project files and their outcomes."""

    def problems(self, problems: Sequence[Problem], findings: Sequence[Finding], conclusion: str) -> str:
        """Draw the problems and findings of project files; ``conclusion`` is printed if there are no problems."""

    def checks(self, checks: Sequence[ProjectCheck]) -> str:
        """Draw the problems and findings of several project files."""

    def drift(self, drift: Drift) -> str:
        """Draw how the platform and the files differ."""

    def drifts(self, found: Sequence[ProjectDrift]) -> str:
        """Draw how the platform and several project files differ."""

    def error(self, error: HaloError) -> str:
        """Draw the error that ended a command."""


class ReviewFormat(StrEnum):
    """A format that a reviewer reads, and its row: the class that draws it, as module and name below this package.

    With ``publishes_errors`` an error that ends the command is a result as well: readers of a comment or of annotations
    do not see standard error.
    """

    view: str
    publishes_errors: bool

    def __new__(cls, name: str, view: str, publishes_errors: bool = False) -> Self:
        """Return the member that is equal to ``name``."""
        format_ = str.__new__(cls, name)
        format_._value_ = name
        format_.view = view
        format_.publishes_errors = publishes_errors
        return format_

    TEXT = ("text", "text.view.TextView")
    JSON = ("json", "json.JsonView")
    MARKDOWN = ("markdown", "markdown.view.MarkdownView", True)
    GITHUB = ("github", "github.GithubView", True)


def open_view(format: ReviewFormat, context: RenderContext) -> View:  # noqa: A002 - what it is called everywhere
    """Return the view of a format; modules of other formats are not imported."""
    module, _, name = format.view.rpartition(".")
    view: type[View] = getattr(import_module(f"halo_iac.render.{module}"), name)
    return view(context)
