"""The demo agent ``research``, which reads the web and writes a memo: a trace every four hours.

Its flaws:

- ``fetch_page`` takes 6 to 14 s, one page after the other, most of the time that a memo takes;
- the memo alone is written by a model that makes up most of the cost.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from halo_iac.sandbox.demo.scene import Model, Scene

AGENT: Final = "research"
EVERY: Final = 240

_HAIKU: Final = Model("claude-haiku-4-5", "anthropic", Decimal(1), Decimal(5))
_OPUS: Final = Model("claude-opus-4-5", "anthropic", Decimal(15), Decimal(75))
_SUBJECTS: Final = ("grid storage", "ferry routes", "soil sensors", "tidal power", "seed banks", "harbour dredging")


def play(scene: Scene) -> None:
    """Write one trace. Every span names the agent, as exports from HALO do."""
    subject = scene.rng.choice(_SUBJECTS)
    wish, memo = f"Write a memo on {subject}.", f"# {subject.capitalize()}\n\nWhat four pages on it agree on."
    scene.hear("You read the web, one page after the other, and write a memo.", wish)
    with scene.inside("AGENT", "research.memo", **{"input.value": wish, "output.value": memo}):
        scene.ask(_HAIKU, "plan", 700, 120)
        with scene.inside("CHAIN", "gather"):
            for query in ("overview", "figures"):
                question = {"query": f"{subject} {query}"}
                scene.use("search_web", 300, 700, question, {"hits": scene.rng.randrange(5, 10)})
            for page in range(4):
                address = {"url": f"https://example.org/{subject.replace(' ', '-')}/{page}"}
                scene.use("fetch_page", 6_000, 14_000, address, f"Page {page} on {subject}. " * 40)
                scene.ask(_HAIKU, "summarise", 2200, 150)
        scene.ask(_OPUS, "write_memo", 5200, 700, says=memo)
