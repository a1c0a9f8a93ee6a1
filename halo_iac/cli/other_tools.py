"""Commands and options of other tools with their equivalents in halo: data for :mod:`usage`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from halo_iac.hints import Command, Hint

_ARCHIVE: Final = "halo archives schedules and never deletes them: set `state: archived` in the entry, then run `{}`"

COMMANDS: Final[Iterable[tuple[str, str, tuple[str, ...]]]] = (
    ("archive delete destroy remove rm", _ARCHIVE, ("apply",)),
    ("unarchive", "set `state: active` in the entry, then run `{}`", ("apply",)),
    ("fmt format", "halo does not reformat files; run `{}` to check them", ("validate",)),
    ("check lint test verify vet", "run `{}` to check the files", ("validate",)),
    ("compare refresh status", "run `{}` to see how the platform and the files differ", ("drift",)),
    (
        "diff",
        "run `{}` to see what an apply would change, or `{}` to compare two reports",
        ("plan", "report diff KEY"),
    ),
    ("deploy push sync up", "run `{}` to change the platform as the files declare", ("apply",)),
    (
        "pull",
        "run `{}` to add the platform's schedules to the project file, or `{}` to download reports",
        ("import", "report pull"),
    ),
    (
        "account auth config configure login signin whoami",
        "sign in with `inf`, or set INF_API_KEY; run `{}` to see which key is used",
        ("doctor",),
    ),
    ("version", "run `{}`", ("--version",)),
    (
        "show state",
        "there is no state file: run `{}` to list the platform's schedules, or `{}` to show one",
        ("schedule list", "schedule get KEY"),
    ),
    (
        "add create new",
        "declare the schedule in the project file, which `{}` writes if there is none, then run `{}`",
        ("init", "apply"),
    ),
    ("change edit modify patch set update", "change the entry in the project file, then run `{}`", ("apply",)),
    ("restore revert rollback", "run `{}` to undo what a run has changed", ("undo RECEIPT",)),
    ("execute trigger", "run `{}` to start a run of a schedule", ("schedule fire KEY",)),
    (
        "start",
        "run `{}` to resume a schedule, or `{}` to start a run of it",
        ("resume KEY", "schedule fire KEY"),
    ),
    ("disable stop suspend", "run `{}` to pause a schedule", ("pause KEY",)),
    ("continue enable unpause", "run `{}` to resume a schedule", ("resume KEY",)),
    ("calendar next upcoming", "run `{}` to see when each schedule fires", ("preview",)),
    ("env workspace", "write one project file for each environment, and name it: `{}`", ("plan --file FILE",)),
    ("history", "run `{}` to list the runs of a schedule", ("schedule runs KEY",)),
    ("autocomplete completion", "run `{}` to install completion for your shell", ("--install-completion",)),
    (
        "get list ls",
        "say of what: `{}`, `{}`, `{}` or `{}`",
        ("schedule list", "agent list", "report list", "trace list"),
    ),
)
"""Words of other tools → a hint and the commands in it."""

SUBCOMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "report": {
        "run": "create generate new start",
        "get": "last latest",
        "pull": "download export",
        "diff": "compare",
    },
    "run": {"create": "new start trigger", "poll": "follow wait watch", "cancel": "kill stop"},
    "sandbox": {"serve": "run start up", "reset": "clean clear delete", "load": "add import", "tick": "advance"},
    "schedule": {"fire": "execute run start trigger", "runs": "history"},
    "span": {"list": "find grep query search"},
    "trace": {"search": "find grep query"},
}
"""Group → its command → words of other tools for it."""

SHOW_VERBS: Final = frozenset({"describe", "get", "info", "inspect", "list", "ls", "show", "view"})
"""Verbs for showing things, which kubectl puts before the noun."""


class OtherOption(NamedTuple):
    """An option as other tools name it."""

    option: str
    """The equivalent option of halo; empty if there is none."""
    hint: str
    command: str = ""


OPTIONS: Final[Mapping[str, Iterable[OtherOption]]] = {
    "approve assume-yes auto-approve force no-confirm non-interactive": [
        OtherOption("--yes", "use `--yes` to skip the question")
    ],
    "check dry-run plan-only what-if": [
        OtherOption("--keep-going", "run `{}` with the same options to see what would change", "plan"),
        OtherOption("--yes", "leave out `--yes`: the command shows what it would change and asks first"),
    ],
    "o output output-format": [
        OtherOption(
            "--out", "use `--format` to choose the format, such as `--format json`, or `--out` to write a file"
        ),
        OtherOption("--format", "use `--format`, such as `--format json`"),
    ],
    "set values var var-file": [
        OtherOption("--file", "set the environment variable HALO_VAR_NAME, which a project file reads as `${{NAME}}`")
    ],
    "api-key key token": [OtherOption("", "set INF_API_KEY, or sign in with `inf`; run `{}` to check it", "doctor")],
    "api-url base-url endpoint host server url": [OtherOption("", "set INF_API_URL; run `{}` to check it", "doctor")],
    "jobs parallel parallelism workers": [OtherOption("--concurrency", "use `--concurrency`")],
    "chdir config dir directory filename": [OtherOption("--file", "use `--file`, which names the project file")],
    "context env environment namespace workspace": [
        OtherOption("--file", "use one project file for each environment, and name it with `--file`")
    ],
    "exit-code exitcode": [OtherOption("--detailed-exitcode", "use `--detailed-exitcode`")],
    "only select": [OtherOption("--target", "use `--target`")],
    "destroy": [OtherOption("--target", _ARCHIVE, "apply")],
}
"""Names of options without dashes → the hint for a command that has the option of a row; the first match is used."""


def command_hint(word: str) -> Hint | None:
    """Return the command to run instead of an unknown word; ``None`` if the word is not of another tool."""
    for words, template, commands in COMMANDS:
        if word in words.split():
            return Hint(template, *(Command(*each.split()) for each in commands))
    return None


def option_hint(name: str, known: Iterable[str]) -> Hint | None:
    """Return what to use instead of an unknown option of a command, whose options are ``known``."""
    known = set(known)
    for words, rows in OPTIONS.items():
        for row in rows if name.lstrip("-") in words.split() else ():
            if not row.option or row.option in known:
                return Hint(row.hint, *([Command(row.command)] if row.command else []))
    return None
