"""Validates queries about traces: filters, sorts and cursors (docs/protocol.md#trace-filters).

Not documented, and chosen here: an unknown filter is refused, since ignoring it would return too much; texts are
compared regardless of case; a time range selects the traces or spans that ended in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from math import isfinite
from typing import Any, Final

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.instants import to_nanoseconds
from halo_iac.sandbox.protocol import RequestRefused
from halo_iac.sandbox.store import trace_filters as store
from halo_iac.sandbox.store.trace_filters import AttributeFilter, Filters, NumberFilter, TextFilter
from halo_iac.sandbox.validation import InvalidInput

KINDS: Final = (
    *("LLM", "TOOL", "CHAIN", "RETRIEVER", "EMBEDDING", "AGENT", "RERANKER", "GUARDRAIL", "EVALUATOR", "PROMPT"),
    *("UNKNOWN", "SPAN"),
)
_LISTS: Final = {
    "observationKinds": "observation_kind",
    "llmProviders": "llm_provider",
    "llmModelNames": "llm_model_name",
    "serviceNames": "service_name",
    "deploymentEnvironments": "deployment_environment",
    "userIds": "user_id",
    "sessionIds": "session_id",
    "agents": store.AGENTS,
}
_TEXT_FIELDS: Final = tuple(field for field in store.TEXT_FIELDS if field != "agent_id")
_ATTRIBUTE_OPS: Final = ("eq", "neq", "contains", "does_not_contain", "is_empty", "is_not_empty")
_SCOPES: Final = ("root", "entrypoint")
_MAX_LIST: Final = 1000
"""The most filters of one kind, and values of one filter."""

_DATES: Final = ("startDate", "endDate")
_COMMON: Final = (*_DATES, *_LISTS, "status", "numericFilters", "stringFilters", "metadataFilters")
_FOR_SPANS: Final = ("traceId", "freeText", "scope")


def read_filters(given: object, *, of_spans: bool, needs_range: bool = True) -> Filters:
    """Return the filters; ``null`` is none. Raises one error that names all that is invalid.

    ``needs_range`` requires both ends of the time range, or none.
    """
    if given is None:
        return Filters()
    if not isinstance(given, dict):
        raise RequestRefused("BAD_REQUEST", "filters must be an object.")
    reader = _Reader(given, of_spans=of_spans)
    found = reader.filters(needs_range=needs_range)
    if reader.wrongs:
        raise RequestRefused("BAD_REQUEST", "; ".join(reader.wrongs) + ".")
    return found


class _Reader:
    """Reads one object of filters and collects its errors."""

    def __init__(self, given: Mapping[str, Any], *, of_spans: bool) -> None:
        self._given = given
        self._of_spans = of_spans
        self.wrongs: list[str] = []

    def filters(self, *, needs_range: bool) -> Filters:
        known = (*_COMMON, *(_FOR_SPANS if self._of_spans else _FOR_SPANS[:-1]))
        self.wrongs += [
            f"filters.{name} is not a filter of {'spans' if self._of_spans else 'traces'}; the filters are "
            + ", ".join(known)
            for name in self._given
            if name not in known
        ]
        start, end = self._range(needs_range=needs_range)
        texts = list(self._lists())
        if status := self._read("status", rules.one_of(("ok", "error"))):
            texts.append(TextFilter("status", "eq", (status,)))
        return Filters(
            start=start,
            end=end,
            texts=(*texts, *self._each("stringFilters", self._text)),
            numbers=tuple(self._each("numericFilters", self._number)),
            attributes=tuple(self._each("metadataFilters", self._attribute)),
            trace_id=self._read("traceId", rules.text),
            mentions=tuple(filter(None, [self._read("freeText", rules.text)])),
            scope=self._read("scope", rules.one_of(_SCOPES)),
        )

    def _range(self, *, needs_range: bool) -> tuple[int | None, int | None]:
        ends = {name: self._read(name, rules.instant) for name in _DATES}
        missing = [name for name in _DATES if self._given.get(name) is None]
        if needs_range and len(missing) == 1:
            self.wrongs.append(f"filters.{missing[0]} is missing: a time range has both ends")
        start, end = (None if ends[name] is None else to_nanoseconds(ends[name]) for name in _DATES)
        if start is not None and end is not None and end < start:
            self.wrongs.append("filters.endDate must not be before filters.startDate")
        return start, end

    def _read(self, name: str, check: Callable[[object], Any]) -> Any:  # noqa: ANN401 (whatever the check returns)
        if self._given.get(name) is None:
            return None
        return self._checked(f"filters.{name}", check, self._given[name])

    def _checked(self, path: str, check: Callable[[object], Any], value: object) -> Any:  # noqa: ANN401 (likewise)
        try:
            return check(value)
        except InvalidInput as wrong:
            self.wrongs.append(f"{path} {wrong}")
            return None

    def _lists(self) -> Iterator[TextFilter]:
        for name, field in _LISTS.items():
            values = self._read(name, _kinds if name == "observationKinds" else _texts)
            if values:
                yield TextFilter(field, "in", values)

    def _each(self, name: str, read: Callable[[str, Mapping[str, Any]], Any]) -> Iterator[Any]:
        listed = self._read(name, _objects) or ()
        for number, each in enumerate(listed):
            path = f"filters.{name}[{number}]"
            known = len(self.wrongs)
            found = read(path, each)
            if len(self.wrongs) == known:
                yield found

    def _text(self, path: str, each: Mapping[str, Any]) -> TextFilter:
        field = self._one_of(path, each, "field", _TEXT_FIELDS)
        op = self._one_of(path, each, "op", store.TEXT_OPS)
        return TextFilter(field, op, self._values(path, each, op))

    def _attribute(self, path: str, each: Mapping[str, Any]) -> AttributeFilter:
        key = self._checked(f"{path}.key", rules.non_empty, each.get("key"))
        scope = self._one_of(path, each, "scope", ("span", "resource"))
        op = self._one_of(path, each, "op", _ATTRIBUTE_OPS)
        return AttributeFilter(scope, key, op, self._values(path, each, op))

    def _values(self, path: str, each: Mapping[str, Any], op: str | None) -> tuple[str, ...]:
        if op in {"in", "not_in"}:
            return self._checked(f"{path}.values", _texts, each.get("values")) or ()
        if op in {None, "is_empty", "is_not_empty"}:
            return ()
        value = self._checked(f"{path}.value", rules.text, each.get("value"))
        return (value,)

    def _number(self, path: str, each: Mapping[str, Any]) -> NumberFilter:
        fields = store.SPAN_NUMBERS if self._of_spans else store.TRACE_NUMBERS
        field = self._one_of(path, each, "field", fields)
        op = self._one_of(path, each, "op", store.COMPARISONS)
        names = ("value", "secondValue") if op == "between" else ("value",)
        return NumberFilter(
            field, op, tuple(self._checked(f"{path}.{name}", _finite, each.get(name)) for name in names)
        )

    def _one_of(self, path: str, each: Mapping[str, Any], name: str, values: Collection[str]) -> str:
        return str(self._checked(f"{path}.{name}", rules.one_of(values), each.get(name)))


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MAX_LIST:
        raise InvalidInput("must be a list of strings" if not isinstance(value, list) else f"has more than {_MAX_LIST}")
    return tuple(rules.text(each) for each in value)


def _kinds(value: object) -> tuple[str, ...]:
    wrong = [each for each in _texts(value) if each not in KINDS]
    if wrong:
        raise InvalidInput(f"must be of {', '.join(KINDS)}; {wrong[0]} is none")
    return _texts(value)


def _objects(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise InvalidInput("must be a list of objects")
    if len(value) > _MAX_LIST:
        raise InvalidInput(f"has more than {_MAX_LIST} filters")
    return value


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InvalidInput("must be a number")
    if abs(value) > 2**63 - 1:
        raise InvalidInput("is out of range")
    return value
