"""Reads one mapping of fields (an entry, ``defaults`` or ``overrides``) into checked fields with one spelling each."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

from pydantic_core import ValidationError

from halo_iac.load.diagnostics import to_problems
from halo_iac.load.encoding import NotText, decode_text
from halo_iac.load.files import PROMPT_SUFFIXES, FileUnreadable, ProjectFiles
from halo_iac.load.limits import MAX_PROBLEMS, MAX_PROMPT
from halo_iac.load.suggestions.keys import suggest_quotes
from halo_iac.load.yaml_document import Document
from halo_iac.model.ids import canonical_id
from halo_iac.model.schedule import NUMBERS, normalized_prompt
from halo_iac.model.zones import zone_names
from halo_iac.text import quote

PREFIX: Final = "HALO_VAR_"
LITERAL_FIELDS: Final = frozenset({"prompt", "prompt_file", "enabled", "hours", "minutes", "days_of_month", *NUMBERS})
"""Fields in which variables are not expanded: prompts may contain ``${``, and no variable is a number or a flag."""

_REFERENCE: Final = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<fallback>:-[^{}]*)?\}|(?P<open>\{))")

AddProblem = Callable[[str, str, str], None]
"""Called with the field that cannot be expanded, the message and the hint."""


class _Unresolved(Exception):  # noqa: N818 - carries one message out of a regex substitution
    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def expand_variables(
    fields: dict[str, Any], variables: Mapping[str, str], add_problem: AddProblem, *, keeps_unset: bool = False
) -> dict[str, Any]:
    """Return the fields with every variable reference expanded, without those that fail.

    ``keeps_unset`` leaves references to unset variables as written.
    """
    expanded = {}
    for key, value in fields.items():
        try:
            expanded[key] = value if key in LITERAL_FIELDS else _substitute(value, variables, keeps_unset)
        except _Unresolved as unresolved:
            add_problem(key, unresolved.message, unresolved.hint)
    return expanded


def _substitute(value: object, variables: Mapping[str, str], keeps_unset: bool) -> object:
    if isinstance(value, list):
        return [_substitute(element, variables, keeps_unset) for element in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    return _REFERENCE.sub(lambda found: _reference_value(found, variables, keeps_unset), value)


def _reference_value(found: re.Match[str], variables: Mapping[str, str], keeps_unset: bool) -> str:
    """Return the value of one reference; as in a shell, an empty variable is replaced by the fallback."""
    if found["open"]:
        raise _Unresolved(
            "invalid variable reference after `${`", "write ${NAME} or ${NAME:-fallback}, or $$ for a dollar sign"
        )
    name = found["name"]
    if name is None:
        return "$"
    value = variables.get(PREFIX + name)
    if value is None and name.startswith(PREFIX):  # the name of a variable was meant
        plain = name.removeprefix(PREFIX) or "NAME"
        raise _Unresolved(
            f"`${{{name}}}` would read {PREFIX}{name}", f"write ${{{plain}}}, which reads {PREFIX}{plain}"
        )
    if found["fallback"] is not None:
        return value or found["fallback"][2:]
    if value is None and keeps_unset:
        return found[0]
    if value is None:
        raise _Unresolved(f"`${{{name}}}` is not set", f"set {PREFIX}{name}, or write ${{{name}:-fallback}}")
    return value


TOO_LONG: Final = f"the prompt is longer than {MAX_PROMPT // 1024} KiB"


class Prompts:
    """The prompt files of one project, each read once."""

    def __init__(self, reader: ProjectFiles) -> None:
        self._reader = reader
        self._read: dict[tuple[str, str], str | FileUnreadable] = {}

    def text(self, folder: str, name: str) -> str:
        """Return a prompt file's text; ``name`` is relative to ``folder``. Raises :class:`FileUnreadable`."""
        found = self._read.get((folder, name))
        if found is None:
            found = self._read[folder, name] = self._read_file(folder, name)
        if isinstance(found, FileUnreadable):
            raise found
        return found

    def _read_file(self, folder: str, name: str) -> str | FileUnreadable:
        try:
            path = self._reader.named(folder, name, PROMPT_SUFFIXES)
            return read_prompt(self._reader.content(path, limit=MAX_PROMPT))
        except FileUnreadable as error:
            return error


def read_prompt(data: bytes) -> str:
    """Return the prompt in a file's bytes; raises :class:`FileUnreadable` if they are not a valid prompt."""
    try:
        text = normalized_prompt(decode_text(data))
    except NotText as error:
        raise FileUnreadable(error.reason, error.hint, position=error.position) from None
    if not text:
        raise FileUnreadable("empty")
    return text


def is_too_long(prompt: str) -> bool:
    """Return whether a prompt written in a project file exceeds the size limit of a prompt file."""
    return len(prompt) * 4 > MAX_PROMPT and len(prompt.encode()) > MAX_PROMPT


Fields = dict[str, Any]
Check = Callable[[object], Any]
"""One of the checks of :mod:`halo_iac.load.fields`; raises :class:`pydantic_core.ValidationError`."""

_HOURS: Final = {"h": 1, "d": 24, "w": 168}
_EXCLUSIVE: Final = (
    ("lookback_hours", ("lookback",)),
    ("prompt_file", ("prompt",)),
    ("at", ("hours", "minutes")),
    ("cron", ("frequency", "days_of_week", "days_of_month", "hours", "minutes", "at")),
)
"""A key, and the keys that set the same value and so exclude it."""


class FieldMapping(NamedTuple):
    """One mapping of a document, to whose fields problems are added; ``folder`` is the folder of the document."""

    document: Document
    folder: str
    location: tuple[str, ...]

    @property
    def problem_count(self) -> int:
        """Return how many problems the document has so far."""
        return len(self.document.problems)

    def add_problem(self, key: str, message: str, hint: str | None = None, *, at_key: bool = False) -> None:
        """Add a problem at one key's value, or at the key itself."""
        self.document.add_problem((*self.location, key), message, hint, at_key=at_key)

    def add_missing_problem(self, message: str, hint: str | None = None) -> None:
        """Add a problem about a missing key; it points at the mapping's own key."""
        self.document.add_problem(self.location, message, hint, at_key=True)


class FieldReader:
    """Reads mappings of fields, with the prompt files and variables of one project."""

    def __init__(self, prompts: Prompts, variables: Mapping[str, str], *, needs_variables: bool = True) -> None:
        self._prompts = prompts
        self._variables = variables
        self._needs_variables = needs_variables

    def read(
        self, mapping: FieldMapping, raw: Fields, check: Check, allowed: Collection[str], *, state: str | None = None
    ) -> tuple[Fields, bool]:
        """Return the fields that could be read, and whether all of them had a valid form.

        ``state`` is the state set by a stronger layer: the prompt file of an archived schedule may be missing.
        """
        before = mapping.problem_count
        fields = raw
        if mapping.document.has_dollars:
            keeps_unset = not self._needs_variables
            fields = expand_variables(raw, self._variables, mapping.add_problem, keeps_unset=keeps_unset)
        try:
            given: Fields = check(fields)
        except ValidationError as error:
            broken = to_problems(error, fields, mapping.document, mapping.location, allowed)
            given = check({key: value for key, value in fields.items() if key not in broken}) if broken else {}
        _check_spellings(mapping, given)
        self._normalize(mapping, given, is_archived=(state or given.get("state")) == "archived")
        return given, mapping.problem_count == before

    def _normalize(self, mapping: FieldMapping, given: Fields, *, is_archived: bool) -> None:
        if "lookback" in given:
            text = given.pop("lookback")
            given["lookback_hours"] = int(text[:-1]) * _HOURS[text[-1]]
        if "timezone" in given and given["timezone"] not in zone_names():
            _suggest_other_zone(mapping, given["timezone"])
        if "id" in given:
            given["id"] = canonical_id(given["id"])
        if "prompt" in given:
            given["prompt"] = normalized_prompt(given["prompt"])
            if "\0" in given["prompt"]:
                mapping.add_problem("prompt", "the prompt contains a NUL byte")
            elif is_too_long(given["prompt"]):
                mapping.add_problem("prompt", TOO_LONG)
        name = given.pop("prompt_file", None)
        if name is not None and not is_archived:
            self._read_prompt(mapping, given, name)

    def _read_prompt(self, mapping: FieldMapping, given: Fields, name: str) -> None:
        try:
            given["prompt"] = self._prompts.text(mapping.folder, name)
        except FileUnreadable as error:
            if not error.is_repeated:
                hint = "`prompt_file` cannot contain variables" if "${" in name else suggest_quotes(name)
                where = f"{name}:{error.position}" if error.position else name
                mapping.add_problem("prompt_file", f"{quote(where)}: {error.reason}", hint or error.hint)


def _suggest_other_zone(mapping: FieldMapping, name: str) -> None:
    from halo_iac.load.suggestions.timezone import suggest_near_zone, suggest_zone

    is_counted_only = mapping.problem_count > MAX_PROBLEMS  # finding the closest name takes milliseconds
    hint = suggest_zone(name) or (None if is_counted_only else suggest_near_zone(name))
    mapping.add_problem("timezone", f"unknown time zone {quote(name)}", hint)


def _check_spellings(mapping: FieldMapping, given: Fields) -> None:
    for key, others in _EXCLUSIVE:
        if key not in given:
            continue
        for other in others:
            if other in given:
                mapping.add_problem(
                    other, f"{quote(other)} and {quote(key)} set the same value", "keep one", at_key=True
                )
