"""Drift as a page of markdown, for one issue that is kept up to date (docs/cli.md#formats)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from halo_iac.model.drift import Drift, DriftItem, DriftKind
from halo_iac.render.drift import (
    CAVEAT,
    SIGNS,
    counts_by_kind,
    drift_counts,
    drifted_files,
    item_rows,
    kind_heading,
    shared_hint,
    without_file,
)
from halo_iac.render.formats import ProjectDrift
from halo_iac.render.markdown import sections
from halo_iac.render.markdown.escape import code, html_code, html_prose, message, prose
from halo_iac.render.markdown.parts import MAX_PAGE_LENGTH, NOTES_LENGTH, header, joined, page
from halo_iac.render.markdown.sections import MAX_SECTION_LENGTH, Block, rows_block, table_head, table_line
from halo_iac.render.style import Style


def drift_markdown(drift: Drift, style: Style, *, marker: str) -> str:
    """Return the differences that fit on a page; the others are counted."""
    style = style.without_colour()
    numbers = Counter(item.kind for item in drift.items)
    sandbox = "SANDBOX" if drift.plan.host.is_sandbox else ""
    found = " · ".join(filter(None, ("halo drift", sandbox, counts_by_kind(numbers) or "no drift")))
    head = [marker, f"### {found}", header(drift.plan, style)]
    tail = [sections.warnings(drift.plan.warnings, style), message(drift_counts(drift), style), *_caveat(drift, style)]
    room = MAX_PAGE_LENGTH - len(style.displayable(joined([*head, *tail]))) - NOTES_LENGTH
    return page([*head, *_kinds(drift, style, room), *tail], style)


def drifts_markdown(found: Sequence[ProjectDrift], style: Style, *, marker: str) -> str:
    """Return the drift of several project files as one page: a table of all files, then those that differ."""
    style = style.without_colour()
    differing = [each for each in found if each.drift.items]
    caveat = [*_caveat(differing[0].drift, style)] if differing else []
    head = [marker, f"### halo drift · {drifted_files(found)}", _table(found, style), *caveat]
    room = MAX_PAGE_LENGTH - len(style.displayable(joined(head))) - NOTES_LENGTH
    parts: list[str] = []
    for index, each in enumerate(differing):
        drift, file_style = without_file(each.drift), each.styled(style)
        top = [f"### {code(each.drift.plan.file, file_style)}", header(drift.plan, file_style)]
        share = room // (len(differing) - index) - len(joined(top))
        part = joined([*top, *_kinds(drift, file_style, share), sections.warnings(drift.plan.warnings, file_style)])
        if len(file_style.displayable(part)) > room:
            parts.append(f"… and the details of {len(differing) - index:,} more; the JSON document has them all.")
            break
        parts.append(part)
        room -= len(file_style.displayable(part)) + 2
    return page([*head, *parts], style)


def _caveat(drift: Drift, style: Style) -> Iterator[str]:
    if drift.items:
        yield message(CAVEAT, style)


def _table(found: Sequence[ProjectDrift], style: Style) -> str:
    rows = [table_head(("file", "drift", "ignored"))]
    for each in found:
        drift = each.drift
        numbers = counts_by_kind(Counter(item.kind for item in drift.items))
        rows.append(table_line((code(drift.plan.file, style), numbers or "none", counts_by_kind(drift.ignored))))
    return "\n".join(rows)


def _kinds(drift: Drift, style: Style, room: int) -> Iterator[str]:
    """Yield a section for each kind; what changed comes first and has the room that the others leave."""
    kinds = dict(drift.by_kind())
    changed = kinds.pop(DriftKind.CHANGED, [])
    lists = [_list(kind, items, style, room // (len(kinds) + 1)) for kind, items in kinds.items()]
    if changed:
        yield _changed(drift, changed, style, room - sum(map(len, lists)))
    yield from lists


def _changed(drift: Drift, items: Sequence[DriftItem], style: Style, room: int) -> str:
    """Return a block that unfolds for each schedule: without the lines of prompts, or none, where there is no room."""
    heading, remedy = f"#### {kind_heading(DriftKind.CHANGED, len(items), style)}", _remedy(items, style)
    room -= len(heading) + len(remedy)
    shown: list[str] = []
    for item in items:
        block = _block(drift, item, style)
        drawn = block.full if len(block.full) <= room // 2 else block.collapsed
        room -= len(drawn) + 2
        if room < 0:
            more = f"… and {len(items) - len(shown):,} more; the JSON document has them all."
            return joined([heading, *shown, more, remedy])
        shown.append(drawn)
    return joined([heading, *shown, remedy])


def _block(drift: Drift, item: DriftItem, style: Style) -> Block:
    rows = item_rows(drift, item, style)
    sign = html_code(SIGNS[item.kind], style)
    summary = f"{sign} <b>{html_code(item.key or '', style)}</b> {html_prose(item.title, style)}"
    block = rows_block(summary, ("field", "platform → file", "from"), item.ids, rows, style)
    return block._replace(bottom=f"{message(item.reason, style)}\n\n{block.bottom}") if item.reason else block


def _list(kind: DriftKind, items: Sequence[DriftItem], style: Style, room: int) -> str:
    lines = (_line(item, style, has_hint=shared_hint(items) is None) for item in items)
    listed = sections.section(
        kind_heading(kind, len(items), style), lines, len(items), room=min(room, MAX_SECTION_LENGTH)
    )
    return joined([listed, _remedy(items, style)])


def _remedy(items: Sequence[DriftItem], style: Style) -> str:
    hint = shared_hint(items)
    return f"Hint: {message(hint, style)}" if hint else ""


def _line(item: DriftItem, style: Style, *, has_hint: bool) -> str:
    names = (
        f"**{code(item.key, style)}**" if item.key else "",
        prose(item.title, style),
        ", ".join(code(id_, style) for id_ in item.ids),
        f"({code(item.origin, style)})" if item.origin else "",
    )
    hint = f"hint: {message(item.hint, style)}" if item.hint and has_hint else ""
    notes = filter(None, (message(item.reason, style), hint))
    return "- " + "<br>".join([" ".join(filter(None, names)), *notes])
