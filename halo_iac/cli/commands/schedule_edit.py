"""Handles ``schedule create``, ``update``, ``archive`` and ``unarchive``, which the official client has.

halo changes a schedule by its entry in the project file, so each of these commands prints what to write there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from halo_iac.cli.command import platform_command
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.entries import match_entry
from halo_iac.errors import HaloError, ProjectError, UsageError
from halo_iac.hints import Command, Hint, join_hints
from halo_iac.load.find import FILE_NAME
from halo_iac.model.ids import canonical_id, is_uuid
from halo_iac.model.schedule import CADENCE_PARTS, WIRE_NAMES

if TYPE_CHECKING:
    from halo_iac.model.project import Entry, Project

_PLAIN: Final = re.compile(r"[A-Za-z][\w/-]*(?: [\w/-]+)*", re.ASCII)
"""Texts that need no quotes in YAML; ``true`` and ``null`` are among them, and are meant as such."""
_LISTS: Final = frozenset({"hours", "minutes", "days_of_week", "days_of_month"})
_TEXTS: Final = frozenset({"title", "prompt"})
_STATE: Final[Mapping[str, Mapping[str, str]]] = {"archive": {"state": "archived"}, "unarchive": {"state": "active"}}
_SWITCHES: Final = frozenset({"-y", "--yes"})
"""Flags of the official client without a value."""

_ANY_FLAG: Final = {"ignore_unknown_options": True}
Words = Annotated[list[str] | None, typer.Argument(metavar="ID|KEY [FLAG VALUE]...")]


def add_to(group: typer.Typer) -> None:
    """Add the commands, which ``--help`` does not list: each ends with what to write instead."""
    for verb in ("create", "update", "archive", "unarchive"):
        group.command(verb, hidden=True, context_settings=_ANY_FLAG)(_make_command(verb))


def _make_command(verb: str) -> Any:  # noqa: ANN401 - what typer takes for a command
    @platform_command
    def refuse(context: CommandContext, words: Words = None) -> int:
        """Print which lines of the project file do this."""
        reference, fields = _parse(words or ())
        fields = {**fields, **_STATE.get(verb, {})}
        if verb == "create":
            _refuse_create(context, fields)
        _refuse_change(context, verb, reference, fields)

    return refuse


def _parse(words: Sequence[str]) -> tuple[str | None, dict[str, str]]:
    """Return the schedule that a command line of the official client names, and the fields that it sets."""
    reference, fields = None, {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "-":
            reference = reference or word
        elif word not in _SWITCHES:
            flag, sign, value = word.lstrip("-").partition("=")
            field = flag.replace("-", "_").replace("agent_uuid", "agent")
            fields[field] = value if sign else next(rest, "")
    return reference or fields.get("id"), {field: value for field, value in fields.items() if field in WIRE_NAMES}


def _refuse_create(context: CommandContext, fields: Mapping[str, str]) -> NoReturn:
    project = _load_project(context)
    path = project.path if project is not None else context.named_file or FILE_NAME
    key = re.sub(r"[^a-z0-9]+", "-", fields.get("title", "").lower()).strip("-")[:64] or "my-schedule"
    given = {"title": "…", "agent": "…", "frequency": "daily", **fields}
    start = "" if project is not None else Hint("run `{}` to write a project file, ", Command("init"))
    add = f"add this entry below `schedules:` in {path}, then run "
    raise UsageError(
        "`schedule create` is not a command of halo: schedules are declared in the project file",
        hint=Hint("{}{}`{}`\n{}", start, add, Command("apply"), _format_entry(key, given)),
    )


def _refuse_change(context: CommandContext, verb: str, reference: str | None, fields: Mapping[str, str]) -> NoReturn:
    project = _load_project(context)
    entry = None if project is None or reference is None else _find_entry(context, project, reference)
    key = entry.key if entry is not None else "KEY" if reference is None or is_uuid(reference) else reference
    steps = [_how_to_find(context, project, reference) if entry is None else ""]
    if "title" in fields:  # which identifies a schedule
        steps.append(Hint("run `{}`", Command("rename", key, fields["title"])))
    others = {field: value for field, value in fields.items() if field != "title"}
    where = "" if entry is None else f" in {entry.origins.entry.path}:{entry.origins.entry.line}"
    if others:
        old = ", in place of its `at` or `cron`," if others.keys() & set(CADENCE_PARTS) - {"timezone"} else ""
        steps.append(f"set this{old}{where}")
    elif not fields:
        steps.append(f"set its fields{where}")
    raise UsageError(
        f"`schedule {verb}` is not a command of halo: schedules are changed in the project file",
        hint=Hint(
            "{}, then run `{}`{}{}",
            join_hints(", ", steps),
            Command("apply"),
            _direct_command(entry, reference, others),
            f"\n{_format_entry(key, others)}" if others else "",
        ),
    )


def _direct_command(entry: Entry | None, reference: str | None, fields: Mapping[str, str]) -> str:
    """Return the halo command that does the same without the file, if there is one."""
    verb = {"false": "pause", "true": "resume"}.get(fields.get("enabled", ""))
    named = reference if entry is None else entry.key
    return "" if verb is None or named is None else Hint(f"; to {verb} it at once, run `{{}}`", Command(verb, named))


def _how_to_find(context: CommandContext, project: Project | None, reference: str | None) -> str:
    """Return the hint for an entry that was not found."""
    path = project.path if project is not None else context.named_file or FILE_NAME
    if reference is None or not is_uuid(reference):
        return f"find its entry in {path}"
    return Hint("{}, or run `{}` to add it", f"find its entry in {path}", Command("import", reference))


def _load_project(context: CommandContext) -> Project | None:
    """Return the project, or ``None`` if it cannot be read, since its problems are not the question here."""
    try:
        return context.project_if_any()
    except ProjectError:
        return None


def _find_entry(context: CommandContext, project: Project, reference: str) -> Entry | None:
    """Return the entry with this key or id; of a schedule that no entry names by id, the platform is asked."""
    for entry in project.entries:
        if reference == entry.key or canonical_id(reference) == entry.id:
            return entry
    if is_uuid(reference):
        with suppress(HaloError):  # as without a key: then only the file is searched
            found = match_entry(context.connect(project), project).pairs
            id_ = canonical_id(reference)
            return next((each.entry for each in found if each.remote is not None and each.remote.id == id_), None)
    return None


def _format_entry(key: str, fields: Mapping[str, str]) -> str:
    return "\n".join([f"  {key}:", *(f"    {field}: {_format_yaml(field, value)}" for field, value in fields.items())])


def _format_yaml(field: str, value: str) -> str:
    """Return a value of the official client's command line as it stands in YAML."""
    if field in _LISTS:
        return f"[{', '.join(part.strip() for part in value.strip('[] ').split(','))}]"
    if value.isdecimal() and field not in _TEXTS:
        return value
    return value if value == "…" or _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
