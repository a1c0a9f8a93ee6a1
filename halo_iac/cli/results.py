"""What ``plan``, ``apply``, ``undo`` and ``validate`` write: one result of one run, in several formats.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from halo_iac.cli.drawing import Draw, Place, drawing_of_error
from halo_iac.cli.files import check_writable
from halo_iac.cli.options import ReviewFormat
from halo_iac.cli.outputs import DOCUMENT_STARTS, check_output, check_saved_plan, write_output
from halo_iac.cli.workplace import Workplace
from halo_iac.errors import FileError, HaloError, UsageError
from halo_iac.links import followed

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_PUBLISHED: Final = frozenset({ReviewFormat.MARKDOWN, ReviewFormat.GITHUB})
"""Formats in which an error is a result as well: who waits for a comment or an annotation reads no standard error."""


class Copy(NamedTuple):
    """A file that gets the result in a format of its own."""

    format: ReviewFormat
    path: Path


class Results:
    """Takes the result of a command to standard output, and to the files of ``--also``.

    An error that ends the command is written there as well: a pull request has to hear of it most of all. What is wrong
    with ``--also`` itself is raised here, before anything is done; ``out`` is a file that gets something else.
    """

    def __init__(
        self,
        workplace: Workplace,
        format: ReviewFormat,  # noqa: A002 - the option's name
        also: Sequence[str] | None,
        out: str | None = None,
    ) -> None:
        self._workplace = workplace
        self._console = workplace.console
        self.place = Place(workplace)
        self.format = ReviewFormat.JSON if self._console.wants_json else format
        if out is not None:
            check_saved_plan(Path(out), workplace.cwd)
        self._copies = _copies(also or (), out, workplace.cwd)
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

    def put(self, draw: Draw, *, shown: Draw | None = None) -> None:
        """Write the result; ``shown`` draws what standard output gets where it has some of it already."""
        self._has_result = True
        try:
            self._put_copies(draw)
        finally:
            self._console.out((shown or draw)(self.format, self._console.out_style))

    def _put_copies(self, draw: Draw) -> None:
        from halo_iac.render.style import PLAIN

        for copy in self._copies:
            text = self._console.veiled(draw(copy.format, PLAIN))
            write_output(copy.path, self._workplace.cwd, *_known(copy.format), text)
            self._console.say(f"Wrote {copy.path}")

    def _put_error(self, error: HaloError) -> None:
        if not self._copies and self.format not in _PUBLISHED:
            return
        from halo_iac.cli.pasting import keep_to_the_place

        keep_to_the_place(self._workplace, error)
        draw = drawing_of_error(error, self.place)
        try:
            self._put_copies(draw)
        except FileError as another:
            self._console.tell(another, exit_code=error.exit_code)  # how the command ended is the first one's to say
        if self.format in _PUBLISHED:
            self._console.out(draw(self.format, self._console.out_style))


def _copies(also: Sequence[str], out: str | None, cwd: Path) -> tuple[Copy, ...]:
    copies = tuple(map(_copy, also))
    taken = set() if out is None else {followed(Path(out))}
    for copy in copies:
        if followed(copy.path) in taken:
            hint = "give each format a file of its own"
            raise UsageError(f"--also {copy.format}={copy.path}: the file is named twice", hint=hint)
        taken.add(followed(copy.path))
    for copy in copies:
        _check_place(copy, cwd)
    return copies


def _copy(words: str) -> Copy:
    name, _, file = words.partition("=")
    formats = [str(each) for each in ReviewFormat]
    if name not in formats or not file.strip() or file == "-":
        hint = f"FORMAT is one of {', '.join(formats)}; such as `--also markdown=plan.md`"
        raise UsageError(f"--also {words}: not FORMAT=FILE", hint=hint)
    return Copy(ReviewFormat(name), Path(file))


def _check_place(copy: Copy, cwd: Path) -> None:
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
        from halo_iac.render.markdown.marker import MARKER

        return "no markdown of halo's", (MARKER.encode(),)
    if format is ReviewFormat.JSON:
        return "no json of halo's", DOCUMENT_STARTS
    return "there already", ()
