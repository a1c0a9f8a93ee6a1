"""The lint rules for declared schedules, one small function each.

Each takes the :class:`~halo_iac.findings.rule_input.RuleInput` and yields its violations. :data:`RULES` lists them,
with their default severities.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from heapq import nlargest
from typing import Final, NamedTuple

from halo_iac.findings.intervals import (
    MAX_CLOCK_CHANGE_MINUTES,
    busiest_minute,
    intervals,
    longest_gap,
    max_reads_per_trace,
)
from halo_iac.findings.prompts import find_credential, find_placeholder, is_prompt_path
from halo_iac.findings.rule_input import RuleInput, Violation, require_spec
from halo_iac.fire_times import run_rate
from halo_iac.model.finding import Severity
from halo_iac.model.project import Entry, Origin, Project, Source
from halo_iac.model.schedule import Cadence, Frequency
from halo_iac.text import Protection, format_count, format_duration, format_lookback, list_keys, whole_hours

_DST: Final = "coverage-gap-dst"
_TOO_MANY: Final = "too-many-runs"
_SPECIAL_SIGNS: Final = {
    "${": "variables are not expanded in it",
    "[": "only `*` is a wildcard in it",
    "?": "only `*` is a wildcard in it",
}
_LACKING: Final = {
    29: "February has a 29th only in leap years",
    30: "February has no 30th",
    31: "five months have no 31st",
}


# One entry at a time ------------------------------------------------------------------------------------------------


def coverage_gap(subject: RuleInput) -> Iterator[Violation]:
    """Find look-backs shorter than the longest interval between fires, so that some traces are never analysed."""
    for (cadence, hours), entries in subject.by_cadence.items():
        between = intervals(cadence)
        if hours * 60 >= between.longest:
            continue
        message = (
            f"it looks back {format_duration(hours * 60)}, "
            f"and its fires are up to {format_duration(between.longest)} apart: "
            f"traces of up to {format_duration(between.longest - hours * 60)} are never analysed"
        )
        hint = f"set `lookback: {format_lookback(_sufficient_lookback(subject, cadence))}`"
        if between.longest > 2 * between.shortest:
            hint += ", or declare the fire after the long interval as a separate entry"
        yield Violation(entries, "lookback_hours", message, hint)


def overlapping_lookback(subject: RuleInput) -> Iterator[Violation]:
    """Find look-backs of more than twice the shortest interval between fires: traces are analysed repeatedly."""
    for (cadence, hours), entries in subject.by_cadence.items():
        shortest = intervals(cadence).shortest
        if hours * 60 > 2 * shortest:
            message = (
                f"it looks back {format_duration(hours * 60)}, "
                f"and its closest fires are {format_duration(shortest)} apart: "
                f"traces are analysed, and paid for, up to {format_count(max_reads_per_trace(cadence, hours))}"
            )
            yield Violation(
                entries,
                "lookback_hours",
                message,
                _less_frequent_hint(cadence, hours, _sufficient_lookback(subject, cadence)),
            )


def _sufficient_lookback(subject: RuleInput, cadence: Cadence) -> int:
    """Return how many hours of look-back leave nothing out, also when clocks go back if the rule for that is on.

    For a monthly cadence that hour is left to its own rule, because finding it takes a millisecond for each cadence.
    """
    is_off = subject.project.rule_severities.get(_DST) is None
    if is_off or cadence.frequency == Frequency.MONTHLY:
        return whole_hours(intervals(cadence).longest)
    return whole_hours(longest_gap(cadence))


def _less_frequent_hint(cadence: Cadence, hours: int, enough: int) -> str:
    """Return how to pay for traces less often; a look-back of ``enough`` hours leaves none out."""
    between = intervals(cadence)
    ways = [f"set `lookback: {format_lookback(enough)}`"] if enough < hours else []
    if between.shortest * 2 < 60:
        ways.append("fire less often; the shortest look-back is one hour")
    elif enough * 60 > 2 * between.shortest:
        ways.append(
            "declare the fire after the long interval as a separate entry, and shorten the look-back of the others"
        )
    return "; ".join(ways)


def missing_day(subject: RuleInput) -> Iterator[Violation]:
    """Find a day of the month that some months lack."""
    for (cadence, _), entries in subject.by_cadence.items():
        lacking = _LACKING.get(max(cadence.days_of_month, default=0))
        if lacking is not None:
            hint = "use 28, which every month has, or 1, the day after the last day of a month"
            yield Violation(entries, "days_of_month", f"{lacking}; it does not fire in a month without that day", hint)


def unfinished_prompt(subject: RuleInput) -> Iterator[Violation]:
    """Find an unfilled placeholder, or a path alone, in the prompt of a schedule that fires."""
    for prompt, entries in subject.prompts.items():
        found = find_placeholder(prompt)
        firing = [entry for entry in entries if require_spec(entry).enabled is not False]
        if firing and is_prompt_path(prompt):
            yield Violation(
                firing, "prompt", "the prompt is a path and is sent as written", "did you mean `prompt_file`?"
            )
        elif found is not None and firing:
            message = f"line {found.line} of the prompt looks unfinished: it contains {found.name}"
            hint = "fill it in; prompts are sent as written"
            yield Violation(firing, "prompt", message, hint, line=found.line)


def cut_by_comment(subject: RuleInput) -> Iterator[Violation]:
    """Find a text that ``#`` cuts short; a title that is cut short names another schedule."""
    entries = {entry.key: entry for entry in subject.entries}
    for truncated in subject.project.truncated_texts:
        what_now = "put the text on the next line" if truncated.is_beginning else "quote the whole value"
        hint = f"{what_now}, or add a space after the `#` if it is a comment"
        now = (
            "the prompt is cut short" if truncated.field == "prompt" else f"`{truncated.field}` is {truncated.value!r}"
        )
        message = f"{now}: ` #` begins a comment, so the rest of the line is not part of the value"
        if truncated.key is None:
            yield Violation((), truncated.field, message, hint, is_shared=True, at=truncated.at)
        elif truncated.key in entries:
            yield Violation([entries[truncated.key]], truncated.field, message, hint, at=truncated.at)


def folded_list(subject: RuleInput) -> Iterator[Violation]:
    """Find a prompt whose list ``>`` joins into one line, which is not what its author saw."""
    entries = {entry.key: entry for entry in subject.entries}
    message = "`prompt: >` joins lines, so the items of this list become one line"
    for folded in subject.project.folded_items:
        if folded.key is None:
            yield Violation((), "prompt", message, "write `prompt: |`", is_shared=True, at=folded.at)
        elif folded.key in entries:
            yield Violation([entries[folded.key]], "prompt", message, "write `prompt: |`", at=folded.at)


def credential_in_prompt(subject: RuleInput) -> Iterator[Violation]:
    """Find what looks like a credential, paused or not: everyone who can read the schedule can use it."""
    for prompt, entries in subject.prompts.items():
        found = find_credential(prompt)
        if found is not None:
            message = f"line {found.line} of the prompt contains what looks like {found.name}"
            hint = "remove it and revoke it; everyone who can read this file or the schedule can use it"
            yield Violation(entries, "prompt", message, hint, line=found.line)


# Several together ---------------------------------------------------------------------------------------------------


def coverage_gap_dst(subject: RuleInput) -> Iterator[Violation]:
    """Find look-backs that are only too short when clocks go back: an hour a year that is never analysed.

    It applies to every daily schedule with the documented look-back of a day, so it is off by default, and reported
    once for all of them.
    """
    short: list[Entry] = []
    most = 0
    for (cadence, hours), entries in subject.by_cadence.items():
        longest = intervals(cadence).longest
        if not longest <= hours * 60 < longest + MAX_CLOCK_CHANGE_MINUTES:
            continue
        lacking = whole_hours(longest_gap(cadence)) - hours
        if lacking > 0:
            short += entries
            most = max(most, lacking)
    if short:
        who, more = list_keys(entry.key for entry in short), format_duration(most * 60)
        message = f"{who} {'leaves' if len(short) == 1 else 'leave'} out up to {more} a year, when clocks go back"
        yield Violation(short, "lookback_hours", message, f"look back {more} longer", is_shared=True)


def duplicate_entry(subject: RuleInput) -> Iterator[Violation]:
    """Find several entries with the same agent, under any of its names, and the same cadence."""
    aliases = subject.project.aliases
    twins: defaultdict[Cadence, defaultdict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for (cadence, _), entries in subject.by_cadence.items():
        by_agent = twins[cadence]
        for entry in entries:
            agent = require_spec(entry).agent
            by_agent[aliases.get(agent, agent)].append(entry)
    for entries in (entries for by_agent in twins.values() for entries in by_agent.values()):
        if len(entries) > 1:
            yield _duplicates(entries)


def _duplicates(entries: Sequence[Entry]) -> Violation:
    who = f"{list_keys(entry.key for entry in entries)} analyse the same agent at the same times"
    if len({require_spec(entry).prompt for entry in entries}) == 1:
        message = f"{who} with the same prompt: one report, paid for {format_count(len(entries))}"
        return Violation(entries, "agent", message, "keep one of them")
    hint = "combine the prompts, or turn the rule off if you want several reports"
    return Violation(entries, "agent", f"{who}: its traces are read, and paid for, {format_count(len(entries))}", hint)


def too_many_runs(subject: RuleInput) -> Iterator[Violation]:
    """Find more runs a month than the project file permits."""
    permitted = subject.project.max_runs_per_month
    if permitted is None:
        return
    siblings = subject.project.siblings
    total = run_rate(map(require_spec, subject.firing)) + sum(map(_counted_runs, siblings))
    if total <= permitted:
        return
    files = f"the schedules of this file and {list_keys([each.path for each in siblings])}" if siblings else ""
    most = nlargest(3, ((float(run_rate([require_spec(entry)])), entry.key) for entry in subject.firing))
    yield Violation(
        (),
        "max_runs_per_month",
        f"{files or 'the declared schedules'} run {float(total):,.1f} times a month; `max_runs_per_month` allows "
        f"{permitted:,}",
        "reduce the most frequent: " + ", ".join(f"`{key}` {runs:,.1f}" for runs, key in most),
        is_shared=True,
    )


def _counted_runs(project: Project) -> Fraction:
    """Return the runs a month of another file of the project, without those of entries in which the rule is off."""
    by_project = project.rule_severities.get(_TOO_MANY, Severity.ERROR)
    firing = (entry for entry in project.entries if entry.spec is not None and entry.spec.enabled is not False)
    return run_rate(
        require_spec(entry) for entry in firing if entry.rule_severities.get(_TOO_MANY, by_project) is not None
    )


# Globs --------------------------------------------------------------------------------------------------------------


def special_globs(subject: RuleInput) -> Iterator[Violation]:
    """Find globs with characters that are special in other glob dialects."""
    hint = (
        "use `*` for the part that varies; if the title contains the character itself, set "
        "`findings: {special-glob: off}`"
    )
    for glob in subject.project.protect:
        sign = next((sign for sign in _SPECIAL_SIGNS if sign in glob), None)
        if sign is not None:
            yield _glob_violation(subject.project, glob, f"contains `{sign}`, but {_SPECIAL_SIGNS[sign]}", hint)


def unused_globs(project: Project, titles: Iterable[str]) -> Iterator[Violation]:
    """Find globs that match no title."""
    for glob in Protection(project.protect).unused(titles):
        yield _glob_violation(project, glob, "matches no declared or existing title", "correct it or remove it")


def _glob_violation(project: Project, glob: str, reason: str, hint: str) -> Violation:
    """Return a violation at a glob; one of the command line or the environment has no position in a file."""
    written = project.origins.get(f"protect.{glob}")
    where = "`protect`" if written is not None else project.protect_sources.get(glob, "`protect`")
    at = written or Origin(Source.BUILT_IN, project.path, 1, 1)
    return Violation((), "protect", f"{glob!r} in {where} {reason}", hint, is_shared=True, at=at)


# The table ----------------------------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """A rule: its name, its check, and the severity of its findings unless a project file sets another.

    Its description in the schema and the documentation is in ``load/rule_settings.py``.

    ``severity`` is ``None`` for one that a project file has to switch on.
    One without a ``check`` needs more than the project: an instant (:mod:`halo_iac.findings.today`) or the platform.
    """

    name: str
    check: Callable[[RuleInput], Iterable[Violation]] | None
    severity: Severity | None = Severity.WARNING


CREDENTIALS: Final = Rule("credential-in-prompt", credential_in_prompt, Severity.ERROR)

UNUSED_GLOB: Final = Rule("unused-glob", None)
SKIPPED_FIRE: Final = Rule("skipped-fire", None)
DOUBLED_FIRE: Final = Rule("doubled-fire", None)

RULES: Final = (
    Rule("coverage-gap", coverage_gap),
    Rule(_DST, coverage_gap_dst, None),
    Rule("paid-twice", overlapping_lookback),
    Rule("missing-day", missing_day),
    Rule("crowded-minute", busiest_minute),
    Rule("declared-twice", duplicate_entry),
    Rule("unfinished-prompt", unfinished_prompt),
    CREDENTIALS,
    Rule("cut-by-comment", cut_by_comment),
    Rule("folded-list", folded_list),
    Rule("special-glob", special_globs),
    UNUSED_GLOB,
    Rule(_TOO_MANY, too_many_runs, Severity.ERROR),
    SKIPPED_FIRE,
    DOUBLED_FIRE,
)
