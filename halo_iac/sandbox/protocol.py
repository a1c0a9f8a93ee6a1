"""Requests, answers, refusals, and tRPC's envelope around them (docs/protocol.md#transport).

A request and an answer are values, so that the same sandbox serves a socket and a client in the same process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any, Final, NoReturn
from urllib.parse import parse_qs

MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of an input. The platform's own bound is not documented; ten times the longest prompt is plenty."""

_CODES: Final[Mapping[str, tuple[int, int]]] = {
    "PARSE_ERROR": (-32700, 400),
    "BAD_REQUEST": (-32600, 400),
    "UNAUTHORIZED": (-32001, 401),
    "PAYMENT_REQUIRED": (-32002, 402),
    "FORBIDDEN": (-32003, 403),
    "NOT_FOUND": (-32004, 404),
    "METHOD_NOT_SUPPORTED": (-32005, 405),
    "TIMEOUT": (-32008, 408),
    "CONFLICT": (-32009, 409),
    "PRECONDITION_FAILED": (-32012, 412),
    "PAYLOAD_TOO_LARGE": (-32013, 413),
    "UNSUPPORTED_MEDIA_TYPE": (-32015, 415),
    "UNPROCESSABLE_CONTENT": (-32022, 422),
    "TOO_MANY_REQUESTS": (-32029, 429),
    "INTERNAL_SERVER_ERROR": (-32603, 500),
    "NOT_IMPLEMENTED": (-32603, 501),
    "BAD_GATEWAY": (-32603, 502),
    "SERVICE_UNAVAILABLE": (-32603, 503),
    "GATEWAY_TIMEOUT": (-32603, 504),
}
"""tRPC's names → JSON-RPC code and HTTP status."""

_JSON: Final = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; ``headers`` have lower-case names, ``query`` is what follows the question mark."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        """Return the request without its body and headers, one of which is the key."""
        return f"Request({self.method} {self.path})"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; the server adds its length."""

    status: int
    headers: dict[str, str]
    body: bytes


class RequestRefused(Exception):  # noqa: N818 (a word of the domain: the platform refuses, nothing went wrong)
    """A procedure refuses a request: ``code`` is one of tRPC's names, ``headers`` are sent with the answer."""

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = headers or {}


class ServerFailure(Enum):
    """The reason why a sandbox cannot work."""

    CONTENT = "content"
    """Its file is damaged, of a later version, or not a sandbox."""
    SPACE = "space"
    """The disk is full or fails."""
    ACCESS = "access"
    """The file or its folder cannot be read or written."""


class SandboxError(Exception):
    """The sandbox itself cannot work: its file is damaged, of another version, or cannot be written.

    ``failure`` is ``None`` if the message says everything.
    """

    def __init__(self, message: str, failure: ServerFailure | None = None) -> None:
        super().__init__(message)
        self.failure = failure


class NoAnswer(Exception):  # noqa: N818 (likewise)
    """A fault leaves a request without an answer: the server closes or holds its socket, a client in-process raises."""


class CloseConnection(NoAnswer, ConnectionError):  # noqa: N818 (likewise)
    """The connection is cut, after the first ``sent`` bytes of ``answer`` if any."""

    def __init__(self, answer: Answer | None = None, sent: int = 0) -> None:
        super().__init__("the connection was cut")
        self.answer = answer
        self.sent = sent


class NeverReply(NoAnswer, TimeoutError):  # noqa: N818 (likewise)
    """Nothing is sent, and the connection stays open until the client gives up."""

    def __init__(self) -> None:
        super().__init__("no answer came")


def parse_input(request: Request) -> Any:  # noqa: ANN401 (whatever JSON the caller sent)
    """Return the input of a query or a mutation, ``None`` without one.

    Raises :class:`RequestRefused` if it is not JSON, too long, or declared as another media type.
    """
    if request.method == "GET":
        return _parsed(parse_qs(request.query, keep_blank_values=True).get("input", [""])[0])
    if len(request.body) > MAX_BODY:
        raise RequestRefused("PAYLOAD_TOO_LARGE", f"The input is longer than {MAX_BODY:,} bytes.")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.body and media_type != "application/json":
        raise RequestRefused("UNSUPPORTED_MEDIA_TYPE", "The input must be sent as application/json.")
    return _parsed(request.body)


def succeed(result: bytes) -> Answer:
    """Wrap the JSON text of a result."""
    return Answer(200, dict(_JSON), b'{"result":{"data":' + result + b"}}")


def fail(refusal: RequestRefused, path: str, status: int | None = None) -> Answer:
    """Wrap a refusal; ``status`` replaces the code's own HTTP status."""
    number, usual = _CODES[refusal.code]
    status = usual if status is None else status
    about = {"code": refusal.code, "httpStatus": status, "path": path}
    error = {"message": refusal.message, "code": number, "data": about}
    return Answer(status, {**_JSON, **refusal.headers}, encode_json({"error": error}))


def encode_json(value: object) -> bytes:
    """Return JSON the way a JavaScript server writes it: compact, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def reason_phrase(status: int) -> str:
    """Return the reason phrase of an HTTP status; empty for one that is not registered."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _parsed(text: str | bytes) -> Any:  # noqa: ANN401 (whatever JSON the caller sent)
    if not text:
        return None
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RequestRefused("PARSE_ERROR", "The input is not valid JSON.") from None


def _refuse_constant(name: str) -> NoReturn:
    """Refuse ``NaN`` and the infinities, which Python reads and JSON does not have."""
    raise ValueError(name)
