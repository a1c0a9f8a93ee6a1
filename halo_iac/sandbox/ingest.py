"""Loads spans from files into the store, with the agent of each span and the summary of each trace."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any, BinaryIO, Final
from uuid import UUID, uuid5

from pydantic_core import to_json

from halo_iac.sandbox import trace_files
from halo_iac.sandbox.analyst.spans import AgentIdentity, Link, attribute_agents
from halo_iac.sandbox.span_record import Labels, SpanRecord, to_record
from halo_iac.sandbox.store import Store, Tables
from halo_iac.sandbox.trace_files import BadLine
from halo_iac.sandbox.trace_files.problems import NotASpanError
from halo_iac.sandbox.trace_summary import Profile, Summary, summarise
from halo_iac.workers import Future


def read_spans(stream: BinaryIO) -> Iterator[SpanRecord | BadLine]:
    """Yield the spans of a file of any known format, and for everything else the reason."""
    for found in trace_files.read_spans(stream):
        if isinstance(found, BadLine):
            yield found
            continue
        try:
            yield to_record(found.span, found.text)
        except NotASpanError as bad:
            yield BadLine(found.line, bad.reason)


_NAMESPACE = UUID("5a4db0c5-0000-4000-8000-0000000000a9")


class SpanIngest:
    """Adds spans to one project, in one transaction; ``given`` is the agent of traces that name none."""

    def __init__(
        self, tables: Tables, project_id: str, *, is_demo: bool = False, given: AgentIdentity | None = None
    ) -> None:
        self._given = given
        self._tables = tables
        self._spans = tables.spans
        self._project_id = project_id
        self._is_demo = is_demo
        self._row_ids = tables.agent_row_ids(project_id)
        self._names: dict[int, str] = {}
        self._numbers: dict[tuple[Labels, int], int] = {}
        self._profiles: dict[int, Profile] = {}
        self.agents: dict[tuple[str, str], str] = {}
        """The ids of the agents that spans were found to belong to, by their identities."""

    def add(self, records: Iterable[SpanRecord]) -> int:
        """Add spans and return how many are new.

        A new trace is summarised from these spans; one that gets more spans is marked as unsettled.
        """
        traces: dict[str, dict[str, SpanRecord]] = {}
        for record in records:
            traces.setdefault(record.trace_id, {}).setdefault(record.span_id, record)
        known = self._spans.trace_row_ids(self._project_id, traces)
        last_trace, first = self._spans.last_row_id("traces"), self._spans.last_row_id("spans") + 1
        rows: list[tuple[Any, ...]] = []
        new: dict[int, tuple[str, Summary]] = {}
        for trace_id, found in traces.items():
            trace = known.get(trace_id) or last_trace + len(new) + 1
            own = self._rows(trace, first + len(rows), found.values())
            rows += own
            if trace_id not in known:
                new[trace] = (trace_id, summarise(own, self._profiles))
        self._spans.add_traces(
            (trace, self._project_id, trace_id, self._is_demo, *self._summary_row(summary))
            for trace, (trace_id, summary) in new.items()
        )
        self._index({trace: summary for trace, (_, summary) in new.items()})
        self._spans.mark_unsettled(known.values())
        if self._given is not None and self._given in self.agents:
            self._spans.set_given_agent(self._row_id(self._given), [*new, *known.values()])
        self._spans.set_agent_names(self._names)
        bodies = [record.body for found in traces.values() for record in found.values()]
        return self._spans.add_spans(rows, list(enumerate(bodies, first)))

    def settle(self, trace: int, given_agent: int | None) -> None:
        """Compute the agents of a trace's spans again, and with them its summary and executions."""
        known: dict[int | None, AgentIdentity] = {
            row_id: AgentIdentity(*identity)  # type: ignore[arg-type]
            for identity, (row_id, _) in self._row_ids.items()
        }
        rows = self._spans.spans_of_trace(trace)
        links = [Link(row.span_id, row.parent_id, known.get(row.own_agent)) for row in rows]
        owners = self._owners(links, None if given_agent is None else known[given_agent])
        profiles = [self._profile_of_agent(row.profile, owner) for row, owner in zip(rows, owners, strict=True)]
        self._spans.set_profiles({row.seq: new for row, new in zip(rows, profiles, strict=True) if row.profile != new})
        rows = [row._replace(profile=new) for row, new in zip(rows, profiles, strict=True)]
        summary = summarise(rows, self._profiles)
        self._spans.set_summary(trace, self._summary_row(summary))
        self._index({trace: summary})

    def _rows(self, trace: int, first: int, records: Collection[SpanRecord]) -> list[tuple[Any, ...]]:
        """Return the rows of spans of one trace, as values of ``SpanRow``; ``first`` is the row id of the first."""
        words, numbers = self._spans.words, self._numbers
        rows: list[tuple[Any, ...]] = []
        for seq, record, owner in zip(count(first), records, self._owners(records, self._given)):
            (_, span_id, parent, name, start, end, agent, _, labels, user, session, counts, outcome, _) = record
            rows.append(
                (
                    seq,
                    trace,
                    numbers.get((labels, owner)) or self._number(labels, owner),
                    words[name,],
                    span_id,
                    parent,
                    start,
                    end,
                    None if agent is None else self._row_id_of_named(agent, record.agent_name),
                    None if user is None else words[user,],
                    None if session is None else words[session,],
                    *counts,
                    *outcome,
                )
            )
        return rows

    def _row_id_of_named(self, agent: AgentIdentity, name: str | None) -> int:
        """Return the row id of the agent that a span names, and note the name of one that is identified by an id."""
        row_id = self._row_id(agent)
        if agent.source == "agent_id" and name is not None:
            self._names[row_id] = name
        return row_id

    def _number(self, labels: Labels, agent: int) -> int:
        """Return the number of the profile of an agent's spans that have these labels."""
        words, texts = self._spans.words, (labels.kind, labels.status, labels.service, labels.environment)
        keys = [words[to_json(sorted(each)).decode(),] for each in (labels.keys, labels.resource_keys)]
        found = self._profile((self._project_id, agent, *texts, labels.provider, labels.model, *keys))
        self._numbers[labels, agent] = found
        return found

    def _profile_of_agent(self, number: int, agent: int) -> int:
        """Return the number of the profile that equals another one but for its agent."""
        if number not in self._profiles:
            self._profile(self._spans.profiles.row(number))
        if self._profiles[number].agent == agent:
            return number
        project_id, _, *labels = self._spans.profiles.row(number)
        return self._profile((project_id, agent, *labels))

    def _profile(self, row: tuple[Any, ...]) -> int:
        """Return the number of a profile, and keep the values that summaries of traces need."""
        number = self._spans.profiles[row]
        _, agent, kind, status, _, _, _, model, *_ = row
        self._profiles[number] = Profile(agent, kind, status == "ERROR", model != "")
        return number

    def _index(self, traces: Mapping[int, Summary]) -> None:
        """Add the words and executions by which traces are found, and the longest durations."""
        found = traces.items()
        words = [(kind, word, trace) for trace, summary in found for kind, word in summary.words]
        executions = [(agent, each.ended, trace, n) for trace, each in found for agent, n in each.agents.items()]
        self._spans.index_traces(words, executions, is_demo=self._is_demo)
        span = max((summary.longest for summary in traces.values()), default=0)
        length = max((summary.ended - summary.started for summary in traces.values()), default=0)
        self._spans.set_longest(self._project_id, span, length)

    def _summary_row(self, summary: Summary) -> tuple[Any, ...]:
        mix = self._spans.mixes[to_json(summary.profiles).decode(),]
        return (summary.started, summary.ended, mix, *summary[3:-3])

    def _owners(self, spans: Collection[Link] | Collection[SpanRecord], given: AgentIdentity | None) -> list[int]:
        """Return the row id of the agent of each span of one trace, 0 without an agent."""
        found = attribute_agents(spans)
        if given is not None and not any(found.values()):
            found = dict.fromkeys(found, given)
        row_ids = {owner: 0 if owner is None else self._row_id(owner) for owner in dict.fromkeys(found.values())}
        return [row_ids[owner] for owner in found.values()]

    def _row_id(self, identity: AgentIdentity) -> int:
        """Return the row id of an agent; a new or forgotten one is added."""
        if identity not in self.agents:
            known = self._row_ids.get(identity)
            agent_id = str(uuid5(_NAMESPACE, f"{identity.source}/{identity.value}")) if known is None else known[1]
            if known is None or self._tables.agent(self._project_id, agent_id) is None:
                wire = {"id": agent_id, "identitySource": identity.source, "identityValue": identity.value}
                row_id = self._tables.put_agent(self._project_id, wire, None, is_counted=True)
                self._row_ids[identity] = (row_id, agent_id)
            self.agents[identity] = agent_id
        return self._row_ids[identity][0]


_MAX_BATCH_SPANS: Final = 2_500
_MAX_BATCH_BYTES: Final = 4 * 1024 * 1024
_TRACES_PER_TRANSACTION: Final = 500


@dataclass(slots=True)
class Loaded:
    """What was loaded from a file, counted while it is read."""

    spans: int = 0
    added: int = 0
    """The spans that were not stored before."""
    bad: int = 0
    """Lines that are not spans."""
    first: int | None = None
    """The start of the earliest span, in nanoseconds."""
    last: int | None = None
    """The start of the latest span."""
    agents: dict[tuple[str, str], str] = field(default_factory=dict)
    """The ids of the agents that spans belong to, by their identities."""
    periods: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The ends of the first and the last trace of each of them, by its id, from any file."""

    def count(self, batch: list[SpanRecord]) -> None:
        """Count some spans."""
        self.spans += len(batch)
        starts = [record.start for record in batch]
        self.first = min(starts if self.first is None else [self.first, *starts])
        self.last = max(starts if self.last is None else [self.last, *starts])


def load(
    store: Store,
    project_id: str,
    found: Iterable[SpanRecord | BadLine],
    on_bad: Callable[[BadLine], bool],
    agent: str | None = None,
) -> Loaded:
    """Add spans to a project; a stored span is not changed, so that a file may be loaded again.

    ``on_bad`` is called with every line that is not a span, and returns whether to continue. ``agent`` is the name of
    the agent of traces in which no span names one, stored traces included.
    """
    given = None if agent is None else AgentIdentity("agent_name", agent)
    loaded = Loaded()
    spans = _count_bad_lines(found, loaded, on_bad)
    commit: Future[None] | None = None
    try:
        while batch := _batch(spans):
            loaded.count(batch)
            if commit is not None:
                commit.result()
            with ExitStack() as transaction:
                ingest = SpanIngest(transaction.enter_context(store.writing()), project_id, given=given)
                loaded.added += ingest.add(batch)
                commit = Future(transaction.pop_all().close)  # the next spans are read while this waits for the disk
            loaded.agents |= ingest.agents
        if commit is not None:
            commit.result()
    finally:
        settle_traces(store)
    with store.reading() as tables:
        row_ids = tables.agent_row_ids(project_id)
        periods = {agent_id: tables.spans.period_of_agent(row_ids[key][0]) for key, agent_id in loaded.agents.items()}
    loaded.periods = {agent_id: period for agent_id, period in periods.items() if period is not None}
    return loaded


def _batch(spans: Iterator[SpanRecord]) -> list[SpanRecord]:
    """Return the spans of one transaction: fewer if they are large."""
    batch: list[SpanRecord] = []
    size = 0
    for record in islice(spans, _MAX_BATCH_SPANS):
        batch.append(record)
        size += len(record.body)
        if size > _MAX_BATCH_BYTES:
            break
    return batch


def _count_bad_lines(
    found: Iterable[SpanRecord | BadLine], loaded: Loaded, on_bad: Callable[[BadLine], bool]
) -> Iterator[SpanRecord]:
    for each in found:
        if isinstance(each, BadLine):
            loaded.bad += 1
            if not on_bad(each):
                return
        else:
            yield each


def settle_traces(store: Store) -> None:
    """Settle the traces that came in parts, in an interrupted load too, and add the missing blocks of span counts."""
    while True:
        with store.writing() as tables:
            traces = tables.spans.unsettled(_TRACES_PER_TRANSACTION)
            ingests: dict[tuple[str, bool], SpanIngest] = {}
            for trace, project_id, is_demo, given_agent in traces:
                key = (project_id, is_demo)
                if key not in ingests:
                    ingests[key] = SpanIngest(tables, project_id, is_demo=is_demo)
                ingests[key].settle(trace, given_agent)
        if len(traces) < _TRACES_PER_TRANSACTION:
            break
    has_more = True
    while has_more:
        with store.writing() as tables:
            has_more = tables.spans.blocks.add_missing()
