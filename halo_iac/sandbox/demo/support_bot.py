"""The demo agent ``support-bot``, which answers customers: a trace an hour.

Its flaws:

- in every sixth trace it answers without ``search_help_center``, the retrieval that grounds all other answers;
- in every eighth it sends ``create_ticket`` a priority that does not exist, and sends it again, unchanged, four to six
  times before it gives up and says that the ticket is on its way.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from halo_iac.sandbox.demo.trace_builder import Model, TraceBuilder, mark_failed

AGENT: Final = "support-bot"

_SONNET: Final = Model("claude-sonnet-4-5", "anthropic", Decimal(3), Decimal(15))
_SYSTEM: Final = "You answer customers from the help center, and open a ticket where that does not help."
_NEXT: Final = "A colleague follows up within a day; you need do nothing more."
_DOCUMENT: Final = "retrieval.documents.0.document"
_TURNS: Final = 4
"""Turns that make up a session."""
_TOPICS: Final = ("refund", "late parcel", "password", "invoice", "damaged item")


def record(trace: TraceBuilder) -> None:
    """Write one trace. The topmost span names the agent, by its name."""
    topic = trace.rng.choice(_TOPICS)
    customer = trace.random_id("cus")
    question, answer = f"I need help with this: {topic}.", f"I have looked into your {topic}. {_NEXT}"
    trace.context = {"session.id": f"session-{trace.number // _TURNS}", "user.id": customer}
    trace.start_conversation(_SYSTEM, question)
    with trace.group("AGENT", "support-bot.turn", **{"agent.name": AGENT, "input.value": question}) as top:
        top["attributes"]["output.value"] = answer
        trace.step("GUARDRAIL", "tone_guardrail", 5, 15)
        if trace.number % 6 != 2:
            found = {"input.value": topic, f"{_DOCUMENT}.id": f"help-{topic}", f"{_DOCUMENT}.content": _NEXT}
            trace.step("RETRIEVER", "search_help_center", 120, 400, **found)
        trace.call_model(_SONNET, "messages.create", 1800, 80)
        trace.call_tool("lookup_account", 80, 200, {"customer": customer}, {"plan": "standard", "since": 2021})
        if trace.number % 8 == 5:
            _repeat_question(trace, customer, topic)
        elif trace.number % 4 == 0:
            ticket = {"customer": customer, "topic": topic, "priority": "high"}
            trace.call_tool("create_ticket", 150, 300, ticket, {"ticket": trace.random_id("tic")})
        trace.call_model(_SONNET, "messages.create", 2400, 160, says=answer)


def _repeat_question(trace: TraceBuilder, customer: str, topic: str) -> None:
    ticket = {"customer": customer, "topic": topic, "priority": "urgent"}
    for _ in range(trace.rng.randrange(4, 7)):
        refused = trace.call_tool("create_ticket", 150, 300, ticket)
        mark_failed(refused, f"HTTP 422: priority must be one of low, normal, high (request {trace.random_id('req')})")
        trace.call_model(_SONNET, "messages.create", 2100, 40)
