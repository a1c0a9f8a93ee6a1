"""The inputs of a pipeline: those of the action and of the template, which are passed to halo as ``HALO_CI_*``.

See docs/ci.md#variables.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final, NamedTuple

from halo_iac.errors import UsageError

PREFIX: Final = "HALO_CI_"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TRUE: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class CiInputs(NamedTuple):
    """The inputs of one pipeline job; empty or ``None`` means that the host or halo decides."""

    files: tuple[str, ...] = ()
    base: str = ""
    comments: bool = True
    allow_archive: int = 0
    accept_policy_change: bool = False
    receipt: str = ""
    name: str = ""
    args: tuple[str, ...] = ()

    @classmethod
    def of_environment(cls, env: Mapping[str, str]) -> CiInputs:
        """Read the variables; raises :class:`~halo_iac.errors.UsageError` for one that cannot be understood."""

        def value_of(name: str) -> str:
            return env.get(PREFIX + name, "").strip()

        return cls(
            tuple(filter(None, map(str.strip, value_of("FILES").splitlines()))),
            value_of("BASE"),
            _boolean("COMMENT", value_of("COMMENT"), default=True),
            _number("ALLOW_ARCHIVE", value_of("ALLOW_ARCHIVE")),
            _boolean("ACCEPT_POLICY_CHANGE", value_of("ACCEPT_POLICY_CHANGE"), default=False),
            value_of("RECEIPT"),
            _name(value_of("NAME")),
            _words(value_of("ARGS")),
        )

    @property
    def folder(self) -> str:
        """Return the name of the folder for what this job writes."""
        return self.name or "halo"

    @property
    def file_options(self) -> list[str]:
        """Return the project files as options."""
        return [word for file in self.files for word in ("--file", file)]


def _boolean(name: str, text: str, *, default: bool) -> bool:
    if not text:
        return default
    if text.lower() not in _TRUE:
        raise UsageError(f"{PREFIX}{name} is neither true nor false", hint="set it to true or false")
    return _TRUE[text.lower()]


def _number(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{0,9}", text):
        raise UsageError(f"{PREFIX}{name} is not a number of schedules", hint="set it to a number such as 3")
    return int(text or 0)


def _name(text: str) -> str:
    if text and not _NAME.fullmatch(text):
        hint = "use letters, digits, dots, underscores and hyphens, such as production"
        raise UsageError(f"{PREFIX}NAME cannot be part of a file's name", hint=hint)
    return text


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        raise UsageError(f"{PREFIX}ARGS has a quote that is not closed", hint="close it as in a shell") from None
