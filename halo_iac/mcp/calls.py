"""One call of a tool: arguments in, an answer or an error out."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from halo_iac.errors import HaloError
from halo_iac.mcp.arguments import read_arguments
from halo_iac.mcp.pagination import decode, encode
from halo_iac.mcp.session import Host
from halo_iac.mcp.tool import FIRST_POSITION, PASSAGES, Answer, Call, Tool, ToolMisuse
from halo_iac.mcp.untrusted import fence, fence_passages, notice, sanitize
from halo_iac.text import Document, show_invisible

_MAX_ERROR_LENGTH: Final = 4_000


class Outcome(NamedTuple):
    """The result of a call: text for any client, the same as data, and whether it failed."""

    text: str
    structured: dict[str, Any] | None = None
    is_error: bool = False


def call_tool(host: Host, tool: Tool, given: Mapping[str, Any] | None, stop: threading.Event) -> Outcome:
    """Carry out one call; an error becomes an outcome as well. ``stop`` ends the call early."""
    nonce = secrets.token_hex(8)
    try:
        arguments = read_arguments(tool, given)
        cursor = getattr(arguments, "cursor", None)
        start = FIRST_POSITION if cursor is None else decode(cursor, _call_key(tool, arguments))
        with host.open(getattr(arguments, "project", None), stop) as session:
            answer = tool.run(Call(session, arguments, start))
        return _answered(host, tool, arguments, answer, nonce)
    except ToolMisuse as error:
        return Outcome(_cut(host.redacted(f"error: {error.message}\nhint: {error.hint}")), is_error=True)
    except HaloError as error:
        return Outcome(_failure(host, error, nonce), is_error=True)


def _call_key(tool: Tool, arguments: BaseModel) -> dict[str, Any]:
    """Return the identity of a call, to which its cursors are bound."""
    return {"tool": tool.name, **arguments.model_dump(mode="json", exclude_none=True)}


def _answered(host: Host, tool: Tool, arguments: BaseModel, answer: Answer, nonce: str) -> Outcome:
    sent = Document(json.dumps(answer.data.model_dump(mode="json", exclude_none=True)))
    data = sanitize(json.loads(host.redacted(sent)), host.redacted)
    cursor = None if answer.position is None else encode(answer.position, _call_key(tool, arguments))
    structured = {
        "notice": notice(nonce),
        "summary": answer.summary,
        **({} if cursor is None else {"next_cursor": cursor}),
        "untrusted_data": fence_passages(data, nonce),
    }
    return Outcome(_text(answer.summary, cursor, data, nonce), structured)


def _text(summary: str, cursor: str | None, data: Mapping[str, Any], nonce: str) -> str:
    """Return an answer as text: long texts verbatim, the rest as JSON."""
    facts = {name: value for name, value in data.items() if name not in PASSAGES}
    passages = [value for name, value in data.items() if name in PASSAGES]
    rest = () if cursor is None else (f"There is more: call again with the same arguments and cursor {cursor}",)
    inside = "\n\n".join([json.dumps(facts, ensure_ascii=False), *passages])
    return "\n".join((summary, *rest, notice(nonce), fence(inside, nonce)))


def _failure(host: Host, error: HaloError, nonce: str) -> str:
    """Return an error, which may quote the platform, and its hint."""
    message = show_invisible(host.redacted(host.with_tools(error.message)))
    hint = "" if error.hint is None else show_invisible(host.redacted(host.with_tools(error.hint)))
    text = f"error ({error.code}); its message may quote others:\n{fence(_cut(message), nonce)}"
    return f"{text}\nhint: {_cut(hint)}" if hint else text


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_ERROR_LENGTH else f"{text[:_MAX_ERROR_LENGTH]}…"
