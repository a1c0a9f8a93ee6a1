"""Builds traces of the demo agents: each step advances a clock and adds a span as exporters write it.

A trace, ids included, depends only on the agent and the number of its slot, so that writing it twice adds nothing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from halo_iac.sandbox.instants import format_nanoseconds

Json = dict[str, Any]

_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Model:
    """A model and its invented prices for a million tokens."""

    name: str
    provider: str
    prompt_price: Decimal
    completion_price: Decimal

    def cost(self, prompt: int, completion: int) -> str:
        """Return the cost of a call, as exports write it."""
        return str((prompt * self.prompt_price + completion * self.completion_price) / 10**6)


@dataclass(slots=True)
class TraceBuilder:
    """Builds one trace. Consecutive steps advance its clock; durations are in milliseconds."""

    agent: str
    number: int
    clock: int
    exporter_attributes: Mapping[str, Any]
    """Attributes that the agent's exporter adds to every span."""
    spans: list[Json] = field(default_factory=list)
    context: Json = field(default_factory=dict)
    """Attributes of all later spans: the session and the user."""
    _open: list[Json] = field(default_factory=list)
    _messages: list[Json] = field(default_factory=list)
    _answer: Json = field(default_factory=dict)
    _asked: Json = field(default_factory=dict)
    _calls: int = 0
    rng: random.Random = field(init=False)
    trace_id: str = field(init=False)

    def __post_init__(self) -> None:
        # A demo needs the same numbers on every machine, not unpredictable ones.
        self.rng = random.Random(f"{self.agent}/{self.clock}/{self.number}")  # noqa: S311
        self.trace_id = f"{self.rng.getrandbits(128):032x}"

    @contextmanager
    def group(self, kind: str, name: str, **attributes: object) -> Iterator[Json]:
        """Record a step that contains the steps of the block, and yield its span, which the caller may change."""
        span = self._span(kind, name, attributes)
        self._open.append(span)
        yield span
        self._open.pop()
        self.advance(2, 6)
        span["end_time"] = format_nanoseconds(self.clock)

    def step(self, kind: str, name: str, least: int, most: int, **attributes: object) -> Json:
        """Record a step of random length."""
        span = self._span(kind, name, attributes)
        self.advance(least, most)
        span["end_time"] = format_nanoseconds(self.clock)
        return span

    def start_conversation(self, system: str, user: str) -> None:
        """Begin the conversation that later model calls have as input."""
        self._messages = [{"message.role": "system", "message.content": system}]
        self._messages.append({"message.role": "user", "message.content": user})

    def call_model(self, model: Model, name: str, prompt: int, completion: int, says: str = "") -> Json:
        """Record a model call with about this many tokens; its duration grows with its answer.

        Its input is the conversation so far, its output ``says`` and the tools that are called next.
        """
        read, written = self.vary(prompt), self.vary(completion)
        attributes = {
            "llm.provider": model.provider,
            "llm.model_name": model.name,
            "llm.token_count.prompt": read,
            "llm.token_count.completion": written,
            "llm.token_count.total": read + written,
            "inference.llm.cost.total": model.cost(read, written),
            **_flattened("llm.input_messages", self._messages),
        }
        self._answer = {"message.role": "assistant", "message.content": says}
        self._calls = 0
        self._asked = self.step("LLM", name, 250 + 8 * written, 350 + 12 * written, **attributes)
        self._asked["attributes"].update(_flattened("llm.output_messages", [self._answer]))
        self._messages.append(self._answer)
        return self._asked

    def call_tool(self, tool: str, least: int, most: int, arguments: Json, result: object = None) -> Json:
        """Record a tool call that the model asked for, with or without a result."""
        attributes: Json = {"tool.name": tool, "input.value": json.dumps(arguments)}
        text = "" if result is None else result if isinstance(result, str) else json.dumps(result)
        if result is not None:
            attributes["output.value"] = text
        self._call(tool, attributes["input.value"])
        self._messages.append({"message.role": "tool", "message.name": tool, "message.content": text})
        return self.step("TOOL", tool, least, most, **attributes)

    def _call(self, tool: str, arguments: str) -> None:
        """Add a tool call to the model's last answer."""
        function = f"message.tool_calls.{self._calls}.tool_call.function"
        call = {f"{function}.name": tool, f"{function}.arguments": arguments}
        self._calls += 1
        self._answer.update(call)
        if self._asked:
            self._asked["attributes"].update(_flattened("llm.output_messages", [call]))

    def advance(self, least: int, most: int) -> None:
        """Advance the clock by a random number of milliseconds."""
        self.clock += self.rng.randrange(least * _MS, most * _MS)

    def vary(self, number: int) -> int:
        """Return a random number within 15 % of another."""
        return round(number * self.rng.uniform(0.85, 1.15))

    def random_id(self, prefix: str) -> str:
        """Return a random id with a prefix, as services generate them."""
        return f"{prefix}_{self.rng.getrandbits(48):012x}"

    def _span(self, kind: str, name: str, attributes: Mapping[str, object]) -> Json:
        self.clock += self.rng.randrange(_MS, 4 * _MS)
        span: Json = {
            "trace_id": self.trace_id,
            "span_id": f"{self.rng.getrandbits(64):016x}",
            "parent_span_id": self._open[-1]["span_id"] if self._open else "",
            "trace_state": "",
            "name": name,
            "kind": "SPAN_KIND_CLIENT" if kind in {"LLM", "TOOL", "RETRIEVER"} else "SPAN_KIND_INTERNAL",
            "start_time": format_nanoseconds(self.clock),
            "end_time": "",
            "status": {"code": "STATUS_CODE_OK", "message": ""},
            "resource": {"attributes": {"service.name": self.agent, "deployment.environment": "demo"}},
            "scope": {"name": "halo-sandbox-demo", "version": "1"},
            "attributes": {
                "openinference.span.kind": kind,
                "inference.export.schema_version": 1,
                "inference.observation_kind": kind,
                **self.exporter_attributes,
                **self.context,
                **attributes,
            },
        }
        self.spans.append(span)
        return span


def mark_failed(span: Json, message: str) -> None:
    """Mark a step as failed."""
    span["status"] = {"code": "STATUS_CODE_ERROR", "message": message}
    attributes = {"exception.type": "ToolError", "exception.message": message}
    span["events"] = [
        {"name": "exception", "timestamp": span["end_time"] or span["start_time"], "attributes": attributes}
    ]


def _flattened(prefix: str, messages: list[Json]) -> Json:
    """Return messages as OpenInference writes them, with an attribute for each field."""
    return {
        f"{prefix}.{number}.{name}": value for number, message in enumerate(messages) for name, value in message.items()
    }
