"""Findings: what is odd about a schedule that may well be meant (docs/semantics.md#findings).

A problem is something that cannot be understood; a finding is something that can, and is worth a second look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field


class Severity(StrEnum):
    """What a finding does to the command that meets it."""

    ERROR = "error"
    """It is shown, and the command fails."""
    WARNING = "warning"
    """It is shown."""


Switches = Mapping[str, Severity | None]
"""Rules by name → what their findings do, ``None`` for a rule that is off; one that is left out has its own default."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's word on one place of the project files; ``line`` and ``column`` count from 1."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    rule: Annotated[str, Field(description="The rule's name, as the project file switches it.")]
    severity: Annotated[Severity, Field(description="error, which fails the command, or warning.")]
    message: Annotated[str, Field(description="What was found and why it matters.")]
    hint: Annotated[str | None, Field(description="What to do about it.")]
    key: Annotated[str | None, Field(description="The entry concerned; null for the project as a whole.")]
    path: Annotated[str, Field(description="The file, relative to the working directory.")]
    line: Annotated[int, Field(description="The line, from 1.")]
    column: Annotated[int, Field(description="The column, from 1.")]


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that fail a command."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)
