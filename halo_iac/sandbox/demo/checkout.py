"""The demo agent ``checkout``, which takes an order to its payment: two traces an hour.

Its flaws:

- ``charge_card`` times out after 30 s in three of 25 traces (12 %), and the checkout fails with it;
- ``lookup_inventory`` is asked again, once or twice with the same arguments, in every third trace.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from halo_iac.sandbox.demo.scene import Model, Scene, fail

AGENT: Final = "checkout"
EVERY: Final = 30
"""Minutes from one trace to the next."""

_SYSTEM: Final = "You take an order to its payment: look up the stock, quote the shipping, charge the card once."
_DONE: Final = "Your order is placed and paid. It ships today by ground."
_TIMES_OUT: Final = frozenset({4, 12, 20})
_MINI: Final = Model("gpt-4.1-mini", "openai", Decimal("0.40"), Decimal("1.60"))


def play(scene: Scene) -> None:
    """Write one trace. Only the topmost span names the agent, by its id."""
    basket = {"sku": f"SKU-{scene.rng.randrange(1000, 9999)}", "quantity": scene.rng.randrange(1, 4)}
    wish = f"Check out {basket['quantity']} of {basket['sku']}, shipped to the US."
    names = {"agent.id": AGENT, "agent.name": "Checkout", "input.value": wish}
    scene.hear(_SYSTEM, wish)
    with scene.inside("AGENT", "checkout", **names) as top:
        scene.step("GUARDRAIL", "order_guardrail", 4, 12)
        scene.ask(_MINI, "ChatCompletion", 850, 45)
        _look_up(scene, basket)
        scene.use("quote_shipping", 60, 140, {"country": "US", **basket}, {"carrier": "ground", "price": "4.90"})
        scene.ask(_MINI, "ChatCompletion", 1300, 60)
        if _charge(scene):
            scene.ask(_MINI, "ChatCompletion", 1450, 90, says=_DONE)
            top["attributes"]["output.value"] = _DONE
        else:
            fail(top, "checkout failed: payment was not confirmed")


def _look_up(scene: Scene, basket: dict[str, object]) -> None:
    stock = {"available": scene.rng.randrange(5, 80)}
    for _ in range(2 + scene.number % 2 if scene.number % 3 == 0 else 1):
        scene.use("lookup_inventory", 90, 220, basket, stock)


def _charge(scene: Scene) -> bool:
    """Charge the card; say whether that came through."""
    order = {"order": scene.token("ord"), "amount": f"{scene.rng.randrange(900, 25000) / 100:.2f}"}
    if scene.number % 25 in _TIMES_OUT:
        charge = scene.use("charge_card", 30_001, 30_040, order)
        fail(charge, f"timed out after 30000 ms waiting for payments.internal (request {scene.token('req')})")
        return False
    scene.use("charge_card", 350, 900, order, {"status": "captured", "charge": scene.token("ch")})
    return True
