"""Hints for the status and headers of an answer: what to do, and how long to wait.

Separate from :mod:`~halo_iac.api.failures`, so that reading an answer does not import the HTTP library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from halo_iac.hints import Command, Hint
from halo_iac.text import single_line

DEFAULT_ORIGIN: Final = "default"
"""The origin of the platform's default address, which no setting names, so that no hint asks to check one."""
MAX_RETRY_AFTER: Final = 86_400.0
"""The most seconds of a Retry-After; a longer one is shortened."""

_BY_STATUS: Final[dict[int, str]] = {
    400: "Correct the input: the platform rejected it, and nothing was done.",
    402: "See billing on inference.net: the team is out of credit or over its plan. Other requests will fail too.",
    403: "Check the permissions (read, write) and projects of the key: it is valid but may not do this.",
    404: Hint("Check the id, its kind and the project: `{}` shows which project is used, and why.", Command("doctor")),
    405: "Try a newer version of halo: the platform has no such procedure in this form.",
    408: "Check whether it was done: the platform took too long to answer.",
    409: "Check its values, then run the command again: something else changed it at the same time.",
    412: "Check its state: it does not permit this now.",
    413: "Shorten the prompt: the platform accepts less than was sent.",
    422: "Correct the input: the platform rejected it, and nothing was done.",
    429: "Wait a little, then run the command again: there were too many requests.",
}


def hint_for_status(status: int, key_origin: str | None) -> str:
    """Return what to do about a tRPC error with this status; ``key_origin`` is ``None`` if no key was sent."""
    if status == 401 and key_origin is None:
        return "Set INF_API_KEY, or sign in with `inf`: no key was sent."
    if status == 401:
        key = f"the key from {key_origin}"
        return f"Check that {key} is complete, not revoked, and for this platform: it was not accepted."
    if status >= 500:
        return "Try again later: the platform failed."
    return _BY_STATUS.get(status, "Check the input: the platform declined the request, and nothing was done.")


def hint_for_gateway(status: int, key_origin: str | None) -> str:
    """Return what to do about a failure that a gateway in front of the platform answered with."""
    if status >= 500:
        return "Try again later, or check the proxy in between: something in front of the platform cannot reach it."
    return hint_for_status(status, key_origin)


def wrong_url(url_origin: str) -> str:
    """Return the advice for an address that answers, but not as the platform would."""
    if url_origin == DEFAULT_ORIGIN:
        return "Check the proxy in between: the platform's default address did not answer as the platform does."
    return f"Check that the address points at the platform; it comes from: {url_origin}."


def identify_gateway(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the gateway that stopped a request before the platform, by name if it is Cloudflare, and what to do."""
    ray = headers.get("cf-ray")
    who = "Cloudflare" if ray or "cloudflare" in headers.get("server", "").lower() else "a gateway or proxy"
    reference = f" Quote Ray ID {single_line(ray, limit=60)} when you ask about it." if ray else ""
    return who, f"The key may be valid: check the network, VPN and proxy in between.{reference}"


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds of a ``Retry-After`` in either of its two forms; ``None`` without one.

    An instant is relative to the answer's own ``Date``, since this machine's clock may be wrong; without a ``Date``, to
    ``now``.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        return min(float(text[:20]), MAX_RETRY_AFTER)
    until = _parse_instant(text)
    if until is None:
        return None
    sent = _parse_instant(headers.get("date", "")) or now or datetime.now(UTC)
    return min(max((until - sent).total_seconds(), 0.0), MAX_RETRY_AFTER)


def _parse_instant(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
