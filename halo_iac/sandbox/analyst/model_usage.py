"""Use and cost of models, and the tool outputs that fill their context."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Final

from halo_iac.sandbox.analyst.figures import LargeOutput, ModelUse
from halo_iac.sandbox.analyst.spans import Span
from halo_iac.sandbox.analyst.statistics import AffectedTraces, Example
from halo_iac.sandbox.analyst.traces import Trace

_MODEL_KINDS: Final = frozenset({"LLM", "EMBEDDING"})
_LARGE_LENGTH: Final = 20_000
"""Characters from which a tool's result is large: some 5,000 tokens, which every later model call reads again."""
_STEPS: Final = 5
_UNIT: Final = 10**18
"""Costs are summed as integer multiples of 1 / this, so that rounding does not depend on their order."""


def find_model_calls(trace: Trace) -> list[Span]:
    """Return the spans that each represent one model call.

    Wrappers repeat the tokens of the call inside them, and agents and turns have the sum of theirs: they are excluded.
    """
    calls = [
        span for span in trace.spans if span.kind in _MODEL_KINDS or (span.kind == "SPAN" and span.model is not None)
    ]
    wrappers = {trace.parent_id(call) for call in calls}
    return [call for call in calls if call.span_id not in wrappers]


class _Model:
    def __init__(self) -> None:
        self.calls = self.cost = self.uncounted = self.partial = self.unpriced = 0
        self.prompt: int | None = None
        self.completion: int | None = None
        self.total: int | None = None
        self.steps: Counter[str] = Counter()
        self.affected = AffectedTraces()

    def add(self, span: Span) -> None:
        self.calls += 1
        self.prompt = _sum(self.prompt, span.prompt_tokens)
        self.completion = _sum(self.completion, span.completion_tokens)
        self.total = _sum(self.total, span.total_tokens)
        self.cost += _to_units(span.cost)
        self.uncounted += span.total_tokens is None
        self.partial += _is_partial(span)
        self.unpriced += span.cost is None
        self.steps[span.name] += 1


def _sum(counted: int | None, more: int | None) -> int | None:
    """Return the sum of recorded counts; ``None`` if neither was recorded."""
    return counted if more is None else (counted or 0) + more


def _is_partial(span: Span) -> bool:
    """Return whether some token counts of a call are missing; an embedding has no completion tokens."""
    lacks_completion = span.completion_tokens is None and span.kind != "EMBEDDING"
    return span.total_tokens is not None and (span.prompt_tokens is None or lacks_completion)


def _to_units(cost: Decimal | None) -> int:
    return 0 if cost is None else int(cost.scaleb(18))


class Models:
    """Computes :class:`ModelUse` values from traces, which are added one at a time."""

    def __init__(self) -> None:
        self._models: dict[str | None, _Model] = {}

    def add(self, trace: Trace) -> None:
        """Add a trace."""
        by_model: dict[str | None, list[Span]] = {}
        for call in find_model_calls(trace):
            by_model.setdefault(call.model, []).append(call)
        for name, calls in by_model.items():
            model = self._models.setdefault(name, _Model())
            for call in calls:
                model.add(call)
            cost = sum(_to_units(call.cost) for call in calls)
            tokens = sum(call.total_tokens or 0 for call in calls)
            model.affected.add(trace.id, cost * 10**15 + tokens)

    def models(self) -> tuple[ModelUse, ...]:
        """Return the models, the most expensive first, then by tokens."""
        found = (
            ModelUse(
                model=name,
                calls=model.calls,
                affected=model.affected.count,
                prompt_tokens=model.prompt,
                completion_tokens=model.completion,
                total_tokens=model.total,
                uncounted=model.uncounted,
                partial=model.partial,
                cost=_from_units(model.cost),
                unpriced=model.unpriced,
                steps=tuple(sorted(model.steps, key=lambda step: (-model.steps[step], step))[:_STEPS]),
                traces=model.affected.cited(),
            )
            for name, model in self._models.items()
        )
        return tuple(sorted(found, key=lambda use: (-use.cost, -(use.total_tokens or 0), use.model or "")))


def _from_units(units: int) -> Decimal:
    whole, parts = divmod(units, _UNIT)
    text = f"{whole}.{parts:018d}".rstrip("0")
    return Decimal(text.removesuffix("."))


class _Tool:
    def __init__(self) -> None:
        self.calls = self.most = 0
        self.next_prompt = Example()
        self.affected = AffectedTraces()


class Outputs:
    """Computes :class:`LargeOutput` values from traces, which are added one at a time."""

    def __init__(self) -> None:
        self._tools: dict[str, _Tool] = {}

    def add(self, trace: Trace) -> None:
        """Add a trace."""
        large = [(span, span.output_length or 0) for span in trace.tools if (span.output_length or 0) >= _LARGE_LENGTH]
        calls = find_model_calls(trace) if large else []
        longest: dict[str, int] = {}
        for span, length in large:
            tool = self._tools.setdefault(span.call, _Tool())
            tool.calls += 1
            tool.most = max(tool.most, length)
            tool.next_prompt.add(-length, trace.id, span.span_id, _next_prompt(calls, span))
            longest[span.call] = max(length, longest.get(span.call, 0))
        for name, length in longest.items():
            self._tools[name].affected.add(trace.id, length)

    def outputs(self) -> tuple[LargeOutput, ...]:
        """Return the tools with large results, the largest first."""
        found = (
            LargeOutput(
                tool=name,
                calls=tool.calls,
                affected=tool.affected.count,
                most=tool.most,
                next_prompt=int(tool.next_prompt.text() or 0) or None,
                traces=tool.affected.cited(),
            )
            for name, tool in self._tools.items()
        )
        return tuple(sorted(found, key=lambda output: (-output.most, output.tool)))


def _next_prompt(calls: list[Span], tool: Span) -> str:
    """Return the prompt tokens, as text, of the first model call after a tool call; empty if there is none."""
    following = next((call for call in calls if call.start >= tool.end), None)
    return "" if following is None or following.prompt_tokens is None else str(following.prompt_tokens)
