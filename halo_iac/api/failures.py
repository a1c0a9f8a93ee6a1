"""Converts every failure of the HTTP library to a typed error that knows what the request may have done.

See docs/semantics.md#creates and docs/security.md#keys. Exceptions are classified by type and error number; their own
text is never repeated, since it may contain a URL with a password, or a header.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

import httpx

from halo_iac.api.proxies import Proxy
from halo_iac.api.response_hints import DEFAULT_ORIGIN
from halo_iac.api.trpc import is_transient_status
from halo_iac.errors import Delivery, PlatformError, Unanswered, Unreachable, Unreadable
from halo_iac.text import join_and

LIBRARY_ERRORS: Final = (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, RuntimeError)
"""What httpx and the socket beneath it raise while a request is under way; RuntimeError: the client was just closed."""

INVALID_SETUP: Final = (httpx.InvalidURL, OSError, ValueError, ImportError)
"""What httpx and ssl raise while a client is made: a missing CA bundle, an odd proxy, SOCKS without its package."""

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
_NETWORK_HINT: Final = "Check the network, and HTTPS_PROXY and NO_PROXY if you use a proxy."
_FILES_HINT: Final = "Raise the limit on open files (`ulimit -n`)."
_PROXY_URL_FORM: Final = "http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT with special characters percent-encoded"
_SANDBOX_HINT: Final = "; a local sandbox is started with `halo sandbox serve`"
_CERTIFICATE_HINT: Final = (
    "Behind a proxy that opens TLS, set SSL_CERT_FILE to its CA bundle (PEM). Verification cannot be turned off."
)
_CERTIFICATE_FLAWS: Final[dict[int, str]] = {
    9: "is not valid yet: check this machine's clock",
    10: "has expired: check this machine's clock",
    18: "is self-signed",
    19: "is signed by a certificate authority that is not trusted here",
    20: "is signed by a certificate authority that is not trusted here",
    62: "is for another host name",
    64: "is for another address",
}
"""OpenSSL's X509_V_ERR_… numbers → our words."""


class RequestStage(Enum):
    """How far a request had come when it failed."""

    CONNECTING = 0
    """A connection was being opened, to the proxy if there is one."""
    TUNNELLING = 1
    """Only the proxy's CONNECT had been sent."""
    SENT = 2
    """It was sent, unless the error says otherwise."""
    ANSWERED = 3
    """The answer had begun."""


class Route(NamedTuple):
    """The procedure and host of a request, the proxy in between, if any, and the origin of the host's address."""

    procedure: str
    host: str
    proxy: Proxy | None = None
    url_origin: str = DEFAULT_ORIGIN

    @property
    def url_setting(self) -> str:
        """Return the setting that names the host; empty for the default address."""
        return "" if self.url_origin == DEFAULT_ORIGIN else self.url_origin

    def settings(self, *others: str) -> str:
        """Return the settings to check as a sentence's list: the one that names the host, if any, and ``others``."""
        return join_and([*filter(None, (self.url_setting,)), *others])


class Peer(NamedTuple):
    """The host or proxy that could not be connected to; ``setting`` names it, empty for the default address."""

    name: str
    setting: str
    hint: str
    is_proxy: bool

    @classmethod
    def of(cls, route: Route, stage: RequestStage) -> Peer:
        """Return the proxy during its connection, and otherwise the platform."""
        if route.proxy is None or stage is not RequestStage.CONNECTING:
            return cls(route.host, route.url_setting, _NETWORK_HINT, is_proxy=False)
        hint = f"Check the network; the proxy is from {route.proxy.variable}."
        return cls(f"the proxy {route.proxy.shown}", route.proxy.variable, hint, is_proxy=True)


def platform_error(error: Exception, route: Route, stage: RequestStage, refusal: int | None = None) -> PlatformError:
    """Return the typed error for what the HTTP library raised; it names the proxy if that is at fault.

    ``refusal`` is the status with which the proxy has answered instead of opening a connection.
    """
    if isinstance(error, httpx.DecodingError):
        return _unreadable(route.procedure)
    if isinstance(error, _NEVER_SENT) or stage in {RequestStage.CONNECTING, RequestStage.TUNNELLING}:
        return _unreachable(error, route, stage, refusal)
    if isinstance(error, httpx.TransportError | OSError):
        return _unanswered(error, route, has_answer_begun=stage is RequestStage.ANSWERED)
    return Unreachable(
        "the request could not be made from these settings",
        procedure=route.procedure,
        delivery=Delivery.AMBIGUOUS if stage is RequestStage.ANSWERED else Delivery.NOT_SENT,
        hint=f"Check {route.settings('HTTPS_PROXY', 'ALL_PROXY')}.",
    )


def setup_error(error: Exception, route: Route) -> PlatformError:
    """Return the error for a client that could not be created: an unreadable CA bundle or an invalid proxy setting."""
    reason = "the request could not be made from these settings"
    hint = f"Check {route.settings('SSL_CERT_FILE')}."
    if _is_out_of_descriptors(error):
        reason, hint = "no connection can be made: too many open files", _FILES_HINT
    elif isinstance(error, OSError):
        reason, hint = "the CA bundle could not be read", "Check SSL_CERT_FILE and SSL_CERT_DIR."
    elif isinstance(error, ImportError) and route.proxy is not None:
        reason = f"{route.proxy.variable} is {route.proxy.shown!r}, but the package for SOCKS proxies is missing"
        hint = f"Install socksio where halo is installed, use an http:// proxy, or list {route.host} in NO_PROXY."
    elif route.proxy is not None:
        reason = f"{route.proxy.variable} is {route.proxy.shown!r}, which is not the address of a proxy"
        hint = f"Set it to {_PROXY_URL_FORM}, or list {route.host} in NO_PROXY."
    return Unreachable(reason, procedure=route.procedure, delivery=Delivery.NOT_SENT, hint=hint)


def deadline_exceeded(procedure: str, seconds: float) -> Unanswered:
    """Return the error for an operation that used up its time."""
    return Unanswered(
        f"not answered within {seconds:g} s",
        procedure=procedure,
        delivery=Delivery.AMBIGUOUS,
        is_transient=True,
        hint="Try again later: the platform or the network is slow.",
    )


def _unreadable(procedure: str) -> Unreadable:
    return Unreadable(
        "answered with a body whose compression is broken, or was not requested",
        procedure=procedure,
        delivery=Delivery.AMBIGUOUS,
        is_transient=True,
        hint="Try again: a proxy in between may be at fault.",
    )


def _unanswered(error: Exception, route: Route, *, has_answer_begun: bool) -> Unanswered:
    suspect = "the network"
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        reason = "the answer stopped halfway" if has_answer_begun else "timed out waiting for an answer"
    elif has_answer_begun:
        reason = "the connection broke in the middle of the answer"
    elif any(type(link).__module__.startswith("h11.") for link in _causes(error)):
        reason, suspect = "the answer is not valid HTTP", route.url_setting or suspect
    else:
        reason = "the connection was closed before an answer arrived"
    return Unanswered(
        f"{reason}{_cause_suffix(error)}",
        procedure=route.procedure,
        delivery=Delivery.AMBIGUOUS,
        is_transient=True,
        hint=f"Try again: the request may have arrived. If it fails again, check {suspect} and the proxy.",
    )


def _unreachable(error: Exception, route: Route, stage: RequestStage, refusal: int | None) -> Unreachable:
    is_refused = isinstance(error, httpx.ProxyError) or (
        stage is RequestStage.TUNNELLING and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    )
    if is_refused and route.proxy is not None:
        reason, hint, is_transient = _tunnel_failure(route, route.proxy, refusal)
    else:
        reason, hint, is_transient = _connection_failure(error, route, Peer.of(route, stage))
    return Unreachable(
        reason, procedure=route.procedure, delivery=Delivery.NOT_SENT, is_transient=is_transient, hint=hint
    )


def _tunnel_failure(route: Route, proxy: Proxy, status: int | None) -> tuple[str, str, bool]:
    """Return what happened, what to do, and whether repeating may help, if a proxy opened no connection."""
    name, origin = f"the proxy {proxy.shown}", f"It is from {proxy.variable}"
    if status == 407:
        wants = "does not accept the user name and password" if proxy.has_user else "asks for a user name and password"
        return f"{name} {wants} (HTTP 407)", f"{origin}: set that to {_PROXY_URL_FORM}.", False
    http_status = "" if status is None else f" (HTTP {status})"
    is_final = status is not None and not is_transient_status(status)
    hint = f"allow {route.host} in the proxy, or list it in NO_PROXY"
    if not is_final:
        hint = f"check it, and {route.url_setting}" if route.url_setting else "check it"
    return f"{name} opened no connection to {route.host}{http_status}", f"{origin}: {hint}.", not is_final


def _connection_failure(error: Exception, route: Route, peer: Peer) -> tuple[str, str, bool]:
    """Return the same for a connection, or its TLS handshake, that failed."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return "the request could not be built", f"Check {route.settings('the team id')}.", False
    cause = _root_cause(error)
    if isinstance(error, httpx.TimeoutException):
        return f"timed out connecting to {peer.name}", peer.hint, True
    if isinstance(cause, ssl.SSLError):
        return _tls_failure(cause, peer)
    if isinstance(cause, socket.gaierror):
        typo = f"Check {peer.setting} for a typo. " if peer.setting else ""
        return f"the name of {peer.name} could not be resolved", f"{typo}{peer.hint}", True
    hint = _FILES_HINT if _is_out_of_descriptors(cause) else peer.hint
    if isinstance(cause, ConnectionRefusedError) and peer.setting:
        hint = f"Check that something listens there, and {peer.setting}{'' if peer.is_proxy else _SANDBOX_HINT}."
    return f"no connection to {peer.name}{_cause_suffix(cause)}", hint, True


def _tls_failure(cause: ssl.SSLError, peer: Peer) -> tuple[str, str, bool]:
    """Return the same for TLS: a certificate that failed verification will fail it again."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        flaw = _CERTIFICATE_FLAWS.get(cause.verify_code, f"failed verification (OpenSSL code {cause.verify_code})")
        return f"the certificate of {peer.name} {flaw}", _CERTIFICATE_HINT, False
    return (
        f"the TLS handshake with {peer.name} failed",
        f"Check that it speaks https, {peer.setting + ', ' if peer.setting else ''}and the proxies in between.",
        True,
    )


def _is_out_of_descriptors(cause: BaseException) -> bool:
    return isinstance(cause, OSError) and cause.errno in {errno.EMFILE, errno.ENFILE}


def _cause_suffix(error: BaseException) -> str:
    """Return the operating system's own words for the error number, if there is one."""
    number = getattr(_root_cause(error), "errno", None)
    known = isinstance(number, int) and number in errno.errorcode
    return f": {os.strerror(number).lower()}" if known and isinstance(number, int) else ""


def _root_cause(error: BaseException) -> BaseException:
    """Return the operating system's or TLS library's error beneath the HTTP library's layers; else the error itself."""
    for link in _causes(error):
        if isinstance(link, OSError):
            return link
    return error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
