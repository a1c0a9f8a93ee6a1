"""Filters on traces and spans, as SQL conditions.

A condition on a trace tests whether one of its spans matches, a negated one whether none does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from json import dumps
from typing import Any, Final, NamedTuple

from halo_iac.sandbox.trace_summary import NAME, SESSION, USER

AGENT_NAME: Final = """coalesce(agents.name, CASE json_extract(agents.wire, '$.identitySource')
    WHEN 'agent_name' THEN json_extract(agents.wire, '$.identityValue') END, '')"""
AGENT_ID: Final = """coalesce(CASE json_extract(agents.wire, '$.identitySource')
    WHEN 'agent_id' THEN json_extract(agents.wire, '$.identityValue') END, '')"""

PROFILE_FIELDS: Final = {
    "observation_kind": "profiles.kind",
    "status": "CASE profiles.status WHEN 'ERROR' THEN 'error' ELSE 'ok' END",
    "service_name": "profiles.service",
    "deployment_environment": "profiles.environment",
    "agent_name": AGENT_NAME,
    "agent_id": AGENT_ID,
    "llm_provider": "profiles.provider",
    "llm_model_name": "profiles.model",
}
WORD_FIELDS: Final = {"span_name": (NAME, "name"), "user_id": (USER, "user"), "session_id": (SESSION, "session")}
ID_FIELDS: Final = ("trace_id", "span_id", "trace_import_id")
_ID_COLUMNS: Final = {"trace_id": "traces.trace_id", "span_id": "spans.span_id"}
AGENTS: Final = "agents"
"""Used as a field: one of the values is the agent's name or id."""
TEXT_FIELDS: Final = (*PROFILE_FIELDS, *WORD_FIELDS, *ID_FIELDS)

SPAN_NUMBERS: Final = {
    "duration_ns": "(spans.ended - spans.started)",
    "total_tokens": "spans.total_tokens",
    "input_tokens": "spans.prompt_tokens",
    "cache_read_tokens": "spans.cached_tokens",
    "output_tokens": "spans.completion_tokens",
    "cost_total": "CAST(spans.cost AS REAL)",
}
TRACE_NUMBERS: Final = {
    **{name: sql.replace("spans.", "traces.") for name, sql in SPAN_NUMBERS.items()},
    "span_count": "traces.spans",
    "llm_span_count": "traces.llm_spans",
}
COMPARISONS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "neq": "<>", "between": "BETWEEN"}
NEGATED: Final = {"neq": "eq", "does_not_contain": "contains", "is_empty": "is_not_empty", "not_in": "in"}
"""Negated operations and the operations that they negate."""
_ASSERTED: Final = {
    "eq": "{} = ?",
    "contains": "instr(lower({}), lower(?)) > 0",
    "in": "{} IN (SELECT value FROM json_each(?))",
    "is_not_empty": "{} <> ''",
}
TEXT_OPS: Final = ("eq", "neq", "contains", "does_not_contain", "is_empty", "is_not_empty", "in", "not_in")

_PROFILES: Final = "profiles LEFT JOIN agents ON agents.seq = profiles.agent"


class TextFilter(NamedTuple):
    """A condition on a text; ``values`` has one for most operations, none for ``is_empty`` and ``is_not_empty``."""

    field: str
    op: str
    values: tuple[str, ...] = ()


class NumberFilter(NamedTuple):
    """A condition on a number; ``values`` has two for ``between``. Missing numbers never match."""

    field: str
    op: str
    values: tuple[float, ...]


class AttributeFilter(NamedTuple):
    """A condition on an attribute of a span or of its resource; ``scope`` is ``span`` or ``resource``."""

    scope: str
    key: str
    op: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """The selected traces or spans: those that ended in ``[start, end)`` (nanoseconds) and pass every filter."""

    start: int | None = None
    end: int | None = None
    texts: tuple[TextFilter, ...] = ()
    numbers: tuple[NumberFilter, ...] = ()
    attributes: tuple[AttributeFilter, ...] = ()
    trace_id: str | None = None
    mentions: tuple[str, ...] = ()
    """Texts that must occur, in any case."""
    scope: str | None = None
    """``root`` for spans without a parent; ``entrypoint`` for spans whose parent is missing or of another service."""


class Where(NamedTuple):
    """An SQL condition and its parameters."""

    sql: str
    values: tuple[Any, ...] = ()


def join_conditions(conditions: Sequence[Where], word: str = "AND") -> Where:
    """Return several conditions joined by ``AND`` or ``OR``."""
    sql = f" {word} ".join(f"({each.sql})" for each in conditions) or "1"
    return Where(sql, tuple(value for each in conditions for value in each.values))


def select_profiles(project_id: str, filters: Filters) -> Where:
    """Return the statement that selects the profiles that pass the filters."""
    conditions = [Where("profiles.project_id = ?", (project_id,))]
    for each in filters.texts:
        if each.field == AGENTS:
            conditions.append(_agent_condition(each.values))
        elif each.field in PROFILE_FIELDS:
            conditions.append(_compare(PROFILE_FIELDS[each.field], each.op, each.values))
    where = join_conditions(conditions)
    return Where(f"SELECT profiles.id FROM {_PROFILES} WHERE {where.sql}", where.values)


def is_decided_by_profile(filters: Filters) -> bool:
    """Return whether a span's profile and time decide whether it passes."""
    is_plain = all(each.field in PROFILE_FIELDS or each.field == AGENTS for each in filters.texts)
    others = (filters.numbers, filters.attributes, filters.mentions, filters.trace_id, filters.scope)
    return is_plain and not any(others)


# Spans ---------------------------------------------------------------------------------------------------------------


def span_conditions(project_id: str, filters: Filters) -> Iterator[Where]:
    """Yield the conditions on ``spans``, joined with ``traces`` and ``bodies``, except for their time."""
    on_profile = select_profiles(project_id, filters)
    for each in filters.texts:
        if each.field in PROFILE_FIELDS or each.field == AGENTS:
            continue
        if each.field in WORD_FIELDS:
            yield _negate_if_needed(each.op, partial(_word_condition, each))
        else:
            yield _compare(_ID_COLUMNS.get(each.field, "''"), each.op, each.values)
    for attribute in filters.attributes:
        yield _negate_if_needed(attribute.op, partial(_attribute_condition, attribute))
    yield Where(f"+spans.profile IN ({on_profile.sql})", on_profile.values)
    yield from (_number(SPAN_NUMBERS, each) for each in filters.numbers)
    if filters.scope is not None:
        yield Where(_SCOPES[filters.scope])
    yield from (Where("mentions(bodies.json, ?)", (text,)) for text in filters.mentions)


_SCOPES: Final = {
    "root": "spans.parent_id IS NULL",
    "entrypoint": """NOT EXISTS (
        SELECT 1 FROM spans AS parents JOIN profiles AS theirs ON theirs.id = parents.profile
        JOIN profiles AS own ON own.id = spans.profile
        WHERE parents.trace = spans.trace AND parents.span_id = spans.parent_id AND theirs.service = own.service
    )""",
}


def _word_condition(each: TextFilter, op: str) -> Where:
    column = f"spans.{WORD_FIELDS[each.field][1]}"
    word = _compare("words.text", op, each.values)
    return Where(f"coalesce({column} IN (SELECT words.id FROM words WHERE {word.sql}), 0)", word.values)


def _attribute_condition(each: AttributeFilter, op: str) -> Where:
    found = _compare("attribute_text(bodies.json, ?, ?)", op, each.values)
    has_key = _with_key(each)
    return Where(
        f"spans.profile IN (SELECT profiles.id FROM profiles WHERE {has_key.sql}) AND {found.sql}",
        (*has_key.values, each.scope, each.key, *found.values),
    )


def _with_key(each: AttributeFilter) -> Where:
    column = "keys" if each.scope == "span" else "resource_keys"
    sql = f"""EXISTS (
        SELECT 1 FROM words, json_each(words.text) AS listed WHERE words.id = profiles.{column} AND listed.value = ?
    )"""
    return Where(sql, (each.key,))


# Traces --------------------------------------------------------------------------------------------------------------


def trace_conditions(filters: Filters) -> Iterator[Where]:
    """Yield the conditions on ``traces``, except for their time and project."""
    for each in filters.texts:
        yield _negate_if_needed(each.op, partial(_trace_has, each))
    for attribute in filters.attributes:
        yield _negate_if_needed(attribute.op, partial(_trace_has_attribute, attribute))
    yield from (_number(TRACE_NUMBERS, each) for each in filters.numbers)
    if filters.trace_id is not None:
        yield Where("traces.trace_id = ?", (filters.trace_id,))
    yield from (_span_condition(Where("mentions(bodies.json, ?)", (text,))) for text in filters.mentions)


def _trace_has(each: TextFilter, op: str) -> Where:
    if each.field == "status":
        return _compare("CASE WHEN traces.failed THEN 'error' ELSE 'ok' END", op, each.values)
    if each.field == AGENTS:
        return _profile_condition(_agent_condition(each.values))
    if each.field in PROFILE_FIELDS:
        return _profile_condition(_compare(PROFILE_FIELDS[each.field], op, each.values))
    if each.field in WORD_FIELDS:
        word = _compare("words.text", op, each.values)
        return Where(
            f"""EXISTS (SELECT 1 FROM trace_words WHERE field = ? AND trace = traces.seq
            AND word IN (SELECT words.id FROM words WHERE {word.sql}))""",
            (WORD_FIELDS[each.field][0], *word.values),
        )
    found = _compare(_ID_COLUMNS.get(each.field, "''"), op, each.values)
    return _span_condition(found) if each.field == "span_id" else found


def _trace_has_attribute(each: AttributeFilter, op: str) -> Where:
    return join_conditions([_profile_condition(_with_key(each)), _span_condition(_attribute_condition(each, op))])


def _profile_condition(profile: Where) -> Where:
    return Where(
        f"""traces.mix IN (SELECT mixes.id FROM mixes, json_each(mixes.profiles) AS listed, {_PROFILES}
        WHERE profiles.id = listed.value AND {profile.sql})""",
        profile.values,
    )


def _span_condition(span: Where) -> Where:
    return Where(
        f"""EXISTS (SELECT 1 FROM spans JOIN bodies ON bodies.span = spans.seq
        WHERE spans.trace = traces.seq AND {span.sql})""",
        span.values,
    )


# Both ----------------------------------------------------------------------------------------------------------------


def _negate_if_needed(op: str, assertion: Callable[[str], Where]) -> Where:
    """Return a condition, negated for a negated operation; ``assertion`` builds it from the positive operation."""
    if op not in NEGATED:
        return assertion(op)
    found = assertion(NEGATED[op])
    return Where(f"NOT ({found.sql})", found.values)


def _compare(sql: str, op: str, values: tuple[str, ...]) -> Where:
    asserted = _ASSERTED[NEGATED.get(op, op)].format(sql)
    listed = (dumps(values),) if op in {"in", "not_in"} else values
    return Where(f"NOT ({asserted})" if op in NEGATED else asserted, listed)


def _number(fields: dict[str, str], each: NumberFilter) -> Where:
    marks = "? AND ?" if each.op == "between" else "?"
    return Where(f"{fields[each.field]} {COMPARISONS[each.op]} {marks}", each.values)


def _agent_condition(names: tuple[str, ...]) -> Where:
    each = "{} IN (SELECT value FROM json_each(?))"
    found = [Where(each.format(column), (dumps(names),)) for column in (AGENT_NAME, AGENT_ID, "agents.id")]
    known = join_conditions(found, "OR")
    return Where(f"({known.sql})", known.values)
