"""Parses filters of traces and spans: ``duration>500``, ``model in:a,b``, ``tool.name=search``.

See docs/protocol.md#trace-filters. Each expression becomes a filter of the platform; the error for an invalid one names
the wrong part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite
from typing import Any, Final, NamedTuple

from halo_iac.errors import UsageError
from halo_iac.hints import Command, Hint
from halo_iac.text import closest_match, quote

Sent = dict[str, Any]
"""A filter in the platform's format."""


class _Number(NamedTuple):
    """A numeric field: its name on the platform, and the factor from halo's unit to the platform's."""

    name: str
    unit: int = 1


_NS_PER_MS: Final = 1_000_000
_OF_TRACES: Final = {"span_count": _Number("span_count"), "llm_span_count": _Number("llm_span_count")}
_NUMBERS: Final[Mapping[str, _Number]] = {
    "duration": _Number("duration_ns", _NS_PER_MS),
    "duration_ms": _Number("duration_ns", _NS_PER_MS),
    "duration_ns": _Number("duration_ns"),
    "total_cost": _Number("cost_total"),
    "cost": _Number("cost_total"),
    "cost_total": _Number("cost_total"),
    "total_tokens": _Number("total_tokens"),
    "input_tokens": _Number("input_tokens"),
    "cached_input_tokens": _Number("cache_read_tokens"),
    "cache_read_tokens": _Number("cache_read_tokens"),
    "output_tokens": _Number("output_tokens"),
    **_OF_TRACES,
}
_TEXTS: Final = (
    "observation_kind",
    "llm_provider",
    "llm_model_name",
    "service_name",
    "deployment_environment",
    "user_id",
    "session_id",
    "agent_name",
    "trace_import_id",
    "span_name",
    "trace_id",
    "span_id",
    "status",
)

_SIGNS: Final = {
    ">=": "gte",
    "<=": "lte",
    "!=": "neq",
    "!~": "does_not_contain",
    ">": "gt",
    "<": "lt",
    "=": "eq",
    "~": "contains",
}
_WORDS: Final = {"empty": "is_empty", "not-empty": "is_not_empty"}
_LISTS: Final = {"between:": "between", "in:": "in", "not-in:": "not_in"}

_OF_NUMBERS: Final = (">", ">=", "<", "<=", "=", "!=", "between:")
_OF_TEXTS: Final = ("=", "!=", "~", "!~", "empty", "not-empty", "in:", "not-in:")
_OF_ATTRIBUTES: Final = ("=", "!=", "~", "!~", "empty", "not-empty")

_SIGN: Final = "|".join(map(re.escape, _SIGNS))  # the longer ones first
_LIST: Final = "|".join(map(re.escape, _LISTS))
_PARTS: Final = re.compile(
    rf"(?P<name>[^\s=!~<>]*)\s*(?:(?P<sign>{_SIGN})|\s(?P<list>{_LIST})|\s(?P<word>empty|not-empty)(?=\s*$))(?P<value>.*)",
    re.DOTALL,
)
_MAX_NUMBER_LENGTH: Final = 32
_DECIMAL: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_UNIT: Final = re.compile(r"(\d+\.?\d*)\s*(ns|us|µs|ms|s|m|min|h)", re.ASCII)
_MS_OF: Final = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000}

_SYNONYMS: Final = {
    **{
        name: f"--{name}"
        for name in ("agent", "environment", "kind", "model", "provider", "service", "session", "user")
    },
    "agent_id": "--agent",
    "latency": "duration",
    "name": "span_name",
    "tokens": "total_tokens",
}
"""Words that are not fields → the field that was probably meant."""


_ORDINARY: Final = re.compile(r"[\w.:/%$ =-]{1,60}", re.ASCII)
"""A part that messages may quote by itself; part of a pasted key could not be redacted."""

_FORM: Final = "write a name, an operator and a value, such as 'duration>500' or 'user_id=u-1'"


class _Parts(NamedTuple):
    """The parts of an expression; ``operator`` is as typed, without white space around it."""

    name: str
    operator: str
    value: str

    @property
    def label(self) -> str:
        """Return the name as messages call it."""
        return self.name if _ORDINARY.fullmatch(self.name) else "the attribute"


def _quote_ordinary(part: str, otherwise: str) -> str:
    return quote(part) if _ORDINARY.fullmatch(part) else otherwise


def field_filters(expressions: Sequence[str], *, of_spans: bool) -> tuple[list[Sent], list[Sent]]:
    """Return the numeric filters and the text filters of ``--filter``."""
    numbers: list[Sent] = []
    texts: list[Sent] = []
    for expression in expressions:
        wrong = _Wrong("--filter", expression)
        parts = _split_expression(expression, wrong, partial(_check_field, wrong=wrong, of_spans=of_spans))
        if parts.name in _NUMBERS:
            numbers.append(_number_filter(parts, wrong))
        else:
            texts.append({"field": parts.name, **_comparison(parts, _OF_TEXTS, wrong)})
    return numbers, texts


def attribute_filters(expressions: Sequence[str], option: str, scope: str) -> list[Sent]:
    """Return the filters of ``--metadata`` or ``--resource``; ``scope`` is ``span`` or ``resource``."""
    filters = []
    for expression in expressions:
        wrong = _Wrong(option, expression)
        parts = _split_expression(expression, wrong, lambda _: None)
        filters.append({"key": parts.name, **_comparison(parts, _OF_ATTRIBUTES, wrong), "scope": scope})
    return filters


class _Wrong(NamedTuple):
    """Returns errors about one expression, which name the option and quote the expression."""

    option: str
    expression: str

    def __call__(self, reason: str, hint: str | None) -> UsageError:
        return UsageError(f"{self.option} {quote(self.expression, longest=120)}: {reason}", hint=hint)


def _split_expression(expression: str, wrong: _Wrong, check_name: Callable[[str], None]) -> _Parts:
    found = _PARTS.fullmatch(expression.strip())
    if found is None:
        name, *others = expression.split(maxsplit=1) or [""]
        if not name:
            raise wrong("it is empty", _FORM)
        check_name(name)
        reason = f"{quote(others[0])} is not an operator with a value" if others else ""
        raise wrong(reason or f"no operator follows {quote(name)}", _describe_operators(wrong, name))
    if not found["name"]:
        raise wrong("no name precedes the operator", _FORM)
    check_name(found["name"])
    operator = found["sign"] or found["list"] or found["word"]
    return _Parts(found["name"], operator, found["value"].strip())


def _check_field(name: str, wrong: _Wrong, *, of_spans: bool) -> None:
    if of_spans and name in _OF_TRACES:
        raise wrong(f"{name} is a field of traces, not of spans", Hint("use it with `{}`", Command("trace", "list")))
    if name in _NUMBERS or name in _TEXTS:
        return
    numbers = [each for each in _NUMBERS if not (of_spans and each in _OF_TRACES)]
    meant = _SYNONYMS.get(name) or closest_match(name, {*numbers, *_TEXTS})
    known = f"{', '.join(numbers)} (numbers) and {', '.join(_TEXTS)} (texts)"
    raise wrong(
        f"{_quote_ordinary(name, 'the text before the operator')} is not a field",
        f"did you mean `{meant}`? The fields are {known}" if meant else f"the fields are {known}",
    )


def _describe_operators(wrong: _Wrong, name: str) -> str:
    known = _OF_ATTRIBUTES if wrong.option != "--filter" else _OF_NUMBERS if name in _NUMBERS else _OF_TEXTS
    shown = (f"{each}A,B" if each.endswith(":") else each for each in known)
    return f"the operators of {name if _ORDINARY.fullmatch(name) else 'attributes'} are {'  '.join(shown)}"


def _comparison(parts: _Parts, known: Sequence[str], wrong: _Wrong) -> Sent:
    """Return operator and value of a text filter."""
    if parts.operator not in known:
        reason = f"{parts.label} is text, which {parts.operator} does not compare"
        raise wrong(reason, _describe_operators(wrong, parts.name))
    if parts.operator in _WORDS:
        return {"op": _WORDS[parts.operator]}
    if parts.operator in _LISTS:
        values = [each for each in map(str.strip, parts.value.split(",")) if each]
        if not values:
            raise wrong(_missing_value(parts), f"write '{parts.label} {parts.operator}A,B'")
        return {"op": _LISTS[parts.operator], "values": values}
    if not parts.value:
        is_equal = parts.operator == "="
        hint = f"to match missing values, write '{parts.label} empty'" if is_equal else "write one after it"
        raise wrong(_missing_value(parts), hint)
    return {"op": _SIGNS[parts.operator], "value": parts.value}


def _missing_value(parts: _Parts) -> str:
    return f"no value follows {quote(parts.operator)}"


def _number_filter(parts: _Parts, wrong: _Wrong) -> Sent:
    if parts.operator not in _OF_NUMBERS:
        reason = f"{parts.name} is a number, which {parts.operator} does not compare"
        raise wrong(reason, _describe_operators(wrong, parts.name))
    field = _NUMBERS[parts.name]
    if parts.operator != "between:":
        value = _read_number(parts.value, parts, field, wrong)
        return {"field": field.name, "op": _SIGNS[parts.operator], "value": value}
    ends = parts.value.split(",")
    if len(ends) != 2:
        raise wrong(f"between: takes two numbers, not {len(ends)}", f"write '{parts.name} between:100,500'")
    least, most = (_read_number(end, parts, field, wrong) for end in ends)
    if least > most:
        raise wrong("the first number is larger than the second, so nothing can match", "swap them")
    return {"field": field.name, "op": "between", "value": least, "secondValue": most}


def _read_number(text: str, parts: _Parts, field: _Number, wrong: _Wrong) -> int | float:
    text = text.strip()
    if not text:
        raise wrong(_missing_value(parts), "write a number after it")
    number = float(text) if _DECIMAL.fullmatch(text) and len(text) < _MAX_NUMBER_LENGTH else None
    if number is None or not isfinite(number):
        raise wrong(f"{_quote_ordinary(text, 'the value')} is not a number", _number_hint(text, parts, field))
    scaled = number * field.unit
    return int(scaled) if scaled.is_integer() else scaled


def _number_hint(text: str, parts: _Parts, field: _Number) -> str:
    found = _UNIT.fullmatch(text)
    if field.unit != _NS_PER_MS:
        return "write digits alone, such as 500 or 0.05"
    if found is None:
        return "write milliseconds, such as 500"
    return f"{parts.name} is in milliseconds: write {float(found[1]) * _MS_OF[found[2]]:.12g}"
