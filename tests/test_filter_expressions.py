"""Filters as they are typed: what is sent for each, and which part is wrong where none can be (test_trace_protocol.py
holds those that were recorded)."""

from __future__ import annotations

from typing import Any

import pytest

from halo_iac.cli.traces.filter_expressions import attribute_filters, field_filters
from halo_iac.errors import UsageError


@pytest.mark.parametrize(
    ("expression", "sent"),
    [
        ("duration_ms > 500", {"field": "duration_ns", "op": "gt", "value": 500_000_000}),
        ("duration_ms>0.5", {"field": "duration_ns", "op": "gt", "value": 500_000}),
        ("duration_ns>5", {"field": "duration_ns", "op": "gt", "value": 5}),
        ("duration>-5", {"field": "duration_ns", "op": "gt", "value": -5_000_000}),
        ("total_tokens=1e3", {"field": "total_tokens", "op": "eq", "value": 1000}),
        ("  cost  between: 0.1 , 2 ", {"field": "cost_total", "op": "between", "value": 0.1, "secondValue": 2}),
        ("user_id = a=b", {"field": "user_id", "op": "eq", "value": "a=b"}),
        ("span_name~a~b", {"field": "span_name", "op": "contains", "value": "a~b"}),
        ("span_name=a,b", {"field": "span_name", "op": "eq", "value": "a,b"}),
        ("user_id=empty", {"field": "user_id", "op": "eq", "value": "empty"}),
        ("user_id  empty ", {"field": "user_id", "op": "is_empty"}),
        ("user_id in:a, b,", {"field": "user_id", "op": "in", "values": ["a", "b"]}),
    ],
)
def test_an_expression_is_sent_as_the_official_client_sends_it(expression: str, sent: dict[str, Any]) -> None:
    numbers, texts = field_filters([expression], of_spans=False)
    assert [*numbers, *texts] == [sent]


NUMBERS = "duration, duration_ms, duration_ns, total_cost, cost, cost_total, total_tokens, input_tokens, "
NUMBERS += "cached_input_tokens, cache_read_tokens, output_tokens"
TEXTS = "observation_kind, llm_provider, llm_model_name, service_name, deployment_environment, user_id, session_id, "
TEXTS += "agent_name, trace_import_id, span_name, trace_id, span_id, status"
FIELDS = f"fields are {NUMBERS}, span_count, llm_span_count (numbers) and {TEXTS} (texts)"
OF_NUMBERS = "are >  >=  <  <=  =  !=  between:A,B"
OF_TEXTS = "are =  !=  ~  !~  empty  not-empty  in:A,B  not-in:A,B"
FORM = "write a name, an operator and a value, such as 'duration>500' or 'user_id=u-1'"


@pytest.mark.parametrize(
    ("expression", "message", "hint"),
    [
        ("", "it is empty", FORM),
        (" ", "it is empty", FORM),
        (">5", "no name precedes the operator", FORM),
        ("foo>1", "`foo` is not a field", f"the {FIELDS}"),
        ("latency", "`latency` is not a field", f"did you mean `duration`? The {FIELDS}"),
        ("Total_Cost>5", "`Total_Cost` is not a field", f"did you mean `total_cost`? The {FIELDS}"),
        ("agent_id=x", "`agent_id` is not a field", f"did you mean `--agent`? The {FIELDS}"),
        ("model=x", "`model` is not a field", f"did you mean `--model`? The {FIELDS}"),
        ("duration", "no operator follows `duration`", f"the operators of duration {OF_NUMBERS}"),
        ("duration 5", "`5` is not an operator with a value", f"the operators of duration {OF_NUMBERS}"),
        ("duration~3", "duration is a number, which ~ does not compare", f"the operators of duration {OF_NUMBERS}"),
        (
            "duration in:1",
            "duration is a number, which in: does not compare",
            f"the operators of duration {OF_NUMBERS}",
        ),
        ("cost empty", "cost is a number, which empty does not compare", f"the operators of cost {OF_NUMBERS}"),
        ("status>error", "status is text, which > does not compare", f"the operators of status {OF_TEXTS}"),
        ("status has:x", "`has:x` is not an operator with a value", f"the operators of status {OF_TEXTS}"),
        ("duration>", "no value follows `>`", "write a number after it"),
        ("duration>abc", "`abc` is not a number", "write milliseconds, such as 500"),
        ("duration>2.5s", "`2.5s` is not a number", "duration is in milliseconds: write 2500"),
        ("cost==5", "`=5` is not a number", "write digits alone, such as 500 or 0.05"),
        ("cost>nan", "`nan` is not a number", "write digits alone, such as 500 or 0.05"),
        ("cost>1e400", "`1e400` is not a number", "write digits alone, such as 500 or 0.05"),
        ("cost between:1", "between: takes two numbers, not 1", "write 'cost between:100,500'"),
        ("cost between:1,2,3", "between: takes two numbers, not 3", "write 'cost between:100,500'"),
        ("cost between:2,1", "the first number is larger than the second, so nothing can match", "swap them"),
        ("user_id=", "no value follows `=`", "to match missing values, write 'user_id empty'"),
        ("user_id~", "no value follows `~`", "write one after it"),
        ("user_id in:,", "no value follows `in:`", "write 'user_id in:A,B'"),
    ],
)
def test_an_invalid_filter_is_an_error_that_names_what_is_valid(expression: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        field_filters([expression], of_spans=False)
    assert (caught.value.message, caught.value.hint) == (f"--filter `{expression}`: {message}", hint)


def test_counts_of_spans_are_fields_of_traces_alone() -> None:
    with pytest.raises(UsageError) as caught:
        field_filters(["span_count>3"], of_spans=True)
    assert caught.value.message == "--filter `span_count>3`: span_count is a field of traces, not of spans"
    with pytest.raises(UsageError) as caught:
        field_filters(["nothing>3"], of_spans=True)
    assert caught.value.hint == f"the fields are {NUMBERS} (numbers) and {TEXTS} (texts)"


OF_ATTRIBUTES = "the operators of a are =  !=  ~  !~  empty  not-empty"


@pytest.mark.parametrize(
    ("expression", "message", "hint"),
    [
        ("a", "no operator follows `a`", OF_ATTRIBUTES),
        ("a b=c", "`b=c` is not an operator with a value", OF_ATTRIBUTES),
        ("a in:b", "a is text, which in: does not compare", OF_ATTRIBUTES),
        ("a>1", "a is text, which > does not compare", OF_ATTRIBUTES),
        ("a=", "no value follows `=`", "to match missing values, write 'a empty'"),
        ("=x", "no name precedes the operator", FORM),
    ],
)
def test_an_attribute_may_have_any_name_but_is_compared_as_text(expression: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        attribute_filters([expression], "--resource", "resource")
    assert (caught.value.message, caught.value.hint) == (f"--resource `{expression}`: {message}", hint)
