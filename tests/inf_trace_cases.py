"""Every ``inf trace`` and ``inf span`` command: what is asked of it, what the sandbox then holds, how it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from inf_cases import Bad, Case, Held, Subjects, fixed_words
from sandbox_calls import PROJECT, Json


def query_traces(procedure: str, **given: Json) -> Held:
    """Return what the sandbox answers to a query of ours about traces."""

    def ask(subjects: Subjects) -> Json:
        return subjects.quick.query(procedure, {"projectId": PROJECT, **_with_subjects(given, subjects)})

    return ask


def _with_subjects(value: Json, subjects: Subjects) -> Json:
    match value:
        case str():
            return value.format_map(subjects)
        case list():
            return [_with_subjects(each, subjects) for each in value]
        case dict():
            return {name: _with_subjects(each, subjects) for name, each in value.items()}
        case _:
            return value


def whole_trace(subjects: Subjects) -> Json:
    """Return a trace as ``trace get`` puts it together from several answers."""
    given = {"projectId": PROJECT, "traceId": subjects["trace"]}
    spans = subjects.quick.query("traces.getSpans", given)["spans"]
    return {
        "trace": subjects.quick.query("traces.get", given),
        "spans": spans,
        "nextCursor": None,
        "hasMoreSpans": False,
        "spanCount": len(spans),
        "loadedSpanCount": len(spans),
        "pageCount": 1,
        "pageSize": 100,
        "requestedLimit": 1000,
    }


def row_fields(rows: str, *names: str) -> Callable[[Any], list[str]]:
    """Show these fields of the rows."""
    return lambda held: [str(row[name]) for row in held[rows] for name in names]


def facet_values(held: Json) -> list[str]:
    """Show the values of every facet."""
    return [str(each["value"]) for listed in held["categorical"].values() for each in listed]


_DATES: Final = "--from {traced_from} --to {traced_to}"
_RANGE: Final[Json] = {"startDate": "{traced_from}", "endDate": "{traced_to}"}
_NO_TRACE: Final = f"Trace nope was not found in project {PROJECT}."
_NO_KEY: Final = Bad("", "The key is missing or not valid.", "sk-inference-of-nobody")
_TEAM: Final = "--team-id any"
_ODD_CURSOR: Final = Bad("--cursor odd", "cursor was not returned by this list.")
_ONE_END: Final = Bad("--from 2026-01-01", "Both --from and --to are required when using custom dates.")
_ODD_KIND: Final = Bad("--kind STEP", "Invalid observation kind: STEP.")
_ODD_FILTER: Final = Bad("--filter 'colour>1'", "Invalid filter expression: colour>1")
_MISSPELT: Final = """--filters '{{"stauts": "error"}}'"""


def _filtered(line: str, **filters: Json) -> tuple[str, Json]:
    return f"{_DATES} {line}", {**_RANGE, **filters}


_LISTED, _LISTED_BY = _filtered(
    "--agent checkout --kind TOOL --filter 'duration>=0' --filter 'span_name~charge' --metadata 'tool.name not-empty'",
    agents=["checkout"],
    observationKinds=["TOOL"],
    numericFilters=[{"field": "duration_ns", "op": "gte", "value": 0}],
    stringFilters=[{"field": "span_name", "op": "contains", "value": "charge"}],
    metadataFilters=[{"key": "tool.name", "op": "is_not_empty", "scope": "span"}],
)

TRACE_CASES: Final[dict[str, Case]] = {
    "trace list": Case(
        f"{_LISTED} --sort duration --order asc --limit 3",
        query_traces("traces.list", filters=_LISTED_BY, sortBy="duration", sortOrder="asc", limit=3),
        row_fields("traces", "traceId", "rootSpanName"),
        (_ONE_END, _ODD_KIND, _ODD_FILTER, _ODD_CURSOR, Bad("--limit 5000", "limit must be from 1 to 1000."), _NO_KEY),
    ),
    "trace get": Case(
        "{trace}",
        whole_trace,
        lambda held: [held["trace"]["traceId"], *(span["spanName"] for span in held["spans"])],
        (Bad("nope", _NO_TRACE), Bad("{trace} --cursor odd", "cursor was not returned by this list.")),
    ),
    "trace facets": Case(
        f"{_DATES} --status error --facet agent_name,observation_kind --search agent_name=check --limit 5",
        query_traces(
            "traces.facets",
            filters={**_RANGE, "status": "error"},
            facetIds=["agent_name", "observation_kind"],
            facetSearch={"agent_name": "check"},
            limit=5,
        ),
        facet_values,
        (_ONE_END, Bad("--facet colour", "Invalid facet id: colour"), _NO_KEY),
    ),
    "trace search": Case(
        f"{_TEAM} --query charge_card --limit 2",
        query_traces("traces.search", query="charge_card", limit=2),
        fixed_words("traces ", "nextCursor "),
        (
            Bad(f"{_TEAM} --query x --cursor odd", "cursor was not returned by this list."),
            Bad(f"{_TEAM} --query x {_MISSPELT}", "filters.stauts is not a filter of traces; the filters"),
            Bad(_TEAM, "Missing required option: --query"),
        ),
    ),
    "trace get-tree": Case(
        f"{_TEAM} --trace-id {{trace}}",
        query_traces("traces.getTree", traceId="{trace}"),
        fixed_words("trace ", "spans "),
        (Bad(f"{_TEAM} --trace-id nope", _NO_TRACE), Bad("--trace-id {trace}", "No team ID configured.")),
    ),
    "trace get-detail": Case(
        f"""{_TEAM} --trace-id {{trace}} --filters '{{{{"observationKinds": ["LLM"]}}}}'""",
        query_traces("traces.getDetail", traceId="{trace}", filters={"observationKinds": ["LLM"]}),
        fixed_words("trace ", "spans "),
        (Bad(f"{_TEAM} --trace-id nope", _NO_TRACE),),
    ),
    "trace get-spans": Case(
        f"{_TEAM} --trace-id {{trace}} --limit 2",
        query_traces("traces.getSpans", traceId="{trace}", limit=2),
        fixed_words("spans ", "nextCursor "),
        (
            Bad(f"{_TEAM} --trace-id nope", _NO_TRACE),
            Bad(f"{_TEAM} --trace-id {{trace}} --limit 500", "limit must be from 1 to 100."),
            Bad(f"{_TEAM} --trace-id {{trace}} {_MISSPELT}", "filters.stauts is not a filter of spans"),
        ),
    ),
    "trace get-bodies": Case(
        f"""{_TEAM} --trace-id {{trace}} --span-ids '["{{span}}"]'""",
        query_traces("traces.getBodies", traceId="{trace}", spanIds=["{span}"]),
        fixed_words("bodies "),
        (
            Bad(
                f"""{_TEAM} --trace-id {{trace}} --span-ids '["nope"]'""",
                "Span nope was not found in trace ",
            ),
        ),
    ),
    "trace sessions": Case(
        f"{_TEAM} --agent-identity support-bot --limit 2",
        query_traces("traces.listSessions", agentIdentity="support-bot", limit=2),
        fixed_words("sessions ", "nextCursor "),
        (Bad(f"{_TEAM} --agent-identity nope", f"Agent nope was not found in project {PROJECT}."),),
    ),
    "trace session-traces": Case(
        f"{_TEAM} --agent-identity support-bot --session-id {{session}}",
        query_traces("traces.listSessionTraces", agentIdentity="support-bot", sessionId="{session}"),
        fixed_words("traces ", "nextCursor "),
        (
            Bad(
                f"{_TEAM} --agent-identity support-bot --session-id nope",
                "Session nope was not found among the traces of agent support-bot.",
            ),
        ),
    ),
    "trace session-tree": Case(
        f"{_TEAM} --agent-identity support-bot --session-id {{session}} --limit 1",
        query_traces("traces.getSessionTree", agentIdentity="support-bot", sessionId="{session}", limit=1),
        fixed_words("traces ", "sessionId "),
        (
            Bad(
                f"{_TEAM} --agent-identity support-bot --session-id {{session}} --focus-trace-id nope",
                "Trace nope was not found in session ",
            ),
        ),
    ),
    "span list": Case(
        f"{_LISTED} --scope entrypoint --range 1d",
        query_traces("spans.list", filters={**_LISTED_BY, "scope": "entrypoint"}),
        row_fields("spans", "spanId", "spanName"),
        (_ONE_END, _ODD_KIND, _ODD_FILTER, _ODD_CURSOR, Bad("--scope top", "Invalid span scope: top."), _NO_KEY),
    ),
    "span get": Case(
        "{trace} {span}",
        query_traces("spans.get", traceId="{trace}", spanId="{span}"),
        lambda held: [held["spanId"], held["spanName"], held["agentName"]],
        (Bad("nope nope", _NO_TRACE), Bad("{trace} nope", "Span nope was not found in trace ")),
    ),
    "span facets": Case(
        f"{_DATES} --trace-id {{trace}} --attribute-key span:tool.name --facet observation_kind",
        query_traces(
            "spans.facets",
            filters={**_RANGE, "traceId": "{trace}"},
            facetIds=["observation_kind"],
            attributeKey={"scope": "span", "key": "tool.name"},
        ),
        facet_values,
        (_ONE_END, Bad("--facet colour", "Invalid facet id: colour"), _NO_KEY),
    ),
}

_JOB: Final = f"{_TEAM} --job-id j"
_IMPORT: Final = f"{_TEAM} --trace-import-id i"
_LANGFUSE: Final = f"{_TEAM} --base-url https://langfuse.invalid --public-key p --secret-key s"

NOT_SERVED: Final[dict[str, str]] = {
    "trace export create": "",
    "trace export list": "",
    "trace export status": "j",
    "trace export download": "j",
    "trace exports-create": f"{_TEAM} --filter '{{{{}}}}'",
    "trace exports-download": _JOB,
    "trace exports-list": _TEAM,
    "trace exports-status": _JOB,
    "trace imports-abort": _IMPORT,
    "trace imports-complete": f"{_IMPORT} --parts '[]'",
    "trace imports-initiate": f"{_TEAM} --file-size 1 --name n --source otlp",
    "trace imports-langfuse-discover": _LANGFUSE,
    "trace imports-langfuse-start": f"{_LANGFUSE} --filters '{{{{}}}}' --name n",
    "trace imports-list": _TEAM,
    "trace imports-status": _IMPORT,
    "trace upload": "{file}",
}
"""Commands that the sandbox refuses, with what there is instead, and their options."""
