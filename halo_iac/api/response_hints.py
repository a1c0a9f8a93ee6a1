"""What the status and the headers of an answer mean: what to do about it, and how long to wait.

Apart from :mod:`~halo_iac.api.failures`, so that reading an answer does not import the HTTP library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from halo_iac.text import single_line

LONGEST_WAIT: Final = 86_400.0
"""Seconds beyond which a Retry-After is taken for a mistake."""

_BY_STATUS: Final[dict[int, str]] = {
    400: "The platform found the input wrong; nothing was done.",
    402: "The team is out of credit or over its plan: see billing on inference.net. Nothing else will succeed either.",
    403: "The key is known but may not do this: check its permissions (read, write) and its projects.",
    404: "Check the id, its kind and the project: `halo doctor` shows which project is meant, and why.",
    405: "The platform knows no such procedure in this form; a newer halo may.",
    408: "The platform took too long. It may still have done it.",
    409: "Something else changed it at the same time: look at it, then run the command again.",
    412: "It is not in a condition that permits this: look at it first.",
    413: "The platform takes less than was sent: shorten the prompt.",
    422: "The platform found the input wrong; nothing was done.",
    429: "Too many requests: wait a little, then run the command again.",
}


def hint_for_status(status: int, key_origin: str | None) -> str:
    """Return what to do about a tRPC error with this status; ``key_origin`` is ``None`` where no key was sent."""
    if status == 401:
        return _wrong_key(key_origin)
    if status >= 500:
        return "The platform's own trouble: try again later."
    return _BY_STATUS.get(status, "The platform declined; nothing was done.")


def is_gateway_response(status: int, key_origin: str | None) -> str:
    """Return what to do about a failure that something in front of the platform answered with."""
    if status >= 500:
        return "Something in front of the platform cannot reach it: try again later, or check the proxy in between."
    return hint_for_status(status, key_origin)


def _wrong_key(key_origin: str | None) -> str:
    if key_origin is None:
        return "No key was sent: set INF_API_KEY, or sign in with `inf`."
    return f"The key from {key_origin} was not accepted: is it complete, not revoked, and for this platform?"


def wrong_url(url_origin: str) -> str:
    """Return the advice for an address that answers, but not as the platform would."""
    return f"Does the address point at the platform? It comes from: {url_origin}."


def blocked_by_gateway(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return who stopped the request before the platform saw it, Cloudflare where it shows, and what to do."""
    ray = headers.get("cf-ray")
    who = "Cloudflare" if ray or "cloudflare" in headers.get("server", "").lower() else "a gateway or proxy"
    reference = f" Quote Ray ID {single_line(ray, limit=60)} when you ask about it." if ray else ""
    return who, f"This says nothing about the key: check the network, VPN and proxy in between.{reference}"


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds a ``Retry-After`` asks for, in either of its two forms; ``None`` where there is none.

    An instant counts from the answer's own ``Date``, as this machine's clock may be wrong; without one from ``now``.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        return min(float(text[:20]), LONGEST_WAIT)
    until = _instant(text)
    if until is None:
        return None
    sent = _instant(headers.get("date", "")) or now or datetime.now(UTC)
    return min(max((until - sent).total_seconds(), 0.0), LONGEST_WAIT)


def _instant(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
