from __future__ import annotations

import json

import pytest
from canned_replies import BAD_GATEWAY_HTML, CLOUDFLARE_403, EMPTY
from sandbox_calls import DAILY, PROJECT, Caller, error_of

from halo_iac.sandbox.faults import (
    ChangeBetween,
    Close,
    Cut,
    Fault,
    Faults,
    Latency,
    NoReply,
    Pass,
    PatchResponse,
    Refuse,
    Reply,
    Truncate,
)
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.protocol import Answer, CloseConnection, NeverReply

CREATE = "haloSchedule.create"
LIST = "haloSchedule.listForProject"


def titles(caller: Caller) -> list[str]:
    return [each["title"] for each in caller.sandbox.schedules()]


def test_too_many_requests_come_with_retry_after(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault(CREATE, Refuse("TOO_MANY_REQUESTS", "Slow down.", retry_after="2")))
    answer = caller.send_mutation(CREATE, DAILY)
    assert error_of(answer) == (429, -32029, "TOO_MANY_REQUESTS", "Slow down.")
    assert answer.headers["retry-after"] == "2"
    assert titles(caller) == []
    assert caller.create()["title"] == "Daily review"


def test_any_status_can_come_with_a_trpc_error(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault("*", Refuse("BAD_REQUEST", "No.", status=418)))
    assert error_of(caller.send_query(LIST)) == (418, -32600, "BAD_REQUEST", "No.")


@pytest.mark.parametrize("reply", [EMPTY, CLOUDFLARE_403, BAD_GATEWAY_HTML, Reply(200, b"<html>"), Reply(200, b"{}")])
def test_any_reply_can_stand_for_the_answer(caller: Caller, reply: Reply) -> None:
    caller.sandbox.faults.add(Fault(LIST, reply))
    headers = {"content-type": reply.content_type, **reply.headers}
    assert caller.send_query(LIST, {"projectId": PROJECT}) == Answer(reply.status, headers, reply.body)


def test_after_the_handler_everything_has_happened_and_only_the_answer_is_lost(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault(CREATE, BAD_GATEWAY_HTML, when="after"))
    assert caller.send_mutation(CREATE, DAILY).status == 502
    assert titles(caller) == ["Daily review"]


def test_before_the_handler_nothing_has_happened(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault(CREATE, BAD_GATEWAY_HTML))
    assert caller.send_mutation(CREATE, DAILY).status == 502
    assert titles(caller) == []


@pytest.mark.parametrize(("when", "left"), [("before", []), ("after", ["Daily review"])])
def test_a_cut_connection_is_an_exception_in_process(caller: Caller, when: str, left: list[str]) -> None:
    caller.sandbox.faults.add(Fault(CREATE, Cut(), when=when))  # type: ignore[arg-type]
    with pytest.raises(CloseConnection) as caught:
        caller.send_mutation(CREATE, DAILY)
    assert isinstance(caught.value, ConnectionError)
    assert titles(caller) == left


def test_silence_is_an_exception_in_process(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault("*", NoReply()))
    with pytest.raises(NeverReply) as caught:
        caller.send_query(LIST, {"projectId": PROJECT})
    assert isinstance(caught.value, TimeoutError)


def test_a_truncated_answer_is_the_start_of_the_real_one(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault(CREATE, Truncate(19)))
    assert caller.send_mutation(CREATE, DAILY).body == b'{"result":{"data":{'
    assert titles(caller) == ["Daily review"]


def test_a_cut_in_the_middle_knows_the_whole_answer(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault(CREATE, Cut(sent=5)))
    with pytest.raises(CloseConnection) as caught:
        caller.send_mutation(CREATE, DAILY)
    assert caught.value.sent == 5
    assert caught.value.answer is not None
    assert json.loads(caught.value.answer.body)["result"]["data"] == caller.sandbox.schedules()[0]


def test_a_fault_happens_as_often_as_it_says(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault("*", EMPTY, times=2), Fault("*", CLOUDFLARE_403, times=1))
    statuses = [caller.send_query(LIST, {"projectId": PROJECT}).status for _ in range(4)]
    assert statuses == [502, 502, 403, 200]


def test_a_fault_can_go_on_until_the_list_is_cleared(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault("*", EMPTY, times=None))
    assert [caller.send_query(LIST, {"projectId": PROJECT}).status for _ in range(3)] == [502, 502, 502]
    caller.sandbox.faults.clear()
    assert caller.send_query(LIST, {"projectId": PROJECT}).status == 200


def test_a_fault_concerns_only_what_matches(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault("haloSchedule.*", EMPTY, where={"title": "Unlucky"}))
    assert caller.send_mutation(CREATE, DAILY).status == 200
    assert caller.send_query("agent.listForProject", {"projectId": PROJECT}).status == 200
    assert caller.send_mutation(CREATE, {**DAILY, "title": "Unlucky"}).status == 502
    assert titles(caller) == ["Daily review"]


def test_a_pass_lets_the_first_ones_through(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault(LIST, Pass(), times=2), Fault(LIST, EMPTY))
    statuses = [caller.send_query(LIST, {"projectId": PROJECT}).status for _ in range(4)]
    assert statuses == [200, 200, 502, 200]


def test_latency_delays_and_other_faults_still_happen(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault("*", Latency(0.01), times=None), Fault("*", EMPTY))
    assert [caller.send_query(LIST, {"projectId": PROJECT}).status for _ in range(2)] == [502, 200]


def test_something_may_happen_meanwhile_and_other_faults_still_do(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault(LIST, ChangeBetween(caller.create)), Fault(LIST, EMPTY, when="after"))
    assert [caller.send_query(LIST, {"projectId": PROJECT}).status for _ in range(2)] == [502, 200]
    assert titles(caller) == ["Daily review"]


def test_an_amended_answer_is_an_answer_all_the_same(caller: Caller) -> None:
    caller.sandbox.faults.add(
        Fault(CREATE, PatchResponse(lambda schedule: schedule | {"title": "Another"}), times=None)
    )
    assert caller.create()["title"] == "Another"
    assert titles(caller) == ["Daily review"]
    assert error_of(caller.send_mutation(CREATE, {**DAILY, "hours": [24]}))[0] == 400


def test_a_connection_may_be_closed_after_an_answer(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault(LIST, Close()))
    first, second = (caller.send_query(LIST, {"projectId": PROJECT}) for _ in range(2))
    assert first == Answer(200, {**second.headers, "connection": "close"}, second.body)


def test_closing_ends_a_delay() -> None:
    sandbox = Sandbox.open(None, faults=[Fault("*", Latency(600))])
    sandbox.close()
    assert Caller(sandbox).send_query(LIST, {"projectId": PROJECT}).status == 500


def test_faults_can_be_given_as_a_list_or_shared() -> None:
    shared = Faults([Fault("*", EMPTY)])
    with Sandbox.open(None, faults=shared) as sandbox:
        assert sandbox.faults is shared
        assert Caller(sandbox).send_query(LIST).status == 502


def test_faults_come_before_the_key_is_looked_at(caller: Caller) -> None:
    caller.sandbox.faults.add(Fault("*", CLOUDFLARE_403))
    stranger = Caller(caller.sandbox, "wrong")
    assert [stranger.send_query(LIST).status for _ in range(2)] == [403, 401]
