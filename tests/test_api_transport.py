"""Every failure of the network or the platform becomes one typed error that says what the request may have done.

See docs/semantics.md#creates.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from pathlib import Path
from time import monotonic

import h11
import httpx
import pytest
from loopback import HangUp, Reply, Request, failure, result, serving

from halo_iac.api import transport as transport_module
from halo_iac.api.limits import RequestLimits
from halo_iac.api.secret import Secret
from halo_iac.api.transport import Transport
from halo_iac.api.trpc import Kind
from halo_iac.errors import Delivery, PlatformError, Rejected, Unanswered, Unreachable, Unreadable, Unsent

CANARY = "sk-inference-canary-0123456789"
CERTIFICATES = Path(__file__).parent / "certificates"
CLOUDFLARE = {"Content-Type": "text/html; charset=UTF-8", "Server": "cloudflare", "CF-RAY": "8c0ffee-FRA"}
PAGE = b"<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title></html>"

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="error numbers and words differ elsewhere")


def open_transport(url: str, **options: object) -> Transport:
    return Transport(url, Secret(CANARY), key_origin="INF_API_KEY", **options)  # type: ignore[arg-type]


def failed_call(url: str, **options: object) -> PlatformError:
    with open_transport(url, **options) as transport, pytest.raises(PlatformError) as caught:
        transport.call("haloSchedule.create", "mutation", {"title": "T"})
    error = caught.value
    assert CANARY not in f"{error!r} {error} {error.message} {error.hint} {error.reason}"
    assert error.procedure == "haloSchedule.create"
    assert error.hint
    return error


def failed_answer(answer: Callable[[Request], Reply], **options: object) -> PlatformError:
    with serving(answer) as platform:
        error = failed_call(platform.url, **options)
        assert len(platform.requests) == 1
    return error


def error_kind(error: PlatformError) -> tuple[type[PlatformError], Delivery, bool, int | None]:
    return type(error), error.delivery, error.is_transient, error.status


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- no connection -------------------------------------------------------------------------------------------------


@needs_linux
def test_a_refused_connection_was_never_sent() -> None:
    port = free_port()
    error = failed_call(f"http://127.0.0.1:{port}")
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, True, None)
    assert str(error) == f"haloSchedule.create: no connection to 127.0.0.1:{port}: connection refused"


def test_a_name_that_does_not_resolve_was_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, CANARY)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error = failed_call("https://halo.invalid")
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, True, None)
    assert error.reason == "the name of halo.invalid could not be resolved"


CONFIG = "~/.inf/config.json (apiUrl)"
NETWORK = "Check the network, and HTTPS_PROXY and NO_PROXY if you use a proxy."


@pytest.mark.parametrize(
    ("cause", "named", "default"),
    [
        (socket.gaierror(socket.EAI_NONAME, ""), f"Check {CONFIG} for a typo. {NETWORK}", NETWORK),
        (
            ConnectionRefusedError(),
            f"Check that something listens there, and {CONFIG}; a local sandbox is started with `halo sandbox serve`.",
            NETWORK,
        ),
        (
            ssl.SSLError(),
            f"Check that it speaks https, {CONFIG}, and the proxies in between.",
            "Check that it speaks https, and the proxies in between.",
        ),
        (TimeoutError(), NETWORK, NETWORK),
        (httpx.UnsupportedProtocol(""), f"Check {CONFIG} and the team id.", "Check the team id."),
        (UnicodeError(), f"Check {CONFIG}, HTTPS_PROXY and ALL_PROXY.", "Check HTTPS_PROXY and ALL_PROXY."),
        (h11.RemoteProtocolError(""), f"check {CONFIG} and the proxy.", "check the network and the proxy."),
        (
            httpx.Response(200),
            f"Check that the address points at the platform; it comes from: {CONFIG}.",
            "Check the proxy in between: the platform's default address did not answer as the platform does.",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_hint_names_the_setting_of_the_address(cause: Exception | httpx.Response, named: str, default: str) -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        if isinstance(cause, httpx.Response):
            return cause
        if isinstance(cause, h11.RemoteProtocolError):
            raise httpx.RemoteProtocolError("") from cause
        if isinstance(cause, OSError):
            raise httpx.ConnectError("") from cause
        raise cause

    for options, hint in (({"url_origin": CONFIG}, named), ({}, default)):
        error = failed_call("https://halo.invalid", http=httpx.MockTransport(respond), **options)
        assert (error.hint or "").endswith(hint)
        assert "INF_API_URL" not in (error.hint or "")


def test_a_connection_that_takes_too_long_was_never_sent() -> None:
    def connect_in_vain(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout(CANARY, request=request)

    error = failed_call("http://127.0.0.1:9", http=httpx.MockTransport(connect_in_vain))
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, True, None)
    assert error.reason == "timed out connecting to 127.0.0.1:9"


@pytest.mark.parametrize("kind", [httpx.PoolTimeout, httpx.ProxyError, httpx.LocalProtocolError])
def test_the_other_failures_before_sending_are_not_sent(kind: type[httpx.TransportError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise kind(f"Bearer {CANARY}", request=request)

    error = failed_call("http://127.0.0.1:9", http=httpx.MockTransport(fail))
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, kind is not httpx.LocalProtocolError, None)


def test_an_unknown_connect_error_says_nothing_it_does_not_know() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(CANARY, request=request)

    assert failed_call("http://127.0.0.1:9", http=httpx.MockTransport(fail)).reason == "no connection to 127.0.0.1:9"


# --- no answer -----------------------------------------------------------------------------------------------------


def hang_up(_: Request) -> Reply:
    raise HangUp


def test_a_connection_closed_before_the_answer_is_ambiguous() -> None:
    error = failed_answer(hang_up)
    assert error_kind(error) == (Unanswered, Delivery.AMBIGUOUS, True, None)
    assert error.reason.startswith("the connection was closed before an answer arrived")


def test_an_answer_that_does_not_come_in_time_is_ambiguous() -> None:
    released = threading.Event()

    def wait(_: Request) -> Reply:
        released.wait(5)
        return result(None)

    error = failed_answer(wait, bounds=RequestLimits(read_seconds=0.05))
    released.set()
    assert error_kind(error) == (Unanswered, Delivery.AMBIGUOUS, True, None)
    assert error.reason == "timed out waiting for an answer"


@pytest.mark.parametrize("over", ["http", "https", "a proxy"])
def test_a_slow_answer_is_reported_once_and_read(over: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reported, lines = threading.Event(), list[str]()

    def wait(_: Request) -> Reply:
        assert reported.wait(5)
        return result(7)

    def log(line: str) -> None:
        lines.append(line)
        reported.set()

    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "loopback.pem"))
    with serving(wait, tls=server_side() if over == "https" else None) as platform:
        url = "http://halo.invalid" if over == "a proxy" else platform.url
        if over == "a proxy":
            monkeypatch.setenv("HTTP_PROXY", platform.url)
        with open_transport(url, bounds=RequestLimits(slow_seconds=0.02), log_wait=log) as transport:
            assert transport.call("a.b", "query") == 7
    host = url.partition("//")[2]
    assert lines == [f"a.b: no full response from {host} after 0.02 s; still waiting"]


def test_a_deadline_cuts_the_wait_short() -> None:
    released = threading.Event()

    def wait(_: Request) -> Reply:
        released.wait(5)
        return result(None)

    with serving(wait) as platform, open_transport(platform.url) as transport, pytest.raises(Unanswered):
        transport.call("a.b", "query", deadline=monotonic() + 0.05)
    released.set()


def test_an_answer_that_trickles_ends_at_the_deadline() -> None:
    def trickle() -> Iterator[bytes]:
        while True:
            yield b" "

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=trickle()))
    error = failed_call("http://127.0.0.1:9", http=transport, bounds=RequestLimits(total_seconds=0.05))
    assert error_kind(error) == (Unanswered, Delivery.AMBIGUOUS, True, None)
    assert error.reason == "not answered within 0.05 s"


@pytest.mark.parametrize("pieces", [[b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"], [b"HTTP/1.1 100 Continue\r\n\r\n"]])
def test_headers_that_trickle_end_at_the_deadline(pieces: list[bytes]) -> None:
    listener, released = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def trickle() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            for piece in chain(pieces, repeat(pieces[-1])):
                connection.sendall(piece)
                if released.wait(0.01):  # slowly enough for no other bound to be reached
                    break

    thread = threading.Thread(target=trickle)
    thread.start()
    error = failed_call(f"http://127.0.0.1:{listener.getsockname()[1]}", bounds=RequestLimits(total_seconds=0.3))
    released.set()
    thread.join()
    listener.close()
    assert error_kind(error) == (Unanswered, Delivery.AMBIGUOUS, True, None)
    assert error.reason == "timed out waiting for an answer"


def test_an_answer_shorter_than_announced_is_ambiguous() -> None:
    error = failed_answer(lambda _: Reply(200, b'{"result":', claims=500))
    assert error_kind(error) == (Unanswered, Delivery.AMBIGUOUS, True, None)
    assert error.reason == "the connection broke in the middle of the answer"


def test_an_answer_that_stops_half_way_is_ambiguous() -> None:
    def stop() -> Iterator[bytes]:
        yield b'{"result":'
        raise httpx.ReadTimeout(CANARY)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=stop()))
    error = failed_call("http://127.0.0.1:9", http=transport)
    assert error_kind(error) == (Unanswered, Delivery.AMBIGUOUS, True, None)
    assert error.reason == "the answer stopped halfway"


@contextmanager
def serve_bytes(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Serve these bytes, one after the other to each request, over as many connections as are opened in turn."""
    received: list[bytes] = []

    def serve() -> None:
        left = [*answers]
        while left:
            connection, _ = listener.accept()
            with connection, suppress(ConnectionError):
                while left and (request := whole(connection)):
                    received.append(request)
                    connection.sendall(left.pop(0))

    def whole(connection: socket.socket) -> bytes:
        """Return a mutation, which ends with its input, a mapping; nothing once the connection is closed."""
        request = b""
        while not request.endswith(b"}"):
            more = connection.recv(65536)
            if not more:
                return b""
            request += more
        return request

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", received
        thread.join()


ODD = {
    "another protocol": b"220 mail.example ESMTP\r\n\r\n",
    "TLS": b"\x15\x03\x03\x00\x02\x02\x46\r\n\r\n",
    "no status": b"HTTP/1.1 99 Odd\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 21\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "headers without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_something_that_does_not_speak_http_is_ambiguous(odd: bytes) -> None:
    with serve_bytes(odd) as (url, _):
        error = failed_call(url, url_origin="INF_API_URL")
    assert error_kind(error) == (Unanswered, Delivery.AMBIGUOUS, True, None)
    assert (error.reason, "INF_API_URL" in (error.hint or "")) == ("the answer is not valid HTTP", True)


SEVEN = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"result":{"data":7}}'
STOLEN = SEVEN.replace(b"7", b"8")
CHUNKED = (
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n{"result":{"data":7}}\r\n0\r\nX-Trailer: x\r\n\r\n'
)
MORE = {
    "a second answer": SEVEN + STOLEN,
    "one after chunks": CHUNKED + STOLEN,
    "one after no body": b"HTTP/1.1 204 No Content\r\n\r\n" + STOLEN,
    "one after a redirect": b"HTTP/1.1 304 Not Modified\r\n\r\n" + STOLEN,
    "one after an error": b"HTTP/1.1 500 Odd\r\nContent-Length: 0\r\n\r\n" + STOLEN,
    "half of one": SEVEN + STOLEN[:30],
    "more than was announced": SEVEN.replace(b"21", b"11"),
    "a line end": SEVEN + b"\r\n",
}


@pytest.mark.parametrize("is_proxied", [False, True])
@pytest.mark.parametrize("more", MORE.values(), ids=MORE)
def test_bytes_after_a_response_are_never_taken_for_the_next_response(
    more: bytes, is_proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_bytes(more, SEVEN) as (url, received):
        monkeypatch.setenv("HTTP_PROXY", url)
        with open_transport("http://halo.invalid" if is_proxied else url) as transport:
            with suppress(PlatformError):
                transport.call("a.b", "mutation", {"number": 1})
            assert transport.call("a.b", "mutation", {"number": 2}) == 7
    assert [each.partition(b"\r\n\r\n")[2] for each in received] == [b'{"number":1}', b'{"number":2}']


FRAMED = {
    "chunks and trailers": CHUNKED,
    "an early hint": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + SEVEN,
    "a folded header": SEVEN.replace(b"\r\n", b"\r\nX: a\r\n  b\r\n", 1),
    "a body up to the end of the connection": b'HTTP/1.0 200 OK\r\n\r\n{"result":{"data":7}}',
}


@pytest.mark.parametrize("framed", FRAMED.values(), ids=FRAMED)
def test_an_answer_may_be_framed_in_any_way(framed: bytes) -> None:
    with serve_bytes(framed) as (url, _), open_transport(url) as transport:
        assert transport.call("a.b", "mutation", {}) == 7


# --- not tRPC ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "answered with an empty body"),
        (b"<html>hello</html>", "answered with an HTML page"),
        (b'{"result":{"data":[1,2', "answered with JSON that is cut off or broken"),
        (b"OK", "answered with text that is not JSON"),
        (b"{}", "answered with JSON that is not a tRPC response"),
        (b"[1]", "answered with JSON that is not a tRPC response"),
        (b'{"result":7}', "answered with JSON that is not a tRPC response"),
        (b'{"result":{"data":NaN}}', "answered with JSON that is not a tRPC response"),
        (b'{"result":{"data":"\xff"}}', "answered with JSON that is cut off or broken"),
    ],
)
def test_a_200_that_is_no_trpc_response_questions_the_url(body: bytes, reason: str) -> None:
    error = failed_answer(lambda _: Reply(200, body), url_origin="INF_API_URL")
    assert error_kind(error) == (Unreadable, Delivery.AMBIGUOUS, True, 200)
    assert str(error) == f"haloSchedule.create (HTTP 200): {reason}"
    assert error.hint == "Check that the address points at the platform; it comes from: INF_API_URL."


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (rb"a\ud83d", "a\ufffd"),
        (rb"\uDE00b", "\ufffdb"),
        (rb"\ud83d\u0041\ud83d\n", "\ufffdA\ufffd\n"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\\ud83d \\\ude00", "\\ud83d \\\ufffd"),
    ],
)
def test_a_text_that_was_cut_within_a_character_is_read(written: bytes, text: str) -> None:
    body = b'{"result":{"data":{"a":"' + written + b'"}}}'
    with serving(lambda _: Reply(200, body)) as platform, open_transport(platform.url) as api:
        assert api.call("a.b", "query") == {"a": text}


def test_a_broken_compression_is_unreadable() -> None:
    error = failed_answer(lambda _: Reply(200, b"no gzip", {"Content-Encoding": "gzip"}))
    assert error_kind(error) == (Unreadable, Delivery.AMBIGUOUS, True, None)


def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(result({"a": 1}).body)
    with (
        serving(lambda _: Reply(200, body, {"Content-Encoding": "gzip"})) as platform,
        open_transport(platform.url) as api,
    ):
        assert api.call("a.b", "query") == {"a": 1}


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip, gzip, gzip, gzip", "br", "zstd", "deflate, br", "odd"])
def test_an_answer_that_would_unfold_without_bound_is_not_unfolded(encoding: str) -> None:
    body = bytes(1024)
    for _ in encoding.split(", "):
        body = gzip.compress(body)
    error = failed_answer(lambda _: Reply(200, body, {"Content-Encoding": encoding}))
    assert error_kind(error) == (Unreadable, Delivery.AMBIGUOUS, True, None)
    assert error.reason == "answered with a body whose compression is broken, or was not requested"
    error = failed_answer(lambda _: Reply(429, body, {"Content-Encoding": encoding, "Retry-After": "7"}))
    assert (error_kind(error), error.retry_after) == ((Unreadable, Delivery.REFUSED, True, 429), 7)


def test_an_answer_beyond_the_limit_is_not_read_to_its_end() -> None:
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            sent.append(1)
            yield b"x" * 1024

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=endless()))
    error = failed_call("http://127.0.0.1:9", http=transport, bounds=RequestLimits(answer_bytes=1024 * 1024))
    assert error_kind(error) == (Unreadable, Delivery.AMBIGUOUS, False, 200)
    assert error.reason == "answered with more than 1 MiB"
    assert len(sent) == 1025


def test_an_endless_error_page_is_not_read_to_its_end() -> None:
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        yield b"<html>"
        while True:
            sent.append(1)
            yield b"x" * 1024

    transport = httpx.MockTransport(lambda _: httpx.Response(502, content=endless()))
    error = failed_call("http://127.0.0.1:9", http=transport)
    assert error_kind(error) == (Unreadable, Delivery.AMBIGUOUS, True, 502)
    assert len(sent) == 64


def test_an_error_whose_body_breaks_off_keeps_its_status() -> None:
    error = failed_answer(lambda _: Reply(429, b'{"error', {"Retry-After": "7"}, claims=500))
    assert error_kind(error) == (Unreadable, Delivery.REFUSED, True, 429)
    assert error.retry_after == 7.0


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_ambiguous(status: int) -> None:
    with serving(lambda _: result(None)) as elsewhere:
        error = failed_answer(lambda _: Reply(status, b"", {"Location": f"{elsewhere.url}/x?key={CANARY}"}))
        assert elsewhere.requests == []
    assert error_kind(error) == (Unreadable, Delivery.AMBIGUOUS, False, status)


def test_cookies_are_not_kept() -> None:
    def answer(_: Request) -> Reply:
        return Reply(200, result(None).body, {"Set-Cookie": "track=me; Path=/"})

    with serving(answer) as platform, open_transport(platform.url) as transport:
        transport.call("a.b", "query")
        transport.call("a.b", "query")
        assert ["cookie" in request.headers for request in platform.requests] == [False, False]


# --- the platform said no ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "delivery", "is_transient", "ends_the_run"),
    [
        (400, Delivery.REFUSED, False, False),
        (401, Delivery.REFUSED, False, True),
        (402, Delivery.REFUSED, False, True),
        (403, Delivery.REFUSED, False, True),
        (404, Delivery.REFUSED, False, False),
        (408, Delivery.AMBIGUOUS, True, False),
        (409, Delivery.AMBIGUOUS, False, False),
        (412, Delivery.REFUSED, False, False),
        (413, Delivery.REFUSED, False, False),
        (422, Delivery.REFUSED, False, False),
        (425, Delivery.REFUSED, True, False),
        (429, Delivery.REFUSED, True, False),
        (500, Delivery.AMBIGUOUS, True, False),
        (502, Delivery.AMBIGUOUS, True, False),
        (503, Delivery.AMBIGUOUS, True, False),
        (504, Delivery.AMBIGUOUS, True, False),
    ],
)
def test_a_status_determines_the_error(status: int, delivery: Delivery, is_transient: bool, ends_the_run: bool) -> None:
    in_own_words = failed_answer(lambda _: failure(status, "the reason", "THE_NAME"))
    assert error_kind(in_own_words) == (Rejected, delivery, is_transient, status)
    assert isinstance(in_own_words, Rejected)
    assert in_own_words.name == "THE_NAME"
    assert str(in_own_words) == f"haloSchedule.create (HTTP {status}): the reason"
    assert in_own_words.ends_the_run is ends_the_run

    from_a_gateway = failed_answer(lambda _: Reply(status, PAGE, {"Content-Type": "text/html"}))
    assert error_kind(from_a_gateway) == (Unreadable, delivery, is_transient, status)


def test_a_wrong_key_names_where_it_came_from() -> None:
    error = failed_answer(lambda _: failure(401, "Invalid API key", "UNAUTHORIZED"))
    assert (
        error.hint
        == "Check that the key from INF_API_KEY is complete, not revoked, and for this platform: it was not accepted."
    )


def test_a_missing_key_is_distinguished_from_a_wrong_one() -> None:
    with serving(lambda _: failure(401)) as platform:
        transport = Transport(platform.url, None)
        with pytest.raises(Rejected) as caught:
            transport.call("a.b", "query")
        transport.close()
    assert caught.value.hint == "Set INF_API_KEY, or sign in with `inf`: no key was sent."


@pytest.mark.parametrize("status", [401, 403])
def test_a_page_of_cloudflare_is_a_blocked_request_not_a_bad_key(status: int) -> None:
    error = failed_answer(lambda _: Reply(status, PAGE, CLOUDFLARE))
    assert error.reason == "blocked by Cloudflare, which answered with an HTML page"
    assert error.hint == (
        "The key may be valid: check the network, VPN and proxy in between."
        " Quote Ray ID 8c0ffee-FRA when you ask about it."
    )


@pytest.mark.parametrize(
    ("status", "reply", "reason"),
    [
        (
            503,
            (b"no healthy upstream", {}),
            "Service Unavailable, from a gateway or proxy, which answered with text that is not JSON",
        ),
        (502, (PAGE, {}), "Bad Gateway, from a gateway or proxy, which answered with an HTML page"),
        (520, (PAGE, CLOUDFLARE), "status 520, from Cloudflare, which answered with an HTML page"),
        (503, (b"", {}), "Service Unavailable, with an empty body"),
        (520, (b"", {}), "status 520, with an empty body"),
        (429, (b"", {}), "Too Many Requests, with an empty body"),
        (429, (b'{"message":"slow"}', {}), "Too Many Requests, with JSON that is not a tRPC response"),
        (401, (b'{"error":"no"}', {}), "Unauthorized, with JSON that is not a tRPC response"),
        (404, (PAGE, {}), "Not Found, from a gateway or proxy, which answered with an HTML page"),
        (404, (b"{}", {}), "Not Found, with JSON that is not a tRPC response"),
        (409, (b'{"err', {}), "Conflict, with JSON that is cut off or broken"),
    ],
)
def test_a_failure_without_trpc_names_its_cause(status: int, reply: tuple[bytes, dict[str, str]], reason: str) -> None:
    error = failed_answer(lambda _: Reply(status, *reply))
    assert str(error) == f"haloSchedule.create (HTTP {status}): {reason}"
    hints = {401: "Check that the key", 404: "Check the proxy", 409: "Check its values", 429: "Wait a little"}
    later = "Try again later: the platform failed" if not reply[0] else "Try again later, or check the proxy in between"
    assert (error.hint or "").startswith(hints.get(status, later))


def test_a_forbidden_page_is_from_a_gateway() -> None:
    error = failed_answer(lambda _: Reply(403, PAGE, {"Content-Type": "text/html"}))
    assert error.reason == "blocked by a gateway or proxy, which answered with an HTML page"


def test_a_missing_permission_is_distinguished_from_a_wrong_key() -> None:
    error = failed_answer(lambda _: failure(403, "Key lacks write permission", "FORBIDDEN"))
    assert error.hint == "Check the permissions (read, write) and projects of the key: it is valid but may not do this."


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error":"no"}', b'{"error":null}', b"null"])
def test_an_unexpected_error_body_is_unreadable_but_keeps_the_status(body: bytes) -> None:
    assert error_kind(failed_answer(lambda _: Reply(401, body))) == (Unreadable, Delivery.REFUSED, False, 401)


@pytest.mark.parametrize("error", [{}, {"message": 7, "data": []}, {"data": {"code": None}}])
def test_a_trpc_error_without_a_message_gets_one(error: dict[str, object]) -> None:
    body = json.dumps({"error": error}).encode()
    assert failed_answer(lambda _: Reply(400, body)).reason == "refused without a reason"


def test_the_message_of_the_platform_is_escaped_and_shortened() -> None:
    message = f"line one\n\tline two \x1b[31mred\x7f \u202eevil {CANARY} " + "x" * 1000
    error = failed_answer(lambda _: failure(400, message))
    assert error.reason.startswith("line one line two \u241b[31mred\u2421 \ufffdevil *** xxx")
    assert len(error.reason) == 301
    assert error.reason.endswith("x…")


def test_the_key_is_hidden_even_where_the_text_is_cut() -> None:
    error = failed_answer(lambda _: failure(400, "x" * 290 + CANARY))
    assert error.reason == "x" * 290 + "***"


# --- TLS -----------------------------------------------------------------------------------------------------------


def server_side() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "loopback.pem", CERTIFICATES / "loopback.key")
    return context


def test_a_self_signed_certificate_fails_before_anything_is_sent() -> None:
    with serving(lambda _: result(None), tls=server_side()) as platform:
        error = failed_call(platform.url)
        assert platform.requests == []
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, False, None)
    assert error.reason == f"the certificate of {platform.url.removeprefix('https://')} is self-signed"
    assert "SSL_CERT_FILE" in (error.hint or "")


def test_ssl_cert_file_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "loopback.pem"))
    with serving(lambda _: result(7), tls=server_side()) as platform, open_transport(platform.url) as transport:
        assert transport.call("a.b", "query") == 7


def test_a_certificate_for_another_host_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "loopback.pem"))
    with serving(lambda _: result(7), tls=server_side()) as platform:
        error = failed_call(platform.url.replace("127.0.0.1", "localhost"))
        assert platform.requests == []
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, False, None)
    assert error.reason.endswith("is for another host name")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unreadable_ca_bundle_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    error = failed_call("https://halo.invalid")
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, False, None)
    assert (error.reason, error.hint) == ("the CA bundle could not be read", "Check SSL_CERT_FILE and SSL_CERT_DIR.")


def test_https_to_a_plain_server_was_never_sent() -> None:
    with serving(lambda _: result(None)) as platform:
        error = failed_call(platform.url.replace("http:", "https:"))
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, True, None)


def test_nothing_in_the_environment_turns_verification_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONHTTPSVERIFY", "NODE_TLS_REJECT_UNAUTHORIZED", "GIT_SSL_NO_VERIFY"):
        monkeypatch.setenv(name, "0")
    context = transport_module.tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert transport_module.tls_context() is context


def test_plain_http_makes_no_tls_context() -> None:
    code = (
        "import sys\n"
        "sys.path[:0] = ['tests', '.']\n"
        "from loopback import serving, result\n"
        "from halo_iac.api import transport\n"
        "transport.httpx.create_ssl_context = lambda *a, **k: sys.exit('a context was made')\n"
        "with serving(lambda _: result(7)) as platform:\n"
        "    assert transport.Transport(platform.url, None).call('a.b', 'query') == 7\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


# --- proxies -------------------------------------------------------------------------------------------------------


def test_loopback_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Reply(500)) as proxy, serving(lambda _: result(7)) as platform:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with open_transport(platform.url) as transport:
            assert transport.call("a.b", "query") == 7
        assert proxy.requests == []


def test_other_hosts_go_through_the_proxy_and_its_refusal_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Reply(407)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        error = failed_call("https://halo.invalid")
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, False, None)
    assert error.reason == f"the proxy {proxy.url} asks for a user name and password (HTTP 407)"


def test_a_proxy_that_hangs_up_instead_of_opening_a_tunnel_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(65536).startswith(b"CONNECT halo.invalid:443 ")

    thread = threading.Thread(target=hang_up)
    thread.start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
    error = failed_call("https://halo.invalid")
    thread.join()
    listener.close()
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, True, None)
    assert error.reason.endswith(" opened no connection to halo.invalid")


def test_a_bad_certificate_behind_a_tunnel_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def intercept() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(OSError), server_side().wrap_socket(connection, server_side=True):
            pass

    thread = threading.Thread(target=intercept)
    thread.start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
    error = failed_call("https://halo.invalid")
    thread.join()
    listener.close()
    assert error_kind(error) == (Unreachable, Delivery.NOT_SENT, False, None)
    assert error.reason == "the certificate of halo.invalid is self-signed"


def test_a_request_through_a_tunnel_reaches_the_platform_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    monkeypatch.setattr(transport_module, "tls_context", lambda: trusting)
    seen: list[bytes] = []

    def tunnel() -> None:
        connection, _ = listener.accept()
        seen.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with server_side().wrap_socket(connection, server_side=True) as platform:
            seen.append(platform.recv(65536))
            platform.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"result":{"data":7}}')

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=tunnel)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with open_transport("https://halo.invalid/base") as transport:
            assert transport.call("a.b", "query", {"id": "ü"}) == 7
        thread.join()
    assert [lines.split(b"\r\n", 1)[0] for lines in seen] == [
        b"CONNECT halo.invalid:443 HTTP/1.1",
        b"GET /base/a.b?input=%7B%22id%22%3A%22%C3%BC%22%7D HTTP/1.1",
    ]
    assert CANARY.encode() not in seen[0]


# --- what is sent --------------------------------------------------------------------------------------------------


def test_headers_and_body_come_at_once_and_a_closed_connection_is_opened_again() -> None:
    received: list[bytes] = []
    closed = threading.Semaphore(0)

    def serve() -> None:
        for _ in range(3):
            connection, _ = listener.accept()
            with connection:
                for _ in range(2):
                    received.append(connection.recv(65536))
                    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"result":{"data":7}}')
            closed.release()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with open_transport(f"http://127.0.0.1:{listener.getsockname()[1]}") as transport:
            for number in range(6):
                assert transport.call("a.b", "mutation", {"number": number}) == 7
                if number % 2:
                    assert closed.acquire(timeout=5)
        thread.join()
    assert [each.partition(b"\r\n\r\n")[2] for each in received] == [b'{"number":%d}' % number for number in range(6)]


def test_a_body_that_the_platform_does_not_wait_for_is_answered_all_the_same() -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with open_transport(url) as transport, pytest.raises(PlatformError) as caught:
            transport.call("a.b", "mutation", {"prompt": "p" * 4_000_000})
        thread.join()
    assert (caught.value.status, caught.value.delivery) == (413, Delivery.REFUSED)


@pytest.mark.parametrize("base", ["", "/base/"])
@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_a_request_has_these_headers_and_no_others(base: str, kind: Kind) -> None:
    with (
        serving(lambda _: result(7)) as platform,
        open_transport(platform.url + base, team="team", user_agent="halo/1", timezone="Europe/Berlin") as transport,
    ):
        for _ in range(2):
            assert transport.call("a.b", kind, {"title": "It's (ü) *~!&#%"}) == 7
    body = '{"title":"It\'s (ü) *~!&#%"}'.encode()
    of_all = {
        "host": platform.url.removeprefix("http://"),
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "connection": "keep-alive",
        "content-type": "application/json",
        "user-agent": "halo/1",
        "x-inference-caller-timezone": "Europe/Berlin",
        "x-inference-team-id": "team",
        "authorization": f"Bearer {CANARY}",
    }
    path = f"{base.rstrip('/')}/a.b"
    query = f"{path}?input=%7B%22title%22%3A%22It's%20(%C3%BC)%20*~!%26%23%25%22%7D"
    wanted = (
        ("GET", query, b"", of_all)
        if kind == "query"
        else ("POST", path, body, {**of_all, "content-length": str(len(body))})
    )
    sent = [
        (each.method, each.target, each.body, {name.lower(): value for name, value in each.headers.items()})
        for each in platform.requests
    ]
    assert sent == [wanted] * 2


# --- threads, hooks, settings --------------------------------------------------------------------------------------


def test_every_thread_has_a_client_of_its_own_and_close_closes_all() -> None:
    with serving(lambda _: result(7)) as platform:
        transport = Transport(platform.url, None)
        threads = [threading.Thread(target=transport.call, args=("a.b", "query")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        transport.close()
        assert transport.call("a.b", "query") == 7
        transport.close()
        assert len(platform.requests) == 5


def test_before_request_is_called_before_every_attempt() -> None:
    asked: list[int] = []

    def before() -> bool:
        asked.append(len(platform.requests))
        return True

    with serving(lambda _: failure(503)) as platform:
        transport = Transport(platform.url, None, before_request=before)
        for _ in range(3):
            with pytest.raises(Rejected):
                transport.call("a.b", "query")
        transport.close()
    assert asked == [0, 1, 2]


def test_a_call_that_outlives_its_transport_closes_its_own_connection() -> None:
    class Network(httpx.MockTransport):
        is_closed = False

        def close(self) -> None:
            self.is_closed = True

    def close_before() -> bool:
        transport.close()
        return True

    network = Network(lambda _: httpx.Response(200, json={"result": {"data": 1}}))
    transport = Transport("http://localhost", None, http=network, before_request=close_before)
    assert (transport.call("a.b", "query"), network.is_closed) == (1, True)


def test_an_interrupt_while_one_connection_is_closed_leaves_no_other_open() -> None:
    closed: list[bool] = []

    class Network(httpx.MockTransport):
        def close(self) -> None:
            closed.append(True)
            raise KeyboardInterrupt

    transport = Transport("http://localhost", None, http=Network(lambda _: httpx.Response(200, json={"result": {}})))
    threads = [threading.Thread(target=transport.call, args=("a.b", "query")) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    with pytest.raises(KeyboardInterrupt):
        transport.close()
    assert len(closed) == 3


def test_a_request_that_must_not_be_sent_is_not_sent() -> None:
    with (
        serving(lambda _: result(1)) as platform,
        Transport(platform.url, None, before_request=lambda: False) as client,
    ):
        with pytest.raises(Unsent, match=r"a\.b: not sent: the run ended first") as caught:
            client.call("a.b", "mutation", {})
        assert (platform.requests, caught.value.delivery, caught.value.is_transient) == ([], Delivery.NOT_SENT, False)


def test_an_unreadable_timezone_becomes_utc() -> None:
    with serving(lambda _: result(None)) as platform:
        for timezone in ("", "Zone/Ü", "a b", "a\r\nX-Evil: 1"):
            with open_transport(platform.url, timezone=timezone) as transport:
                transport.call("a.b", "query")
        assert {request.headers["x-inference-caller-timezone"] for request in platform.requests} == {"UTC"}


def test_a_result_without_data_is_none() -> None:
    with serving(lambda _: Reply(200, b'{"result":{}}')) as platform, open_transport(platform.url) as transport:
        assert transport.call("a.b", "mutation", {}) is None
