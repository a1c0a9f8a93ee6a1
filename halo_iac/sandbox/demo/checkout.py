"""The demo agent ``checkout``, which takes an order to its payment: two traces an hour.

Its flaws:

- ``charge_card`` times out after 30 s in three of 25 traces (12 %), and the checkout fails with it;
- ``lookup_inventory`` is asked again, once or twice with the same arguments, in every third trace.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from halo_iac.sandbox.demo.trace_builder import Model, TraceBuilder, mark_failed

AGENT: Final = "checkout"

_SYSTEM: Final = "You take an order to its payment: look up the stock, quote the shipping, charge the card once."
_DONE: Final = "Your order is placed and paid. It ships today by ground."
_TIMES_OUT: Final = frozenset({4, 12, 20})
_MINI: Final = Model("gpt-4.1-mini", "openai", Decimal("0.40"), Decimal("1.60"))


def record(trace: TraceBuilder) -> None:
    """Write one trace. Only the topmost span names the agent, by its id."""
    basket = {"sku": f"SKU-{trace.rng.randrange(1000, 9999)}", "quantity": trace.rng.randrange(1, 4)}
    wish = f"Check out {basket['quantity']} of {basket['sku']}, shipped to the US."
    names = {"agent.id": AGENT, "agent.name": "Checkout", "input.value": wish}
    trace.start_conversation(_SYSTEM, wish)
    with trace.group("AGENT", "checkout", **names) as top:
        trace.step("GUARDRAIL", "order_guardrail", 4, 12)
        trace.call_model(_MINI, "ChatCompletion", 850, 45)
        _look_up(trace, basket)
        trace.call_tool("quote_shipping", 60, 140, {"country": "US", **basket}, {"carrier": "ground", "price": "4.90"})
        trace.call_model(_MINI, "ChatCompletion", 1300, 60)
        if _charge(trace):
            trace.call_model(_MINI, "ChatCompletion", 1450, 90, says=_DONE)
            top["attributes"]["output.value"] = _DONE
        else:
            mark_failed(top, "checkout failed: payment was not confirmed")


def _look_up(trace: TraceBuilder, basket: dict[str, object]) -> None:
    stock = {"available": trace.rng.randrange(5, 80)}
    for _ in range(2 + trace.number % 2 if trace.number % 3 == 0 else 1):
        trace.call_tool("lookup_inventory", 90, 220, basket, stock)


def _charge(trace: TraceBuilder) -> bool:
    """Charge the card; return whether that succeeded."""
    order = {"order": trace.random_id("ord"), "amount": f"{trace.rng.randrange(900, 25000) / 100:.2f}"}
    if trace.number % 25 in _TIMES_OUT:
        charge = trace.call_tool("charge_card", 30_001, 30_040, order)
        mark_failed(
            charge, f"timed out after 30000 ms waiting for payments.internal (request {trace.random_id('req')})"
        )
        return False
    trace.call_tool("charge_card", 350, 900, order, {"status": "captured", "charge": trace.random_id("ch")})
    return True
