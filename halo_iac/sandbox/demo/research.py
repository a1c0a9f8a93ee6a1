"""The demo agent ``research``, which reads the web and writes a memo: a trace every four hours.

Its flaws:

- ``fetch_page`` takes 6 to 14 s, one page after the other, most of the time that a memo takes;
- the memo alone is written by a model that makes up most of the cost.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from halo_iac.sandbox.demo.trace_builder import Model, TraceBuilder

AGENT: Final = "research"

_HAIKU: Final = Model("claude-haiku-4-5", "anthropic", Decimal(1), Decimal(5))
_OPUS: Final = Model("claude-opus-4-5", "anthropic", Decimal(15), Decimal(75))
_SUBJECTS: Final = ("grid storage", "ferry routes", "soil sensors", "tidal power", "seed banks", "harbour dredging")


def record(trace: TraceBuilder) -> None:
    """Write one trace. Every span names the agent, as exports from HALO do."""
    subject = trace.rng.choice(_SUBJECTS)
    wish, memo = f"Write a memo on {subject}.", f"# {subject.capitalize()}\n\nWhat four pages on it agree on."
    trace.start_conversation("You read the web, one page after the other, and write a memo.", wish)
    with trace.group("AGENT", "research.memo", **{"input.value": wish, "output.value": memo}):
        trace.call_model(_HAIKU, "plan", 700, 120)
        with trace.group("CHAIN", "gather"):
            for query in ("overview", "figures"):
                question = {"query": f"{subject} {query}"}
                trace.call_tool("search_web", 300, 700, question, {"hits": trace.rng.randrange(5, 10)})
            for page in range(4):
                address = {"url": f"https://example.org/{subject.replace(' ', '-')}/{page}"}
                trace.call_tool("fetch_page", 6_000, 14_000, address, f"Page {page} on {subject}. " * 40)
                trace.call_model(_HAIKU, "summarise", 2200, 150)
        trace.call_model(_OPUS, "write_memo", 5200, 700, says=memo)
