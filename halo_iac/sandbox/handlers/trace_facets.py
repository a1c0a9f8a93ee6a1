"""``traces.facets`` and ``spans.facets``: the values to filter by, with their counts.

Not documented, and chosen here: a trace counts once for each value of its spans, and is ``ok`` unless one of them
failed; the most frequent values come first; empty values are left out, and the range of a number without values is
null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.handlers.trace_filters import read_filters
from halo_iac.sandbox.handlers.traces import FILTERS, SCOPE, encode_answer
from halo_iac.sandbox.protocol import RequestRefused
from halo_iac.sandbox.store.trace_facets import CATEGORIES, KEYS, NUMBERS, Counts
from halo_iac.sandbox.validation import InvalidInput, Shape, nullable, optional, required

FACETS: Final = (*CATEGORIES, *NUMBERS, *KEYS)
_DEFAULT_LIMIT: Final = 50


def _facets(value: object) -> list[str]:
    if not isinstance(value, list):
        raise InvalidInput("must be a list")
    return [rules.one_of(FACETS)(each) for each in value]


def _search(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise InvalidInput("must be an object of texts, by facet")
    return {rules.one_of(FACETS)(facet): rules.text(text) for facet, text in value.items()}


_KEY: Final[Shape] = {"scope": required(rules.one_of(("span", "resource"))), "key": required(rules.non_empty)}
_SHAPE: Final[Shape] = {
    **SCOPE,
    **FILTERS,
    "facetIds": nullable(_facets),
    "facetSearch": nullable(_search),
    "attributeKey": nullable(lambda value: value),
    "limit": optional(rules.integer(1, 1000)),
}


def get_facets(call: Call, *, of_spans: bool) -> bytes:
    """Return the facets of the traces that pass the filters, or of the spans."""
    wanted = call.read_project_input(_SHAPE)
    filters = read_filters(wanted.get("filters"), of_spans=of_spans)
    facets = FACETS if wanted.get("facetIds") is None else wanted["facetIds"]
    key = _attribute_key(wanted.get("attributeKey"))
    table = call.tables.facets
    counts = (table.count_spans if of_spans else table.count_traces)(wanted["projectId"], filters, facets)
    if key is not None:
        values = table.count_values(wanted["projectId"], filters, key["scope"], key["key"], of_spans=of_spans)
        counts = counts._replace(values=values)
    return encode_answer(
        _wire(counts, facets, key, wanted.get("facetSearch") or {}, wanted.get("limit", _DEFAULT_LIMIT))
    )


def _attribute_key(given: object) -> dict[str, Any] | None:
    if given is None:
        return None
    try:
        return rules.check_fields(given, _KEY)
    except RequestRefused as refusal:
        raise RequestRefused("BAD_REQUEST", f"attributeKey: {refusal.message}") from None


def _wire(
    counts: Counts, facets: tuple[str, ...], key: Mapping[str, str] | None, search: Mapping[str, str], limit: int
) -> dict[str, Any]:
    keys = {scope: facet for facet, scope in KEYS.items()}
    return {
        "categorical": {
            facet: _listed(counts.categories[facet], search.get(facet, ""), limit)
            for facet in facets
            if facet in counts.categories
        },
        "numeric": {facet: _range(counts, facet) for facet in facets if facet in NUMBERS},
        "attributeKeys": {
            scope: _listed(counts.keys.get(scope, Counter()), search.get(facet, ""), limit)
            for scope, facet in keys.items()
        },
        "attributeValues": {} if key is None else {key["scope"]: _listed(counts.values, "", limit)},
    }


def _listed(counter: Counter[str], search: str, limit: int) -> list[dict[str, Any]]:
    found = [(value, count) for value, count in counter.items() if search.casefold() in value.casefold()]
    found.sort(key=lambda each: (-each[1], each[0]))
    return [{"value": value, "count": count} for value, count in found[:limit]]


def _range(counts: Counts, facet: str) -> dict[str, float] | None:
    found = counts.numbers.get(facet)
    return None if found is None else {"min": found[0], "max": found[1]}


PROCEDURES: Final = {
    "traces.facets": Procedure(Kind.QUERY, partial(get_facets, of_spans=False), shows_traces=True),
    "spans.facets": Procedure(Kind.QUERY, partial(get_facets, of_spans=True), shows_traces=True),
}
