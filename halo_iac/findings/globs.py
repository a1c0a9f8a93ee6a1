"""What is odd about the globs of ``protect:``: one that does not mean what it was written for protects nothing."""

from collections.abc import Iterable, Iterator
from typing import Final

from halo_iac.findings.subject import Odd, Subject
from halo_iac.model.glob import Protection
from halo_iac.model.origin import Origin, Source
from halo_iac.model.project import Project

_ODD: Final = {
    "${": "no variable is read in it",
    "[": "only `*` is special in it",
    "?": "only `*` is special in it",
}


def odd_globs(subject: Subject) -> Iterator[Odd]:
    """Find globs with signs that mean something elsewhere."""
    hint = "write the title with `*` for what varies; if it holds the sign itself, `findings: {odd-glob: off}`"
    for glob in subject.project.protect:
        sign = next((sign for sign in _ODD if sign in glob), None)
        if sign is not None:
            yield _odd(subject.project, glob, f"{glob!r} in `protect` holds `{sign}`, and {_ODD[sign]}", hint)


def unused_globs(project: Project, titles: Iterable[str]) -> Iterator[Odd]:
    """Find globs that cover none of these titles."""
    for glob in Protection(project.protect).unused(titles):
        message = f"{glob!r} in `protect` covers no declared and no existing title"
        yield _odd(project, glob, message, "correct it, or take it out")


def _odd(project: Project, glob: str, message: str, hint: str) -> Odd:
    """Return what is odd about a glob, at its place; the command line and the environment have none."""
    at = project.origins.get(f"protect.{glob}") or Origin(Source.BUILT_IN, project.path, 1, 1)
    return Odd((), "protect", message, hint, is_shared=True, at=at)
