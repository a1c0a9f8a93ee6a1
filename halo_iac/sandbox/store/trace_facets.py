"""Facet counts of traces and spans: how often each value occurs, and the range of each number.

Traces whose spans have the same profiles share a mix, and equal spans a profile; SQL counts these few rows, and their
facet values are added up here. A trace counts once for each value of its spans.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from halo_iac.sandbox.instants import MAX_NANOSECONDS
from halo_iac.sandbox.store.span_blocks import Range, SpanBlocks
from halo_iac.sandbox.store.trace_filters import (
    AGENT_ID,
    AGENT_NAME,
    PROFILE_FIELDS,
    SPAN_NUMBERS,
    TRACE_NUMBERS,
    WORD_FIELDS,
    Filters,
    Where,
)
from halo_iac.sandbox.store.trace_queries import TraceQueries

KEYS: Final = {"span_attributes": "span", "resource_attributes": "resource"}
"""Facets of attribute keys, and the scope of the attributes."""
NUMBERS: Final = tuple(TRACE_NUMBERS)
CATEGORIES: Final = (*PROFILE_FIELDS, "user_id", "session_id")

_PROFILES: Final = f"""
    SELECT profiles.id, kind, CASE status WHEN 'ERROR' THEN 'error' ELSE 'ok' END, service, environment, {AGENT_NAME},
    {AGENT_ID}, provider, model, own.text, theirs.text
    FROM profiles LEFT JOIN agents ON agents.seq = profiles.agent
    JOIN words AS own ON own.id = keys JOIN words AS theirs ON theirs.id = resource_keys
    WHERE profiles.project_id = ?
"""


class Counts(NamedTuple):
    """The count of each value of each facet, and the range of each number."""

    categories: dict[str, Counter[str]]
    keys: dict[str, Counter[str]]
    numbers: dict[str, Range]
    values: Counter[str]


class TraceFacets:
    """Counts traces and spans, within one transaction."""

    def __init__(self, connection: sqlite3.Connection, queries: TraceQueries) -> None:
        self._connection = connection
        self._queries = queries
        self._blocks = SpanBlocks(connection)

    def count_traces(self, project_id: str, filters: Filters, facets: Sequence[str]) -> Counts:
        """Count the traces that pass the filters."""
        where = self._queries.where_traces(project_id, filters)
        rows = self._all(f"SELECT mix, count(*) FROM traces WHERE {where.sql} GROUP BY mix", where)
        mixes = {mix: json.loads(profiles) for mix, profiles in self._connection.execute("SELECT * FROM mixes")}
        counts = self._count_profiles(project_id, ((mixes[mix], count) for mix, count in rows), facets)
        for facet in ("user_id", "session_id"):
            if facet in facets:
                counts.categories[facet] = self._words_of_traces(where, WORD_FIELDS[facet][0])
        numbers = {facet: TRACE_NUMBERS[facet] for facet in facets if facet in TRACE_NUMBERS}
        return counts._replace(numbers=self._ranges("traces", numbers, where))

    def count_spans(self, project_id: str, filters: Filters, facets: Sequence[str]) -> Counts:
        """Count the spans that pass the filters."""
        where = self._queries.where_spans(project_id, filters)
        source = self._queries.source_of_spans(filters)
        numbers = {facet: SPAN_NUMBERS[facet] for facet in facets if facet in SPAN_NUMBERS}
        profiles = self._queries.deciding_profiles(project_id, filters)
        if profiles is None:
            rows = self._all(f"SELECT spans.profile, count(*) FROM {source} WHERE {where.sql} GROUP BY 1", where)
            ranges = self._ranges(source, numbers, where)
        else:
            found, kept = self._blocks.count_spans(profiles, filters.start or 0, filters.end or MAX_NANOSECONDS)
            rows, ranges = list(found.items()), {facet: kept[facet] for facet in numbers}
        counts = self._count_profiles(project_id, (([profile], count) for profile, count in rows), facets)
        for facet in ("user_id", "session_id"):
            if facet in facets:
                column = f"spans.{WORD_FIELDS[facet][1]}"
                indexed = source.replace("spans", f"spans INDEXED BY spans_of_{WORD_FIELDS[facet][1]}", 1)
                sql = f"""SELECT words.text, count(*) FROM {indexed} JOIN words ON words.id = {column}
                          WHERE {column} IS NOT NULL AND {where.sql} GROUP BY {column}"""
                counts.categories[facet] = Counter(dict(self._all(sql, where)))
        return counts._replace(numbers=ranges)

    def count_values(self, project_id: str, filters: Filters, scope: str, key: str, *, of_spans: bool) -> Counter[str]:
        """Count the values of one attribute."""
        what = "1" if of_spans else "DISTINCT spans.trace"
        where = (self._queries.where_spans if of_spans else self._queries.where_traces)(project_id, filters)
        has_key = Where(
            f"""spans.profile IN (SELECT profiles.id FROM profiles, words, json_each(words.text) AS listed
            WHERE words.id = profiles.{"keys" if scope == "span" else "resource_keys"} AND listed.value = ?)""",
            (key,),
        )
        sql = f"""SELECT attribute_text(bodies.json, ?, ?) AS value, count({what})
                  FROM spans JOIN traces ON traces.seq = spans.trace JOIN bodies ON bodies.span = spans.seq
                  WHERE {has_key.sql} AND {where.sql} GROUP BY value"""
        rows = self._connection.execute(sql, (scope, key, *has_key.values, *where.values)).fetchall()
        return Counter({value: count for value, count in rows if value})

    def _count_profiles(
        self, project_id: str, groups: Iterable[tuple[list[int], int]], facets: Sequence[str]
    ) -> Counts:
        """Count each value once for each group of profiles, as often as the group occurs."""
        rows = self._connection.execute(_PROFILES, (project_id,)).fetchall()
        fields = {row_id: dict(zip(PROFILE_FIELDS, values, strict=True)) for row_id, *values, _, _ in rows}
        keys = {row[0]: dict(zip(KEYS.values(), map(json.loads, row[-2:]), strict=True)) for row in rows}
        categories = {facet: Counter[str]() for facet in PROFILE_FIELDS if facet in facets}
        attributes = {scope: Counter[str]() for facet, scope in KEYS.items() if facet in facets}
        for profiles, count in groups:
            for facet, counter in categories.items():
                found = {fields[profile][facet] for profile in profiles}
                if facet == "status" and "error" in found:
                    found = {"error"}  # a trace has failed or it has not
                for value in found:
                    counter[value] += count
            for scope, counter in attributes.items():
                for key in {key for profile in profiles for key in keys[profile][scope]}:
                    counter[key] += count
        for counter in categories.values():
            counter.pop("", None)
        return Counts(categories, attributes, {}, Counter())

    def _words_of_traces(self, where: Where, field: int) -> Counter[str]:
        sql = f"""SELECT words.text, count(*) FROM trace_words JOIN words ON words.id = word
                  WHERE field = {field} AND trace IN (SELECT traces.seq FROM traces WHERE {where.sql}) GROUP BY word"""
        return Counter(dict(self._all(sql, where)))

    def _ranges(self, source: str, numbers: Mapping[str, str], where: Where) -> dict[str, Range]:
        if not numbers:
            return {}
        columns = ", ".join(f"min({sql}), max({sql})" for sql in numbers.values())
        [row] = self._all(f"SELECT {columns} FROM {source} WHERE {where.sql}", where)
        pairs = zip(row[::2], row[1::2], strict=True)
        return {facet: None if pair[0] is None else pair for facet, pair in zip(numbers, pairs, strict=True)}

    def _all(self, sql: str, where: Where) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, where.values).fetchall()
