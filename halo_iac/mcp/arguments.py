"""The arguments of tools: each declared once, so that one name means one thing in every tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from halo_iac.mcp.tool import MAX_CHARACTERS, Tool, ToolMisuse
from halo_iac.model.ids import canonical_id
from halo_iac.text import did_you_mean, quote, single_line

_MAX_ROWS: Final = 100
_MAX_ID_LENGTH: Final = 1_000
"""Characters of an id, a key or a name at most, so that no URL becomes too long to be sent."""


def _blank_to_none(value: object) -> object:
    """Return ``None`` for an empty text: some models fill in optional arguments with empty strings."""
    return None if isinstance(value, str) and not value.strip() else value


def _clean_id(value: str | None) -> str | None:
    if value is not None and len(value) > _MAX_ID_LENGTH:
        raise ValueError(f"at most {_MAX_ID_LENGTH:,} characters, not {len(value):,}")
    return None if value is None else canonical_id(value.strip(" \t\n`"))


_Optional = BeforeValidator(_blank_to_none)
_AnId = AfterValidator(_clean_id)

Project = Annotated[
    str | None,
    Field(description="Project id; default: that of the project file or the settings (see whoami)."),
    _Optional,
    _AnId,
]
Agent = Annotated[
    str | None, Field(description="An agent: its name, its UUID, or its alias in the project file."), _Optional, _AnId
]
Schedule = Annotated[
    str | None, Field(description="A schedule: its key in the project file, or its id."), _Optional, _AnId
]
ConversationId = Annotated[str | None, Field(description="Id of a conversation."), _Optional, _AnId]
RunId = Annotated[str | None, Field(description="Id of a run."), _Optional, _AnId]
ARunId = Annotated[str, Field(description="Id of a run.", min_length=1), _AnId]
AConversationId = Annotated[str, Field(description="Id of a conversation.", min_length=1), _AnId]
ATraceId = Annotated[str, Field(description="Id of a trace, as reports cite it.", min_length=1), _AnId]
ASpanId = Annotated[str, Field(description="Id of a span of the trace.", min_length=1), _AnId]
ProjectFile = Annotated[
    str | None,
    Field(description="Path of the project file, absolute or from the server's folder; default: the server's own."),
    _Optional,
]
_Cursor = Annotated[
    str | None,
    Field(description="next_cursor of the previous answer, to continue after it; keep the other arguments."),
    _Optional,
]


class Arguments(BaseModel):
    """The arguments of every tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Project = None


class Paged(Arguments):
    """The arguments of every tool that returns a list."""

    limit: Annotated[int, Field(description="Maximum number of rows.", ge=1, le=_MAX_ROWS)] = 20
    cursor: _Cursor = None


class Long(Arguments):
    """The arguments of every tool that returns a long text."""

    max_chars: Annotated[int, Field(description="Maximum number of characters of text.", ge=1_000, le=100_000)] = (
        MAX_CHARACTERS
    )
    cursor: _Cursor = None


def read_arguments(tool: Tool, given: Mapping[str, Any] | None) -> BaseModel:
    """Return the arguments of a call; all problems are raised as one error."""
    named = {name: value for name, value in (given or {}).items() if value is not None}  # as some clients leave out
    try:
        return tool.arguments.model_validate(named)
    except ValidationError as error:
        known = [*tool.arguments.model_fields]
        problems = [_reason(each["type"], each["loc"], each["msg"], known) for each in error.errors(include_url=False)]
        takes = f"it takes {', '.join(known)}" if known else "it takes no arguments"
        raise ToolMisuse("\n".join(problems), hint=f"call {tool.name} again; {takes}") from None


def _reason(kind: str, place: tuple[str | int, ...], message: str, known: list[str]) -> str:
    name = str(place[0]) if place else ""
    if kind == "extra_forbidden":
        return "; ".join(filter(None, (f"unknown argument {quote(name)}", did_you_mean(name, known, cutoff=0.6))))
    if kind == "missing":
        return f"argument `{name}` is missing"
    message = single_line(message.removeprefix("Value error, "))
    return f"argument {quote(name)}: {message[:1].lower()}{message[1:]}"


def require_one(tool: str, **given: str | None) -> None:
    """Raise unless a call names exactly one of several things."""
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        names = " or ".join(f"`{name}`" for name in given)
        what = f"both {' and '.join(f'`{name}`' for name in named)} were given" if named else "an argument is missing"
        raise ToolMisuse(f"{what}: {tool} takes one of {names}", hint=f"call {tool} again with one of {names}")
