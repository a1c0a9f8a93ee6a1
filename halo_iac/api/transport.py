"""One attempt at one procedure over HTTP: a value, or exactly one typed error.

See docs/protocol.md#transport and docs/security.md#bounds-of-answers.
"""

import os
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache, cached_property
from http.cookiejar import CookieJar
from importlib import import_module
from time import monotonic
from typing import Self
from urllib.parse import urlsplit

import httpx

from halo_iac.api import failures
from halo_iac.api.exchange import HttpExchange
from halo_iac.api.failures import Route
from halo_iac.api.http_request import Call, RequestBuilder
from halo_iac.api.limits import RequestLimits
from halo_iac.api.proxies import Proxy, proxy_for
from halo_iac.api.response_hints import DEFAULT_ORIGIN
from halo_iac.api.secret import Secret
from halo_iac.api.trpc import Context, Json, Kind, mutation_body, parse_response, query_path
from halo_iac.errors import Delivery, Unsent

_tls_lock = threading.Lock()
_tls: dict[tuple[str | None, str | None], ssl.SSLContext] = {}


class Transport:
    """Carries calls to one platform; safe to share, as every thread gets a connection of its own.

    ``http`` replaces the network, for a platform inside this process. ``before_request`` is called before every
    attempt, in its thread; it may wait, and returns whether to go on: the rate limiter of an apply.
    ``log_wait`` gets a line, in the thread that waits, for an answer that takes longer than ``bounds.slow_seconds``.
    ``key_origin`` and ``url_origin`` are the settings that messages name. ``timezone`` is an IANA name.
    """

    def __init__(  # noqa: PLR0913 - the facts of one connection
        self,
        base_url: str,
        key: Secret | None,
        team: str | None = None,
        *,
        http: httpx.BaseTransport | None = None,
        user_agent: str = "halo-iac",
        timezone: str = "UTC",
        key_origin: str = "the settings",
        url_origin: str = DEFAULT_ORIGIN,
        before_request: Callable[[], bool] | None = None,
        bounds: RequestLimits | None = None,
        log_wait: Callable[[str], None] | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._host = urlsplit(self._base_url).netloc
        self._key = key
        self._key_origin = None if key is None else key_origin
        self._url_origin = url_origin
        self._headers = _headers(key, team, user_agent, timezone)
        self._http = http
        if http is None:
            # By itself httpx does so in the threads that ask first, and they would share the processor with what
            # parses files meanwhile: a plan would send its first request tens of milliseconds later.
            import_module("halo_iac.api.connection")
        self._before_request = before_request
        self._bounds = bounds or RequestLimits()
        self._log_wait = log_wait
        self._connections: list[httpx.BaseTransport] = []
        self._is_closed = False
        self._lock = threading.Lock()
        self._local = threading.local()

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        """Return the result of one attempt, or raise exactly one :class:`~halo_iac.errors.PlatformError`.

        ``deadline`` is an instant of :func:`time.monotonic` at which waiting ends; default: 120 s from now.
        """
        if self._before_request is not None and not self._before_request():
            raise Unsent("not sent: the run ended first", procedure=procedure, delivery=Delivery.NOT_SENT)
        latest = monotonic() + self._bounds.total_seconds if deadline is None else deadline
        route = Route(procedure, self._host, self._proxy, self._url_origin)
        http = self._connection(route)
        exchange = HttpExchange(http, self._requests, route, self._bounds, latest, self._log_wait)
        try:
            answer = exchange.run(_build_call(procedure, kind, value))
        finally:
            if self._is_closed:  # a read that was dropped may end after the rest
                http.close()
        hide = str if self._key is None else self._key.hide_in
        return parse_response(answer, Context(procedure, self._key_origin, self._url_origin, hide))

    def close(self) -> None:
        """Close the connections of every thread."""
        with self._lock:
            self._is_closed, connections, self._connections = True, self._connections, []
            self._local = threading.local()
        with ExitStack() as closing:  # all of them, even if an interrupt comes at one
            for http in connections:
                closing.callback(http.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connection(self, route: Route) -> httpx.BaseTransport:
        """Return this thread's connection, opened on its first request."""
        http: httpx.BaseTransport | None = getattr(self._local, "http", None)
        if http is None:
            try:
                http = self._http or self._open_connection()
            except failures.INVALID_SETUP as error:
                raise failures.setup_error(error, route) from None
            self._local.http = http
            with self._lock:
                self._connections.append(http)
        return http

    def _open_connection(self) -> httpx.BaseTransport:
        from halo_iac.api.connection import DirectTransport

        if self._proxy is not None:
            return _pooled_transport(self._base_url, self._proxy)
        return DirectTransport(_tls_context_for(self._base_url))

    @cached_property
    def _requests(self) -> RequestBuilder:
        return RequestBuilder(self._base_url, self._headers, is_direct=self._http is None and self._proxy is None)

    @cached_property
    def _proxy(self) -> Proxy | None:
        return None if self._http is not None else proxy_for(self._base_url, os.environ)


def _build_call(procedure: str, kind: Kind, value: Json) -> Call:
    if kind == "query":
        return Call(query_path(procedure, value))
    return Call(f"/{procedure}", mutation_body(value))


def service_client(base_url: str, headers: Mapping[str, str]) -> httpx.Client:
    """Return a client for a service other than the platform, by the same proxies and certificates."""
    network = _pooled_transport(base_url, proxy_for(base_url, os.environ))
    return httpx.Client(headers=headers, cookies=_NoCookies(), transport=network, trust_env=False, timeout=30)


def _pooled_transport(base_url: str, proxy: Proxy | None) -> httpx.HTTPTransport:
    from halo_iac.api.connection import PooledTransport

    return PooledTransport(verify=_tls_context_for(base_url), trust_env=False, proxy=_to_httpx_proxy(proxy))


def _tls_context_for(base_url: str) -> ssl.SSLContext:
    return tls_context() if base_url.startswith("https:") else _empty_tls_context()


def _to_httpx_proxy(proxy: Proxy | None) -> httpx.Proxy | None:
    if proxy is None:
        return None
    is_tls = proxy.url.lower().startswith("https:")
    made = httpx.Proxy(proxy.url, ssl_context=tls_context() if is_tls else None)
    if not made.url.host:
        raise ValueError(proxy.variable)
    return made


class _NoCookies(CookieJar):
    """Stores no cookies; a policy that rejects them would parse the headers of every answer first."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Take none."""


@cache
def _empty_tls_context() -> ssl.SSLContext:
    """Return a context that trusts no certificate: httpx would load certifi's even for plain http."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def tls_context() -> ssl.SSLContext:
    """Return the process's one TLS context, which verifies; 30 ms to make, so only once and only for https.

    It trusts ``SSL_CERT_FILE`` or ``SSL_CERT_DIR`` where set, else certifi's bundle.
    """
    trusted = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    with _tls_lock:
        if trusted not in _tls:
            _tls[trusted] = httpx.create_ssl_context()
        return _tls[trusted]


def _headers(key: Secret | None, team: str | None, user_agent: str, timezone: str) -> dict[str, str]:
    is_plain = timezone.isascii() and timezone.isprintable() and " " not in timezone
    headers = {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "keep-alive",
        "Content-Type": "application/json",
        "User-Agent": user_agent,
        "x-inference-caller-timezone": timezone if timezone and is_plain else "UTC",
    }
    if key is not None:
        headers["Authorization"] = f"Bearer {key.reveal()}"
    if team:
        headers["x-inference-team-id"] = team
    return headers
