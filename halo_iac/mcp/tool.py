"""The values that tools share: a tool, its call, its answer, and the error for invalid arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from halo_iac.errors import HaloError
from halo_iac.mcp.session import Session
from halo_iac.text import single_line

MAX_CHARACTERS: Final = 20_000
"""The default length of an answer's data in characters; the rest gets a cursor."""
MAX_LINE_LENGTH: Final = 300
"""Characters of a title, a name or a message that is one of many fields."""
MAX_TEXT_LENGTH: Final = 2_000
"""Characters of any other text, such as the value of an attribute."""


class ToolMisuse(HaloError):  # noqa: N818 - says what is wrong with a call; its words are ours
    """Invalid arguments: an unknown one, two that exclude each other, a cursor of another call."""

    code = "arguments"


PASSAGES: Final = frozenset({"report", "content", "plan_text"})
"""The members of an answer that hold a long text, which its tool cuts and which is fenced separately."""


class Result(BaseModel):
    """The data of an answer; fields without a value are left out, and all texts but passages are short."""

    model_config = ConfigDict(frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _short(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, list | tuple):
            return [_cut(each) for each in value]
        return value if info.field_name in PASSAGES else _cut(value)


def _cut(value: object) -> object:
    return f"{value[:MAX_TEXT_LENGTH]}…" if isinstance(value, str) and len(value) > MAX_TEXT_LENGTH else value


def _line(value: object) -> object:
    return single_line(value, limit=MAX_LINE_LENGTH) if isinstance(value, str) else value


Line = Annotated[str, BeforeValidator(_line)]
"""Untrusted text on one line, cut short."""


Position = tuple[str | int | None, int]
"""Where an answer continues: a page, a conversation or a text, and how much of it was returned."""


class Answer(NamedTuple):
    """The answer to a call: its data, which is untrusted, and a summary in our own words.

    ``position`` is where the rest begins, ``None`` if there is none.
    """

    data: Result
    summary: str
    position: Position | None = None


FIRST_POSITION: Final[Position] = (None, 0)
"""The position of a first answer."""

A = TypeVar("A", bound=BaseModel)


class Call(NamedTuple, Generic[A]):
    """A call of a tool: its session, its arguments, and the position where its answer begins."""

    session: Session
    arguments: A
    start: Position = FIRST_POSITION


class Tool(NamedTuple):
    """A tool: its description for the assistant, its arguments and answer, and its function.

    ``is_write`` says whether it changes anything on the platform.
    """

    name: str
    title: str
    description: str
    arguments: type[BaseModel]
    result: type[Result]
    run: Callable[[Call[Any]], Answer]
    is_write: bool = False
    costs_money: bool = False
    calls_platform: bool = True


Total = Annotated[int, Field(description="Total number.")]
