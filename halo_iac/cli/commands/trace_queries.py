"""The queries ``trace get-tree``, ``get-bodies``, ``sessions`` and others of the official client.

That client generates them from the platform's procedures: an option for each field, and the response as JSON. halo has
the same commands, hidden, for scripts that use them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import typer

from halo_iac.cli import options
from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.errors import UsageError
from halo_iac.render.json import document

T = TypeVar("T")

_CAPITAL: Final = re.compile("(?=[A-Z])")
_JSON: Final[Mapping[str, type]] = {"filters": dict, "spanIds": list}
"""Fields that are given as JSON, with their types."""
_NUMBERS: Final = frozenset({"limit"})


class _Query(NamedTuple):
    """A procedure, and its required and optional fields."""

    procedure: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


_PAGED: Final = ("filters", "limit", "cursor")
_QUERIES: Final = {
    "get-tree": _Query("traces.getTree", ("traceId",), ("filters",)),
    "get-detail": _Query("traces.getDetail", ("traceId",), ("filters",)),
    "get-spans": _Query("traces.getSpans", ("traceId",), _PAGED),
    "get-bodies": _Query("traces.getBodies", ("traceId", "spanIds")),
    "sessions": _Query("traces.listSessions", ("agentIdentity",), ("query", *_PAGED)),
    "session-traces": _Query("traces.listSessionTraces", ("agentIdentity", "sessionId"), ("mode", *_PAGED)),
    "session-tree": _Query("traces.getSessionTree", ("agentIdentity", "sessionId"), ("focusTraceId", *_PAGED[1:])),
}


def add_to(group: typer.Typer) -> None:
    """Add the commands, which ``--help`` does not list."""
    for name, query in _QUERIES.items():
        group.command(name, hidden=True)(_make_command(query))


def json_option(option: str, given: str, kind: type[T]) -> T:
    """Return the value of an option that is given as JSON; a value of another type is an error."""
    try:
        value = json.loads(given)
    except ValueError as error:
        raise UsageError(f"{option} is not valid JSON: {error}", hint="put it in single quotes") from None
    if not isinstance(value, kind):
        wanted = 'an object, such as \'{"status":"error"}\'' if kind is dict else 'a list, such as \'["a","b"]\''
        raise UsageError(f"{option} has the wrong JSON type", hint=f"write {wanted}")
    return value


def _make_command(query: _Query) -> Any:  # noqa: ANN401 - what typer takes for a command
    names = (*query.required, *query.optional)

    def ask(context: CommandContext, **given: Any) -> int:  # noqa: ANN401 - whatever typer parsed
        fields = {name: given[name] for name in names if given[name] is not None}
        for name in fields.keys() & _JSON.keys():
            fields[name] = json_option(_flag_name(name), fields[name], _JSON[name])
        context.console.print(document(context.connect_for_reading().trace_reader.query(query.procedure, fields)))
        return 0

    ask.__doc__ = f"Print the platform's answer to {query.procedure} as JSON."
    hints = {name: _make_option(name, is_required=name in query.required) for name in names}
    hints |= {"project": options.ProjectId, "team": options.TeamId}
    parameters = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=... if name in query.required else None) for name in hints
    ]
    ask.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter("context", Parameter.POSITIONAL_OR_KEYWORD), *parameters]
    )
    ask.__annotations__ = {"context": CommandContext, **hints, "return": int}
    return platform_command(ask)


def _make_option(name: str, *, is_required: bool) -> Any:  # noqa: ANN401 - a type form
    kind: Any = int if name in _NUMBERS else str
    metavar = "JSON" if name in _JSON else "N" if name in _NUMBERS else "TEXT"
    option = typer.Option(_flag_name(name), metavar=metavar, help=f"The field {name}.")
    return Annotated[kind if is_required else kind | None, option]


def _flag_name(name: str) -> str:
    return f"--{_CAPITAL.sub('-', name).lower()}"
