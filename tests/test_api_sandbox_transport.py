"""The platform inside this process, met through the same client."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from halo_iac.api.sandbox_transport import EmbeddedTransport
from halo_iac.api.secret import Secret
from halo_iac.api.transport import Transport
from halo_iac.errors import Delivery, Rejected, Unanswered

Asked = tuple[str, str, str, dict[str, str], bytes]
Answered = tuple[int, Mapping[str, str], bytes]


def transport_to(answer: Callable[[Asked], Answered]) -> Transport:
    embedded = EmbeddedTransport(lambda *asked: answer(asked))
    return Transport("http://localhost/sandbox", Secret("sk-inference-x"), http=embedded)


def test_a_query_arrives_in_its_parts() -> None:
    seen: list[Asked] = []

    def answer(asked: Asked) -> Answered:
        seen.append(asked)
        return 200, {"Content-Type": "application/json"}, b'{"result":{"data":[1]}}'

    assert transport_to(answer).call("a.b", "query", {"id": "é"}) == [1]
    ((method, path, query, headers, body),) = seen
    assert (method, path, query, body) == ("GET", "/sandbox/a.b", "input=%7B%22id%22%3A%22%C3%A9%22%7D", b"")
    assert headers["authorization"] == "Bearer sk-inference-x"
    assert all(name == name.lower() for name in headers)


def test_a_mutation_carries_its_body() -> None:
    def answer(asked: Asked) -> Answered:
        method, path, query, _, body = asked
        assert (method, path, query, body) == ("POST", "/sandbox/a.b", "", '{"title":"é"}'.encode())
        return 200, {}, b'{"result":{"data":null}}'

    assert transport_to(answer).call("a.b", "mutation", {"title": "é"}) is None


def test_a_refusal_reads_as_from_the_network() -> None:
    with pytest.raises(Rejected) as caught:
        transport_to(lambda _: (429, {"Retry-After": "2"}, b'{"error":{"message":"slow"}}')).call("a.b", "query")
    assert (caught.value.status, caught.value.retry_after) == (429, 2.0)


@pytest.mark.parametrize("error", [ConnectionResetError(), BrokenPipeError(), TimeoutError()])
def test_a_hang_up_is_no_answer(error: OSError) -> None:
    def hang_up(_: Asked) -> Answered:
        raise error

    with pytest.raises(Unanswered) as caught:
        transport_to(hang_up).call("a.b", "mutation", {})
    assert (caught.value.delivery, caught.value.is_transient) == (Delivery.AMBIGUOUS, True)
