from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse, IncompleteRead, RemoteDisconnected
from urllib.parse import quote

import pytest
from canned_replies import CLOUDFLARE_403
from sandbox_calls import DAILY, PROJECT, Caller

from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import Cut, Fault, NoReply, Refuse, Truncate
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.protocol import Request
from halo_iac.sandbox.server import Server, serve

HEADERS = {"Authorization": f"Bearer {demo.DEMO_KEY}", "Content-Type": "application/json; charset=utf-8"}
LIST = "/haloSchedule.listForProject?input=" + quote(json.dumps({"projectId": PROJECT}))


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[Server]:
    with serve(sandbox) as serving:
        yield serving


@pytest.fixture
def connection(server: Server) -> Iterator[HTTPConnection]:
    with client_of(server) as opened:
        yield opened


def client_of(server: Server, timeout: float = 10) -> closing[HTTPConnection]:
    return closing(HTTPConnection("127.0.0.1", server.server_port, timeout=timeout))


@contextmanager
def open_socket(server: Server) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", server.server_port), timeout=10)) as opened:
        yield opened


def request_list(connection: HTTPConnection) -> HTTPResponse:
    connection.request("GET", LIST, headers=HEADERS)
    return connection.getresponse()


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8787", "localhost.", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:8787", "a.localhost:1"],
)
def test_a_name_of_this_machine_is_answered_to(server: Server, host: str) -> None:
    assert asked_as(server, f"Host: {host}\r\n") == 401


@pytest.mark.parametrize(
    "headers",
    [
        *("Host: evil.example\r\n", "Host: evil.example:8787\r\n", "Host: localhost.evil.example\r\n"),
        *("Host: 10.0.0.1\r\n", "Host: 0.0.0.0\r\n", "Host: [::]\r\n", "Host: 127.0.0.1.evil.example\r\n"),
        *("Host: user@evil.example\r\n", "Host: localhost@evil.example\r\n", "Host: [x\r\n", "Host:\r\n", ""),
        *("Host: localhost\r\nHost: evil.example\r\n", "Host: evil.example/localhost\r\n", "Host: 2130706433\r\n"),
    ],
)
def test_no_other_name_is_answered_to(sandbox: Sandbox, server: Server, headers: str) -> None:
    """A page elsewhere can have its own name lead to 127.0.0.1, and its reader's browser would fetch from there."""
    assert asked_as(server, headers) == 403
    assert sandbox.requests == []


def asked_as(server: Server, headers: str) -> int:
    with open_socket(server) as client:
        client.sendall(f"GET /project.getProjects HTTP/1.1\r\n{headers}\r\n".encode())
        return int(client.recv(1000).split()[1])


def test_the_memory_of_requests_is_bounded(sandbox: Sandbox) -> None:
    body = json.dumps({"id": "x", "prompt": "x" * 250_000}).encode()
    for number in range(100):
        Caller(sandbox, f"{demo.DEMO_KEY if number % 2 else 'no key'}").send("POST", "haloSchedule.update", body=body)
    assert 60 < len(sandbox.requests) < 70
    assert sandbox.requests[-1].input == json.loads(body)
    Caller(sandbox).send("POST", "haloSchedule.update", body=b"[" * 17_000_000)
    assert 60 < len(sandbox.requests) < 70
    for _ in range(10_010):
        sandbox.answer(Request("GET", "/x", "", {}, b""))
    assert len(sandbox.requests) == 10_000


def request_create(connection: HTTPConnection) -> HTTPResponse:
    connection.request("POST", "/haloSchedule.create", body=json.dumps(DAILY), headers=HEADERS)
    return connection.getresponse()


def test_the_url_is_on_loopback_with_the_port_that_was_found(server: Server) -> None:
    assert server.url == f"http://127.0.0.1:{server.server_port}"
    assert server.server_port > 0


def test_a_connection_carries_request_after_request(sandbox: Sandbox, connection: HTTPConnection) -> None:
    created = json.loads(request_create(connection).read())["result"]["data"]
    local = connection.sock.getsockname()
    answer = request_list(connection)
    assert (answer.status, answer.version, answer.reason) == (200, 11, "OK")
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.read()) == {"result": {"data": {"schedules": [created], "nextCursor": None}}}
    assert connection.sock.getsockname() == local
    assert sandbox.schedules() == [created]


def test_eight_clients_create_at_once(sandbox: Sandbox, server: Server) -> None:
    def work(_number: int) -> int:
        with client_of(server) as connection:
            return sum(request_create(connection).read().startswith(b'{"result"') for _ in range(10))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 80
    assert len(sandbox.schedules()) == 80


def test_refusals_and_other_methods_keep_the_connection(connection: HTTPConnection) -> None:
    statuses = []
    for method, path in (
        ("GET", "/x"),
        ("PUT", "/haloSchedule.create"),
        ("HEAD", "/haloSchedule.create"),
        ("GET", LIST),
    ):
        connection.request(method, path, headers=HEADERS)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    assert statuses == [404, 405, 405, 200]


def test_a_chunked_body_is_refused_unread(server: Server) -> None:
    with open_socket(server) as client:
        client.sendall(b"POST /haloSchedule.create HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = client.recv(1000)
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b"\r\nconnection: close\r\nContent-Length: 0\r\n\r\n" in answer


def test_a_body_beyond_all_bounds_is_refused_unread(server: Server) -> None:
    with open_socket(server) as client:
        client.sendall(b"POST /haloSchedule.create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_hang_up_resets_the_connection(sandbox: Sandbox, connection: HTTPConnection) -> None:
    sandbox.faults.add(Fault("*", Cut()))
    with pytest.raises(ConnectionResetError):
        request_list(connection)
    connection.close()
    assert request_list(connection).status == 200


def test_a_hang_up_after_the_handler_leaves_what_it_did(sandbox: Sandbox, connection: HTTPConnection) -> None:
    sandbox.faults.add(Fault("haloSchedule.create", Cut(), when="after"))
    with pytest.raises(ConnectionResetError):
        request_create(connection)
    assert [each["title"] for each in sandbox.schedules()] == ["Daily review"]


def test_a_hang_up_in_the_middle_breaks_the_promised_length(sandbox: Sandbox, connection: HTTPConnection) -> None:
    sandbox.faults.add(Fault("*", Cut(sent=10)))
    with pytest.raises(IncompleteRead) as caught:
        request_list(connection).read()
    assert caught.value.partial == b'{"result":'


def test_a_truncated_answer_has_the_length_it_says(sandbox: Sandbox, connection: HTTPConnection) -> None:
    sandbox.faults.add(Fault("*", Truncate(10)))
    assert request_list(connection).read() == b'{"result":'
    assert request_list(connection).status == 200


def test_a_client_gives_up_on_silence(sandbox: Sandbox, server: Server) -> None:
    sandbox.faults.add(Fault("*", NoReply()))
    with client_of(server, timeout=0.2) as impatient, pytest.raises(TimeoutError):
        request_list(impatient)


def test_stopping_ends_a_silence(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("*", NoReply()))
    with serve(sandbox) as server, client_of(server) as connection, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(request_list, connection)
        while not sandbox.requests:
            pass
        server.stop()
        with pytest.raises((RemoteDisconnected, ConnectionResetError)):
            waiting.result()


def test_foreign_answers_come_with_their_own_headers(sandbox: Sandbox, connection: HTTPConnection) -> None:
    sandbox.faults.add(Fault("*", CLOUDFLARE_403), Fault("*", Refuse("TOO_MANY_REQUESTS", retry_after="7")))
    answer = request_list(connection)
    assert (answer.status, answer.reason, answer.headers.get_all("server")) == (403, "Forbidden", ["cloudflare"])
    assert answer.read() == CLOUDFLARE_403.body
    answer = request_list(connection)
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")


def test_stopping_closes_idle_connections_and_frees_the_port(sandbox: Sandbox) -> None:
    with serve(sandbox) as server, open_socket(server) as idle:
        port = server.server_port
        idle.sendall(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 404 ")
        server.stop()
        assert idle.recv(1000) == b""
    with serve(sandbox, port) as server:
        assert server.server_port == port


def test_a_port_that_is_taken_is_an_error_of_the_system(sandbox: Sandbox, server: Server) -> None:
    with pytest.raises(OSError, match="in use"), serve(sandbox, server.server_port):
        pass


def test_a_log_has_a_line_a_request_and_no_key(sandbox: Sandbox) -> None:
    lines: list[str] = []
    with serve(sandbox, log=lines.append) as server, client_of(server) as connection:
        connection.request("GET", "/x", headers=HEADERS)
        connection.getresponse().read()
    assert lines == ['"GET /x HTTP/1.1" 404 -']


def test_served_and_in_process_are_the_same_sandbox(sandbox: Sandbox, connection: HTTPConnection) -> None:
    request_create(connection).read()
    caller = Caller(sandbox)
    assert json.loads(request_list(connection).read())["result"]["data"]["schedules"] == caller.listed()
