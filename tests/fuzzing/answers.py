"""Targets for what a platform, or another server in its place, may send."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpcore
from wire_samples import WIRE

from fuzzing.laws import AGENT, JSON, KEY, check_plan, check_told
from halo_iac.api import connection
from halo_iac.api.connection import DirectTransport
from halo_iac.api.retry import Retry
from halo_iac.api.runs import RunReader, RunWriter
from halo_iac.api.schedules import Reader, Writer
from halo_iac.api.secret import Secret
from halo_iac.api.traces import TraceReader, TraceScope
from halo_iac.api.transport import Transport
from halo_iac.api.trpc import Answer, Context, Json, Kind, parse_response
from halo_iac.cli.traces.lists import SPANS, TRACES, facets_table
from halo_iac.cli.traces.search_results import search_results_text
from halo_iac.errors import PlatformError, SettingsError
from halo_iac.load import load
from halo_iac.model.project import Project
from halo_iac.model.remote import PlatformState
from halo_iac.model.traces import Span, SpanDetail, Trace
from halo_iac.render.json import document
from halo_iac.render.style import PLAIN, Style
from halo_iac.render.text.problems import error_text
from halo_iac.render.text.traces.span import span_attributes, span_events, span_io, span_links, span_summary
from halo_iac.render.text.traces.views import trace_spans, trace_summary, trace_thread, trace_timeline

_TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_ONCE: Final = Retry(attempts=1)
_THEN: Final = re.compile(rb"^-- then --\r?\n", re.MULTILINE)


def answers(data: bytes) -> None:
    """Answers are values or platform errors to every query and mutation; schedules in them give a plan."""
    given = [_answer(part) for part in _THEN.split(data)]
    for ask in _questions():
        try:
            ask(_Scripted(given))
        except PlatformError as error:
            check_told(error_text(error, PLAIN), JSON.error(error))
    with suppress(PlatformError):
        listing = Reader(_Scripted(given), _ONCE).schedules("project")
        check_plan(_declared(), PlatformState(listing.schedules, (AGENT,), listing.gap))


def _answer(part: bytes) -> Answer:
    """Read ``404``, lines ``header: value``, an empty line and the body; no status is 200."""
    head, _, body = part.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    is_status = re.fullmatch("[2-5][0-9][0-9]", first) is not None
    return Answer(int(first) if is_status else 200, headers, body)


class _Scripted:
    """A caller whose every call gets the next answer, and at the end the last one again."""

    def __init__(self, given: list[Answer]) -> None:
        self._given = given
        self._count = 0

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        del kind, value, deadline
        answer = self._given[min(self._count, len(self._given) - 1)]
        self._count += 1
        return parse_response(answer, Context(procedure, "INF_API_KEY", "default", Secret(KEY).hide_in))


def _questions() -> Iterator[Callable[[_Scripted], object]]:
    """Yield everything that is made of answers."""
    yield lambda caller: Reader(caller, _ONCE).agents("project")
    yield lambda caller: Reader(caller, _ONCE).schedule("one")
    yield lambda caller: document(Reader(caller, _ONCE).eligible_models())
    yield lambda caller: Reader(caller, _ONCE).auth_context()
    yield lambda caller: Writer(caller).create({}).spec()
    yield lambda caller: Writer(caller).update("one", {}).spec()
    yield lambda caller: RunReader(caller, _ONCE).run("one").run.is_over
    yield lambda caller: RunReader(caller, _ONCE).events("one")
    yield lambda caller: RunReader(caller, _ONCE).schedule_runs("one")
    yield lambda caller: RunReader(caller, _ONCE).conversations("project")
    yield lambda caller: RunReader(caller, _ONCE).conversation("one").answers
    yield lambda caller: RunWriter(caller).retry("one")
    yield from (partial(_draw_traces, view=view) for view in _TRACE_VIEWS)
    yield from (partial(_draw_span, view=view) for view in _SPAN_VIEWS)
    yield lambda caller: [*TRACES.lines(TraceReader(caller, _SCOPE, _ONCE).traces({}).rows, PLAIN)]
    yield lambda caller: [*SPANS.lines(TraceReader(caller, _SCOPE, _ONCE).span_list({}).rows, PLAIN)]
    yield lambda caller: facets_table(TraceReader(caller, _SCOPE, _ONCE).facets({}), PLAIN)
    yield lambda caller: search_results_text(TraceReader(caller, _SCOPE, _ONCE).search("x"), PLAIN)


_SCOPE: Final = TraceScope("team", "project")
_TRACE_VIEWS: Final = (trace_summary, trace_timeline, trace_thread, trace_spans)
_SPAN_VIEWS: Final = (span_summary, span_io, span_attributes, span_events, span_links)


def _draw_traces(caller: _Scripted, view: Callable[[Trace, Iterable[Span], Style], Iterator[str]]) -> None:
    reader = TraceReader(caller, _SCOPE, _ONCE)
    for _ in view(reader.trace("t"), reader.spans("t", 100), PLAIN):
        pass


def _draw_span(caller: _Scripted, view: Callable[[SpanDetail, Style], Iterator[str]]) -> None:
    for _ in view(TraceReader(caller, _SCOPE, _ONCE).span("t", "s"), PLAIN):
        pass


@cache
def _declared() -> Project:
    """Return a project that has an entry for the schedule of the samples, one to create and one to retire."""
    entries = {
        "one": {"title": WIRE["title"], "frequency": "daily", "hours": 9, "renamed_from": "Old"},
        "two": {"title": "Another", "frequency": "hourly"},
        "three": {"title": "Retired", "state": "archived"},
        "four": {"title": "Pinned", "frequency": "hourly", "id": "four"},
    }
    written = {"version": 1, "undeclared": "archive", "defaults": {"agent": "checkout"}, "schedules": entries}
    with TemporaryDirectory() as folder:
        Path(folder, "halo.yaml").write_text(json.dumps(written), encoding="utf-8")
        return load(Path("halo.yaml"), variables={}, cwd=Path(folder))


def http(data: bytes) -> None:
    """All bytes that a server may send become a value or a platform error, which contains no key."""
    network = DirectTransport(_TRUSTS_NOBODY)
    # What a socket would deliver, read by read; there is no public way to replace the network below HTTP.
    network._network = _Delivering([part for part in data.split(b"--wait--\n") if part])  # type: ignore[assignment]  # noqa: SLF001
    with Transport("https://relay.example", Secret(KEY), http=network) as transport:
        for _ in range(2):  # over the same connection, where it is still to be trusted
            try:
                transport.call("project.getAuthContext", "query")
            except (PlatformError, SettingsError) as error:
                check_told(error_text(error, PLAIN), JSON.error(error))


class _Delivering(httpcore.MockBackend):
    """Opens connections that deliver the same pieces, below what sends requests at once."""

    def connect_tcp(self, *args: Any, **options: Any) -> httpcore.NetworkStream:  # noqa: ANN401 - httpcore's own
        return connection._Stream(super().connect_tcp(*args, **options))  # noqa: SLF001 - as its own network does
