"""The tRPC envelope: encodes inputs, and decodes answers to a value or a typed error.

See docs/protocol.md#transport. It works on bytes, statuses and headers without an HTTP library, so that every unusual
answer can be tested without a socket.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias
from urllib.parse import quote

from pydantic_core import from_json

from halo_iac.api import response_hints
from halo_iac.errors import Delivery, PlatformError, Rejected, Unreadable
from halo_iac.text import replace_lone_surrogates, single_line

Kind = Literal["query", "mutation"]

Json: TypeAlias = Any
"""A JSON value; its shape is checked where it is used."""


class RpcClient(Protocol):
    """Sends a call to the platform once; all that the reader and the writer need."""

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        """Return the procedure's result, or raise exactly one :class:`~halo_iac.errors.PlatformError`.

        ``deadline`` is an instant of :func:`time.monotonic` at which waiting ends.
        """


_UNESCAPED: Final = "!~*'()"
"""What JavaScript's encodeURIComponent leaves alone beyond Python's own list, so that our URLs equal the client's."""

_TRANSIENT: Final = frozenset({408, 425, 429})
_AMBIGUOUS_CODES: Final = frozenset({408, 409})


class Answer(NamedTuple):
    """The answer to one request: ``headers`` by lower-case name, ``body`` possibly cut off."""

    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray


class UnexpectedShape(StrEnum):
    """The shapes of an answer that is not tRPC, described without quoting it."""

    REDIRECT = "answered with a redirect, which is not followed"
    EMPTY = "answered with an empty body"
    HTML = "answered with an HTML page"
    BROKEN = "answered with JSON that is cut off or broken"
    JSON = "answered with JSON that is not a tRPC response"
    OTHER = "answered with text that is not JSON"


_GATEWAY_CODES: Final = frozenset({UnexpectedShape.HTML, UnexpectedShape.OTHER})
"""Shapes that the platform itself, which answers in JSON, does not have."""


class Context(NamedTuple):
    """What a message about an answer needs: which procedure, where the key and URL came from, how to hide the key."""

    procedure: str
    key_origin: str | None
    url_origin: str
    hide: Callable[[str], str]


def query_path(procedure: str, value: Json) -> str:
    """Return the URL path and query string of a query; without ``?input`` if it has no input."""
    return f"/{procedure}" if value is None else f"/{procedure}?input={quote(_compact(value), safe=_UNESCAPED)}"


def without_none(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - what JSON can hold
    """Return the fields of a query that are given."""
    return {name: value for name, value in fields.items() if value is not None}


def mutation_body(value: Json) -> bytes:
    """Return the JSON body of a mutation."""
    return _compact(value).encode()


_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def delivery_of(status: int) -> Delivery:
    """Return what a request answered with this status may have done (docs/semantics.md#creates)."""
    refused = 400 <= status < 500 and status not in _AMBIGUOUS_CODES
    return Delivery.REFUSED if refused else Delivery.AMBIGUOUS


def is_transient_status(status: int) -> bool:
    """Return whether a repeatable call is worth repeating after this status (docs/semantics.md#retries)."""
    return status in _TRANSIENT or status >= 500


def parse_response(answer: Answer, context: Context) -> Json:
    """Return the value inside a successful answer; raise ``Rejected`` or ``Unreadable`` for every other one."""
    if 200 <= answer.status < 300:
        return _parse_result(answer, context)
    if answer.status < 400:
        raise _unreadable(answer, context, UnexpectedShape.REDIRECT, response_hints.wrong_url(context.url_origin))
    raise _parse_failure(answer, context)


def _parse_result(answer: Answer, context: Context) -> Json:
    document = _parse_json(answer.body)
    result = document.get("result") if isinstance(document, dict) else None
    if not isinstance(result, dict):
        hint = response_hints.wrong_url(context.url_origin)
        raise _unreadable(answer, context, _identify_shape(answer), hint, is_worth_repeating=True)
    return result.get("data")  # JSON has no `undefined`: a procedure that returns nothing leaves the key out


def _parse_failure(answer: Answer, context: Context) -> PlatformError:
    document = _parse_json(answer.body)
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return _non_trpc_failure(answer, context)
    details = error.get("data")
    name = details.get("code") if isinstance(details, dict) else None
    name = single_line(context.hide(name), limit=40) if isinstance(name, str) else ""
    words = error.get("message")
    words = single_line(context.hide(words)) if isinstance(words, str) else ""
    rejected = Rejected(
        words or name or "refused without a reason",
        procedure=context.procedure,
        delivery=delivery_of(answer.status),
        status=answer.status,
        is_transient=is_transient_status(answer.status),
        retry_after=response_hints.retry_after(answer.headers),
        hint=response_hints.hint_for_status(answer.status, context.key_origin),
    )
    rejected.name = name
    return rejected


def _non_trpc_failure(answer: Answer, context: Context) -> Unreadable:
    """Return the error for a failure that is not tRPC; an HTML 401 or 403 is no information about the key."""
    shape = _identify_shape(answer)
    if shape is UnexpectedShape.HTML and answer.status in (401, 403):
        gateway, hint = response_hints.identify_gateway(answer.headers)
        return _unreadable(answer, context, f"blocked by {gateway}, which {shape}", hint)
    hint = response_hints.hint_for_status(answer.status, context.key_origin)
    reason = f"{_reason_phrase(answer.status)}, {shape.removeprefix('answered ')}"
    if shape in _GATEWAY_CODES:
        gateway, _ = response_hints.identify_gateway(answer.headers)
        reason = f"{_reason_phrase(answer.status)}, from {gateway}, which {shape}"
        hint = response_hints.hint_for_gateway(answer.status, context.key_origin)
    if answer.status == 404:
        hint = response_hints.wrong_url(context.url_origin)
    return _unreadable(answer, context, reason, hint)


def _parse_json(body: bytes | bytearray) -> Json:
    """Return the JSON value of a body; ``None`` if it is not JSON."""
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        whole = replace_lone_surrogates(body) if b"\\u" in body else body
        return None if whole == body else _parse_json(whole)


def _reason_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"


def _unreadable(
    answer: Answer, context: Context, reason: str, hint: str | None, *, is_worth_repeating: bool = False
) -> Unreadable:
    return Unreadable(
        reason,
        procedure=context.procedure,
        delivery=delivery_of(answer.status),
        status=answer.status,
        is_transient=is_worth_repeating or is_transient_status(answer.status),
        retry_after=response_hints.retry_after(answer.headers),
        hint=hint,
    )


def _identify_shape(answer: Answer) -> UnexpectedShape:
    start = answer.body[:512].lstrip()
    if not start:
        return UnexpectedShape.EMPTY
    if start.startswith(b"<") or "html" in answer.headers.get("content-type", "").lower():
        return UnexpectedShape.HTML
    try:
        from_json(answer.body)
    except ValueError:
        return UnexpectedShape.BROKEN if start[:1] in (b"{", b"[") else UnexpectedShape.OTHER
    return UnexpectedShape.JSON
