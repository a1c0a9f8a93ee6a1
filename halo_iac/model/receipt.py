"""The receipt of an apply: what was about to be written, and what came of it (docs/semantics.md#receipts).

A receipt is lines of JSON, in the order in which they were written: a header, then for each write of the platform an
intent before it and an outcome after it, and an end. It holds what a schedule was, so that ``halo undo`` can plan the
way back; what a schedule *is* only the platform says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from halo_iac.model.plan import Action
from halo_iac.model.schedule import Spec

RECEIPT_VERSION: Final = 1


class Result(StrEnum):
    """The outcome of one write."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"
    """Its answer was lost; so is the outcome of an intent that no outcome follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line: which run this is the receipt of."""

    __pydantic_config__ = ConfigDict(extra="forbid", title="HALO receipt: its first line")

    kind: Annotated[Literal["receipt"], Field(description="What the line is.")] = "receipt"
    version: Annotated[Literal[1], Field(description="The version of this document's format.")]
    halo: Annotated[str, Field(description="The version of halo that wrote it.")]
    at: Annotated[str, Field(description="When the run began, in UTC.")]
    base_url: Annotated[str, Field(description="The platform's base URL.")]
    project_id: Annotated[str, Field(description="The project's id.")]
    reason: Annotated[str | None, Field(description="Why, as `halo pause --reason` says; null without one.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteIntent:
    """One write that is about to be sent; ``before`` is absent for a create, ``after`` where no field is written."""

    __pydantic_config__ = ConfigDict(extra="forbid", title="HALO receipt: an intent")

    kind: Annotated[Literal["intent"], Field(description="What the line is.")] = "intent"
    number: Annotated[
        int, Field(description="The number of the write within the run; its outcome has the same number.", ge=1)
    ]
    action: Annotated[Action, Field(description="create, update, unarchive or archive.")]
    key: Annotated[str | None, Field(description="The entry's key; null where no file declares the schedule.")]
    id: Annotated[str | None, Field(description="The platform's id; null for a create.")]
    title: Annotated[str, Field(description="The schedule's title.")]
    is_archived: Annotated[bool, Field(description="Whether the schedule is archived before the write.")]
    before: Annotated[Spec | None, Field(description="The schedule as last read from the platform.")]
    after: Annotated[Spec | None, Field(description="The fields after the write; a null field is not managed.")]
    is_veiled: Annotated[
        bool, Field(description="Whether a credential was redacted, so that the line is not complete.")
    ] = False

    @property
    def is_complete(self) -> bool:
        """Return whether it has what a write of its kind needs, and nothing else."""
        is_create, has_fields = self.action is Action.CREATE, self.action in {Action.CREATE, Action.UPDATE}
        return (self.id is None) == (self.before is None) == is_create and (self.after is not None) == has_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOutcome:
    """The outcome of one write; if a number has several outcomes, the last one counts."""

    __pydantic_config__ = ConfigDict(extra="forbid", title="HALO receipt: an outcome")

    kind: Annotated[Literal["outcome"], Field(description="What the line is.")] = "outcome"
    number: Annotated[int, Field(description="The number of the intent.", ge=1)]
    result: Annotated[Result, Field(description="done, not done or unknown.")]
    id: Annotated[str | None, Field(description="The platform's id; null if it is not known.")] = None
    message: Annotated[str, Field(description="Why it was not done, or why the outcome is unknown.")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """The last line: the run ended and sent no more requests."""

    __pydantic_config__ = ConfigDict(extra="forbid", title="HALO receipt: its last line")

    kind: Annotated[Literal["end"], Field(description="What the line is.")] = "end"
    writes: Annotated[int, Field(description="Number of intents.", ge=0)]


Line = Header | WriteIntent | WriteOutcome | RunEnd


@dataclass(frozen=True, slots=True)
class Write:
    """An intent with what came of it; ``line`` is where the intent stands, from 1."""

    intent: WriteIntent
    line: int
    outcome: WriteOutcome | None = None

    @property
    def result(self) -> Result:
        """Return what came of it."""
        return Result.UNKNOWN if self.outcome is None else self.outcome.result

    @property
    def id(self) -> str | None:
        """Return the schedule's id; that of a created one is in its outcome."""
        return self.intent.id or (self.outcome.id if self.outcome else None)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt that was read; ``name`` is what messages call it.

    ``gap`` says what is missing at its end, where the run was killed or the file is cut off.
    """

    name: str
    header: Header
    writes: tuple[Write, ...]
    gap: str | None = None
