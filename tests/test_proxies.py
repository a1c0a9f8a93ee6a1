"""Proxies: which variable is used, what NO_PROXY excludes, and how failures name the proxy."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import pytest
from command_line import CommandLine
from loopback import Reply, Request, serving

from halo_iac.api.proxies import proxy_for
from halo_iac.api.secret import Secret
from halo_iac.api.transport import Transport
from halo_iac.errors import Delivery, PlatformError, Unreachable

HOST: Final = "https://halo.invalid"
USABLE: Final = "http://proxy.invalid:3128"
SECRETS: Final = ("s3cret", "sk-inference-canary", "t0ken")


@pytest.fixture(autouse=True)
def no_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def chosen_proxy(monkeypatch: pytest.MonkeyPatch, url: str = HOST, **env: str) -> tuple[str, str] | None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_for(url, os.environ)
    return None if proxy is None else (proxy.variable, proxy.url)


def failed_call(monkeypatch: pytest.MonkeyPatch, **env: str) -> PlatformError:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with Transport(HOST, Secret("sk-inference-canary")) as transport, pytest.raises(Unreachable) as caught:
        transport.call("haloSchedule.create", "mutation", {})
    error = caught.value
    assert error.delivery is Delivery.NOT_SENT
    assert [secret for secret in SECRETS if secret in f"{error} {error.hint} {error!r}"] == []
    return error


# Which one ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": USABLE}, ("HTTPS_PROXY", USABLE)),
        ({"https_proxy": USABLE, "HTTPS_PROXY": "http://other"}, ("https_proxy", USABLE)),
        ({"https_proxy": USABLE}, ("https_proxy", USABLE)),
        ({"https_proxy": "", "HTTPS_PROXY": USABLE}, None),
        ({"HTTPS_PROXY": "  ", "ALL_PROXY": USABLE}, ("ALL_PROXY", USABLE)),
        ({"ALL_PROXY": "socks5h://x:1", "HTTPS_PROXY": USABLE}, ("HTTPS_PROXY", USABLE)),
        ({"ALL_PROXY": "no proxy at all", "HTTPS_PROXY": USABLE}, ("HTTPS_PROXY", USABLE)),
        ({"HTTP_PROXY": "ftp://x"}, None),
        ({"all_proxy": "proxy.invalid:3128"}, ("all_proxy", USABLE)),
        ({"HTTPS_PROXY": f" {USABLE} "}, ("HTTPS_PROXY", USABLE)),
    ],
)
def test_the_variable_of_the_scheme_counts_before_that_of_all(
    monkeypatch: pytest.MonkeyPatch, env: Mapping[str, str], expected: tuple[str, str] | None
) -> None:
    assert chosen_proxy(monkeypatch, **env) == expected


@pytest.mark.parametrize("host", ["http://localhost:1", "http://127.1.2.3", "https://[::1]"])
def test_loopback_uses_no_proxy(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    assert chosen_proxy(monkeypatch, host, HTTPS_PROXY=USABLE, ALL_PROXY=USABLE, HTTP_PROXY=USABLE) is None


@pytest.mark.parametrize(
    ("url", "listed", "is_excepted"),
    [
        *(
            (HOST, entry, True)
            for entry in ("*", "halo.invalid", "HALO.Invalid.", ".halo.invalid", "invalid", ".invalid")
        ),
        *(
            (HOST, entry, True)
            for entry in ("*.invalid", "halo.invalid:443", "https://halo.invalid", "a , halo.invalid")
        ),
        *((HOST, entry, True) for entry in ("a halo.invalid b", "localhost,[::1],halo.invalid", "fd00::/8,*")),
        *((HOST, entry, False) for entry in ("", "alo.invalid", "halo.invalid:8443", "x.halo.invalid", "halo")),
        *(
            (HOST, entry, False)
            for entry in ("localhost,[::1]", "fd00::/8", "[::", "::", "/8", ":443", "10.0.0.0/99", ",")
        ),
        ("https://halo.invalid:8443", "halo.invalid:8443", True),
        ("https://halo.invalid.", "halo.invalid", True),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://10.1.2.3", "10.1.2.3:443", True),
        ("https://10.1.2.3", "11.0.0.0/8,2.3,.3", False),
        ("https://[fd00::1]", "fd00::/8", True),
        ("https://[fd00::1]", "fd00:0::1", True),
        ("https://[fd00::1]", "[fd00::1]:443", True),
        ("https://[fd00::1]", "[fd00::]/8", True),
        ("https://[fd00::1]", "[fd00::1]:8443", False),
        ("https://[fe80::1]", "fd00::/8,10.0.0.0/8", False),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy_excepts_names_addresses_and_networks(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str, listed: str, *, is_excepted: bool
) -> None:
    found = chosen_proxy(monkeypatch, url, HTTPS_PROXY=USABLE, **{name: listed})
    assert found == (None if is_excepted else ("HTTPS_PROXY", USABLE))


# What makes no sense ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ftp://proxy.invalid", "ftp://proxy.invalid"),
        ("socks4://user:s3cret@proxy.invalid:1", "socks4://***@proxy.invalid:1"),
        ("socks://proxy.invalid:1", "socks://proxy.invalid:1"),
        ("http://[::", "http://[::"),
        ("user:s3cret", "user:***"),
        ("http://user:s3c/s3cret@proxy.invalid:1", "http://***@proxy.invalid:1"),
        ("user:a@s3cret@proxy.invalid:port", "***@proxy.invalid:***"),
        ("http://", "http://"),
        ("//proxy.invalid:1", "//proxy.invalid:1"),
        ("http://:1/?t0ken", "http://:1"),
        ("http://p.invalid:1\nX-T: t0ken", "http://p.invalid:1 X-T:***"),
        ('"http://127.0.0.1:9"', '"http://127.0.0.1:***'),
    ],
)
def test_an_invalid_proxy_shows_no_credentials(monkeypatch: pytest.MonkeyPatch, value: str, shown: str) -> None:
    error = failed_call(monkeypatch, ALL_PROXY=value)
    assert (error.is_transient, error.reason) == (False, f"ALL_PROXY is {shown!r}, which is not the address of a proxy")
    assert "NO_PROXY" in str(error.hint)


def test_a_socks_proxy_without_its_package_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "socksio", None)
    error = failed_call(monkeypatch, all_proxy="socks5h://user:s3cret@proxy.invalid:1080")
    assert (error.is_transient, error.reason) == (
        False,
        "all_proxy is 'socks5h://***@proxy.invalid:1080', but the package for SOCKS proxies is missing",
    )
    assert "Install socksio" in str(error.hint)


# Who is at fault ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("proxy.invalid:3128", "the name of the proxy proxy.invalid:3128 could not be resolved"),
        ("http://u:s3cret@proxy.invalid", "the name of the proxy http://***@proxy.invalid could not be resolved"),
        ("sk-inference-canary", "the name of the proxy *** could not be resolved"),
        ("http://127.0.0.1:9", "no connection to the proxy http://127.0.0.1:9: connection refused"),
        ("https://127.0.0.1:9", "no connection to the proxy https://127.0.0.1:9: connection refused"),
    ],
)
def test_an_unreachable_proxy_names_its_variable(monkeypatch: pytest.MonkeyPatch, value: str, reason: str) -> None:
    error = failed_call(monkeypatch, HTTPS_PROXY=value)
    assert (error.is_transient, error.reason) == (True, reason)
    assert "HTTPS_PROXY" in str(error.hint)
    assert "INF_API_URL" not in str(error.hint)


@pytest.mark.parametrize(
    ("status", "user", "reason", "is_transient"),
    [
        (407, "", "asks for a user name and password (HTTP 407)", False),
        (407, "u:s3cret@", "does not accept the user name and password (HTTP 407)", False),
        (403, "", "opened no connection to halo.invalid (HTTP 403)", False),
        (301, "", "opened no connection to halo.invalid (HTTP 301)", False),
        (429, "", "opened no connection to halo.invalid (HTTP 429)", True),
        (502, "", "opened no connection to halo.invalid (HTTP 502)", True),
    ],
)
def test_a_proxy_that_refuses_is_named_and_asked_again_only_where_that_may_help(
    monkeypatch: pytest.MonkeyPatch, status: int, user: str, reason: str, *, is_transient: bool
) -> None:
    with serving(lambda _: Reply(status)) as proxy:
        error = failed_call(monkeypatch, HTTPS_PROXY=proxy.url.replace("//", f"//{user}"))
    name = proxy.url.replace("//", "//***@" if user else "//")
    assert (error.is_transient, error.reason) == (is_transient, f"the proxy {name} {reason}")
    assert "HTTPS_PROXY" in str(error.hint)


@contextmanager
def serve_once(words: bytes) -> Iterator[str]:
    """Serve one connection, of any protocol, with these words."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(words)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


@pytest.mark.parametrize(
    ("scheme", "words", "reason"),
    [
        ("http", b"", "the proxy http://{} opened no connection to halo.invalid"),
        ("http", b"SSH-2.0-x\r\n", "the proxy http://{} opened no connection to halo.invalid"),
        ("https", b"HTTP/1.1 400 Bad\r\n\r\n", "the TLS handshake with the proxy https://{} failed"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\n", "the TLS handshake with halo.invalid failed"),
    ],
)
def test_a_wrong_proxy_is_distinguished_from_a_failing_host(
    monkeypatch: pytest.MonkeyPatch, scheme: str, words: bytes, reason: str
) -> None:
    with serve_once(words) as place:
        error = failed_call(monkeypatch, HTTPS_PROXY=f"{scheme}://{place}")
    assert error.reason == reason.format(place)


def test_a_proxy_that_wants_a_password_is_asked_once(monkeypatch: pytest.MonkeyPatch, halo: CommandLine) -> None:
    asked: list[Request] = []

    def refuse(request: Request) -> Reply:
        asked.append(request)
        return Reply(407)

    with serving(refuse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        ended = halo("schedule", "list", INF_API_URL=HOST, INF_API_KEY="sk-inference-canary", INF_PROJECT_ID="p")
    assert (ended.code, len(asked)) == (1, 1)
    assert "asks for a user name and password" in ended.err


def test_doctor_shows_the_proxy(monkeypatch: pytest.MonkeyPatch, halo: CommandLine) -> None:
    env = {"HTTPS_PROXY": "http://u:s3cret@127.0.0.1:9"}
    monkeypatch.setenv(*env.copy().popitem())
    ended = halo("doctor", INF_API_URL=HOST, INF_API_KEY="sk-inference-canary", INF_PROJECT_ID="p", **env)
    assert "http://***@127.0.0.1:9 from HTTPS_PROXY" in ended.out
    assert "s3cret" not in ended.text
