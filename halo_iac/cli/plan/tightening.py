"""Options and variables that make a project's policy stricter; they can never loosen it.

See docs/semantics.md#base-comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from halo_iac.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from halo_iac.model.project import Project

_STRICT: Final = frozenset({"report", "error"})
_ONLY_STRICT: Final = "use `report` or `error`, or edit `undeclared:` in the project file"


class Tightening(NamedTuple):
    """More titles to protect, and the policy for undeclared schedules if the project file has a less strict one."""

    protect: tuple[str, ...] = ()
    undeclared: str | None = None

    @classmethod
    def from_options(cls, protect: Sequence[str] | None, undeclared: str | None) -> Tightening:
        """Return the values of ``--protect`` and ``--undeclared``."""
        if any(not glob.strip() for glob in protect or ()):
            raise UsageError("--protect is empty", hint="give it a title, where * matches anything")
        if undeclared is not None and undeclared not in _STRICT:
            message = f"--undeclared {undeclared}: the command line can only tighten the policy"
            raise UsageError(message, hint=_ONLY_STRICT)
        return cls(tuple(protect or ()), undeclared)

    def apply_to(self, project: Project, env: Mapping[str, str]) -> Project:
        """Return a project with the strictest of its own policy, the options and the environment variables."""
        undeclared = env.get("HALO_UNDECLARED") or None
        if undeclared is not None and undeclared not in _STRICT:
            message = f"HALO_UNDECLARED is {undeclared!r}: the environment can only tighten the policy"
            raise SettingsError(message, hint=_ONLY_STRICT)
        lines = (line.strip() for line in env.get("HALO_PROTECT", "").splitlines())
        protect = {**dict.fromkeys(filter(None, lines), "HALO_PROTECT"), **dict.fromkeys(self.protect, "--protect")}
        named = [each for each in (self.undeclared, undeclared) if each is not None]
        return project.with_stricter_policy(protect, named) if protect or named else project
