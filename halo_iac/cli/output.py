"""The output of ``plan``, ``apply``, ``undo``, ``drift`` and ``validate``: one result in several formats.

See docs/cli.md#formats.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from halo_iac.cli.context import CommandContext
from halo_iac.errors import FileError, HaloError, ProjectNotFound, UsageError
from halo_iac.paths import display_path, resolve_path
from halo_iac.render.formats import PAGE_MARKERS, PageIdentity, PageKind, RenderContext, ReviewFormat, View, open_view
from halo_iac.render.style import Style
from halo_iac.storage.atomic import check_writable
from halo_iac.storage.outputs import DOCUMENT_STARTS, check_output, write_output
from halo_iac.storage.plan_file import check_saved_plan

if TYPE_CHECKING:
    from typing import Self

    from halo_iac.render.formats import ProjectPlan


Renderer = Callable[[View], str]
"""Draws one result with the view of a format."""


class OutputCopy(NamedTuple):
    """A file of ``--also`` and its format."""

    format: ReviewFormat
    path: Path


class OutputWriter:
    """Writes the result of a command to standard output, and to the files of ``--also``.

    An error that ends the command is written there as well, since a pull request has to show it. An invalid ``--also``
    is an error here, before the command starts; ``out`` is a file that another option writes.
    """

    def __init__(
        self,
        context: CommandContext,
        format: ReviewFormat,
        also: Sequence[str] | None,
        out: str | None = None,
        page: PageKind = "plan",
    ) -> None:
        self._context = context
        self._page = page
        self._console = context.console
        self.format = ReviewFormat.JSON if self._console.wants_json else format
        if out is not None:
            check_saved_plan(Path(out), context.cwd)
        self._copies = _parse_copies(also or (), out, context.cwd)
        self._has_result = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, HaloError) and not self._has_result:
            self._write_error(error)

    @property
    def is_document(self) -> bool:
        """Return whether standard output gets one document at the end instead of text during the run."""
        return self.format is not ReviewFormat.TEXT

    def write(self, draw: Renderer, *, rest: str | None = None) -> None:
        """Write the result; ``rest`` replaces it on standard output if the beginning was written already."""
        self._has_result = True
        try:
            self._write_copies(draw)
        finally:
            self._console.print(self._rendered(draw, self.format, self._console.out_style) if rest is None else rest)

    def write_plans(self, plans: Sequence[ProjectPlan]) -> None:
        """Write the plan of a project file, or those of a list."""
        if self._context.is_list:
            self.write(lambda view: view.plans(plans))
        else:
            (one,) = plans
            self.write(lambda view: view.plan(one.planned, one.shown))

    def write_applied(self, plans: Sequence[ProjectPlan], *, rest: str | None = None) -> None:
        """Write the plans and their outcomes; ``rest`` as in :meth:`write`."""
        if self._context.is_list:
            self.write(lambda view: view.all_applied(plans), rest=rest)
        else:
            (one,) = plans
            self.write(lambda view: view.applied(one.planned, one.outcome), rest=rest)

    def _rendered(self, draw: Renderer, format: ReviewFormat, style: Style) -> str:
        context = self._context

        def prefix() -> str:
            """Return the path from the root of the repository to the working directory."""
            return display_path(resolve_path(context.cwd), _find_root(context))

        identity = partial(_page_identity, context, self._page)
        return draw(open_view(format, RenderContext(style, self._console.clock(), prefix, identity)))

    def _write_copies(self, draw: Renderer) -> None:
        for copy in self._copies:
            style = Style(format_command=self._console.format_command)
            text = self._console.redacted(self._rendered(draw, copy.format, style))
            write_output(copy.path, self._context.cwd, *_own_files(copy.format), text)
            self._console.log(self._console.err_style.safe(f"Wrote {copy.path}"))

    def _write_error(self, error: HaloError) -> None:
        if not self._copies and not self.format.publishes_errors:
            return

        try:
            self._write_copies(lambda view: view.error(error))
        except FileError as another:
            self._console.print_error(another, exit_code=error.exit_code)  # the exit code is that of the first error
        if self.format.publishes_errors:
            self._console.print(self._rendered(lambda view: view.error(error), self.format, self._console.out_style))


def _page_identity(context: CommandContext, kind: PageKind) -> PageIdentity:
    """Return what identifies a page; it does not depend on whether the project file can be read."""
    from halo_iac.load.find import FILE_NAME

    env, target = context.console.env, context.target
    is_sandbox = target.sandbox or target.sandbox_file is not None or env.get("HALO_SANDBOX")
    host = "sandbox" if is_sandbox else env.get("INF_API_URL", "")
    if context.is_list:  # as typed, since the files that a glob matches may change between commits
        return PageIdentity(shlex.join(target.files), "", host, kind)
    try:
        file = context.project_path
    except ProjectNotFound:
        file = context.cwd / (context.named_file or FILE_NAME)
    name = display_path(resolve_path(file), _find_root(context))
    return PageIdentity(name, target.project or env.get("INF_PROJECT_ID", ""), host, kind)


def _find_root(context: CommandContext) -> Path:
    """Return the root of the repository, or the checkout of GitHub's runner, whichever is nearer."""
    cwd = resolve_path(context.cwd)
    workspace = context.console.env.get("GITHUB_WORKSPACE")
    checked_out = resolve_path(Path(workspace)) if workspace else None
    return next((each for each in (cwd, *cwd.parents) if each == checked_out or (each / ".git").exists()), cwd)


def _parse_copies(also: Sequence[str], out: str | None, cwd: Path) -> tuple[OutputCopy, ...]:
    copies = tuple(map(_parse_copy, also))
    taken = set() if out is None else {resolve_path(Path(out))}
    for copy in copies:
        if resolve_path(copy.path) in taken:
            hint = "use a different file for each format"
            raise UsageError(f"--also {copy.format}={copy.path}: the file is named twice", hint=hint)
        taken.add(resolve_path(copy.path))
    for copy in copies:
        _check_destination(copy, cwd)
    return copies


def _parse_copy(words: str) -> OutputCopy:
    name, _, file = words.partition("=")
    formats = {str(each): each for each in ReviewFormat}
    if name not in formats or not file.strip() or file == "-":
        hint = f"use one of the formats {', '.join(formats)}; such as `--also markdown=plan.md`"
        raise UsageError(f"--also {words} is not FORMAT=FILE", hint=hint)
    return OutputCopy(formats[name], Path(file))


def _check_destination(copy: OutputCopy, cwd: Path) -> None:
    """Refuse to overwrite a file of another kind, such as a prompt with `--also markdown=prompts/checkout.md`."""
    path = copy.path
    if path.suffix in {".yaml", ".yml"}:
        raise UsageError(
            f"--also {copy.format}={path}: no output format is YAML", hint="name a file other than a project file"
        )
    if path.suffix == ".md" and copy.format is not ReviewFormat.MARKDOWN:
        raise UsageError(f"--also {copy.format}={path}: {copy.format} output is not markdown", hint="name another file")
    check_output(path, cwd, *_own_files(copy.format))
    check_writable(path.parent)


def _own_files(format: ReviewFormat) -> tuple[str, tuple[bytes, ...]]:
    """Return the noun for a file that halo did not write, and the bytes that halo's own files begin with."""
    if format is ReviewFormat.MARKDOWN:
        return "not markdown written by halo", tuple(marker.encode() for marker in PAGE_MARKERS.values())
    if format is ReviewFormat.JSON:
        return "not JSON written by halo", DOCUMENT_STARTS
    return "already there", ()
