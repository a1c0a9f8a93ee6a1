"""Files of traces, whichever tool wrote them: told apart by what they hold, and read as spans of HALO's format."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest
from trace_file_samples import (
    CALL,
    ROOT,
    START,
    TRACE,
    halo_root,
    halo_span,
    json_lines,
    otlp_request,
    otlp_root,
    otlp_span,
)

from halo_iac.sandbox.trace_files import BadLine, json_text, lines, read_spans

Json = dict[str, Any]


def gzipped(file: bytes) -> bytes:
    return gzip.compress(file, mtime=0)


def spans(file: bytes) -> list[Json]:
    """Return the spans of a file that holds nothing else."""
    found = list(read_spans(io.BytesIO(file)))
    assert not [each for each in found if isinstance(each, BadLine)]
    return [each.span for each in found if not isinstance(each, BadLine)]


def only_span(value: object) -> Json:
    [found] = spans(json.dumps(value).encode())
    return found


def bad_lines(file: bytes) -> list[BadLine]:
    return [each for each in read_spans(io.BytesIO(file)) if isinstance(each, BadLine)]


def reason_of(value: object) -> str:
    [found] = bad_lines(json.dumps(value).encode())
    return found.reason


# --- OTLP


BOTH = [halo_root(), halo_span()]
FORMS = {
    "a request a line": json_lines(otlp_request(otlp_root()), otlp_request(otlp_span())),
    "one document": json.dumps(otlp_request(), indent=2).encode(),
    "an array of requests": json.dumps([otlp_request(otlp_root()), otlp_request(otlp_span())]).encode(),
    "an array over many lines": json.dumps([otlp_request()], indent=1).encode(),
    "documents one after the other": b"".join(
        json.dumps(otlp_request(each), indent=2).encode() for each in (otlp_root(), otlp_span())
    ),
    "no line end": json.dumps(otlp_request()).encode(),
    "resource by resource": json_lines(*otlp_request()["resourceSpans"]),
    "an answer that lists": json.dumps({"data": [otlp_request()], "next_cursor": None}).encode(),
    "packed": gzipped(json_lines(otlp_request())),
    "packed in two": gzipped(json_lines(otlp_request(otlp_root()))) + gzipped(json_lines(otlp_request(otlp_span()))),
    "a mark before it": b"\xef\xbb\xbf" + json_lines(otlp_request()),
    "blank lines": b"\n\n" + json_lines(otlp_request()) + b"  \r\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_otlp_is_read_however_it_is_laid_out(form: str) -> None:
    assert spans(FORMS[form]) == BOTH


@pytest.mark.parametrize("form", FORMS)
def test_a_long_file_is_read_part_by_part(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "MAX_WHOLE_LENGTH", 40)
    monkeypatch.setattr(json_text, "_CHUNK_LENGTH", 7)
    monkeypatch.setattr(lines, "MAX_WHOLE_LENGTH", 40)
    monkeypatch.setattr(lines, "_CHUNK_BYTES", 7)
    assert spans(FORMS[form]) == BOTH


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "SPAN_KIND_SERVER"}, {"kind": "SPAN_KIND_SERVER"}),
        ({"kind": "3"}, {"kind": "SPAN_KIND_CLIENT"}),
        ({"status": {"code": "STATUS_CODE_OK"}}, {"status": {"code": "STATUS_CODE_OK", "message": ""}}),
        ({"status": None}, {"status": {"code": "STATUS_CODE_UNSET", "message": ""}}),
        ({"startTimeUnixNano": START}, {}),
        ({"traceId": "W47/95gDgQPSabYzgT/GDA=="}, {}),
        ({"endTimeUnixNano": None}, {"end_time": "2026-04-23T05:32:00.000000001Z"}),
        ({"name": None}, {"name": ""}),
    ],
)
def test_otlp_may_write_a_field_in_several_ways(changes: Json, expected: Json) -> None:
    assert only_span(otlp_request(otlp_span(**changes))) == halo_span(**expected)


def test_otlp_may_be_spelled_as_protobuf_does() -> None:
    span = {
        "trace_id": TRACE,
        "span_id": ROOT,
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + 2 * 10**9,
        "name": "invoke_agent",
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"string_value": "invoke_agent"}},
            {"key": "gen_ai.agent.name", "value": {"string_value": "shop"}},
        ],
    }
    scope = {"scope": {"name": "shop.tracing", "version": "2"}, "spans": [span]}
    resource = {"attributes": [{"key": "service.name", "value": {"string_value": "shop-api"}}]}
    assert only_span({"resource_spans": [{"resource": resource, "scope_spans": [scope]}]}) == halo_root()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"doubleValue": "NaN"}, "NaN"),
        ({"doubleValue": 3}, 3.0),
        ({"intValue": "-9223372036854775808"}, -(2**63)),
        ({"bytesValue": "AAE="}, "AAE="),
        ({}, None),
    ],
)
def test_otlp_values_of_every_kind_are_read(value: Json, expected: object) -> None:
    found = only_span(otlp_request(otlp_span(attributes=[{"key": "a", "value": value}])))
    assert found["attributes"] == {"a": expected}


def test_a_wrong_span_of_a_request_leaves_the_others() -> None:
    request = otlp_request(otlp_root(), otlp_span(traceId=""), {"spanId": 7}, 7, otlp_span(attributes=[7]), otlp_span())  # type: ignore[arg-type]
    found = list(read_spans(io.BytesIO(json_lines({}, request))))
    assert [each.span for each in found if not isinstance(each, BadLine)] == BOTH
    assert [each for each in found if isinstance(each, BadLine)] == [
        BadLine(1, "is not a span in a known format"),
        BadLine(2, "has an OTLP span without traceId or spanId"),
        *[BadLine(2, "has an invalid OTLP span")] * 3,
    ]


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (7, "has resourceSpans that is not a JSON object"),
        ({"resource": 7}, "has a part that is not valid OTLP"),
        ({"resource": {"attributes": [7]}}, "has a part that is not valid OTLP"),
        ({"scopeSpans": {}}, "has scopeSpans that are no list"),
        ({"scopeSpans": [7]}, "has a part that is not valid OTLP"),
        ({"scopeSpans": [{"scope": "s"}]}, "has a part that is not valid OTLP"),
        ({"scopeSpans": [{"spans": {}}]}, "has spans that are no list"),
        ({"scopeSpans": [{"spans": [otlp_span(name=7)]}]}, "has a name that is not text"),
        ({"scopeSpans": [{"spans": [otlp_span(status={"message": 7})]}]}, "has a status.message that is not text"),
    ],
)
def test_a_wrong_part_of_a_request_leaves_the_others(part: object, reason: str) -> None:
    whole = otlp_request()["resourceSpans"]
    found = list(read_spans(io.BytesIO(json_lines({"resourceSpans": [part, *whole]}))))
    assert [each.span for each in found if not isinstance(each, BadLine)] == BOTH
    assert [each for each in found if isinstance(each, BadLine)] == [BadLine(1, reason)]


# --- OpenInference


def phoenix(**changes: object) -> Json:
    """Return a call of a model as Phoenix exports it."""
    return {
        "name": "ChatCompletion",
        "context": {"trace_id": TRACE, "span_id": CALL},
        "span_kind": "LLM",
        "parent_id": ROOT,
        "start_time": "2026-04-23T05:32:00.000001+00:00",
        "end_time": "2026-04-23T05:32:01.000001+00:00",
        "status_code": "ERROR",
        "status_message": "no answer",
        "attributes": {
            "llm": {
                "model_name": "gpt-4.1",
                "token_count": {"prompt": 12, "completion": 3},
                "input_messages": [{"message": {"role": "user", "content": "Hello"}}],
                "invocation_parameters": {"temperature": 0},
            },
            "session": {"id": "s-1"},
            "metadata": {"a": {"b": 1}},
            "tag": {"tags": ["x"]},
            "output": None,
        },
        "events": [{"name": "first token", "timestamp": "2026-04-23T05:32:00.5+00:00", "attributes": {}}],
        **changes,
    }


PHOENIX = {
    "trace_id": TRACE,
    "span_id": CALL,
    "parent_span_id": ROOT,
    "trace_state": "",
    "name": "ChatCompletion",
    "kind": "SPAN_KIND_INTERNAL",
    "start_time": "2026-04-23T05:32:00.000001+00:00",
    "end_time": "2026-04-23T05:32:01.000001+00:00",
    "status": {"code": "STATUS_CODE_ERROR", "message": "no answer"},
    "resource": {"attributes": {}},
    "scope": {},
    "attributes": {
        "llm.model_name": "gpt-4.1",
        "llm.token_count.prompt": 12,
        "llm.token_count.completion": 3,
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Hello",
        "llm.invocation_parameters": '{"temperature":0}',
        "session.id": "s-1",
        "metadata": '{"a":{"b":1}}',
        "tag.tags": ["x"],
        "openinference.span.kind": "LLM",
    },
    "events": [{"name": "first token", "timestamp": "2026-04-23T05:32:00.5+00:00", "attributes": {}}],
}


def test_phoenix_nests_its_attributes_and_they_are_read_as_openinference_names_them() -> None:
    assert only_span(phoenix()) == PHOENIX


def test_phoenix_exports_tables_whose_columns_have_dots() -> None:
    row = phoenix(start_time=1_776_922_320_000, end_time=None, id=7)
    attributes = row.pop("attributes")
    columns = {
        "attributes.llm.model_name": attributes["llm"]["model_name"],
        "attributes.llm.token_count.prompt": 12,
        "attributes.llm.token_count.completion": 3.0,
        "attributes.llm.input_messages": [{"message.role": "user", "message.content": "Hello"}],
        "attributes.llm.invocation_parameters": '{"temperature":0}',
        "attributes.session.id": "s-1",
        "attributes.metadata": attributes["metadata"],
        "attributes.tag.tags": ["x"],
        "attributes.output.value": None,
    }
    context = row.pop("context")
    at = "2026-04-23T05:32:00.000000000Z"
    assert only_span({**row, **{f"context.{key}": held for key, held in context.items()}, **columns}) == {
        **PHOENIX,
        "start_time": at,
        "end_time": at,
        "id": 7,
    }


def test_spans_printed_by_the_console_exporter_of_opentelemetry_are_read() -> None:
    printed = {
        "name": "step",
        "context": {"trace_id": f"0x{TRACE}", "span_id": f"0x{CALL}", "trace_state": "[]"},
        "kind": "SpanKind.INTERNAL",
        "parent_id": None,
        "start_time": "2026-04-23T05:32:00.000001Z",
        "end_time": "2026-04-23T05:32:01.000001Z",
        "status": {"status_code": "ERROR", "description": "gone"},
        "attributes": {"a": 1},
        "events": [],
        "links": [{"context": {"trace_id": f"0x{TRACE}", "span_id": f"0x{ROOT}"}, "attributes": {}}],
        "resource": {"attributes": {"service.name": "shop"}, "schema_url": ""},
    }
    file = b"".join(json.dumps(printed, indent=4).encode() + b"\n" for _ in range(2))
    [found, _] = spans(file)
    assert found == {
        "trace_id": TRACE,
        "span_id": CALL,
        "parent_span_id": "",
        "trace_state": "",
        "name": "step",
        "kind": "SPAN_KIND_INTERNAL",
        "start_time": "2026-04-23T05:32:00.000001Z",
        "end_time": "2026-04-23T05:32:01.000001Z",
        "status": {"code": "STATUS_CODE_ERROR", "message": "gone"},
        "resource": {"attributes": {"service.name": "shop"}, "schema_url": ""},
        "scope": {},
        "attributes": {"a": 1},
        "links": [{"trace_id": TRACE, "span_id": ROOT, "attributes": {}}],
    }


# --- Langfuse


LANGFUSE = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def observation(number: int, kind: str, **changes: object) -> Json:
    """Return an observation as Langfuse's API answers it."""
    return {
        "id": f"o{number}",
        "traceId": LANGFUSE,
        "type": kind,
        "name": f"step {number}",
        "startTime": f"2026-04-23T05:32:0{number}.000Z",
        "endTime": f"2026-04-23T05:32:0{number}.500Z",
        "level": "DEFAULT",
        "statusMessage": None,
        "parentObservationId": None,
        "input": None,
        "output": None,
        "metadata": {},
        "projectId": "p",
        **changes,
    }


def langfuse_trace(*observations: object, **changes: object) -> Json:
    """Return a trace as Langfuse's API answers it."""
    return {
        "id": LANGFUSE,
        "timestamp": "2026-04-23T05:32:00.500Z",
        "name": "chat",
        "input": {"question": "Why?"},
        "output": "So.",
        "sessionId": "s-1",
        "userId": "u-1",
        "tags": ["vip"],
        "metadata": {"plan": "pro"},
        "environment": "prod",
        "createdAt": "2026-04-23T05:33:00.000Z",
        "projectId": "p",
        "totalCost": 3,
        "scores": [],
        "observations": list(observations),
        **changes,
    }


def attributes_of(found: Json, *keys: str) -> Json:
    return {key: value for key, value in found["attributes"].items() if not keys or key in keys}


def test_a_langfuse_generation_is_a_call_of_a_model() -> None:
    usage = {"input": 12, "output": 3, "total": 15, "input_cached_tokens": 8}
    generation = observation(
        1,
        "GENERATION",
        model="gpt-4.1",
        modelParameters={"temperature": 0},
        input=[{"role": "user", "content": "Hello"}],
        output="Hi",
        usageDetails=usage,
        costDetails={"input": 0.1, "total": 0.25},
        level="ERROR",
        statusMessage="overloaded",
        completionStartTime="2026-04-23T05:32:01.100Z",
        sessionId="s-1",
        promptVersion=3,
    )
    assert only_span(generation) == {
        "trace_id": LANGFUSE,
        "span_id": "o1",
        "parent_span_id": "",
        "name": "step 1",
        "kind": "SPAN_KIND_INTERNAL",
        "start_time": "2026-04-23T05:32:01.000Z",
        "end_time": "2026-04-23T05:32:01.500Z",
        "status": {"code": "STATUS_CODE_ERROR", "message": "overloaded"},
        "resource": {"attributes": {}},
        "scope": {"name": "langfuse"},
        "attributes": {
            "openinference.span.kind": "LLM",
            "input.value": '[{"role":"user","content":"Hello"}]',
            "output.value": "Hi",
            "llm.model_name": "gpt-4.1",
            "llm.invocation_parameters": '{"temperature":0}',
            "llm.token_count.prompt": 12,
            "llm.token_count.completion": 3,
            "llm.token_count.total": 15,
            "llm.token_count.prompt_details.cache_read": 8,
            "inference.llm.cost.total": 0.25,
            "session.id": "s-1",
            "langfuse.completionStartTime": "2026-04-23T05:32:01.100Z",
            "langfuse.promptVersion": 3,
            "langfuse.projectId": "p",
        },
    }


def test_a_langfuse_trace_is_the_span_above_several_observations() -> None:
    root, first, second, third = spans(
        json_lines(
            langfuse_trace(
                observation(1, "AGENT", name="planner"),
                observation(2, "TOOL", name="lookup", parentObservationId="o1"),
                observation(3, "EVENT", endTime=None),
            )
        )
    )
    assert root == {
        "trace_id": LANGFUSE,
        "span_id": LANGFUSE,
        "parent_span_id": "",
        "name": "chat",
        "kind": "SPAN_KIND_INTERNAL",
        "start_time": "2026-04-23T05:32:00.500Z",
        "end_time": "2026-04-23T05:32:03.000Z",
        "status": {"code": "STATUS_CODE_UNSET"},
        "resource": {"attributes": {"deployment.environment": "prod"}},
        "scope": {"name": "langfuse"},
        "attributes": {
            "openinference.span.kind": "CHAIN",
            "langfuse.trace.name": "chat",
            "input.value": '{"question":"Why?"}',
            "output.value": "So.",
            "session.id": "s-1",
            "user.id": "u-1",
            "tag.tags": ["vip"],
            "metadata": '{"plan":"pro"}',
            "langfuse.trace.createdAt": "2026-04-23T05:33:00.000Z",
            "langfuse.trace.projectId": "p",
        },
    }
    assert [each["parent_span_id"] for each in (first, second, third)] == [LANGFUSE, "o1", LANGFUSE]
    named = ("agent.name", "tool.name", "openinference.span.kind", "session.id")
    assert [attributes_of(each, *named) for each in (first, second, third)] == [
        {"openinference.span.kind": "AGENT", "session.id": "s-1", "agent.name": "planner"},
        {"openinference.span.kind": "TOOL", "session.id": "s-1", "tool.name": "lookup"},
        {"openinference.span.kind": "SPAN", "session.id": "s-1"},
    ]
    assert third["start_time"] == third["end_time"]


def test_an_observation_above_all_others_stands_for_the_langfuse_trace() -> None:
    [top, _] = spans(
        json_lines(
            langfuse_trace(observation(1, "SPAN", output="own"), observation(2, "SPAN", parentObservationId="o1"))
        )
    )
    assert (top["span_id"], top["parent_span_id"]) == ("o1", "")
    assert attributes_of(top, "input.value", "output.value", "langfuse.trace.name", "user.id") == {
        "output.value": "own",
        "user.id": "u-1",
        "langfuse.trace.name": "chat",
        "input.value": '{"question":"Why?"}',
    }


@pytest.mark.parametrize("observations", [["o1", "o2"], None])
def test_a_langfuse_trace_without_its_observations_is_one_span(observations: object) -> None:
    found = only_span(langfuse_trace(observations=observations))
    assert (found["span_id"], found["start_time"], found["end_time"]) == (LANGFUSE, *["2026-04-23T05:32:00.500Z"] * 2)


def test_langfuses_files_spell_keys_with_underscores_and_leave_out_that_instants_are_in_utc() -> None:
    found = only_span(
        {
            "id": "o1",
            "trace_id": LANGFUSE,
            "project_id": "p",
            "type": "GENERATION",
            "parent_observation_id": "o0",
            "start_time": "2026-04-23 05:32:01.000000",
            "end_time": "2026-04-23 05:32:01.500000",
            "name": "answer",
            "level": "DEFAULT",
            "status_message": None,
            "provided_model_name": "gpt-4.1",
            "usage_details": {"input": 12},
            "total_cost": 0.5,
            "user_id": "u-1",
            "environment": "prod",
        }
    )
    assert (found["parent_span_id"], found["start_time"]) == ("o0", "2026-04-23 05:32:01.000000Z")
    assert found["attributes"] == {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4.1",
        "llm.token_count.prompt": 12,
        "inference.llm.cost.total": 0.5,
        "user.id": "u-1",
        "langfuse.project_id": "p",
    }


def test_attributes_that_langfuse_keeps_of_opentelemetrys_spans_are_found() -> None:
    kept = {"attributes": {"gen_ai.agent.name": "shop", "x": 1}, "resourceAttributes": {"service.name": "api"}}
    found = only_span(observation(1, "SPAN", metadata=kept))
    assert attributes_of(found, "agent.name", "x") == {"x": 1, "agent.name": "shop"}
    assert found["resource"] == {"attributes": {"service.name": "api"}}


def test_a_wrong_observation_of_a_langfuse_trace_leaves_the_others() -> None:
    trace = langfuse_trace(7, observation(1, "SPAN"), observation(2, "SPAN", startTime=None), timestamp="soon")
    found = list(read_spans(io.BytesIO(json_lines(trace))))
    assert [each.span["span_id"] for each in found if not isinstance(each, BadLine)] == ["o1"]
    assert [each.reason for each in found if isinstance(each, BadLine)] == [
        "has an observation that is not a JSON object",
        "lacks startTime",
    ]


@pytest.mark.parametrize("observations", [7, "o1", {"id": "o1"}])
def test_a_langfuse_trace_whose_observations_are_no_list_is_one_span(observations: object) -> None:
    found = list(read_spans(io.BytesIO(json_lines({**langfuse_trace(), "observations": observations}))))
    assert [each.span["span_id"] for each in found if not isinstance(each, BadLine)] == [langfuse_trace()["id"]]
    assert [each.reason for each in found if isinstance(each, BadLine)] == ["has observations that are no list"]


# --- HALO's own, freely written


@pytest.mark.parametrize(
    ("written_at", "read_as"),
    [
        (1_776_922_320, "2026-04-23T05:32:00.000000000Z"),
        (1_776_922_320.25, "2026-04-23T05:32:00.250000000Z"),
        (1_776_922_320_001, "2026-04-23T05:32:00.001000000Z"),
        (1_776_922_320_000_001, "2026-04-23T05:32:00.000001000Z"),
        (1_776_922_320_000_000_001, "2026-04-23T05:32:00.000000001Z"),
        ("1776922320000", "2026-04-23T05:32:00.000000000Z"),
        ("1776922320.25", "2026-04-23T05:32:00.250000000Z"),
        ("2026-04-23 05:32:00+02:00", "2026-04-23 05:32:00+02:00"),
    ],
)
def test_an_instant_may_be_a_number_of_any_unit(written_at: object, read_as: str) -> None:
    assert only_span({"trace_id": "t", "span_id": "s", "start_time": written_at})["start_time"] == read_as


def test_optional_keys_of_a_span_can_be_missing_or_in_camel_case() -> None:
    found = {"traceId": "t", "spanId": "s", "startTime": 1_776_922_320, "name": "step", "kind": 3, "statusCode": "ok"}
    at = "2026-04-23T05:32:00.000000000Z"
    assert only_span({**found, "mine": 1}) == {
        "trace_id": "t",
        "span_id": "s",
        "parent_span_id": "",
        "trace_state": "",
        "name": "step",
        "kind": "SPAN_KIND_CLIENT",
        "start_time": at,
        "end_time": at,
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "resource": {"attributes": {}},
        "scope": {},
        "attributes": {},
        "mine": 1,
    }


def test_otlp_spans_may_stand_alone() -> None:
    assert only_span(otlp_span()) == {**halo_span(), "resource": {"attributes": {}}, "scope": {}}


# --- other conventions


@pytest.mark.parametrize(
    ("attributes", "added"),
    [
        (
            {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 3},
            {"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.token_count.prompt": 3},
        ),
        ({"gen_ai.response.model": "m2", "gen_ai.provider.name": "x"}, {"llm.model_name": "m2", "llm.provider": "x"}),
        (
            {"traceloop.span.kind": "workflow", "llm.usage.total_tokens": 9},
            {"openinference.span.kind": "CHAIN", "llm.token_count.total": 9},
        ),
        ({"gen_ai.conversation.id": "c", "enduser.id": "u"}, {"session.id": "c", "user.id": "u"}),
        ({"gen_ai.agent.name": "other", "agent.name": "own"}, {}),
        (
            {"ai.toolCall.name": "f", "ai.operationId": "ai.toolCall"},
            {"tool.name": "f", "openinference.span.kind": "TOOL"},
        ),
    ],
)
def test_attributes_of_other_conventions_are_found_under_halos_names(attributes: Json, added: Json) -> None:
    assert only_span(halo_span(attributes=dict(attributes)))["attributes"] == {**attributes, **added}


# --- what is not read


SCORE = {"id": "1", "traceId": "t", "timestamp": "x", "name": "q", "value": 1, "dataType": "NUMERIC"}


JAEGER = {"data": [{"traceID": "t", "spans": [{"traceID": "t", "spanID": "s"}]}]}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"resourceMetrics": []}, "OTLP metrics: no spans in them"),
        ({"resourceLogs": []}, "OTLP logs: no spans in them"),
        (SCORE, "Langfuse scores: no spans in them"),
        ({"data": [SCORE]}, "Langfuse scores: no spans in them"),
        ({"id": "1", "expectedOutput": "x"}, "Langfuse dataset items: no spans in them"),
        ({"id": "1", "projectId": "p", "createdAt": "x"}, "Langfuse sessions without their traces: no spans in them"),
        (
            {"data": [{"traceID": "t", "spans": [{"traceID": "t", "spanID": "s"}]}]},
            "Jaeger's JSON, which is not read; export OTLP as JSON",
        ),
        ({"a": 1}, "is not a span in a known format"),
        ("text", "is not a JSON object"),
    ],
)
def test_a_known_format_without_spans_is_named(value: object, said: str) -> None:
    assert reason_of(value) == said


OTLP_BYTES = b"\n\x9a\x01\n\x13\n\x11\n\x0cservice.name\x12\x01\x00" + bytes(range(128))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (OTLP_BYTES, "is OTLP as protobuf, not text; export OTLP as JSON instead"),
        (b"\x00\x00\x01\x9a" + OTLP_BYTES, "is OTLP as protobuf, not text; export OTLP as JSON instead"),
        (gzipped(OTLP_BYTES), "is OTLP as protobuf, not text; export OTLP as JSON instead"),
        (b"\x01\x02", "is binary, not text; give it JSON or JSON lines"),
        (b"PK\x03\x04....", "is a zip archive; unpack it first"),
        (b"PAR1....", "is Parquet; export JSON or JSON lines instead"),
        (b"\xff\xfe{\x00}\x00", "is UTF-16 text; save it as UTF-8"),
        (b"id,timestamp,name\n1,2,3\n", "is CSV; export JSON or JSON lines instead"),
        (b"<!doctype html>", "is HTML or XML; export JSON or JSON lines instead"),
        (gzipped(gzipped(b"{}")), "is gzip within gzip; unpack it once"),
    ],
)
def test_a_file_without_json_is_named_by_its_first_bytes(file: bytes, said: str) -> None:
    assert bad_lines(file) == [BadLine(0, said, ends_file=True)]


# --- what was cut off, and what is too long

PACKED = gzipped(json_lines(halo_span()))


@pytest.mark.parametrize("form", ["a request a line", "packed"])
def test_a_file_may_end_anywhere_and_what_was_before_is_read(form: str) -> None:
    whole = FORMS[form]
    for end in range(30, len(whole) - 1, 97):
        found = list(read_spans(io.BytesIO(whole[:end])))
        assert [each.ends_file for each in found if isinstance(each, BadLine)] in ([True], [])
        assert [each.span for each in found if not isinstance(each, BadLine)] in ([], BOTH[:1])


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        (json_lines(halo_span())[:-9], 1, "ends in the middle of a line; it was cut off"),
        (json.dumps(otlp_request(), indent=2).encode()[:-9], 161, "ends in the middle of a value; it was cut off"),
        (PACKED[:-9], 1, "ends in the middle of the gzip stream; it was cut off"),
        (PACKED + b"junk", 1, "is damaged: from here on it is no gzip stream"),
        (PACKED + b"\0" * 512 + b"junk", 1, "is damaged: from here on it is no gzip stream"),
        (b'{\n"a": 1,\n\n}', 4, "is not valid JSON"),
        (b'[\n{"a": "\xff"}]', 1, "is not UTF-8"),
    ],
)
def test_a_file_that_was_cut_off_says_where(file: bytes, line: int, said: str) -> None:
    assert bad_lines(file) == [BadLine(line, said, ends_file=True)]


@pytest.mark.parametrize(
    "value", [[halo_root(), halo_span(), halo_span()], otlp_request(otlp_root(), otlp_span(), otlp_span())]
)
@pytest.mark.parametrize("end", [b"", b"]]]]", b",}"])
def test_values_before_an_error_in_a_document_are_read(value: Json, end: bytes) -> None:
    found = list(read_spans(io.BytesIO(json.dumps(value, indent=1).encode()[:-200] + end)))
    assert [each.span for each in found if not isinstance(each, BadLine)] == BOTH
    assert isinstance(found[-1], BadLine)
    assert found[-1].ends_file


@pytest.mark.parametrize("members", [1, 2])
def test_a_damaged_gzip_file_is_read_up_to_the_damage(members: int) -> None:
    whole = gzipped(b"\n" * 200_000 + json_lines(*BOTH))
    wrong = whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]
    *found, last = read_spans(io.BytesIO(gzipped(b"\n") * (members - 1) + wrong + gzipped(b"{}") * (members - 1)))
    assert [each.span for each in found if not isinstance(each, BadLine)] == BOTH
    assert last == BadLine(200_001 + members, "is damaged: from here on it is no gzip stream", ends_file=True)


@pytest.mark.parametrize("between", [b"", b" ", b"\r", b"\r\r"])
def test_values_need_no_line_of_their_own(between: bytes) -> None:
    parts = [json.dumps(each).encode() for each in BOTH]
    assert spans(between.join(parts) + between) == BOTH
    assert spans(between.join(parts) + b"\n" + parts[0]) == [*BOTH, BOTH[0]]
    [before, mistake, after] = read_spans(io.BytesIO(parts[0] + between + b"oops\n" + parts[1]))
    assert not isinstance(before, BadLine)
    assert mistake == BadLine(1, "is not valid JSON")
    assert not isinstance(after, BadLine)


@pytest.mark.parametrize("layout", [None, 2])
def test_half_a_character_is_replaced(layout: int | None) -> None:
    file = json.dumps(halo_span() | {"name": "a\ud83d"}, indent=layout).encode()
    assert [each["name"] for each in spans(file)] == ["a\ufffd"]


TOO_LONG = (
    "holds one JSON value of more than 32 MiB; write JSON lines instead: one span, trace or OTLP request on each line"
)


@pytest.mark.parametrize("begin", [b'{"a": "', b'{"a": [', b'"', b'{"a": {"b": [{"c": ['])
def test_a_value_that_is_too_long_is_refused_alone(begin: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "MAX_VALUE", 3000)
    monkeypatch.setattr(json_text, "MAX_WHOLE_LENGTH", 1000)
    monkeypatch.setattr(json_text, "_CHUNK_LENGTH", 100)
    monkeypatch.setattr(lines, "MAX_WHOLE_LENGTH", 1000)
    monkeypatch.setattr(lines, "_CHUNK_BYTES", 100)
    file = begin + b"[]," * 2000 + b"\n" + json_lines(halo_root())
    found = list(read_spans(io.BytesIO(file)))
    assert [each.reason if isinstance(each, BadLine) else each.span for each in found] == [TOO_LONG, halo_root()]


@pytest.mark.parametrize("file", [b"\x20" * 5000, b"\n" * 5000, b"{}\n" * 2000, gzipped(b" " * 10**6)])
def test_an_endless_file_without_spans_is_abandoned(file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_BYTES_WITHOUT_SPAN", 4000)
    assert bad_lines(file)[-1].reason.endswith("without a span; the rest was not read")


def test_an_endless_line_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_BYTES_WITHOUT_SPAN", 4000)
    monkeypatch.setattr(lines, "MAX_WHOLE_LENGTH", 1000)
    monkeypatch.setattr(lines, "_CHUNK_BYTES", 100)
    [said] = bad_lines(b'"' + b"x" * 9000)
    assert said.ends_file


def test_an_empty_line_counts_for_more_than_its_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_BYTES_WITHOUT_SPAN", 128 * 1000)
    assert bad_lines(b"\n" * 900) == []
    assert bad_lines(b"\n" * 1100)[-1].ends_file
