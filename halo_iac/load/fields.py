"""One mapping of fields, whether an entry, ``defaults`` or ``overrides`` → checked fields under one spelling each."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from halo_iac.load.bounds import MAX_PROBLEMS
from halo_iac.load.complaints import report
from halo_iac.load.document import Document, Location
from halo_iac.load.hints import for_quotes
from halo_iac.load.prompts import TOO_LONG, Prompts, is_too_long
from halo_iac.load.tree import CannotRead
from halo_iac.load.wording import shown
from halo_iac.load.zones import zone_names
from halo_iac.model.ids import canonical_id
from halo_iac.model.schedule import plain_prompt

Fields = dict[str, Any]
Check = Callable[[object], Any]
"""One of the checks of :mod:`halo_iac.load.file`; raises :class:`pydantic.ValidationError`."""

_HOURS: Final = {"h": 1, "d": 24, "w": 168}
_TWICE: Final = (
    ("lookback_hours", ("lookback",)),
    ("prompt_file", ("prompt",)),
    ("at", ("hours", "minutes")),
    ("cron", ("frequency", "days_of_week", "days_of_month", "hours", "minutes", "at")),
)
"""A key, and those that say the same and so must not stand beside it."""


class Place(NamedTuple):
    """One mapping of a document, and where problems with its fields are added; ``folder`` is the document's."""

    document: Document
    folder: str
    location: tuple[str, ...]

    @property
    def problem_count(self) -> int:
        """Return how many problems the document has so far."""
        return len(self.document.problems)

    def complain(self, key: str, message: str, hint: str | None = None, *, at_key: bool = False) -> None:
        """Add a problem with one key's value, or with the key itself."""
        self.document.complain((*self.location, key), message, hint, at_key=at_key)

    def complain_of_lack(self, message: str, hint: str | None = None) -> None:
        """Add a problem with what the mapping lacks; it points at the mapping's own key."""
        self.document.complain(self.location, message, hint, at_key=True)


class FieldReader:
    """Reads mappings of fields; holds what is the same for all of a project's: prompt files and variables."""

    def __init__(self, prompts: Prompts, variables: Mapping[str, str], *, needs_variables: bool = True) -> None:
        self._prompts = prompts
        self._variables = variables
        self._needs_variables = needs_variables

    def read(self, place: Place, raw: Fields, check: Check, allowed: Collection[str]) -> tuple[Fields, bool]:
        """Return the fields that could be read, and whether nothing was wrong with the form of any."""
        before = place.problem_count
        fields = self._with_variables(place, raw)
        try:
            given: Fields = check(fields)
        except ValidationError as error:
            broken = report(error, fields, place.document, place.location, allowed)
            given = check({key: value for key, value in fields.items() if key not in broken}) if broken else {}
        _check_spellings(place, given)
        self._rewrite(place, given)
        return given, place.problem_count == before

    def _with_variables(self, place: Place, raw: Fields) -> Fields:
        if not place.document.has_dollars:
            return raw
        from halo_iac.load.interpolate import interpolated  # noqa: PLC0415 - most projects have no variables

        def complain(where: Location, message: str, hint: str) -> None:
            place.document.complain((*place.location, *where), message, hint)

        return interpolated(raw, self._variables, complain, keeps_unset=not self._needs_variables)

    def _rewrite(self, place: Place, given: Fields) -> None:
        if "lookback" in given:
            text = given.pop("lookback")
            given["lookback_hours"] = int(text[:-1]) * _HOURS[text[-1]]
        if "timezone" in given and given["timezone"] not in zone_names():
            _complain_of_zone(place, given["timezone"])
        if "id" in given:
            given["id"] = canonical_id(given["id"])
        if "prompt" in given:
            given["prompt"] = plain_prompt(given["prompt"])
            if "\0" in given["prompt"]:
                place.complain("prompt", "a NUL byte in the prompt")
            elif is_too_long(given["prompt"]):
                place.complain("prompt", TOO_LONG)
        if "prompt_file" in given:
            self._read_prompt(place, given)

    def _read_prompt(self, place: Place, given: Fields) -> None:
        name = given.pop("prompt_file")
        if given.get("state") == "archived":
            return
        try:
            given["prompt"] = self._prompts.text(place.folder, name)
        except CannotRead as error:
            if not error.is_said:
                hint = "variables are not read in paths of prompts" if "${" in name else for_quotes(name)
                place.complain("prompt_file", f"{shown(name)}: {error.reason}", hint or error.hint)


def _complain_of_zone(place: Place, name: str) -> None:
    from halo_iac.load.zone_hints import for_near_zone, for_zone  # noqa: PLC0415 - only where something is wrong

    is_counted_only = place.problem_count > MAX_PROBLEMS  # to look for a near name takes milliseconds
    hint = for_zone(name) or (None if is_counted_only else for_near_zone(name))
    place.complain("timezone", f"no time zone is named {shown(name)}", hint)


def _check_spellings(place: Place, given: Fields) -> None:
    for key, others in _TWICE:
        if key not in given:
            continue
        for other in others:
            if other in given:
                place.complain(other, f"{shown(other)} and {shown(key)} say the same", "keep one", at_key=True)
