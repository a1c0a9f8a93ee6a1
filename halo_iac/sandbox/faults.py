"""Fault injection: a list of effects, each with the requests it applies to, how often, and when.

For every request the list is read from the top. A :class:`Latency` or a :class:`ChangeBetween` that matches takes place
and reading goes on; the first other effect that matches settles the request. A fault that has been used up matches
nothing more.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from halo_iac.sandbox.protocol import Answer, CloseConnection, NeverReply, RequestRefused, encode_json, fail, succeed


@dataclass(frozen=True, slots=True)
class Latency:
    """Wait, outside any transaction, then continue."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ChangeBetween:
    """Call a function, outside any transaction, then continue: what another client does at this moment."""

    happens: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Pass:
    """Let the request through, without the faults later in the list."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a tRPC error; ``status`` replaces the code's own, ``retry_after`` is sent as given."""

    code: str = "INTERNAL_SERVER_ERROR"
    message: str = "A fault of the sandbox, as asked for."
    status: int | None = None
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer with exactly this, tRPC or not."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Truncate:
    """Answer with the first bytes of the real answer and a matching Content-Length."""

    keep: int = 20


@dataclass(frozen=True, slots=True)
class PatchResponse:
    """Answer with what ``amend`` makes of the real result; a refusal stays as it is."""

    amend: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Close:
    """Answer, and close the connection afterwards, as servers do that are about to go away."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut the connection, after ``sent`` bytes of the body if any."""

    sent: int = 0


@dataclass(frozen=True, slots=True)
class NoReply:
    """Never answer."""


Effect = Latency | ChangeBetween | Pass | Refuse | Reply | Truncate | PatchResponse | Close | Cut | NoReply

EMPTY: Final = Reply(502)
CLOUDFLARE_403: Final = Reply(
    403,
    b"<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>"
    b"<body><h1>Sorry, you have been blocked</h1><p>Cloudflare Ray ID: 0000000000000000</p></body></html>",
    "text/html; charset=UTF-8",
    {"server": "cloudflare", "cf-ray": "0000000000000000-FRA"},
)
BAD_GATEWAY_HTML: Final = Reply(
    502,
    b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>",
    "text/html",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do to requests that match: ``match`` is a glob over procedures, ``where`` input fields with these values.

    ``times`` counts down (``None``: for ever). ``before`` the handler nothing has happened yet; ``after`` it everything
    has, and only the answer suffers.
    """

    match: str
    effect: Effect
    times: int | None = 1
    when: Literal["before", "after"] = "before"
    where: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_late(self) -> bool:
        """Return whether the handler runs before the fault, whose effect needs the real answer."""
        is_cut_short = isinstance(self.effect, Cut) and self.effect.sent > 0
        needs_answer = isinstance(self.effect, Truncate | PatchResponse | Close) or is_cut_short
        return self.when == "after" or needs_answer

    def fits(self, procedure: str, given: object) -> bool:
        """Return whether the fault applies to a request."""
        if not fnmatchcase(procedure, self.match):
            return False
        fields = given if isinstance(given, dict) else {}
        return all(name in fields and fields[name] == value for name, value in self.where.items())


class Faults:
    """The list, and how often each of it may still happen; safe to use from several threads."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._guard = threading.Lock()
        self._left: list[tuple[Fault, int | None]] = [(fault, fault.times) for fault in faults]

    def add(self, *faults: Fault) -> None:
        """Put further faults behind those that are there."""
        with self._guard:
            self._left += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Behave from now on."""
        with self._guard:
            self._left.clear()

    def take(self, procedure: str, given: object) -> list[Fault]:
        """Return what is to happen to a request, in order, and count it as done."""
        taken: list[Fault] = []
        with self._guard:
            for place, (fault, left) in enumerate(self._left):
                if left == 0 or not fault.fits(procedure, given):
                    continue
                self._left[place] = (fault, None if left is None else left - 1)
                taken.append(fault)
                if not isinstance(fault.effect, Latency | ChangeBetween):
                    break
        return taken


def apply_fault(answer: Answer | None, effect: Effect, procedure: str) -> Answer | None:
    """Return the answer after an effect (``None``: not handled yet).

    Raises :class:`CloseConnection` or :class:`NeverReply` if no answer is sent.
    """
    match effect:
        case Refuse(code, message, status, retry_after):
            headers = {} if retry_after is None else {"retry-after": retry_after}
            return fail(RequestRefused(code, message, headers), procedure, status)
        case Reply(status, body, content_type, headers):
            return Answer(status, {"content-type": content_type, **headers}, body)
        case Truncate(keep):
            return None if answer is None else Answer(answer.status, answer.headers, answer.body[:keep])
        case PatchResponse(amend) if answer is not None and answer.status == 200:
            return succeed(encode_json(amend(json.loads(answer.body)["result"]["data"])))
        case Close():
            return None if answer is None else replace(answer, headers={**answer.headers, "connection": "close"})
        case Cut(sent):
            raise CloseConnection(answer, sent)
        case NoReply():
            raise NeverReply
        case _:
            return answer
