"""Traces of the three demo agents: what OpenTelemetry and OpenInference would have recorded, with known flaws.

Each agent's module says which flaws its traces have; they have no others. The traces of the hours before an instant are
always the same, so that a run over a recent window finds them, and finds them again tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from halo_iac.sandbox.demo import checkout, research, support_bot
from halo_iac.sandbox.demo.scene import Scene
from halo_iac.sandbox.run_state import SECOND, nanoseconds

_DAYS: Final = 7
_DAY: Final = 24 * 3600 * SECOND

_PLAYS: Final[Mapping[str, tuple[Callable[[Scene], None], int, Mapping[str, str]]]] = {
    checkout.AGENT: (checkout.play, checkout.EVERY, {}),
    support_bot.AGENT: (support_bot.play, support_bot.EVERY, {}),
    research.AGENT: (research.play, research.EVERY, {"inference.agent_name": research.AGENT}),
}
"""Per agent what it does, every how many minutes, and what its exporter puts on every span."""

TRACED_AGENTS: Final = tuple(_PLAYS)


def demo_spans(anchor: int, agent: str, days: int = _DAYS) -> Iterator[dict[str, Any]]:
    """Yield the spans of an agent's traces in the days before an instant (nanoseconds), as HALO exports them.

    A trace begins within the first two minutes of its slot, counted from 1970, and is there once it has ended.
    """
    return spans_between(anchor - days * _DAY, anchor, agent)


def spans_between(since: int, until: int, agent: str) -> Iterator[dict[str, Any]]:
    """Yield the same of the slots that begin between two instants, as far as their traces have ended by the second."""
    slot = _slot(agent)
    for number in range(-(-since // slot), until // slot + 1):
        scene = _played(agent, number)
        if nanoseconds(scene.spans[0]["end_time"]) <= until:
            yield from scene.spans


def ended_at(agent: str, number: int) -> int:
    """Return when the trace of an agent's slot ended, in nanoseconds."""
    return nanoseconds(_played(agent, number).spans[0]["end_time"])


def _played(agent: str, number: int) -> Scene:
    play, _, stamp = _PLAYS[agent]
    scene = Scene(agent, number, number * _slot(agent), stamp)
    scene.pass_time(0, 120_000)
    play(scene)
    return scene


def _slot(agent: str) -> int:
    return _PLAYS[agent][1] * 60 * SECOND
