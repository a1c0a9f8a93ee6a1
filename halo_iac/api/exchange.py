"""One request and its answer: sent, read within bounds, and every foreign exception made a typed error.

See docs/security.md#bounds-of-answers.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from math import inf
from time import monotonic
from typing import Any, Final, NamedTuple

import httpx

from halo_iac.api import failures
from halo_iac.api.failures import RequestStage, Route
from halo_iac.api.http_request import Call, RequestBuilder
from halo_iac.api.limits import RequestLimits
from halo_iac.api.memory_budget import current_budget, estimated_memory
from halo_iac.api.trpc import Answer, delivery_of
from halo_iac.errors import Unreadable

_MIB: Final = 1024 * 1024
_UNENCODED: Final = frozenset({"", "identity"})
_ENCODINGS: Final = frozenset({*_UNENCODED, "gzip", "deflate"})
"""Encodings of a body that are accepted; a body encoded several times could grow a thousandfold with each."""


def _iter_decoded(response: httpx.Response) -> Iterable[bytes]:
    """Return the parts of a body as they arrive; a body that is not encoded bypasses httpx's decoders."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise httpx.DecodingError("an encoding that was not requested")
    if encoding in _UNENCODED and isinstance(response.stream, httpx.SyncByteStream):
        return response.stream
    return response.iter_bytes()


class _StageTracker:
    """Follows httpx's trace events: while only a proxy's CONNECT was sent, the platform has received nothing.

    ``refusal`` is the status with which a proxy answered it.
    """

    stage = RequestStage.SENT
    refusal: int | None = None

    def __call__(self, event: str, facts: Mapping[str, Any]) -> None:
        if event.endswith(".send_request_headers.started"):
            if facts["request"].method == b"CONNECT":
                self.stage = RequestStage.TUNNELLING
                return
            self.stage = RequestStage.SENT
            facts["request"].extensions.pop("trace", None)  # what follows tells nothing new, in eight events
        elif event.endswith(".connect_tcp.started"):
            self.stage = RequestStage.CONNECTING
        elif event.endswith(".setup_socks5_connection.started"):
            self.stage = RequestStage.TUNNELLING
        elif event.endswith(".receive_response_headers.complete") and self.stage is RequestStage.TUNNELLING:
            self.refusal = facts["return_value"][1]
        elif event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            _limit_reads(facts["return_value"])


_current = threading.local()
"""This thread's ``exchange``, and ``report_at``, the instant at which it is reported as slow."""


def _limit_reads(stream: Any) -> None:  # noqa: ANN401 - httpcore's network stream
    """Let a new connection's reads end at the deadline: headers that trickle in forever beat a limit on each read."""
    from halo_iac.api.connection import read_within

    read: Callable[[int, float], bytes] = stream.read

    def read_in_time(max_bytes: int, timeout: float | None = None) -> bytes:
        exchange: HttpExchange = _current.exchange
        now = monotonic()
        left = exchange.deadline - now
        if left <= 0:
            raise httpx.ReadTimeout("the deadline has passed")
        limit = left if timeout is None else min(timeout, left)
        until_report = _current.report_at - now
        if until_report < limit:
            data = read_within(until_report, read, max_bytes)
            if data is not None:
                return data
            _current.report_at = inf
            exchange.report_slow()
            limit -= max(until_report, 0.0)
        return read(max_bytes, limit)

    stream.read = read_in_time


class HttpExchange(NamedTuple):
    """One request and its answer, within bounds."""

    http: httpx.BaseTransport
    requests: RequestBuilder
    route: Route
    bounds: RequestLimits
    deadline: float
    log_wait: Callable[[str], None] | None = None
    """Gets a line once the platform has not answered for a while."""

    def run(self, call: Call) -> Answer:
        """Send and read; every foreign exception ends here."""
        tracker = _StageTracker()
        _current.exchange = self
        _current.report_at = inf if self.log_wait is None else monotonic() + self.bounds.slow_seconds
        try:
            request = self.requests.build(call, {"timeout": self._remaining_timeouts(), "trace": tracker})
            response = self.http.handle_request(request)
        except failures.LIBRARY_ERRORS as error:
            raise failures.platform_error(error, self.route, tracker.stage, tracker.refusal) from None
        except Exception as error:
            if tracker.stage is not RequestStage.TUNNELLING:  # socksio has errors of its own, which httpx lets pass
                raise
            raise failures.platform_error(error, self.route, tracker.stage) from None
        with closing(response):
            try:
                return Answer(response.status_code, response.headers, self._read_body(response))
            except failures.LIBRARY_ERRORS as error:
                raise failures.platform_error(error, self.route, RequestStage.ANSWERED) from None

    def report_slow(self) -> None:
        """Log the procedure and the host that have not answered yet."""
        if self.log_wait is not None:
            waited = f"no full response from {self.route.host} after {self.bounds.slow_seconds:g} s"
            self.log_wait(f"{self.route.procedure}: {waited}; still waiting")

    def _remaining_timeouts(self) -> dict[str, float]:
        left = self.deadline - monotonic()
        limits = (self.bounds.connect_seconds, self.bounds.read_seconds)
        connect, read = (max(min(limit, left), 0.001) for limit in limits)
        return {"connect": connect, "read": read, "write": read, "pool": connect}

    def _read_body(self, response: httpx.Response) -> bytes | bytearray:
        if response.status_code >= 400:
            return self._read_error_body(response)
        budget = current_budget()
        sent, held = budget.sent, budget.held
        body = bytearray()
        for chunk in _iter_decoded(response):
            body += chunk
            sent += len(chunk)
            held += estimated_memory(chunk)
            self._refuse_excess(sent, held, response.status_code)
            if monotonic() > self.deadline:
                raise failures.deadline_exceeded(self.route.procedure, self.bounds.total_seconds)
        budget.sent, budget.held = sent, held
        return body

    def _read_error_body(self, response: httpx.Response) -> bytes:
        """Read as much as a message could need; the status counts even where the body breaks off."""
        body = bytearray()
        with suppress(*failures.LIBRARY_ERRORS):
            for chunk in _iter_decoded(response):
                body += chunk
                if len(body) >= self.bounds.error_bytes or monotonic() > self.deadline:
                    break
        return bytes(body[: self.bounds.error_bytes])

    def _refuse_excess(self, sent: int, held: int, status: int) -> None:
        is_too_long = sent > self.bounds.answer_bytes
        if is_too_long or held > self.bounds.memory_bytes:
            size = self.bounds.answer_bytes if is_too_long else self.bounds.memory_bytes
            raise Unreadable(
                f"answered with more than {size // _MIB} MiB{'' if is_too_long else ' once it is decoded'}",
                procedure=self.route.procedure,
                delivery=delivery_of(status),
                status=status,
                hint="Name an agent, to list less.",
            )
