"""Taking traces in: from files of them to spans, whose each is, and what a trace sums up to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any, BinaryIO, Final
from uuid import UUID, uuid5

from pydantic_core import to_json

from halo_iac.sandbox import trace_files
from halo_iac.sandbox.analyst.spans import AgentIdentity, Link, attribute
from halo_iac.sandbox.span_record import BadSpanError, Labels, SpanRecord, span_of
from halo_iac.sandbox.store import Store, Tables
from halo_iac.sandbox.trace_files import BadLine
from halo_iac.sandbox.trace_summary import Profile, Summary, summarise
from halo_iac.workers import Future


def read_spans(stream: BinaryIO) -> Iterator[SpanRecord | BadLine]:
    """Yield the spans of a file of any known format, and for everything else the reason."""
    for found in trace_files.read_spans(stream):
        if isinstance(found, BadLine):
            yield found
            continue
        try:
            yield span_of(found.span, found.text)
        except BadSpanError as bad:
            yield BadLine(found.line, bad.reason)


_NAMESPACE = UUID("5a4db0c5-0000-4000-8000-0000000000a9")


class SpanIngest:
    """Takes spans into one project, in one transaction."""

    def __init__(
        self, tables: Tables, project_id: str, *, is_demo: bool = False, given: AgentIdentity | None = None
    ) -> None:
        """Take spans into a project; ``given`` is whose the traces are that name no agent."""
        self._given = given
        self._tables = tables
        self._spans = tables.spans
        self._project_id = project_id
        self._is_demo = is_demo
        self._places = tables.agent_places(project_id)
        self._names: dict[int, str] = {}
        self._numbers: dict[tuple[Labels, int], int] = {}
        self._profiles: dict[int, Profile] = {}
        self.agents: dict[tuple[str, str], str] = {}
        """The agents that spans were found to belong to, and their ids."""

    def take(self, records: Iterable[SpanRecord]) -> int:
        """Take some spans in and return how many are new.

        A trace that is new is settled with what there is of it; one that gets more spans has to be settled again.
        """
        traces: dict[str, dict[str, SpanRecord]] = {}
        for record in records:
            traces.setdefault(record.trace_id, {}).setdefault(record.span_id, record)
        places = self._spans.places(self._project_id, traces)
        last_trace, first = self._spans.last_trace(), self._spans.last_span() + 1
        rows: list[tuple[Any, ...]] = []
        new: dict[int, tuple[str, Summary]] = {}
        old: list[int] = []
        for trace_id, found in traces.items():
            place = places.get(trace_id) or last_trace + len(new) + 1
            own = self._rows(place, first + len(rows), found.values())
            rows += own
            if trace_id in places:
                old.append(place)
            else:
                new[place] = (trace_id, summarise(own, self._profiles))
        self._add_traces(new)
        self._spans.reopen(old)
        if self._given is not None and self._given in self.agents:
            self._spans.give_agent(self._place(self._given), [*new, *old])
        self._spans.name_agents(self._names)
        bodies = [record.body for found in traces.values() for record in found.values()]
        return self._spans.add(rows, list(enumerate(bodies, first)))

    def settle(self, trace: int) -> None:
        """Reckon anew whose the spans of a trace are, its summary, and the executions that makes."""
        known: dict[int | None, AgentIdentity] = {
            place: AgentIdentity(*identity)  # type: ignore[arg-type]
            for identity, (place, _) in self._places.items()
        }
        rows = self._spans.rows(trace)
        given = self._spans.given_agent(trace)
        links = [Link(row.span_id, row.parent_id, known.get(row.own_agent)) for row in rows]
        owners = self._owners(links, None if given is None else known[given])
        profiles = [self._moved(row.profile, owner) for row, owner in zip(rows, owners, strict=True)]
        self._spans.mark({row.seq: new for row, new in zip(rows, profiles, strict=True) if row.profile != new})
        rows = [row._replace(profile=new) for row, new in zip(rows, profiles, strict=True)]
        summary = summarise(rows, self._profiles)
        self._spans.settle(trace, self._summary_row(summary))
        self._add_around({trace: summary})

    def _rows(self, trace: int, first: int, records: Collection[SpanRecord]) -> list[tuple[Any, ...]]:
        """Return the rows of spans of one trace, as values of ``SpanRow``; ``first`` is the place of the first."""
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
                    None if agent is None else self._own_place(agent, record.agent_name),
                    None if user is None else words[user,],
                    None if session is None else words[session,],
                    *counts,
                    *outcome,
                )
            )
        return rows

    def _own_place(self, agent: AgentIdentity, name: str | None) -> int:
        """Return the place of the agent that a span names, and note what one that is known by an id is called."""
        place = self._place(agent)
        if agent.source == "agent_id" and name is not None:
            self._names[place] = name
        return place

    def _number(self, labels: Labels, agent: int) -> int:
        """Return the number of the profile of an agent's spans that have these labels."""
        words, texts = self._spans.words, (labels.kind, labels.status, labels.service, labels.environment)
        keys = [words[to_json(sorted(each)).decode(),] for each in (labels.keys, labels.resource_keys)]
        found = self._profile((self._project_id, agent, *texts, labels.provider, labels.model, *keys))
        self._numbers[labels, agent] = found
        return found

    def _moved(self, number: int, agent: int) -> int:
        """Return the number of the profile of spans that may have turned out to be another agent's."""
        if number not in self._profiles:
            self._profile(self._spans.profiles.row(number))
        if self._profiles[number].agent == agent:
            return number
        project_id, _, *labels = self._spans.profiles.row(number)
        return self._profile((project_id, agent, *labels))

    def _profile(self, row: tuple[Any, ...]) -> int:
        """Return the number of a profile, and keep what traces are summed up by."""
        number = self._spans.profiles[row]
        _, agent, kind, status, _, _, _, model, *_ = row
        self._profiles[number] = Profile(agent, kind, status == "ERROR", model != "")
        return number

    def _add_traces(self, traces: Mapping[int, tuple[str, Summary]]) -> None:
        self._spans.add_traces(
            (trace, self._project_id, trace_id, self._is_demo, *self._summary_row(summary))
            for trace, (trace_id, summary) in traces.items()
        )
        self._add_around({trace: summary for trace, (_, summary) in traces.items()})

    def _add_around(self, traces: Mapping[int, Summary]) -> None:
        """Write down by what traces are found: their words, and whose executions they are."""
        found = traces.items()
        words = [(kind, word, trace) for trace, summary in found for kind, word in summary.words]
        executions = [(agent, each.ended, trace, n) for trace, each in found for agent, n in each.agents.items()]
        span = max((summary.longest for summary in traces.values()), default=0)
        length = max((summary.ended - summary.started for summary in traces.values()), default=0)
        self._spans.add_words(words)
        self._spans.add_executions(executions, is_demo=self._is_demo)
        self._spans.set_longest(self._project_id, span, length)

    def _summary_row(self, summary: Summary) -> tuple[Any, ...]:
        mix = self._spans.mixes[to_json(summary.profiles).decode(),]
        return (summary.started, summary.ended, mix, *summary[3:-3])

    def _owners(self, spans: Collection[Link] | Collection[SpanRecord], given: AgentIdentity | None) -> list[int]:
        """Return the places of the agents whose the spans of one trace are; 0 for no agent's."""
        found = attribute(spans)
        if given is not None and not any(found.values()):
            found = dict.fromkeys(found, given)
        places = {owner: 0 if owner is None else self._place(owner) for owner in dict.fromkeys(found.values())}
        return [places[owner] for owner in found.values()]

    def _place(self, identity: AgentIdentity) -> int:
        if identity not in self.agents:
            self.agents[identity] = self._appeared(identity)
        return self._places[identity][0]

    def _appeared(self, identity: AgentIdentity) -> str:
        """Let an agent be seen, be it new, known or forgotten, and return its id."""
        known = self._places.get(identity)
        agent_id = str(uuid5(_NAMESPACE, f"{identity.source}/{identity.value}")) if known is None else known[1]
        if known is None or self._tables.agent(self._project_id, agent_id) is None:
            wire = {"id": agent_id, "identitySource": identity.source, "identityValue": identity.value}
            place = self._tables.put_agent(self._project_id, wire, None, is_counted=True)
            self._places[identity] = (place, agent_id)
        return agent_id


_BATCH: Final = 2_500
_BATCH_BYTES: Final = 4 * 1024 * 1024
_TRACES: Final = 500


@dataclass(slots=True)
class Loaded:
    """What a file held, counted while it is read."""

    spans: int = 0
    added: int = 0
    """Those of them that were not there yet."""
    bad: int = 0
    """Lines that are no spans."""
    first: int | None = None
    """When the first of them began, in nanoseconds."""
    last: int | None = None
    agents: dict[tuple[str, str], str] = field(default_factory=dict)
    """Ids of the agents that were seen, by what they are known by."""
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    """When the first and the last trace of each of them ended, by its id, whichever file they came in."""

    def count(self, batch: list[SpanRecord]) -> None:
        """Count some spans in."""
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
    """Take spans into a project. A span that is there stays as it is, so a file may be loaded again.

    ``on_bad`` is called with every line that is not a span, and returns whether to continue. ``agent`` names the agent
    of traces in which no span names one, those that are there already included.
    """
    given = None if agent is None else AgentIdentity("agent_name", agent)
    loaded = Loaded()
    spans = _good(found, loaded, on_bad)
    commit: Future[None] | None = None
    try:
        while batch := _batch(spans):
            loaded.count(batch)
            if commit is not None:
                commit.result()
            with ExitStack() as transaction:
                arrivals = SpanIngest(transaction.enter_context(store.writing()), project_id, given=given)
                loaded.added += arrivals.take(batch)
                commit = Future(transaction.pop_all().close)  # the next spans are read while this waits for the disk
            loaded.agents |= arrivals.agents
        if commit is not None:
            commit.result()
    finally:
        settle(store)
    with store.reading() as tables:
        places = tables.agent_places(project_id)
        periods = {agent_id: tables.spans.seen(places[known][0]) for known, agent_id in loaded.agents.items()}
    loaded.seen = {agent_id: period for agent_id, period in periods.items() if period is not None}
    return loaded


def _batch(spans: Iterator[SpanRecord]) -> list[SpanRecord]:
    """Return the spans that one transaction takes: so many, or fewer that are large."""
    batch: list[SpanRecord] = []
    size = 0
    for record in islice(spans, _BATCH):
        batch.append(record)
        size += len(record.body)
        if size > _BATCH_BYTES:
            break
    return batch


def _good(
    found: Iterable[SpanRecord | BadLine], loaded: Loaded, on_bad: Callable[[BadLine], bool]
) -> Iterator[SpanRecord]:
    for each in found:
        if isinstance(each, BadLine):
            loaded.bad += 1
            if not on_bad(each):
                return
        else:
            yield each


def settle(store: Store) -> None:
    """Settle the traces that came in pieces, those of a load that was cut off included, and count what is new."""
    while True:
        with store.writing() as tables:
            traces = tables.spans.unsettled(_TRACES)
            arrivals: dict[tuple[str, bool], SpanIngest] = {}
            for trace, project_id, is_demo in traces:
                of = (project_id, is_demo)
                if of not in arrivals:
                    arrivals[of] = SpanIngest(tables, project_id, is_demo=is_demo)
                arrivals[of].settle(trace)
        if len(traces) < _TRACES:
            break
    has_more = True
    while has_more:
        with store.writing() as tables:
            has_more = tables.spans.blocks.count()
