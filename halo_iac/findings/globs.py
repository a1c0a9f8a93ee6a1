"""What is odd about the globs of ``protect:``: one that does not mean what it was written for protects nothing."""

from collections.abc import Iterable, Iterator
from typing import Final

from halo_iac.findings.rule_input import RuleInput, Violation
from halo_iac.model.project import Origin, Project, Source
from halo_iac.text import Protection

_SPECIAL: Final = {
    "${": "no variable is read in it",
    "[": "only `*` is special in it",
    "?": "only `*` is special in it",
}


def special_globs(subject: RuleInput) -> Iterator[Violation]:
    """Find globs with signs that mean something elsewhere."""
    hint = "write the title with `*` for what varies; if it holds the sign itself, `findings: {odd-glob: off}`"
    for glob in subject.project.protect:
        sign = next((sign for sign in _SPECIAL if sign in glob), None)
        if sign is not None:
            yield _violation(subject.project, glob, f"holds `{sign}`, and {_SPECIAL[sign]}", hint)


def unused_globs(project: Project, titles: Iterable[str]) -> Iterator[Violation]:
    """Find globs that cover none of these titles."""
    for glob in Protection(project.protect).unused(titles):
        yield _violation(project, glob, "covers no declared and no existing title", "correct it, or take it out")


def _violation(project: Project, glob: str, reason: str, hint: str) -> Violation:
    """Return what is odd about a glob, at its place; one of the command line or the environment has none in a file."""
    written = project.origins.get(f"protect.{glob}")
    where = "`protect`" if written is not None else project.protect_sources.get(glob, "`protect`")
    at = written or Origin(Source.BUILT_IN, project.path, 1, 1)
    return Violation((), "protect", f"{glob!r} in {where} {reason}", hint, is_shared=True, at=at)
