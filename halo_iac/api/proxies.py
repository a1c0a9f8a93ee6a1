"""Finds the proxy for the platform in the variables that curl and git read.

httpx reads them as well, but prepares a connection for each of them: a SOCKS proxy for other programs, or a network in
``NO_PROXY``, would stop every command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

from halo_iac.api.secret import MASK
from halo_iac.api.urls import is_loopback
from halo_iac.text import single_line

_PORTS: Final = {"http": 80, "https": 443}
_BRACKETED: Final = re.compile(r"\[([^\]]*)\](/\d+)?(?::(\d+))?\Z")
_NAME_AND_PORT: Final = re.compile(r"([^:]*)(?::(\d+))?\Z")
_USER: Final = re.compile(r"([a-z][a-z0-9+.-]*://)?.*@", re.DOTALL | re.IGNORECASE)
_NO_PORT: Final = re.compile(r":(?!\d+\Z)[^:/\]]+\Z")
_KEY: Final = re.compile(r"\bsk-[\w-]{6,}")


class Proxy(NamedTuple):
    """A proxy and the variable that names it; ``url`` may hold a password, ``shown`` is redacted."""

    url: str
    variable: str
    shown: str

    @property
    def has_user(self) -> bool:
        """Return whether it has a user name."""
        return "@" in self.url


def proxy_for(base_url: str, env: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for requests to an address; ``None`` for a direct connection.

    Loopback addresses never use one. ``HTTPS_PROXY`` applies to https, else ``ALL_PROXY``; lower-case names
    take precedence, as in curl.
    """
    if is_loopback(base_url):
        return None
    settings = getproxies()  # on macOS and Windows those of the system, where no variable is set
    parts = urlsplit(base_url)
    name = next((name for name in (parts.scheme, "all") if settings.get(name, "").strip()), None)
    if name is None or _bypasses(parts.hostname or "", parts.port or _PORTS[parts.scheme], settings.get("no", "")):
        return None
    value = settings[name].strip()
    url = value if "://" in value else f"http://{value}"
    return Proxy(url, _find_variable(f"{name}_proxy", settings[name], env), _redact(value))


def _find_variable(name: str, value: str, env: Mapping[str, str]) -> str:
    found = (each for each in sorted(env, reverse=True) if each.lower() == name and env[each] == value)
    return next(found, "the proxy settings of this system")


def _redact(value: str) -> str:
    """Return the value without possible credentials: a user, a path, a key, or text in place of a port."""
    address = _USER.sub(lambda found: f"{found[1] or ''}{MASK}@", value)
    scheme, separator, rest = address.rpartition("://")
    place = _NO_PORT.sub(f":{MASK}", re.split(r"(?<=[^/])[/?#]", rest, maxsplit=1)[0])
    return single_line(_KEY.sub(MASK, f"{scheme}{separator}{place}"), limit=120)


def _bypasses(host: str, port: int, no_proxy: str) -> bool:
    return any(_matches(entry, host.rstrip("."), port) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _matches(entry: str, host: str, port: int) -> bool:
    """Return whether an entry of ``NO_PROXY`` matches a host: a domain and its subdomains, an address, or a network."""
    name, only_port = _split_port(entry.rpartition("://")[2].rstrip("/"))
    if only_port not in {None, port}:
        return False
    if entry == "*":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        name = name.removeprefix("*").strip(".")
        return host == name or host.endswith(f".{name}")
    with suppress(ValueError):
        return address in ip_network(name, strict=False)
    return False


def _split_port(entry: str) -> tuple[str, int | None]:
    if found := _BRACKETED.match(entry):
        name, port = f"{found[1]}{found[2] or ''}", found[3]
    elif found := _NAME_AND_PORT.match(entry):
        name, port = found[1], found[2]
    else:  # an IPv6 address without brackets
        return entry, None
    return name, None if port is None else int(port[:6])
