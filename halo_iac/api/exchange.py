"""One request and its answer: sent, read within bounds, and every foreign exception made a typed error.

See docs/security.md#bounds-of-answers.
"""

import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import cache
from time import monotonic
from typing import Any, Final, NamedTuple

import httpx

from halo_iac.api import failures
from halo_iac.api.failures import RequestStage, Route
from halo_iac.api.limits import RequestLimits
from halo_iac.api.memory_budget import current_budget, estimated_memory
from halo_iac.api.trpc import Answer, delivery_of
from halo_iac.errors import Unreadable

_MIB: Final = 1024 * 1024
_ENCODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})
"""How an answer may be encoded: once, since every further time multiplies by a thousand what a kilobyte becomes."""


@cache
def _parsed_url(url: str) -> httpx.URL:
    """Return the address of a procedure that writes, which is the same every time; a tenth of a call is to parse it."""
    return httpx.URL(url)


def _is_decodable(response: httpx.Response) -> bool:
    return response.headers.get("content-encoding", "").strip().lower() in _ENCODINGS


class _Progress:
    """Told by httpx what it does: while all it has sent is a proxy's CONNECT, the platform has seen nothing.

    ``refusal`` is the status with which a proxy has answered that.
    """

    stage = RequestStage.SENT
    refusal: int | None = None

    def __call__(self, event: str, facts: Mapping[str, Any]) -> None:
        if event.endswith(".send_request_headers.started"):
            self.stage = RequestStage.TUNNELLING if facts["request"].method == b"CONNECT" else RequestStage.SENT
        elif event.endswith(".connect_tcp.started"):
            self.stage = RequestStage.CONNECTING
        elif event.endswith(".setup_socks5_connection.started"):
            self.stage = RequestStage.TUNNELLING
        elif event.endswith(".receive_response_headers.complete") and self.stage is RequestStage.TUNNELLING:
            self.refusal = facts["return_value"][1]
        elif event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            _close_at_deadline(facts["return_value"])


_waiting = threading.local()
"""The ``deadline`` of the call that this thread makes."""


def _close_at_deadline(stream: Any) -> None:  # noqa: ANN401 - httpcore's network stream
    """Let a new connection's reads end at the deadline: headers that trickle in forever beat a limit on each read."""
    read = stream.read

    def read_in_time(max_bytes: int, timeout: float | None = None) -> bytes:
        left = _waiting.deadline - monotonic()
        if left <= 0:
            raise httpx.ReadTimeout("the deadline has passed")
        found: bytes = read(max_bytes, left if timeout is None else min(timeout, left))
        return found

    stream.read = read_in_time


class HttpExchange(NamedTuple):
    """One request and its answer, within bounds."""

    client: httpx.Client
    route: Route
    bounds: RequestLimits
    deadline: float

    def run(self, parts: tuple[str, str, bytes | None]) -> Answer:
        """Send and read; every foreign exception ends here."""
        method, url, body = parts
        progress = _Progress()
        _waiting.deadline = self.deadline
        build = self.client.build_request
        try:
            where = _parsed_url(url) if method == "POST" else url
            request = build(method, where, content=body, timeout=self._timeout(), extensions={"trace": progress})
            response = self.client.send(request, stream=True)
        except failures.FOREIGN as error:
            raise failures.platform_error(error, self.route, progress.stage, progress.refusal) from None
        except Exception as error:
            if progress.stage is not RequestStage.TUNNELLING:  # socksio has errors of its own, which httpx lets pass
                raise
            raise failures.platform_error(error, self.route, progress.stage) from None
        with closing(response):
            try:
                return Answer(response.status_code, dict(response.headers), self._body(response))
            except failures.FOREIGN as error:
                raise failures.platform_error(error, self.route, RequestStage.ANSWERED) from None

    def _timeout(self) -> httpx.Timeout:
        left = self.deadline - monotonic()
        connect, read = (max(min(limit, left), 0.001) for limit in (self.bounds.connect, self.bounds.read))
        return httpx.Timeout(connect=connect, read=read, write=read, pool=connect)

    def _body(self, response: httpx.Response) -> bytes | bytearray:
        if response.status_code >= 400:
            return self._error_body(response)
        if not _is_decodable(response):
            raise httpx.DecodingError("an encoding that was not requested")
        volume = current_budget()
        sent, held = volume.sent, volume.held
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            sent += len(chunk)
            held += estimated_memory(chunk)
            self._refuse_excess(sent, held, response.status_code)
            if monotonic() > self.deadline:
                raise failures.deadline_exceeded(self.route.procedure, self.bounds.operation)
        volume.sent, volume.held = sent, held
        return body

    def _error_body(self, response: httpx.Response) -> bytes:
        """Read as much as a message could need; the status counts even where the body breaks off."""
        body = bytearray()
        if not _is_decodable(response):
            return b""
        with suppress(*failures.FOREIGN):
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) >= self.bounds.error or monotonic() > self.deadline:
                    break
        return bytes(body[: self.bounds.error])

    def _refuse_excess(self, sent: int, held: int, status: int) -> None:
        is_too_long = sent > self.bounds.answer
        if is_too_long or held > self.bounds.held:
            size = self.bounds.answer if is_too_long else self.bounds.held
            raise Unreadable(
                f"answered with more than {size // _MIB} MiB{'' if is_too_long else ' once it is decoded'}",
                procedure=self.route.procedure,
                delivery=delivery_of(status),
                status=status,
                hint="Name an agent, to list less.",
            )
