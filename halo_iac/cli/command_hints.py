"""Commands in what is said, ready to be pasted: about the same project file on the same platform.

See docs/cli.md#printed-commands.

What works out a hint knows which command helps, but not how the one that runs was told where to work; pasted as it is,
`halo rename` could write into another file, and `halo apply` change another platform.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from halo_iac.cli.context import CommandContext, TargetOptions
from halo_iac.errors import HaloError
from halo_iac.model.apply_result import Event
from halo_iac.model.plan import GuardViolation, Plan
from halo_iac.text import escape_control

_COMMAND: Final = r"`halo ([a-z]+[^`]*)`"
_FILE_ONLY: Final = frozenset({"init", "preview", "rename", "validate"})
"""Commands that work on files alone."""
_ELSEWHERE: Final = frozenset({"sandbox", "schema"})
"""Commands that are told in another way where to work, or not at all."""


def rerun_command(context: CommandContext, words: str) -> str:
    """Return a command about the same project on the same platform, on one line; ``words`` come after ``halo``."""
    return escape_control(f"halo {words}{_flags(context.choice, words)}")


def with_target_flags(context: CommandContext, text: str) -> str:
    """Return a text in which every command in backticks is about the same project on the same platform."""
    return re.sub(_COMMAND, lambda found: f"`{rerun_command(context, found[1])}`", text)


def add_target_flags(context: CommandContext, error: HaloError) -> None:
    """Have the commands in an error's hint name the same project file and platform as the one that ends with it."""
    error.hint = error.hint and with_target_flags(context, error.hint)


def plan_with_target_flags(context: CommandContext, plan: Plan) -> Plan:
    """Return a plan that says so in what blocks entries and in what is refused."""
    blocked = [replace(each, hint=each.hint and with_target_flags(context, each.hint)) for each in plan.blocked]
    refusals = [replace(each, message=_with_rename(context, each)) for each in plan.refusals]
    return replace(plan, blocked=tuple(blocked), refusals=tuple(refusals))


def _with_rename(context: CommandContext, refusal: GuardViolation) -> str:
    """Complete the only command that a refusal holds, and nothing in the titles that it quotes."""
    for name in refusal.names:
        found = re.search(rf"run `halo (rename {re.escape(name)} --from [^`]*)`, or ", refusal.message)
        if found is not None:
            return refusal.message.replace(found[0], f"run `{rerun_command(context, found[1])}`, or ", 1)
    return refusal.message


def event_with_target_flags(context: CommandContext, event: Event) -> Event:
    """Return an event whose hint says so."""
    return event if event.hint is None else event._replace(hint=with_target_flags(context, event.hint))


def policy_flags(protect: Iterable[str] | None, undeclared: str | None) -> list[str]:
    """Return the options that tighten the policy: without them, a command about the same could do more."""
    globs = [f"--protect {shlex.quote(glob)}" for glob in protect or ()]
    return [*globs, *(["--undeclared report"] if undeclared else ())]


def _flags(choice: TargetOptions, words: str) -> str:
    command, *given = _split(words)
    if command in _ELSEWHERE:
        return ""
    wanted = {"--file": choice.file, "--checkout": None if command == "init" else choice.checkout}
    if command not in _FILE_ONLY:
        wanted |= {"--project": choice.project, "--team": choice.team, "--sandbox-file": choice.sandbox_file}
    flags = [f" --file {shlex.quote(word)}" for word in choice.files if "--file" not in given]
    flags += [f" {flag} {shlex.quote(value)}" for flag, value in wanted.items() if value and flag not in given]
    if choice.sandbox and command not in _FILE_ONLY and "--sandbox" not in given:
        flags.append(" --sandbox")
    return "".join(flags)


def _split(words: str) -> list[str]:
    """Return the words as a shell does, so that nothing in quotes is taken for an option."""
    try:
        return shlex.split(words)
    except ValueError:  # an apostrophe in a title or a file name, which no shell has quoted
        return words.split()
