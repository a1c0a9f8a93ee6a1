"""One change in markdown: its row in the summary, and the block that unfolds (docs/cli.md#formats)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from halo_iac.model.change import Change
from halo_iac.model.finding import Finding
from halo_iac.model.schedule import FIELDS
from halo_iac.render.calendar import Calendar
from halo_iac.render.markdown.escape import code, fence, html_code, html_words, message, words
from halo_iac.render.rows import SHARES, Row, change_rows, gist, runs_of
from halo_iac.render.style import SIGNS, Style
from halo_iac.render.values import from_to
from halo_iac.render.words import counted

_HEADERS: Final = ("", "change", "schedule", "title", "what changes", "runs a month")


@dataclass(frozen=True, slots=True)
class Scene:
    """What all changes of a plan are drawn with; ``findings`` by the key of their entry."""

    calendar: Calendar
    style: Style
    agents: Mapping[str, str]
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    has_base: bool = False

    def beside(self, change: Change) -> Sequence[Finding]:
        """Return the findings about a change's entry."""
        return self.findings.get(change.key, ()) if change.key else ()


def table_head(scene: Scene) -> str:
    """Return the two lines above the rows of the summary."""
    headers = (*_HEADERS, "whose") if scene.has_base else _HEADERS
    return f"{_cells(headers)}\n{_cells(['---'] * len(headers))}"


def table_row(change: Change, scene: Scene) -> str:
    """Return a change as a row of the summary."""
    style = scene.style
    short = ", ".join(_in_short(row, style) for row in gist(change, scene.calendar, style, scene.agents))
    found = len(scene.beside(change))
    cells = (
        f"`{SIGNS[change.action]}`",
        change.action,
        code(change.key or change.id or "", style),
        words(change.title, style),
        f"{short}<br>**{counted(found, 'finding')}**" if found else short,
        from_to(*runs_of(change, scene.calendar), style),
        *((SHARES[change.share] if change.share else "",) if scene.has_base else ()),
    )
    return _cells(cells)


class Block(NamedTuple):
    """A block that unfolds, in parts: ``prompts`` are what it can do without."""

    top: str
    prompts: str
    bottom: str

    @property
    def short(self) -> str:
        """Return it without prompts, of which it says only that they differ."""
        return f"{self.top}\n\n{self.bottom}"

    @property
    def whole(self) -> str:
        """Return all of it."""
        return f"{self.top}\n\n{self.prompts}\n\n{self.bottom}" if self.prompts else self.short


def change_block(change: Change, scene: Scene) -> Block:
    """Return the block of a change."""
    style = scene.style
    rows = change_rows(change, scene.calendar, style, scene.agents)
    table = "\n".join(_table(change, rows, style))
    prompts = "\n\n".join(fence(row.below) for row in rows if row.below)
    findings = "\n".join(finding_line(finding, style) for finding in scene.beside(change))
    bottom = f"{findings}\n\n</details>" if findings else "</details>"
    return Block(*map(style.own, (f"{_summary(change, style)}\n\n{table}", prompts, bottom)))


def finding_line(finding: Finding, style: Style) -> str:
    """Return a finding as a line of a list."""
    hint = f" ({message(finding.hint, style)})" if finding.hint else ""
    place = code(f"{finding.path}:{finding.line}", style)
    return f"- **{finding.severity}** {code(finding.rule, style)} {place}: {message(finding.message, style)}{hint}"


def _summary(change: Change, style: Style) -> str:
    old = change.before.title if change.before else change.title
    name = f" <b>{html_code(change.key, style)}</b>" if change.key else ""
    deed = f"{html_code(SIGNS[change.action], style)} {change.action}"
    return f"<details><summary>{deed}{name} {html_words(old, style)}</summary>"


def _table(change: Change, rows: Sequence[Row], style: Style) -> Iterator[str]:
    yield _cells(("field", "before → after" if change.before else "value", "from"))
    yield _cells(("---",) * 3)
    if change.id:
        yield _cells(("id", code(change.id, style), ""))
    for row in rows:
        yield _cells((_label(row, style), _value(row, style), words(row.origin, style)))


def _in_short(row: Row, style: Style) -> str:
    return f"{_label(row, style)} {_value(row, style)}".strip()


def _label(row: Row, style: Style) -> str:
    return row.label if row.label in FIELDS else words(row.label, style)


def _value(row: Row, style: Style) -> str:
    """Return a row's value, or both; what a file or the platform says is code, what we say about it is prose."""
    drawn = code if row.label in FIELDS and row.label != "prompt" else message
    before = "" if row.before is None else f"{drawn(row.before, style)} → "
    return f"{before}{drawn(row.after, style)}"


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
