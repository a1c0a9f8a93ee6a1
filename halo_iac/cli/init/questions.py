"""The questions of ``halo init``: which agent, how often, when, and in which time zone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from halo_iac.cli.agents import ask_agent
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.local_timezone import local_zone
from halo_iac.errors import HaloError
from halo_iac.load.fields import TIME
from halo_iac.model.schedule import Frequency
from halo_iac.model.zones import zone_names

_WINDOWS: Final = {Frequency.HOURLY: 1, Frequency.DAILY: 24, Frequency.WEEKLY: 168, Frequency.MONTHLY: 744}
"""The most hours between two fires; one more where clocks go back."""
_SPANS: Final = {
    Frequency.HOURLY: "hour",
    Frequency.DAILY: "day",
    Frequency.WEEKLY: "week",
    Frequency.MONTHLY: "month",
}
_DAYS: Final = {Frequency.WEEKLY: "    days_of_week: mon\n", Frequency.MONTHLY: "    days_of_month: 1\n"}
_AT: Final = "09:00"
_A_YEAR: Final = 2026
"""An arbitrary year in which zones are checked for clock changes."""

_ENTRY: Final = """\
  {frequency}-review:|the key: the name used by --target and in messages
    title: {title} review|identifies the schedule; change it with `halo rename`
    agent: {agent}
    frequency: {frequency}|hourly, daily, weekly or monthly
{times}    prompt: |
      What went wrong in the last {span}, how often, and what would fix it?
"""
_COLUMN: Final = 27
"""The column in which comments begin."""


class FirstEntry(NamedTuple):
    """The first entry of a new project file; ``agent`` is ``None`` for an example, which is commented out."""

    agent: str | None = None
    frequency: str = Frequency.DAILY
    at: str = _AT
    timezone: str = "UTC"

    @property
    def lookback_hours(self) -> int:
        """Return how many hours each run analyses."""
        frequency, zone = Frequency(self.frequency), ZoneInfo(self.timezone)
        offsets = {datetime(_A_YEAR, month, 1, tzinfo=zone).utcoffset() for month in range(1, 13)}
        return _WINDOWS[frequency] + (frequency is not Frequency.HOURLY and len(offsets) > 1)

    @property
    def yaml(self) -> str:
        """Return the entry's lines."""
        frequency = Frequency(self.frequency)
        at = "" if frequency is Frequency.HOURLY else f'    at: "{self.at}"\n'
        lines = _ENTRY.format(
            frequency=frequency,
            title=frequency.capitalize(),
            agent="checkout" if self.agent is None else _quote(self.agent),
            times=_DAYS.get(frequency, "") + at,
            span=_SPANS[frequency],
        ).splitlines()
        return "".join(f"{_align_comment(line)}\n" for line in lines)


def _quote(name: str) -> str:
    """Return a name in double quotes, escaped as YAML requires."""
    text = json.dumps(name, ensure_ascii=not name.isprintable())
    return text.replace("\x7f", "\\u007f").replace("$", "$$")


def _align_comment(line: str) -> str:
    """Return a line with its comment in the column of comments; the agent's name may contain the separator."""
    text, sign, comment = ("", "", "") if "agent:" in line else line.partition("|")
    return f"{text:<{_COLUMN}}# {comment}" if sign and comment else line


def ask_first_entry(context: CommandContext) -> FirstEntry:
    """Ask for the fields of an entry; at the end of input, return the defaults and no agent."""
    console = context.console
    agent = _ask_agent(context)
    if agent is None:
        return FirstEntry()
    often = "hourly, daily, weekly or monthly"
    frequency = _ask(console, f"How often: {often}?", Frequency.DAILY, partial(_find, Frequency), often)
    if frequency == Frequency.HOURLY:
        return FirstEntry(agent, frequency)
    at = _ask(console, "At what time?", _AT, _read_time, "a time such as 09:00")
    here, zones = local_zone(console.env.get("TZ")), zone_names()
    zone = _ask(console, "In which time zone?", here, partial(_find, zones), "an IANA time zone such as Europe/Berlin")
    return FirstEntry(agent, frequency, at, zone)


def _ask_agent(context: CommandContext) -> str | None:
    console = context.console
    try:
        connection = context.connect()
        agents = connection.reader.agents(connection.project.id)
    except HaloError as error:
        console.log(console.err_style.safe(f"Agents cannot be listed: {error.message}"))
        agents = ()
    if agents:
        found = ask_agent(console, agents, "Which agent (number, name or part of a name; Ctrl-D for none)? ")
        return None if found is None else found.identity or found.id
    return console.read_answer("Which agent (its agent.id or agent.name; Enter for none)? ") or None


def _ask(console: Console, question: str, proposed: str, read: Callable[[str], str | None], what: str) -> str:
    """Return the first answer that ``read`` accepts, an empty one being ``proposed``; ``what`` describes it."""
    while answer := console.read_answer(f"{question} [{proposed}] "):
        value = read(answer)
        if value is not None:
            return value
        console.print_error_text(console.err_style.safe(f"{answer!r} is not {what}."))
    return proposed


def _find(known: Iterable[str], answer: str) -> str | None:
    """Return the known value that an answer names, in any case."""
    return next((each for each in known if each.lower() == answer.lower()), None)


def _read_time(answer: str) -> str | None:
    return answer if re.fullmatch(TIME, answer) else None
