"""Fault injection: a list of effects, each with the requests it applies to, how often, and when.

For every request the list is read from the top. A matching :class:`Latency` or :class:`ChangeBetween` happens, and
reading continues; the first other effect that matches determines the answer. A fault that has happened ``times`` times
matches no more requests.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

from halo_iac.sandbox.protocol import Answer, CloseConnection, NeverReply, RequestRefused, encode_json, fail, succeed


@dataclass(frozen=True, slots=True)
class Latency:
    """Wait, outside any transaction, then continue."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ChangeBetween:
    """Call a function outside any transaction, then continue, like another client that changes something meanwhile."""

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
    """Answer with the real result as changed by ``amend``; a refusal is not changed."""

    amend: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Close:
    """Answer, then close the connection, as servers do that shut down."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut the connection, after ``sent`` bytes of the body if any."""

    sent: int = 0


@dataclass(frozen=True, slots=True)
class NoReply:
    """Never answer."""


Effect = Latency | ChangeBetween | Pass | Refuse | Reply | Truncate | PatchResponse | Close | Cut | NoReply


@dataclass(frozen=True, slots=True)
class Fault:
    """An effect on matching requests: ``match`` is a glob for the procedure, ``where`` has values of input fields.

    It happens ``times`` times (``None``: always), ``before`` or ``after`` the procedure runs.
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

    def matches(self, procedure: str, given: object) -> bool:
        """Return whether the fault applies to a request."""
        if not fnmatchcase(procedure, self.match):
            return False
        fields = given if isinstance(given, dict) else {}
        return all(name in fields and fields[name] == value for name, value in self.where.items())


class Faults:
    """The faults of a sandbox, each with how often it may still happen; thread-safe."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._guard = threading.Lock()
        self._left: list[tuple[Fault, int | None]] = [(fault, fault.times) for fault in faults]

    def add(self, *faults: Fault) -> None:
        """Add faults at the end of the list."""
        with self._guard:
            self._left += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Remove all faults."""
        with self._guard:
            self._left.clear()

    def take_matching(self, procedure: str, given: object) -> list[Fault]:
        """Return the faults that apply to a request, in order, and count them down."""
        taken: list[Fault] = []
        with self._guard:
            for index, (fault, left) in enumerate(self._left):
                if left == 0 or not fault.matches(procedure, given):
                    continue
                self._left[index] = (fault, None if left is None else left - 1)
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
