"""Findings: unusual declarations that may be intended (docs/semantics.md#findings).

A problem is something that cannot be understood; a finding is something that can, and is worth a second look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

from halo_iac.model import Described, Document, document


class Severity(StrEnum):
    """Severity of a finding: whether it fails the command."""

    ERROR = "error"
    """It is shown, and the command fails."""
    WARNING = "warning"
    """It is shown."""


RuleSeverities = Mapping[str, Severity | None]
"""Rule → severity of its findings, ``None`` if it is off; a rule that is missing has its own default."""


@document
class Finding(Document):
    """A finding of one rule at one place of the project files; ``line`` and ``column`` count from 1."""

    rule: Annotated[str, Described("The rule's name, as in `findings` of the project file.")]
    severity: Annotated[Severity, Described("error, which fails the command, or warning.")]
    message: Annotated[str, Described("What was found and why it matters.")]
    hint: Annotated[str | None, Described("What to do about it.")]
    key: Annotated[str | None, Described("The entry concerned; null for the project as a whole.")]
    path: Annotated[str, Described("The file, relative to the working directory.")]
    line: Annotated[int, Described("The line, from 1.")]
    column: Annotated[int, Described("The column, from 1.")]


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that fail a command."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)
