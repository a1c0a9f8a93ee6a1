"""Reading the platform: both reads run at once, errors are raised, gaps are kept.

See docs/performance.md#observing and docs/performance.md#goals.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from loopback import Recorder, Reply, Request, failure, result, serving

from halo_iac import observe as observe_module
from halo_iac import workers
from halo_iac.api.retry import Retry
from halo_iac.api.schedules import Reader
from halo_iac.api.transport import Transport
from halo_iac.errors import Rejected
from halo_iac.model.remote import Agent, ModelCatalog, PlatformState, RemoteSchedule
from halo_iac.observe import Observation, observe

PROJECT = "project-1"
SCHEDULES = [{"id": name, "title": name.upper(), "projectId": PROJECT} for name in "abc"]
AGENTS = [{"id": "agent-1", "identityValue": "checkout", "identitySource": "agent_id", "stats": {"executionCount": 1}}]
EXPECTED = PlatformState(tuple(map(RemoteSchedule, SCHEDULES)), (Agent("agent-1", "checkout", "agent_id", 1),))


@contextmanager
def open_reader(answer: Callable[[Request], Reply]) -> Iterator[tuple[Recorder, Reader]]:
    with serving(answer) as platform, Transport(platform.url, None) as transport:
        yield platform, Reader(transport, Retry(attempts=1))


def answer_request(request: Request) -> Reply:
    if request.path == "/agent.listForProject":
        return result(AGENTS)
    position = int(request.input.get("cursor", "0"))
    following = str(position + 1) if position < 2 else None
    return result({"schedules": [SCHEDULES[position]], "nextCursor": following})


def test_every_page_and_one_agent_list_are_all_that_is_asked() -> None:
    with open_reader(answer_request) as (platform, reader):
        assert observe(reader, PROJECT) == EXPECTED
        asked = sorted((request.path, request.input.get("cursor", "")) for request in platform.requests)
        assert asked == [
            ("/agent.listForProject", ""),
            ("/haloSchedule.listForProject", ""),
            ("/haloSchedule.listForProject", "1"),
            ("/haloSchedule.listForProject", "2"),
        ]
        inputs = [request.input for request in platform.requests]
        assert {"projectId": PROJECT, "timeRange": "90d"} in inputs
        assert {"projectId": PROJECT, "includeArchived": True} in inputs


def test_schedules_and_agents_are_asked_for_at_once() -> None:
    both_are_here = threading.Barrier(2, timeout=5)

    def meet(request: Request) -> Reply:
        if "cursor" not in request.input:
            both_are_here.wait()
        return answer_request(request)

    with open_reader(meet) as (_, reader):
        assert observe(reader, PROJECT) == EXPECTED


def test_an_observation_runs_while_something_else_is_done() -> None:
    arrived = threading.Event()

    def note(request: Request) -> Reply:
        arrived.set()
        return answer_request(request)

    with open_reader(note) as (_, reader):
        observation = Observation(reader, PROJECT)
        assert arrived.wait(5)
        assert observation.project_id == PROJECT
        assert observation.result() == EXPECTED
        assert observation.result() == EXPECTED


@pytest.mark.parametrize("procedure", ["agent.listForProject", "haloSchedule.listForProject"])
def test_an_error_of_either_read_is_raised(procedure: str) -> None:
    def refuse(request: Request) -> Reply:
        return failure(403) if request.path == f"/{procedure}" else answer_request(request)

    with open_reader(refuse) as (_, reader), pytest.raises(Rejected) as caught:
        observe(reader, PROJECT)
    assert caught.value.procedure == procedure


@pytest.mark.parametrize("fatal", ["agent.listForProject", "haloSchedule.listForProject"])
def test_an_error_that_ends_the_run_ends_the_wait_of_the_other_read(fatal: str) -> None:
    is_waiting = threading.Event()

    def refuse(request: Request) -> Reply:
        if request.path != f"/{fatal}":
            return failure(503, Retry_After="60")
        assert is_waiting.wait(5)
        return failure(401)

    with serving(refuse) as platform, Transport(platform.url, None) as transport:
        reader = Reader(transport, Retry(on_retry=lambda *_: is_waiting.set()))
        with pytest.raises(Rejected) as caught:
            observe(reader, PROJECT)
        assert (caught.value.procedure, caught.value.status) == (fatal, 401)
        assert len(platform.requests) == 2


def test_other_errors_leave_the_other_read_alone() -> None:
    has_failed = threading.Event()

    def refuse(request: Request) -> Reply:
        if request.path == "/agent.listForProject":
            has_failed.set()
            return failure(404)
        assert has_failed.wait(5)
        return failure(503, Retry_After="0") if len(platform.requests) < 3 else answer_request(request)

    with serving(refuse) as platform, Transport(platform.url, None) as transport:
        with pytest.raises(Rejected) as caught:
            observe(Reader(transport, Retry()), PROJECT)
        assert caught.value.procedure == "agent.listForProject"
        assert [request.input.get("cursor", "") for request in platform.requests[-3:]] == ["", "1", "2"]


def test_a_gap_of_the_listing_is_kept() -> None:
    def repeat(request: Request) -> Reply:
        if request.path == "/agent.listForProject":
            return result([])
        return result({"schedules": [], "nextCursor": "c"})

    with open_reader(repeat) as (_, reader):
        assert observe(reader, PROJECT) == PlatformState((), (), "the platform repeated a cursor")


@pytest.mark.parametrize(
    ("listed", "catalog"),
    [
        (result([{"id": "large", "name": "Large"}, "small"]), ModelCatalog({"large": "Large", "small": ""})),
        (result([{"uid": "large"}]), ModelCatalog({}, "halo cannot read the platform's list of models")),
        (result([]), ModelCatalog({}, "the platform's list of models is empty")),
        (failure(403), ModelCatalog({}, "haloSchedule.listEligibleModels (HTTP 403): no")),
    ],
)
def test_models_are_asked_for_where_an_entry_names_one_and_only_then(listed: Reply, catalog: ModelCatalog) -> None:
    def list_models(request: Request) -> Reply:
        return listed if request.path == "/haloSchedule.listEligibleModels" else answer_request(request)

    with open_reader(list_models) as (platform, reader):
        assert Observation(reader, PROJECT).result(["model_id"]) == EXPECTED._replace(models={"model_id": catalog})
        assert len(platform.requests) == 5


def test_dropped_reads_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    class Silent:
        """A thread whose read goes on: each wait for it lasts as long as it may."""

        def join(self, timeout: float) -> None:
            waits.append(timeout)

    monkeypatch.setattr(observe_module, "monotonic", lambda: 1000.0 + sum(waits))
    monkeypatch.setattr(workers, "start_thread", lambda _: Silent())
    with Transport("http://localhost", None) as transport:
        dropped = [Observation(Reader(transport), PROJECT) for _ in range(3)]
        for each in dropped:
            each.read_models(["model_id"])
            each.drop(1000.5)
    assert waits == [0.5, *[0.0] * 8]


def test_models_may_be_asked_for_before_the_result_is_and_then_are_not_asked_for_again() -> None:
    arrived = threading.Event()

    def list_models(request: Request) -> Reply:
        if request.path != "/haloSchedule.listEligibleModels":
            return answer_request(request)
        arrived.set()
        return result(["large"])

    with open_reader(list_models) as (platform, reader):
        observation = Observation(reader, PROJECT)
        observation.read_models(["model_id"])
        assert arrived.wait(5)
        assert observation.result(["model_id"]).models == {"model_id": ModelCatalog({"large": ""})}
        assert len(platform.requests) == 5
