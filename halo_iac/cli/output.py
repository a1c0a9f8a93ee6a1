"""What ``plan``, ``apply``, ``undo`` and ``validate`` write: one result of one run, in several formats.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from halo_iac.cli.context import CommandContext
from halo_iac.cli.options import ReviewFormat
from halo_iac.errors import FileError, HaloError, Problem, ProjectNotFound, UsageError
from halo_iac.paths import resolve_path
from halo_iac.storage.atomic import check_writable
from halo_iac.storage.outputs import DOCUMENT_STARTS, check_output, write_output
from halo_iac.storage.plan_file import check_saved_plan

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from halo_iac.model.apply_result import ApplyOutcome
    from halo_iac.model.finding import Finding
    from halo_iac.model.plan import Plan
    from halo_iac.render.style import Style


View = Callable[[ReviewFormat, "Style"], str]
"""Draws one result in any format, for whoever can show what the style says."""


class RenderContext:
    """Where and when a command runs, worked out for the formats that have to know it."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context

    @property
    def now(self) -> datetime:
        """Return the current instant."""
        return self._context.console.clock()

    @cached_property
    def prefix(self) -> str:
        """Return the way from the root of the repository to the working directory."""
        from halo_iac.load.files import display_path

        return display_path(resolve_path(self._context.cwd), self._root)

    @cached_property
    def marker(self) -> str:
        """Return the first line of markdown; it is the same whether the project file can be read or not."""
        from halo_iac.load.files import display_path
        from halo_iac.load.find import FILE_NAME
        from halo_iac.render.markdown import comment_marker

        env, choice = self._context.console.env, self._context.choice
        try:
            file = self._context.project_path
        except ProjectNotFound:
            file = self._context.cwd / (self._context.named_file or FILE_NAME)
        is_sandbox = choice.sandbox or choice.sandbox_file is not None or env.get("HALO_SANDBOX")
        return comment_marker(
            display_path(resolve_path(file), self._root),
            choice.project or env.get("INF_PROJECT_ID", ""),
            "sandbox" if is_sandbox else env.get("INF_API_URL", ""),
        )

    @cached_property
    def _root(self) -> Path:
        """Return the root of the repository, or what GitHub's runner has checked out, whichever is nearer."""
        cwd = resolve_path(self._context.cwd)
        workspace = self._context.console.env.get("GITHUB_WORKSPACE")
        checked_out = resolve_path(Path(workspace)) if workspace else None
        return next((each for each in (cwd, *cwd.parents) if each == checked_out or (each / ".git").exists()), cwd)


def plan_view(planned: Plan, shown: Plan, place: RenderContext) -> View:
    """Return what draws a plan; people are ``shown`` it with what only a clock can tell, its document has none."""

    def draw(format: ReviewFormat, style: Style) -> str:  # noqa: A002 - what it is called everywhere
        if format is ReviewFormat.JSON:
            from halo_iac.render.json import plan_json

            return plan_json(planned)
        return _plan(shown, None, format, style, place)

    return draw


def apply_view(planned: Plan, ended: ApplyOutcome | None, place: RenderContext) -> View:
    """Return what draws a plan and what came of it; ``ended`` is ``None`` where nothing was carried out."""

    def draw(format: ReviewFormat, style: Style) -> str:  # noqa: A002 - what it is called everywhere
        if format is not ReviewFormat.JSON:
            return _plan(planned, ended, format, style, place)
        from halo_iac.render.json import apply_json

        if ended is None:
            return apply_json(planned, None)
        return apply_json(planned, ended.summary, receipt=ended.receipt, undo=ended.undo)

    return draw


def _plan(planned: Plan, ended: ApplyOutcome | None, format: ReviewFormat, style: Style, place: RenderContext) -> str:  # noqa: A002
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
    from halo_iac.render.text.apply import summary_text

    return drawn + summary_text(ended.summary, style, ended.commands)


def problems_view(
    problems: Sequence[Problem], told: str, place: RenderContext, findings: Sequence[Finding] = ()
) -> View:
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
        from halo_iac.render.text.problems import findings_text, problems_text

        return problems_text(problems, style) or f"{findings_text(findings, style)}{style.safe(told)}\n"

    return draw


def error_view(error: HaloError, place: RenderContext) -> View:
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
        from halo_iac.render.text.problems import error_text

        return error_text(error, style)

    return draw


_PUBLISHED: Final = frozenset({ReviewFormat.MARKDOWN, ReviewFormat.GITHUB})
"""Formats in which an error is a result as well: who waits for a comment or an annotation reads no standard error."""


class OutputCopy(NamedTuple):
    """A file that gets the result in a format of its own."""

    format: ReviewFormat
    path: Path


class OutputWriter:
    """Takes the result of a command to standard output, and to the files of ``--also``.

    An error that ends the command is written there as well: a pull request has to hear of it most of all. What is wrong
    with ``--also`` itself is raised here, before anything is done; ``out`` is a file that gets something else.
    """

    def __init__(
        self,
        context: CommandContext,
        format: ReviewFormat,  # noqa: A002 - the option's name
        also: Sequence[str] | None,
        out: str | None = None,
    ) -> None:
        self._context = context
        self._console = context.console
        self.place = RenderContext(context)
        self.format = ReviewFormat.JSON if self._console.wants_json else format
        if out is not None:
            check_saved_plan(Path(out), context.cwd)
        self._copies = _copies(also or (), out, context.cwd)
        self._has_result = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, HaloError) and not self._has_result:
            self._put_error(error)

    @property
    def is_document(self) -> bool:
        """Say whether standard output gets one document at the end, rather than text as things happen."""
        return self.format is not ReviewFormat.TEXT

    def put(self, draw: View, *, shown: View | None = None) -> None:
        """Write the result; ``shown`` draws what standard output gets where it has some of it already."""
        self._has_result = True
        try:
            self._put_copies(draw)
        finally:
            self._console.out((shown or draw)(self.format, self._console.out_style))

    def _put_copies(self, draw: View) -> None:
        from halo_iac.render.style import PLAIN

        for copy in self._copies:
            text = self._console.redacted(draw(copy.format, PLAIN))
            write_output(copy.path, self._context.cwd, *_known(copy.format), text)
            self._console.say(f"Wrote {copy.path}")

    def _put_error(self, error: HaloError) -> None:
        if not self._copies and self.format not in _PUBLISHED:
            return
        from halo_iac.cli.command_hints import add_target_flags

        add_target_flags(self._context, error)
        draw = error_view(error, self.place)
        try:
            self._put_copies(draw)
        except FileError as another:
            self._console.tell(another, exit_code=error.exit_code)  # how the command ended is the first one's to say
        if self.format in _PUBLISHED:
            self._console.out(draw(self.format, self._console.out_style))


def _copies(also: Sequence[str], out: str | None, cwd: Path) -> tuple[OutputCopy, ...]:
    copies = tuple(map(_copy, also))
    taken = set() if out is None else {resolve_path(Path(out))}
    for copy in copies:
        if resolve_path(copy.path) in taken:
            hint = "give each format a file of its own"
            raise UsageError(f"--also {copy.format}={copy.path}: the file is named twice", hint=hint)
        taken.add(resolve_path(copy.path))
    for copy in copies:
        _check_place(copy, cwd)
    return copies


def _copy(words: str) -> OutputCopy:
    name, _, file = words.partition("=")
    formats = [str(each) for each in ReviewFormat]
    if name not in formats or not file.strip() or file == "-":
        hint = f"FORMAT is one of {', '.join(formats)}; such as `--also markdown=plan.md`"
        raise UsageError(f"--also {words}: not FORMAT=FILE", hint=hint)
    return OutputCopy(ReviewFormat(name), Path(file))


def _check_place(copy: OutputCopy, cwd: Path) -> None:
    """Refuse what is a slip, before a run is made: `--also markdown=prompts/checkout.md` would cost the prompt."""
    path = copy.path
    if path.suffix in {".yaml", ".yml"}:
        raise UsageError(f"--also {copy.format}={path}: no format is YAML", hint="name a file that is no project file")
    if path.suffix == ".md" and copy.format is not ReviewFormat.MARKDOWN:
        raise UsageError(f"--also {copy.format}={path}: {copy.format} is no markdown", hint="name another file")
    check_output(path, cwd, *_known(copy.format))
    check_writable(path.parent)


def _known(format: ReviewFormat) -> tuple[str, tuple[bytes, ...]]:  # noqa: A002 - what it is called everywhere
    """Return what a file is that is none of ours, and what ours begin with; nothing where they look like any other."""
    if format is ReviewFormat.MARKDOWN:
        from halo_iac.render.markdown.escape import MARKER

        return "no markdown of halo's", (MARKER.encode(),)
    if format is ReviewFormat.JSON:
        return "no json of halo's", DOCUMENT_STARTS
    return "there already", ()
