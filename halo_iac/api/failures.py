"""Every failure of the HTTP library → one typed error that knows what the request may have done (design §6, §10).

Foreign exceptions are told apart by type and error number; their own text is never repeated, since it may hold a URL
with a password, or a header.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from enum import Enum
from typing import Final

import httpx

from halo_iac.errors import Delivery, PlatformError, Unanswered, Unreachable, Unreadable

FOREIGN: Final = (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, RuntimeError)
"""What httpx and the socket beneath it raise while a request is under way; RuntimeError: the client was just closed."""

ODD_SETUP: Final = (httpx.InvalidURL, OSError, ValueError, ImportError)
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
_PROXY_TROUBLE: Final = (
    "the proxy did not open a connection",
    "Check HTTPS_PROXY, its user name and password.",
    True,
)
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


class Stage(Enum):
    """How far a request had come when it failed."""

    TUNNELLING = 1
    """The proxy was asked for a connection to the platform, and no more."""
    SENT = 2
    """It was on its way, unless the error says otherwise."""
    ANSWERED = 3
    """The answer had begun."""


def platform_error(error: Exception, procedure: str, host: str, stage: Stage) -> PlatformError:
    """Return the typed error for what the HTTP library raised; ``host`` is named where it could not be reached."""
    if isinstance(error, httpx.DecodingError):
        return _unreadable(procedure)
    if isinstance(error, _NEVER_SENT) or stage is Stage.TUNNELLING:
        return _unreachable(error, procedure, host, stage)
    if isinstance(error, httpx.TransportError | OSError):
        return _unanswered(error, procedure, has_answer_begun=stage is Stage.ANSWERED)
    return Unreachable(
        "the request could not be made from these settings",
        procedure=procedure,
        delivery=Delivery.AMBIGUOUS if stage is Stage.ANSWERED else Delivery.NOT_SENT,
        hint="Check INF_API_URL, HTTPS_PROXY and ALL_PROXY.",
    )


def setup_error(error: Exception, procedure: str) -> PlatformError:
    """Return the error for a client that could not be made: an unreadable CA bundle or an odd proxy setting."""
    if isinstance(error, OSError):
        reason, hint = "the CA bundle could not be read", "Check SSL_CERT_FILE and SSL_CERT_DIR."
    else:
        reason, hint = "the proxy settings make no sense", "Check HTTPS_PROXY, ALL_PROXY and NO_PROXY."
    return Unreachable(reason, procedure=procedure, delivery=Delivery.NOT_SENT, hint=hint)


def too_late(procedure: str, seconds: float, delivery: Delivery = Delivery.AMBIGUOUS) -> Unanswered:
    """Return the error for an operation that used up its time."""
    return Unanswered(
        f"not answered within {seconds:g} s",
        procedure=procedure,
        delivery=delivery,
        is_transient=True,
        hint="The platform or the network is slow: try again later.",
    )


def _unreadable(procedure: str) -> Unreadable:
    return Unreadable(
        "answered with a body whose compression is broken, or was not asked for",
        procedure=procedure,
        delivery=Delivery.AMBIGUOUS,
        is_transient=True,
        hint="A proxy in between may be at fault: try again.",
    )


def _unanswered(error: Exception, procedure: str, *, has_answer_begun: bool) -> Unanswered:
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        reason = "the answer stopped half-way" if has_answer_begun else "no answer came in time"
    elif has_answer_begun:
        reason = "the connection broke in the middle of the answer"
    else:
        reason = "the connection was closed before an answer came"
    return Unanswered(
        f"{reason}{_because(error)}",
        procedure=procedure,
        delivery=Delivery.AMBIGUOUS,
        is_transient=True,
        hint="The request may have arrived. Try again; if it persists, check the network and the proxy.",
    )


def _unreachable(error: Exception, procedure: str, host: str, stage: Stage) -> Unreachable:
    is_proxys = isinstance(error, httpx.ProxyError) or (
        stage is Stage.TUNNELLING and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    )
    reason, hint, is_transient = _PROXY_TROUBLE if is_proxys else _why_unreachable(error, host)
    return Unreachable(reason, procedure=procedure, delivery=Delivery.NOT_SENT, is_transient=is_transient, hint=hint)


def _why_unreachable(error: Exception, host: str) -> tuple[str, str, bool]:
    """Return what happened, what to do, and whether repeating may help."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return "the request could not be put together", "Check INF_API_URL and the team id.", False
    if isinstance(error, httpx.TimeoutException):
        return f"no connection to {host} in time", _NETWORK_HINT, True
    cause = _root(error)
    if isinstance(cause, ssl.SSLError):
        return _why_no_tls(cause, host)
    if isinstance(cause, socket.gaierror):
        return f"the name of {host} could not be resolved", f"Check INF_API_URL for a typo. {_NETWORK_HINT}", True
    return f"no connection to {host}{_because(cause)}", _refused_hint(cause), True


def _why_no_tls(cause: ssl.SSLError, host: str) -> tuple[str, str, bool]:
    """Return the same for TLS: a certificate that failed verification will fail it again."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        flaw = _CERTIFICATE_FLAWS.get(cause.verify_code, f"failed verification (OpenSSL code {cause.verify_code})")
        return f"the certificate of {host} {flaw}", _CERTIFICATE_HINT, False
    return f"{host} did not agree on TLS", "Is it https at all, and does a proxy interfere?", True


def _refused_hint(cause: BaseException) -> str:
    if isinstance(cause, ConnectionRefusedError):
        return "Nothing listens there: check INF_API_URL; a local sandbox is started with `halo sandbox serve`."
    return _NETWORK_HINT


def _because(error: BaseException) -> str:
    """Return the operating system's own words for the error number, if there is one."""
    number = getattr(_root(error), "errno", None)
    known = isinstance(number, int) and number in errno.errorcode
    return f": {os.strerror(number).lower()}" if known and isinstance(number, int) else ""


def _root(error: BaseException) -> BaseException:
    """Return the operating system's or TLS library's error beneath the HTTP library's layers; else the error itself."""
    for link in _chain(error):
        if isinstance(link, OSError):
            return link
    return error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
