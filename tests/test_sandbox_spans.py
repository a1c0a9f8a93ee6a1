"""Reading HALO's span-per-line format."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from analyst_spans import PLAIN, Field, analyst_view, line, parsed
from hypothesis import given
from hypothesis import strategies as st

from halo_iac.sandbox.analyst.spans import AgentIdentity, Span
from halo_iac.sandbox.ingest import read_spans
from halo_iac.sandbox.instants import format_nanoseconds, parse_nanoseconds
from halo_iac.sandbox.span_record import SpanRecord
from halo_iac.sandbox.trace_files import BadLine

START = 1776922320_000000001
END = 1776922321_500000000

SMALLEST = PLAIN._replace(trace_id="t1", span_id="s1", name="step", kind="SPAN", start=START, end=END)


def record(text: bytes) -> SpanRecord:
    """Return the span of a file of one line."""
    (found,) = read_spans(io.BytesIO(text))
    assert isinstance(found, SpanRecord)
    return found


def read_span(text: bytes) -> Span:
    """Return what the analyst sees of it."""
    return analyst_view(record(text))


def attributed(**attributes: Field) -> Span:
    return read_span(line(attributes={name.replace("__", "."): value for name, value in attributes.items()}))


def why_not(text: bytes) -> str:
    (found,) = read_spans(io.BytesIO(text))
    assert isinstance(found, BadLine)
    return found.reason


def test_a_span_with_required_fields_only_is_accepted() -> None:
    assert read_span(line()) == SMALLEST


def test_a_tool_call_keeps_its_arguments_and_its_answer_to_compare_and_to_show() -> None:
    attributes = {
        "openinference.span.kind": "tool",
        "agent.name": "helper",
        "tool.name": "grep",
        "input.value": '{"pattern": "x"}',
        "output.value": "y" * 1000,
    }
    found = read_span(
        line(parent_span_id="s0", resource={"attributes": {"service.name": "demo"}}, attributes=attributes)
    )
    assert found == SMALLEST._replace(
        parent_id="s0",
        kind="TOOL",
        tool="grep",
        input_digest=found.input_digest,
        input_excerpt='{"pattern": "x"}',
        output_digest=found.output_digest,
        output_excerpt="y" * 200,
        output_length=1000,
    )
    again = read_span(line(attributes={**attributes, "output.value": "z"}))
    assert (again.input_digest, again.output_digest == found.output_digest) == (found.input_digest, False)


def test_a_model_call_keeps_model_tokens_and_cost() -> None:
    attributes = {
        "inference.observation_kind": "LLM",
        "inference.llm.model_name": "m",
        "inference.llm.input_tokens": 3,
        "inference.llm.output_tokens": 4,
        "inference.llm.cost.total": "0.0012",
        "input.value": "not kept",
    }
    assert read_span(line(attributes=attributes)) == SMALLEST._replace(
        kind="LLM", model="m", prompt_tokens=3, completion_tokens=4, total_tokens=7, cost=Decimal("0.0012")
    )


def test_openinference_comes_before_halos_own_names() -> None:
    attributes = {
        "openinference.span.kind": "CHAIN",
        "inference.observation_kind": "SPAN",
        "llm.model_name": "a",
        "inference.llm.model_name": "b",
        "llm.token_count.prompt": 0,
        "inference.llm.input_tokens": 9,
        "llm.token_count.total": 5,
    }
    assert read_span(line(attributes=attributes)) == SMALLEST._replace(
        kind="CHAIN", model="a", prompt_tokens=0, total_tokens=5
    )


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"agent.id": "i", "agent.name": "n", "inference.agent_name": "x"}, AgentIdentity("agent_id", "i")),
        ({"agent.id": "", "agent.name": "n", "inference.agent_name": "x"}, AgentIdentity("agent_name", "n")),
        ({"agent.id": None, "agent.name": 7, "inference.agent_name": "x"}, AgentIdentity("agent_name", "x")),
        ({"inference.agent_name": " "}, None),
    ],
)
def test_the_agent_is_the_first_of_three_names(attributes: dict[str, Any], expected: AgentIdentity | None) -> None:
    assert record(line(attributes=attributes)).own_agent == expected


@pytest.mark.parametrize(
    ("status", "attributes", "message"),
    [
        ({"code": "STATUS_CODE_ERROR", "message": "no"}, {"exception.message": "other"}, "no"),
        ({"code": "STATUS_CODE_ERROR", "message": " "}, {"exception.message": "gone"}, "gone"),
        ({"code": "STATUS_CODE_ERROR"}, {"error.type": "Timeout"}, "Timeout"),
        ({"code": "STATUS_CODE_ERROR", "message": "x" * 5000}, {}, "x" * 2000),
        ({"code": "STATUS_CODE_UNSET", "message": "no"}, {}, ""),
    ],
)
def test_a_failed_span_has_its_reason(status: dict[str, Any], attributes: dict[str, Any], message: str) -> None:
    assert read_span(line(status=status, attributes=attributes)).message == message


@pytest.mark.parametrize(
    "odd", [True, -1, "-1", "1,200", "much", "", 1.5, "1e3", 10**13, "9" * 14, float("1e30"), [], None]
)
def test_an_invalid_token_count_counts_as_absent(odd: object) -> None:
    assert attributed(llm__token_count__prompt=odd) == SMALLEST


@pytest.mark.parametrize("count", [12, "12", " 12 ", 12.0, "12.0", "012"])
def test_a_token_count_may_be_a_text_or_a_float(count: object) -> None:
    found = attributed(llm__token_count__prompt=count, inference__llm__output_tokens=count)
    assert (found.prompt_tokens, found.completion_tokens, found.total_tokens) == (12, 12, 24)


@pytest.mark.parametrize("odd", [True, "-1", "NaN", "Infinity", "much", "1e99", [], None, ""])
def test_an_invalid_cost_counts_as_absent(odd: object) -> None:
    assert attributed(inference__llm__cost__total=odd) == SMALLEST


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ("0.10", "0.10"),
        (0.1, "0.1"),
        (2, "2"),
        (0.1 + 0.2, "0.30000000000000004"),
        (0.0001, "0.0001"),
        (0.00012345678901234567, "0.000123456789012346"),
        (9.9e-05, "0.000099"),
        (999999999.5, "999999999.5"),
        (1e9, "1000000000.0"),
        (1.2345678901234567e-07, "1.23456789012E-7"),
        ("1e-400", "0E-18"),
        ("0.1234567890123456789", "0.123456789012345679"),
    ],
)
def test_a_cost_is_exact_down_to_a_limit(recorded: object, expected: str) -> None:
    assert str(attributed(inference__llm__cost__total=recorded).cost) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "ends in the middle of a line; it was cut off"),
        (b"\xff", "is not UTF-8"),
        (b"7", "is not a JSON object"),
        (b"words", "is not valid JSON"),
        (b'"\\ud800"', "is not a JSON object"),
        (b'{"a":' * 100_000, "is nested too deeply"),
        (line(span_id="s", trace_id=None, start_time=None), "lacks trace_id, start_time"),
        (line(scope=7, trace_id=""), "lacks trace_id"),
        (
            line(resource={"attributes": 7}),
            "has resource.attributes that are neither an object nor pairs of key and value",
        ),
        (line(resource=7), "has a resource that is not a JSON object"),
        (line(attributes="a"), "has attributes that are not a JSON object"),
        (line(events=7), "has events that are not a list of JSON objects"),
        (line(kind=7), "has a kind that is neither a name nor a number of OpenTelemetry's"),
        (line(parent_span_id=7), "has a parent_span_id that is not text"),
        (line(start_time="today"), "has a start_time or end_time that is not an ISO 8601 instant with a zone"),
        (line(start_time=-1), "has a start_time that is neither ISO 8601 nor a number since 1970"),
        (line(status={"code": "BAD"}), "has a status other than UNSET, OK and ERROR"),
        (line(status={"code": ["STATUS_CODE_OK"]}), "has a status other than UNSET, OK and ERROR"),
        (line(attributes=[{"key": None, "value": {}}]), "has an attribute whose key is not text"),
        (line(resource={"attributes": [{"key": 7, "value": {}}]}), "has an attribute whose key is not text"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_value_that_is_not_a_span_is_skipped_with_a_reason(text: bytes, reason: str) -> None:
    assert why_not(text) == reason


def test_bad_lines_are_numbered_and_the_rest_is_read() -> None:
    file = b"\xef\xbb\xbf" + line() + b"\r\n\n  \n{\n" + line(span_id="s2")
    found = read_spans(io.BytesIO(file))
    assert [each if isinstance(each, BadLine) else analyst_view(each) for each in found] == [
        SMALLEST,
        BadLine(4, "is not valid JSON"),
        SMALLEST._replace(span_id="s2"),
    ]


def test_a_span_may_end_before_it_starts_where_clocks_disagree() -> None:
    assert read_span(line(end_time="2026-04-23T05:31:00Z")).duration < 0


def test_a_span_is_kept_whole() -> None:
    assert json.loads(record(line(more=[1.5, None])).body) == json.loads(line(more=[1.5, None]))


@given(st.integers(min_value=0, max_value=2**63 - 10**9))
def test_instants_come_back_to_the_nanosecond(instant: int) -> None:
    assert parse_nanoseconds(format_nanoseconds(instant)) == instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T02:00:00.000000001+02:00", 1),
        ("1970-01-01 00:00:00,25z", 250_000_000),
        ("2016-12-31T23:59:60Z", 1483228800 * 10**9),
    ],
)
def test_instants_may_be_written_in_several_ways(text: str, expected: int) -> None:
    assert parse_nanoseconds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-04-23",
        "2026-04-23T05:32:00",
        "2026-13-23T05:32:00Z",
        "2026-04-23T25:32:00Z",
        "2026-04-23T05:32:61Z",
        "2026-04-23T05:32:00.1234567890Z",
        "1969-12-31T23:59:59Z",
        "2300-01-01T00:00:00Z",
        "２026-04-23T05:32:00Z",
        "2026-04-23T05:32:00+99:00",
    ],
)
def test_an_invalid_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the reason is the reader's to give
        parse_nanoseconds(text)
    assert caught.type is ValueError


Values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(parsed())), Values), st.dictionaries(st.text(), Values, max_size=3))
def test_any_line_is_a_span_or_has_a_reason(changes: dict[str, Any], attributes: dict[str, Any]) -> None:
    (found,) = read_spans(io.BytesIO(line(**{"attributes": attributes, **changes})))
    assert found.reason if isinstance(found, BadLine) else found.start >= 0
