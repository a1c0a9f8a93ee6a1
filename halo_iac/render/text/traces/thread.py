"""A trace as a conversation (docs/protocol.md#trace-views)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from halo_iac.model.messages import Part, PartKind
from halo_iac.model.traces import Span
from halo_iac.render.style import Style
from halo_iac.render.text.traces.messages import TOOL_KINDS, Block, Conversation, Item
from halo_iac.render.text.wrap import wrap_lines
from halo_iac.render.values import format_elapsed
from halo_iac.text import counted

MAX_PART_LENGTH: Final = 2_000
"""The most characters of a part that is shown uncut."""


def thread_lines(trace_id: str, spans: Iterable[Span], style: Style, *, is_whole: bool = False) -> Iterator[str]:
    """Yield the conversation of a trace, with an empty line between blocks; with ``is_whole`` no text is cut."""
    conversation = Conversation(spans, None if is_whole else MAX_PART_LENGTH)
    for place, block in enumerate(conversation.blocks):
        yield from ("",) if place else ()
        yield from _block_lines(trace_id, block, style)
    notes = list(wrap_lines((style.safe(note) for note in _notes(conversation)), style))
    yield from ("", *notes) if notes else ()


def _block_lines(trace_id: str, block: Block, style: Style) -> Iterator[str]:
    """Yield the lines of a block; a command is never broken, however narrow the screen."""
    source, bar = block.event.source, style.displayable("│ ")
    is_tool = source.kind in TOOL_KINDS
    yield from wrap_lines([_heading(block, style, is_tool=is_tool)], style)
    for item in block.items:
        yield from wrap_lines(part_lines(item, style, names_tool=not is_tool), style)
        if item.left_out:
            yield bar + style.paint(f"{style.displayable('…')} {counted(item.left_out, 'more character')}", "dim")
            yield f"  {style.command('span', 'get', trace_id, source.id, '--view', 'io')}"
    if block.has_failed:
        if source.message:
            yield from wrap_lines(
                [bar + style.paint(style.displayable("✗ ") + style.safe(source.message), "failed")], style
            )
        yield f"  {style.command('span', 'get', trace_id, source.id)}"


def _heading(block: Block, style: Style, *, is_tool: bool) -> str:
    """Return the speaker; for an answer, the model and the duration as well."""
    source = block.event.source
    title = f"{source.kind.lower()} {source.name}" if is_tool else block.role
    mark, role = (style.displayable("✗ "), "failed") if block.has_failed else ("", "bold")
    facts = (None if is_tool else source.model, format_elapsed(source.duration, style)) if block.event.is_output else ()
    known = "".join(style.displayable(" · ") + style.safe(fact) for fact in facts if fact)
    return style.paint(mark + style.safe(title), role) + style.paint(known, "dim")


def part_lines(part: Part | Item, style: Style, *, names_tool: bool = True) -> Iterator[str]:
    """Yield the lines of a part of a message, each after a vertical bar."""
    name = f"{style.safe(part.name)} " if part.name and names_tool else ""
    text = f"[{part.text}]" if part.kind is PartKind.OTHER else part.text
    lines = text_lines(
        text, style, lead=style.displayable(_LEADS.get(part.kind, "")) + (name if part.kind in _CALLS else "")
    )
    return (style.paint(line, "dim") for line in lines) if part.kind is PartKind.THINKING else lines


def text_lines(text: str, style: Style, *, lead: str = "") -> Iterator[str]:
    """Yield the lines of untrusted text, escaped, each after a vertical bar."""
    bar = style.displayable("│ ")
    for place, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        yield f"{bar}{'' if place else lead}{style.safe(line.expandtabs(4))}".rstrip()


_CALLS: Final = frozenset({PartKind.CALL, PartKind.RESULT})
_LEADS: Final = {PartKind.THINKING: "(thinking) ", PartKind.CALL: "→ ", PartKind.RESULT: "← "}


def _notes(conversation: Conversation) -> Iterator[str]:
    if not conversation.blocks:
        yield "No conversation: the spans that were read have neither input nor output."
    if conversation.has_repeats:
        yield "Messages repeated by model calls and agents are shown once."
    if conversation.left_out:
        yield f"Not shown: input and output of {counted(conversation.left_out, 'span')} of other kinds."
