"""Filters of `halo trace` and `halo span`: options → the query.

See docs/protocol.md#trace-filters.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

import typer

from halo_iac.cli.runs.request import parse_instant
from halo_iac.cli.traces.filter_expressions import attribute_filters, field_filters
from halo_iac.errors import UsageError
from halo_iac.model.instants import format_instant
from halo_iac.model.traces import OBSERVATION_KINDS
from halo_iac.text import did_you_mean, quote

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TraceRange(StrEnum):
    """The time range in which traces are searched."""

    HOUR = "1h"
    SIX_HOURS = "6h"
    TWELVE_HOURS = "12h"
    DAY = "1d"
    THREE_DAYS = "3d"
    WEEK = "7d"
    TWO_WEEKS = "14d"
    MONTH = "30d"
    QUARTER = "90d"
    ALL = "all"


class Status(StrEnum):
    """The status of a trace or span."""

    OK = "ok"
    ERROR = "error"


class SpanScope(StrEnum):
    """The spans of a trace to list."""

    ALL = "all"
    ROOT = "root"
    ENTRYPOINT = "entrypoint"


class Direction(StrEnum):
    """The sort direction of a list."""

    ASC = "asc"
    DESC = "desc"


SortOrder = Annotated[Direction | None, typer.Option("--order", metavar="asc|desc", help="Sort order; default: desc.")]

_AGAIN: Final = "can be repeated or comma-separated"
_Names = list[str] | None


class FilterOptions(NamedTuple):
    """The filter options of traces and spans; ``None`` for an option that is not given."""

    range_: Annotated[
        TraceRange | None,
        typer.Option(
            "--range",
            metavar="1h|6h|12h|1d|3d|7d|14d|30d|90d|all",
            help="How far back to look; default: 1d.",
        ),
    ] = None
    from_: Annotated[
        str | None, typer.Option("--from", metavar="ISO", help="Instead of --range: start of the period; with --to.")
    ] = None
    to: Annotated[
        str | None, typer.Option("--to", metavar="ISO", help="Instead of --range: end of the period; with --from.")
    ] = None
    kind: Annotated[
        _Names, typer.Option("--kind", metavar="KIND", help=f"{', '.join(OBSERVATION_KINDS)}; {_AGAIN}.")
    ] = None
    provider: Annotated[
        _Names, typer.Option("--provider", metavar="NAME", help=f"Provider of the model, such as openai; {_AGAIN}.")
    ] = None
    model: Annotated[_Names, typer.Option("--model", metavar="NAME", help=f"Model, such as gpt-4o; {_AGAIN}.")] = None
    service: Annotated[_Names, typer.Option("--service", metavar="NAME", help=f"Service; {_AGAIN}.")] = None
    environment: Annotated[
        _Names, typer.Option("--environment", metavar="NAME", help=f"Deployment environment; {_AGAIN}.")
    ] = None
    user: Annotated[_Names, typer.Option("--user", metavar="ID", help=f"User; {_AGAIN}.")] = None
    session: Annotated[_Names, typer.Option("--session", metavar="ID", help=f"Session; {_AGAIN}.")] = None
    agent: Annotated[_Names, typer.Option("--agent", metavar="NAME", help=f"Agent, by name or id; {_AGAIN}.")] = None
    status: Annotated[
        Status | None, typer.Option("--status", metavar="ok|error", help="Only traces or spans with this status.")
    ] = None
    filter_: Annotated[
        _Names,
        typer.Option(
            "--filter",
            metavar="EXPR",
            help="A field, an operator and a value: 'duration>500' (ms), 'total_cost between:0.1,1', "
            "'span_name~checkout', 'llm_model_name in:a,b', 'user_id empty'; can be repeated.",
        ),
    ] = None
    metadata: Annotated[
        _Names,
        typer.Option("--metadata", metavar="EXPR", help="A span attribute: 'tool.name=search'; can be repeated."),
    ] = None
    resource: Annotated[
        _Names,
        typer.Option(
            "--resource",
            metavar="EXPR",
            help="A resource attribute: 'host.name=worker-1'; can be repeated.",
        ),
    ] = None

    @property
    def is_last_day(self) -> bool:
        """Return whether no time range is given, so that the last day is used."""
        return self.range_ is None and self.from_ is None and self.to is None


class SpanFilterOptions(NamedTuple):
    """The filter options of spans alone, besides :class:`FilterOptions`."""

    trace_id: Annotated[str | None, typer.Option("--trace-id", metavar="TRACE", help="Only spans of this trace.")] = (
        None
    )
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="Only spans with this in their input or output.")
    ] = None
    scope: Annotated[
        SpanScope, typer.Option("--scope", metavar="all|root|entrypoint", help="Which spans of each trace.")
    ] = SpanScope.ALL


def build_filters(given: FilterOptions, now: datetime, spans: SpanFilterOptions | None = None) -> dict[str, Any]:
    """Return the query of the filter options; ``spans`` has the options that only spans have."""
    start, end = _read_period(given, now)
    numbers, texts = field_filters(given.filter_ or (), of_spans=spans is not None)
    attributes = attribute_filters(given.metadata or (), "--metadata", "span")
    attributes += attribute_filters(given.resource or (), "--resource", "resource")
    wanted = {
        "startDate": format_instant(start),
        "endDate": format_instant(end),
        "observationKinds": read_known_names(given.kind, "--kind", OBSERVATION_KINDS),
        "llmProviders": split_names(given.provider, "--provider"),
        "llmModelNames": split_names(given.model, "--model"),
        "serviceNames": split_names(given.service, "--service"),
        "deploymentEnvironments": split_names(given.environment, "--environment"),
        "userIds": split_names(given.user, "--user"),
        "sessionIds": split_names(given.session, "--session"),
        "agents": split_names(given.agent, "--agent"),
        "status": given.status and given.status.value,
        "numericFilters": numbers,
        "stringFilters": texts,
        "metadataFilters": attributes,
        **({} if spans is None else _span_filters(spans)),
    }
    return {name: value for name, value in wanted.items() if value}


def split_names(values: Sequence[str] | None, option: str) -> list[str]:
    """Return the values of an option that can be repeated and comma-separated; an empty option is an error."""
    names = [name for value in values or () for part in value.split(",") if (name := part.strip())]
    if values and not names:
        raise UsageError(f"{option} is empty", hint="give it a value, or remove it")
    return names


def read_known_names(values: Sequence[str] | None, option: str, known: Sequence[str]) -> list[str]:
    """Return the values of such an option as they are in ``known``; an unknown one is an error. Case is ignored."""
    spelt = {name.casefold(): name for name in known}
    names = split_names(values, option)
    for name in names:
        if name.casefold() not in spelt:
            hint = did_you_mean(name, known) or "use one of them"
            raise UsageError(f"{option}: {quote(name)} is not one of {', '.join(known)}", hint=hint)
    return [spelt[name.casefold()] for name in names]


def _span_filters(given: SpanFilterOptions) -> dict[str, Any]:
    for option, value in (("--trace-id", given.trace_id), ("--text", given.text)):
        if value is not None and not value.strip():
            raise UsageError(f"{option} is empty", hint="give it a value, or remove it")
    scope = None if given.scope is SpanScope.ALL else given.scope.value
    return {"traceId": given.trace_id, "freeText": given.text, "scope": scope}


def _read_period(given: FilterOptions, now: datetime) -> tuple[datetime, datetime]:
    if given.from_ is None and given.to is None:
        return _start_of_range(given.range_ or TraceRange.DAY, now), now
    if given.from_ is None or given.to is None:
        present, missing = ("--to", "--from") if given.from_ is None else ("--from", "--to")
        hint = f"add {missing}, or use --range, which ends now"
        raise UsageError(f"{present} was given without {missing}", hint=hint)
    if given.range_ is not None:
        raise UsageError("--range and --from with --to were both given", hint="pass one of them")
    start, end = parse_instant(given.from_, "--from"), parse_instant(given.to, "--to")
    if start >= end:
        raise UsageError("--from is not before --to, so nothing can match", hint="swap them, or move one of them")
    return start, end


def _start_of_range(range_: TraceRange, now: datetime) -> datetime:
    if range_ is TraceRange.ALL:
        return _BEGINNING
    count, unit = int(range_.value[:-1]), range_.value[-1]
    return now - (timedelta(hours=count) if unit == "h" else timedelta(days=count))
