"""Taking traces in: from files of them to spans, whose each is, and what a trace sums up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice, repeat
from typing import Any, BinaryIO, Final
from uuid import UUID, uuid5

from pydantic_core import to_json

from halo_iac.sandbox import trace_files
from halo_iac.sandbox.analyst.spans import AgentIdentity, Link, attribute
from halo_iac.sandbox.span_record import BadSpanError, Labels, SpanRecord, span_of
from halo_iac.sandbox.store import Store, Tables
from halo_iac.sandbox.trace_files import BadLine
from halo_iac.sandbox.trace_summary import Step, Summary, summarise


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
        self._profiles: dict[tuple[Labels, int], int] = {}
        self._keys: dict[tuple[str, ...], int] = {}
        self.agents: dict[tuple[str, str], str] = {}
        """The agents that spans were found to belong to, and their ids."""

    def take(self, records: Iterable[SpanRecord]) -> int:
        """Take some spans in and return how many are new.

        A trace that is new is settled with what there is of it; one that gets more spans has to be settled again.
        """
        traces: dict[str, dict[str, SpanRecord]] = {}
        for record in records:
            traces.setdefault(record.span.trace_id, {}).setdefault(record.span.span_id, record)
        places = self._spans.places(self._project_id, traces)
        last_trace, last_span = self._spans.last_trace(), self._spans.last_span()
        rows: list[tuple[Any, ...]] = []
        new: dict[int, tuple[str, list[Step]]] = {}
        old: list[int] = []
        for trace_id, found in traces.items():
            place = places.get(trace_id) or last_trace + len(new) + 1
            steps = self._steps(found, last_span + len(rows))
            rows += map(self._row, repeat(place), steps, found.values())
            if trace_id in places:
                old.append(place)
            else:
                new[place] = (trace_id, steps)
        self._add_traces(new)
        self._spans.reopen(old)
        if self._given is not None and self._given in self.agents:
            self._spans.give_agent(self._place(self._given), [*new, *old])
        self._spans.name_agents(self._names)
        bodies = [record.body for found in traces.values() for record in found.values()]
        return self._spans.add(rows, [(row[0], body) for row, body in zip(rows, bodies, strict=True)])

    def settle(self, trace: int) -> None:
        """Reckon anew whose the spans of a trace are, its summary, and the executions that makes."""
        known = {place: AgentIdentity(*identity) for identity, (place, _) in self._places.items()}  # type: ignore[arg-type]
        rows = self._spans.steps(trace)
        steps = [Step._make((*row[:-2], None if row[-2] is None else Decimal(row[-2]))) for row in rows]
        given = self._spans.given_agent(trace)
        links = (Link(row[1], row[2], known.get(row[-1])) for row in rows)
        owners = self._owners(links, None if given is None else known[given])
        steps = [step._replace(agent=owners[step.span_id] or 0) for step in steps]
        changed = {step.seq: self._moved(step) for step, row in zip(steps, rows, strict=True) if step.agent != row[8]}
        steps = [step._replace(profile=changed.get(step.seq, step.profile)) for step in steps]
        self._spans.mark(changed)
        summary = summarise(steps)
        self._spans.settle(trace, self._summary_row(summary))
        self._add_around({trace: (summary, steps)})

    def _steps(self, found: Mapping[str, SpanRecord], last_span: int) -> list[Step]:
        """Return the steps of the spans of one trace, which get places behind ``last_span``."""
        spans = [record.span for record in found.values()]
        owners = self._owners([Link(span.span_id, span.parent_id, span.own_agent) for span in spans], self._given)
        return [
            self._step(seq, record, owners[record.span.span_id] or 0)
            for seq, record in enumerate(found.values(), last_span + 1)
        ]

    def _step(self, seq: int, record: SpanRecord, agent: int) -> Step:
        span, labels, _, user, session, cached, _ = record
        _, span_id, parent, name, kind, start, end, status, *_, model, prompt, completion, total = span[:16]
        word = self._spans.words.number
        return Step(
            seq,
            span_id,
            parent,
            start,
            end,
            kind,
            status == "ERROR",
            model is not None,
            agent,
            self._profiles.get((labels, agent)) or self._profile(labels, agent),
            word(name),
            None if user is None else word(user),
            None if session is None else word(session),
            prompt,
            completion,
            cached,
            total,
            span.cost,
        )

    def _row(self, trace: int, step: Step, record: SpanRecord) -> tuple[Any, ...]:
        (seq, span_id, parent, start, end, _, _, _, _, profile, name, user, session, *counts, cost) = step
        prompt, completion, cached, total = counts
        span, own = record.span, None
        if span.own_agent is not None:
            own = self._place(span.own_agent)
            if span.agent_source == "agent_id" and record.agent_name is not None:
                self._names[own] = record.agent_name
        texts = (span.message, span.tool, span.input_digest, span.output_digest, span.output_length)
        spent = (prompt, completion, total, cached, None if cost is None else str(cost))
        return (seq, trace, profile, name, span_id, parent, start, end, own, user, session, *spent, *texts)

    def _profile(self, labels: Labels, agent: int) -> int:
        keys = (self._keys_word(labels.keys), self._keys_word(labels.resource_keys))
        found = self._spans.profiles.number(self._project_id, agent, *labels[:-2], *keys)
        self._profiles[labels, agent] = found
        return found

    def _keys_word(self, keys: tuple[str, ...]) -> int:
        return self._spans.words.number(to_json(sorted(keys)).decode())

    def _moved(self, step: Step) -> int:
        """Return the profile of a span that turned out to be another agent's."""
        project_id, _, *labels = self._spans.profiles.values(step.profile)
        return self._spans.profiles.number(project_id, step.agent, *labels)

    def _add_traces(self, traces: Mapping[int, tuple[str, list[Step]]]) -> None:
        found = {trace: (summarise(steps), steps) for trace, (_, steps) in traces.items()}
        self._spans.add_traces(
            (trace, self._project_id, traces[trace][0], self._is_demo, *self._summary_row(summary))
            for trace, (summary, _) in found.items()
        )
        self._add_around(found)

    def _add_around(self, traces: Mapping[int, tuple[Summary, Sequence[Step]]]) -> None:
        """Write down by what traces are found: their words, and whose executions they are."""
        words = [(field, word, trace) for trace, (summary, _) in traces.items() for field, word in summary.words]
        executions = [each for trace, (summary, steps) in traces.items() for each in _executions(trace, summary, steps)]
        span = max((step.ended - step.started for _, steps in traces.values() for step in steps), default=0)
        length = max((summary.ended - summary.started for summary, _ in traces.values()), default=0)
        self._spans.add_words(words)
        self._spans.add_executions(executions, is_demo=self._is_demo)
        self._spans.set_longest(self._project_id, span, length)

    def _summary_row(self, summary: Summary) -> tuple[Any, ...]:
        mix = self._spans.mixes.number(to_json(summary.profiles).decode())
        return (summary.started, summary.ended, mix, *summary[3:-1])

    def _owners(self, links: Iterable[Link], given: AgentIdentity | None) -> dict[str, int | None]:
        found = attribute(links)
        if given is not None and not any(found.values()):
            found = dict.fromkeys(found, given)
        places = {owner: None if owner is None else self._place(owner) for owner in dict.fromkeys(found.values())}
        return {span_id: places[owner] for span_id, owner in found.items()}

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


def _executions(trace: int, summary: Summary, steps: Iterable[Step]) -> list[tuple[int, int, int, int]]:
    counts = Counter([step.agent for step in steps if step.agent])
    return [(agent, summary.ended, trace, spans) for agent, spans in counts.items()]


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
        starts = [record.span.start for record in batch]
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

    ``on_bad`` is told of every line that is no span, and says whether to go on. ``agent`` names the agent of traces in
    which no span names one, those that are there already included.
    """
    given = None if agent is None else AgentIdentity("agent_name", agent)
    loaded = Loaded()
    spans = _good(found, loaded, on_bad)
    try:
        while batch := _batch(spans):
            loaded.count(batch)
            with store.writing() as tables:
                arrivals = SpanIngest(tables, project_id, given=given)
                loaded.added += arrivals.take(batch)
            loaded.agents |= arrivals.agents
    finally:
        settle(store)
    with store.reading() as tables:
        places = tables.agent_places(project_id)
        spells = {agent_id: tables.spans.seen(places[known][0]) for known, agent_id in loaded.agents.items()}
    loaded.seen = {agent_id: spell for agent_id, spell in spells.items() if spell is not None}
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
