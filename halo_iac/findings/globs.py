"""Rules for the globs of ``protect:``, since a mistaken glob protects nothing."""

from collections.abc import Iterable, Iterator
from typing import Final

from halo_iac.findings.rule_input import RuleInput, Violation
from halo_iac.model.project import Origin, Project, Source
from halo_iac.text import Protection

_SPECIAL: Final = {
    "${": "variables are not expanded in it",
    "[": "only `*` is a wildcard in it",
    "?": "only `*` is a wildcard in it",
}


def special_globs(subject: RuleInput) -> Iterator[Violation]:
    """Find globs with characters that are special in other glob dialects."""
    hint = (
        "use `*` for the part that varies; if the title contains the character itself, set "
        "`findings: {special-glob: off}`"
    )
    for glob in subject.project.protect:
        sign = next((sign for sign in _SPECIAL if sign in glob), None)
        if sign is not None:
            yield _violation(subject.project, glob, f"contains `{sign}`, but {_SPECIAL[sign]}", hint)


def unused_globs(project: Project, titles: Iterable[str]) -> Iterator[Violation]:
    """Find globs that cover none of these titles."""
    for glob in Protection(project.protect).unused(titles):
        yield _violation(project, glob, "matches no declared or existing title", "correct it or remove it")


def _violation(project: Project, glob: str, reason: str, hint: str) -> Violation:
    """Return a violation at a glob; one of the command line or the environment has no position in a file."""
    written = project.origins.get(f"protect.{glob}")
    where = "`protect`" if written is not None else project.protect_sources.get(glob, "`protect`")
    at = written or Origin(Source.BUILT_IN, project.path, 1, 1)
    return Violation((), "protect", f"{glob!r} in {where} {reason}", hint, is_shared=True, at=at)
