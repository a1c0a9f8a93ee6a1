"""The receipt of an apply: what was about to be written, and what came of it (docs/semantics.md#receipts).

A receipt is lines of JSON, in the order in which they were written: a header, then for each write of the platform an
intent before it and an outcome after it, and an end. It holds what a schedule was, so that ``halo undo`` can plan the
way back; what a schedule *is* only the platform says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

from halo_iac.model import Described
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

    __pydantic_config__: ClassVar = {"extra": "forbid", "title": "HALO receipt: its first line"}

    kind: Annotated[Literal["receipt"], Described("What the line is.")] = "receipt"
    version: Annotated[Literal[1], Described("The version of this document's format.")]
    halo: Annotated[str, Described("The version of halo that wrote it.")]
    at: Annotated[str, Described("When the run began, in UTC.")]
    base_url: Annotated[str, Described("The platform's base URL.")]
    project_id: Annotated[str, Described("The project's id.")]
    reason: Annotated[str | None, Described("The reason given with `halo pause --reason`; null without one.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteIntent:
    """One write that is about to be sent; ``before`` is absent for a create, ``after`` where no field is written."""

    __pydantic_config__: ClassVar = {"extra": "forbid", "title": "HALO receipt: an intent"}

    kind: Annotated[Literal["intent"], Described("What the line is.")] = "intent"
    number: Annotated[
        int, Described("The number of the write within the run; its outcome has the same number.", least=1)
    ]
    action: Annotated[Action, Described("create, update, unarchive or archive.")]
    key: Annotated[str | None, Described("The entry's key; null where no file declares the schedule.")]
    id: Annotated[str | None, Described("The platform's id; null for a create.")]
    title: Annotated[str, Described("The schedule's title.")]
    is_archived: Annotated[bool, Described("Whether the schedule is archived before the write.")]
    before: Annotated[Spec | None, Described("The schedule as last read from the platform.")]
    after: Annotated[Spec | None, Described("The fields after the write; a null field is not managed.")]
    is_veiled: Annotated[bool, Described("Whether a credential was redacted, so that the line is not complete.")] = (
        False
    )

    @property
    def is_complete(self) -> bool:
        """Return whether it has exactly the fields that a write of its action needs."""
        is_create, has_fields = self.action is Action.CREATE, self.action in {Action.CREATE, Action.UPDATE}
        return (self.id is None) == (self.before is None) == is_create and (self.after is not None) == has_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOutcome:
    """The outcome of one write; if a number has several outcomes, the last one counts."""

    __pydantic_config__: ClassVar = {"extra": "forbid", "title": "HALO receipt: an outcome"}

    kind: Annotated[Literal["outcome"], Described("What the line is.")] = "outcome"
    number: Annotated[int, Described("The number of the intent.", least=1)]
    result: Annotated[Result, Described("done, not done or unknown.")]
    id: Annotated[str | None, Described("The platform's id; null if it is not known.")] = None
    message: Annotated[str, Described("Why it was not done, or why the outcome is unknown.")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """The last line: the run ended and sent no more requests."""

    __pydantic_config__: ClassVar = {"extra": "forbid", "title": "HALO receipt: its last line"}

    kind: Annotated[Literal["end"], Described("What the line is.")] = "end"
    writes: Annotated[int, Described("Number of intents.", least=0)]


Line = Header | WriteIntent | WriteOutcome | RunEnd


class Write(NamedTuple):
    """An intent with what came of it; ``line`` is where the intent stands, from 1."""

    intent: WriteIntent
    line: int
    outcome: WriteOutcome | None = None

    @property
    def result(self) -> Result:
        """Return the result of the write; unknown without an outcome."""
        return Result.UNKNOWN if self.outcome is None else self.outcome.result

    @property
    def id(self) -> str | None:
        """Return the schedule's id; that of a created one is in its outcome."""
        return self.intent.id or (self.outcome.id if self.outcome else None)


class Receipt(NamedTuple):
    """A receipt that was read; ``name`` is its name in messages.

    ``gap`` is what is missing at its end, if the run was killed or the file was truncated.
    """

    name: str
    header: Header
    writes: tuple[Write, ...]
    gap: str | None = None
