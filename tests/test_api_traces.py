"""Reading traces: pages are read one at a time up to a limit, and missing or invalid fields are reported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from halo_iac.api.retry import Retry
from halo_iac.api.traces import TraceReader, TraceScope, team_of_project
from halo_iac.api.trpc import Json, Kind
from halo_iac.errors import Rejected, SettingsError, Unreadable
from halo_iac.model.traces import Counted, Facets, Span, SpanDetail, Trace

SCOPE = TraceScope("team-1", "project-1")
LAST_DAY = {"startDate": "2026-11-27T00:00:00.000Z", "endDate": "2026-11-28T00:00:00.000Z"}


class LongTrace:
    """A platform with one trace of so many spans, which notes the pages that it was asked for."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.asked: list[tuple[int, Json]] = []

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        assert (procedure, kind, value["traceId"]) == ("traces.getSpans", "query", "t")
        del deadline
        self.asked.append((value["limit"], value["cursor"]))
        first = int(value["cursor"] or 0)
        last = min(first + value["limit"], self.length)
        spans = [{"traceId": "t", "spanId": str(number)} for number in range(first, last)]
        return {"spans": spans, "nextCursor": str(last) if last < self.length else None}


class Answering:
    """A platform that answers everything with one value."""

    def __init__(self, answer: Json) -> None:
        self.value = answer

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        del procedure, kind, value, deadline
        return self.value


def reader_of(answer: Json) -> TraceReader:
    return TraceReader(Answering(answer), SCOPE, Retry(attempts=1))


# Pages --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "limit", "page_size", "asked"),
    [
        (250, None, 100, [(100, None), (100, "100"), (100, "200")]),
        (250, 150, 100, [(100, None), (50, "100")]),
        (250, 150, 500, [(100, None), (50, "100")]),
        (250, 30, 100, [(30, None)]),
        (250, 100, 40, [(40, None), (40, "40"), (20, "80")]),
        (20, 1000, 100, [(100, None)]),
        (0, 1000, 100, [(100, None)]),
    ],
)
def test_pages_are_as_large_as_asked_for_and_no_larger_than_what_is_left(
    length: int, limit: int | None, page_size: int, asked: list[tuple[int, Json]]
) -> None:
    platform = LongTrace(length)
    pages = TraceReader(platform, SCOPE).span_pages("t", limit=limit, page_size=page_size)
    rows = [row["spanId"] for page in pages for row in page.rows]
    assert rows == [str(number) for number in range(min(length, limit or length))]
    assert platform.asked == asked


def test_a_page_is_asked_for_only_when_it_is_wanted() -> None:
    platform = LongTrace(100_000)
    spans = TraceReader(platform, SCOPE).spans("t")
    assert [next(spans).id for _ in range(100)][-1] == "99"
    assert len(platform.asked) == 1


def test_pages_may_begin_at_a_cursor() -> None:
    platform = LongTrace(250)
    (page,) = TraceReader(platform, SCOPE).span_pages("t", cursor="200")
    assert (len(page.rows), page.next_cursor, platform.asked) == (50, None, [(100, "200")])


# What is missing or odd ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda reader: reader.trace("t-1"), "traces.get (HTTP 404): no trace t-1"),
        (lambda reader: reader.span("t-1", "s-1"), "spans.get (HTTP 404): trace t-1 has no span s-1"),
    ],
)
def test_null_is_not_found(ask: Callable[[TraceReader], object], message: str) -> None:
    with pytest.raises(Rejected) as caught:
        ask(reader_of(None))
    assert (str(caught.value), caught.value.status, caught.value.is_transient) == (message, 404, False)


@pytest.mark.parametrize("answer", [[], {}, {"traceId": ""}, {"traceId": 1}, "t"])
def test_a_trace_without_an_id_is_unreadable(answer: Json) -> None:
    with pytest.raises(Unreadable, match="no id"):
        reader_of(answer).trace("t")


@pytest.mark.parametrize("answer", [[], {}, {"traces": None, "spans": None}, {"traces": {}, "spans": {}}, None])
def test_a_list_without_rows_is_unreadable(answer: Json) -> None:
    for ask in (lambda: reader_of(answer).traces(LAST_DAY), lambda: reader_of(answer).span_list(LAST_DAY)):
        with pytest.raises(Unreadable, match="without a page"):
            ask()


@pytest.mark.parametrize("answer", [None, [], {}, {"teamId": ""}, {"teamId": None}])
def test_a_project_without_a_team_is_an_error_that_says_what_to_do(answer: Json) -> None:
    with pytest.raises(SettingsError) as caught:
        team_of_project(Answering(answer), Retry(attempts=1), "project-1")
    assert caught.value.hint == "Name it with --team or INF_TEAM_ID."


# Values -------------------------------------------------------------------------------------------------------------


def test_fields_that_the_platform_omits_are_none() -> None:
    trace, span = Trace({"traceId": "t"}), Span({"traceId": "t", "spanId": "s"})
    assert (trace.start, trace.duration_ns, trace.cost, trace.agent, trace.has_error) == (*[None] * 4, False)
    assert (span.name, span.parent_id, span.duration_ns, span.cost, span.is_error) == ("", None, None, None, False)


@pytest.mark.parametrize(
    ("sent", "whole", "number"),
    [
        (0, 0, 0.0),
        (1500, 1500, 1500.0),
        ("1500", 1500, 1500.0),
        ("-1500", -1500, -1500.0),
        (1777000000123456789, 1777000000123456789, 1777000000123456789.0),
        ("1777000000123456789", 1777000000123456789, 1777000000123456789.0),
        ("0.0012", 0, 0.0012),
        (0.5, 0, 0.5),
        ("NaN", None, None),
        ("1e999", None, None),
        ("9" * 5000, None, None),
        ("many", None, None),
        (True, None, None),
        (None, None, None),
        ([1], None, None),
        (10**32, None, 1e32),
        (-(10**400), None, None),
        (1e300, None, 1e300),
    ],
)
def test_numbers_come_as_numbers_or_as_text(sent: Json, whole: int | None, number: float | None) -> None:
    trace = Trace({"traceId": "t", "durationNs": sent, "totalCost": sent})
    assert (trace.duration_ns, trace.cost) == (whole, number)


@pytest.mark.parametrize(
    ("sent", "instant"),
    [
        ("2026-11-27T09:00:00.123Z", datetime(2026, 11, 27, 9, 0, 0, 123_000, tzinfo=UTC)),
        ("2026-11-27T09:00:00.123456789Z", datetime(2026, 11, 27, 9, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-11-27T09:00:00", None),
        ("yesterday", None),
        (12, None),
    ],
)
def test_instants_have_a_zone_or_are_none(sent: Json, instant: datetime | None) -> None:
    assert Trace({"traceId": "t", "startTime": sent}).start == instant


def test_attributes_of_all_three_kinds_are_joined() -> None:
    wire = {"spanAttributes": {"a": "x"}, "spanAttributesInt": {"b": 1}, "spanAttributesDouble": None, "events": "none"}
    detail = SpanDetail({"traceId": "t", "spanId": "s"} | wire)
    assert (detail.attributes, detail.resource_attributes, detail.events) == ({"a": "x", "b": 1}, {}, ["none"])


def test_facets_are_read_as_far_as_they_can_be() -> None:
    facets = Facets(
        {
            "categorical": {"status": [{"value": "error", "count": "3"}, 7, {"count": 1}], "broken": None},
            "numeric": {"duration_ns": {"min": "1", "max": 2.5}, "cost_total": None, "span_count": {"min": 1}},
            "attributeKeys": {"span": [{"value": "tool.name", "count": 2}]},
        }
    )
    assert facets.categorical == {"status": (Counted("error", 3), Counted("", 1))}
    assert facets.numeric == {"duration_ns": (1.0, 2.5), "cost_total": None, "span_count": None}
    assert (facets.attribute_keys, facets.attribute_values) == ({"span": (Counted("tool.name", 2),)}, {})
