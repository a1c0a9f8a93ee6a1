"""Validates the addresses that a key may be sent to (docs/security.md#hosts)."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Address, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from halo_iac.errors import SettingsError

_LOOPBACK: Final = IPv4Network("127.0.0.0/8")
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\Z"
)
_AUTHORITY: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::[0-9]*)?")
"""A host and perhaps a port; urlsplit lets anything stand between a bracket and a colon."""
_EXAMPLE: Final = "Use a URL such as https://relay.inference.net; http:// works only to localhost, 127.x.x.x or [::1]."


def validate_base_url(text: str, origin: str) -> str:
    """Return the base URL without its trailing slash, or refuse it.

    The value itself is never quoted: a key pasted into the wrong variable must not reach a log.
    """
    flaw = _invalid_url_reason(text)
    if flaw is not None:
        raise SettingsError(f"the base URL from {origin} {flaw}", hint=_EXAMPLE)
    parts = urlsplit(text)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def is_loopback(base_url: str) -> bool:
    """Return whether the URL names this machine literally; such a host is never reached through a proxy."""
    host = urlsplit(base_url).hostname
    return host is not None and _is_loopback_host(host)


def _is_loopback_host(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address == IPv6Address("::1") if isinstance(address, IPv6Address) else address in _LOOPBACK


def _invalid_url_reason(text: str) -> str | None:
    """Return the first flaw of a URL, found in the raw text, since urlsplit silently drops line breaks."""
    if not all("!" <= character <= "~" for character in text) or "\\" in text:
        return "contains a space, a backslash or a character that is not ASCII"
    try:
        parts = urlsplit(text)
        is_port = parts.port != 0
    except ValueError:
        return "is not a URL"
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        return "is not an https:// address"
    if "@" in parts.netloc or "?" in text or "#" in text:
        return "contains a user name, a query or a fragment"
    if not is_port or not _has_valid_host(parts):
        return "has no valid host"
    is_open = parts.scheme.lower() == "http" and not _is_loopback_host(parts.hostname)
    return "would send the key unencrypted" if is_open else None


def _has_valid_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if _AUTHORITY.fullmatch(parts.netloc) is None:
        return False
    is_v6 = "[" in parts.netloc
    if not is_v6 and not host.rpartition(".")[2].isdigit():
        return _NAME.match(host) is not None
    try:
        return isinstance(ip_address(host), IPv6Address) is is_v6
    except ValueError:
        return False
