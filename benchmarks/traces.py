"""Spans to load, as HALO exports them: the same count gives the same bytes everywhere.

A trace has ten spans of about 900 bytes, and is written as exporters write it: each span when it ends, so children come
before their parents, and in turn with the spans of other traces. Only the topmost span names the agent.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

SPANS: Final = 10
_AT_ONCE: Final = 4
_AGENTS: Final = ("checkout", "support-bot", "research")
_TOOLS: Final = ("lookup_inventory", "search_documents", "charge_card", "send_mail")
_BEGIN: Final = datetime(2025, 1, 1, tzinfo=UTC)
_APART: Final = timedelta(seconds=6)
_STEP: Final = timedelta(milliseconds=450)
_ANSWER: Final = json.dumps([{"sku": f"SKU-{number}", "available": number % 40} for number in range(8)])


def write_traces(path: Path, spans: int) -> None:
    """Write so many spans, one on each line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(islice(_lines(), spans))


def _lines() -> Iterator[str]:
    for first in count(step=_AT_ONCE):
        for spans in zip(*map(trace_lines, range(first, first + _AT_ONCE)), strict=True):
            yield from spans


def trace_lines(number: int) -> list[str]:
    """Return the spans of a trace, each as a line."""
    rng = random.Random(number)
    agent = _AGENTS[number % len(_AGENTS)]
    ids = [f"{rng.getrandbits(64):016x}" for _ in range(SPANS)]
    shared = {"trace_id": f"{rng.getrandbits(128):032x}", "parent_span_id": ids[-1], "trace_state": ""}
    begin = _BEGIN + number * _APART
    lines = []
    for step, span_id in enumerate(ids[:-1]):
        timed = _timed(begin + step * _STEP, begin + (step + 1) * _STEP)
        own = _asked(rng) if step % 2 == 0 else _called(rng, number, has_failed=number % 50 == step)
        lines.append(_line({**shared, "span_id": span_id, **timed}, agent, own))
    top = {**shared, "span_id": ids[-1], "parent_span_id": "", **_timed(begin, begin + SPANS * _STEP)}
    lines.append(_line(top, agent, _span("AGENT", agent, {"agent.id": agent, "agent.name": agent})))
    return lines


def _asked(rng: random.Random) -> dict[str, Any]:
    read, written = rng.randrange(200, 4000), rng.randrange(20, 400)
    tokens = {"prompt": read, "completion": written, "total": read + written}
    attributes = {
        "llm.provider": "openai",
        "llm.model_name": "gpt-4.1-mini",
        **{f"llm.token_count.{name}": value for name, value in tokens.items()},
        "inference.llm.input_tokens": read,
        "inference.llm.output_tokens": written,
        "inference.llm.cost.total": f"{read * 4 + written * 16}e-7",
    }
    return _span("LLM", "ChatCompletion", attributes)


def _called(rng: random.Random, number: int, *, has_failed: bool) -> dict[str, Any]:
    tool = _TOOLS[number % len(_TOOLS)]
    arguments = json.dumps({"sku": f"SKU-{rng.randrange(9999)}", "quantity": 2})
    span = _span("TOOL", tool, {"tool.name": tool, "input.value": arguments, "output.value": _ANSWER})
    if has_failed:
        span["status"] = {"code": "STATUS_CODE_ERROR", "message": f"timed out after {rng.randrange(9999)} ms"}
    return span


def _span(kind: str, name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "SPAN_KIND_INTERNAL" if kind == "AGENT" else "SPAN_KIND_CLIENT",
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "scope": {"name": "openinference.instrumentation", "version": "0.1.30"},
        "attributes": {
            "openinference.span.kind": kind,
            "inference.export.schema_version": 1,
            "inference.observation_kind": kind,
            "inference.project_id": "bench",
            **attributes,
        },
    }


def _timed(start: datetime, end: datetime) -> dict[str, str]:
    return {"start_time": f"{start:%Y-%m-%dT%H:%M:%S.%f}000Z", "end_time": f"{end:%Y-%m-%dT%H:%M:%S.%f}000Z"}


def _line(place: dict[str, str], agent: str, own: dict[str, Any]) -> str:
    resource = {"attributes": {"service.name": agent, "deployment.environment": "bench"}}
    return json.dumps({**place, **own, "resource": resource}, separators=(",", ":")) + "\n"
