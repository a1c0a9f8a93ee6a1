"""One entry of ``schedules:`` → :class:`~halo_iac.model.project.Entry`: layers merged, cadence worked out.

Each step adds what it finds wrong and goes on where it can, so that everything is said at once. What an entry *lacks*
is said only once the form of what it has is right: a misspelt key would be reported twice.
"""

from operator import itemgetter
from typing import Final, NamedTuple

from halo_iac.load import hints, titles
from halo_iac.load.cadence import Parts, Unmappable, from_cron, from_times
from halo_iac.load.fields import FieldReader, Fields, Place
from halo_iac.load.file import check_entry
from halo_iac.load.layers import EntryOrigins, Layer
from halo_iac.load.switches import switches
from halo_iac.load.wording import shown
from halo_iac.model.defaults import BUILT_IN, MINUTES
from halo_iac.model.project import Entry
from halo_iac.model.schedule import CADENCE_PARTS, FIELDS, RELEVANT_PARTS, Spec, relevant_parts

_LEFT_OUT: Final = {**BUILT_IN, **dict.fromkeys(CADENCE_PARTS, ()), "minutes": MINUTES}
_others: Final = itemgetter(*FIELDS[FIELDS.index("timezone") :])
"""What a spec has beside what it is, whose it is and its cadence's parts."""

_ONLY_FOR: Final = {"days_of_week": "weekly", "days_of_month": "monthly", "hours": "daily, weekly and monthly"}
_EXAMPLES: Final = {
    "days_of_week": "such as `days_of_week: [mon, thu]`",
    "days_of_month": "such as `days_of_month: [1, 15]`",
    "hours": 'such as `hours: [9]`, or `at: "09:00"`',
}


class EntryReader(NamedTuple):
    """Reads entries under one project file's layers."""

    fields: FieldReader
    defaults: Layer
    overrides: Layer
    title_prefix: str | None = None

    def read(self, place: Place, key: str, raw: object) -> Entry | None:
        """Return the entry, or ``None`` and a problem at least."""
        if not isinstance(raw, dict):
            advice = f": indent its fields below {shown(key)}" if raw is None else ""
            place.complain_of_lack("expected keys and values", f"an entry without any is no schedule{advice}")
            return None
        given, is_whole = self.fields.read(place, raw, check_entry, hints.ENTRY_KEYS)
        self._check_title(place, given)
        if not is_whole:
            return None
        is_retired = given.get("state") == "archived"
        spec = None if is_retired else self._spec(place, given)
        if spec is None and (not is_retired or not _names_a_schedule(place, given)):
            return None
        return Entry(
            key=key,
            title=given.get("title"),
            spec=spec,
            origins=EntryOrigins(place.document, key, self.overrides, self.defaults),
            is_retired=is_retired,
            renamed_from=tuple(given.get("renamed_from", ())),
            id=given.get("id"),
            switches=switches(given.get("findings", {})),
        )

    def _check_title(self, place: Place, given: Fields) -> None:
        """Report a title that may not be used, or that is not this project's to use; an ``id`` excuses odd ones."""
        title = given.get("title")
        if title is None:
            return
        oddity = None if "id" in given else titles.oddity(title)
        if oddity is not None:
            corrected = titles.corrected(title)
            place.complain("title", oddity, f"write {shown(corrected, longest=titles.LONGEST)}" if corrected else None)
        if self.title_prefix is not None and not title.startswith(self.title_prefix):
            rule = f"it has to begin with {shown(self.title_prefix)}"
            place.complain("title", f"the title is outside of the scope: {rule}")

    def _spec(self, place: Place, given: Fields) -> Spec | None:
        merged = {**_LEFT_OUT, **self.defaults.fields, **given, **self.overrides.fields}
        before = place.problem_count
        if "title" not in given:
            place.complain_of_lack("`title` is missing")
        if "agent" not in merged:
            place.complain_of_lack("`agent` is missing", "give it here or under `defaults`")
        merged |= _cadence(place, given)
        if place.problem_count > before:
            return None
        frequency = merged["frequency"]
        return Spec(given["title"], merged["agent"], frequency, *relevant_parts(frequency, merged), *_others(merged))


def _names_a_schedule(place: Place, given: Fields) -> bool:
    if "title" in given or "id" in given:
        return True
    place.complain_of_lack("`title` is missing: an archived entry needs it, or an `id`")
    return False


def _cadence(place: Place, given: Fields) -> Parts:
    """Return what ``cron`` or ``at`` stand for, or a problem at least if the cadence is not whole."""
    try:
        if "cron" in given:
            return from_cron(given["cron"])
    except Unmappable as error:
        place.complain("cron", error.message, hints.for_quotes(given["cron"]) or error.hint)
        return {}
    if "frequency" not in given:
        place.complain_of_lack("`frequency` is missing", "hourly, daily, weekly or monthly; or give `cron`")
        return {}
    try:
        times = from_times(given["at"]) if "at" in given else {}
    except Unmappable as error:
        place.complain("at", error.message, error.hint)
        return {}
    _check_parts(place, given["frequency"], given)
    return times


def _check_parts(place: Place, frequency: str, given: Fields) -> None:
    """Report parts of the cadence that the frequency needs and that are missing, or that it has no use for."""
    relevant = RELEVANT_PARTS[frequency]
    for part, frequencies in _ONLY_FOR.items():
        key = "at" if part == "hours" and "at" in given else part
        if (key in given) == (part in relevant):
            continue
        if part in relevant:
            place.complain_of_lack(f"{shown(part)} is missing: {frequency} needs it", _EXAMPLES[part])
        else:
            hint = "remove it, or change `frequency`"
            place.complain(key, f"{shown(key)} is for {frequencies}, not for {frequency}", hint, at_key=True)
