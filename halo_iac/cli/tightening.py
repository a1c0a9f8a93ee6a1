"""What the command line and the environment add to a project's policy: nothing can take anything away from it.

See docs/semantics.md#base-comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from halo_iac.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from halo_iac.model.project import Project

_REPORT: Final = "report"
_ONLY_REPORT: Final = "use `report`, or edit `undeclared:` in the project file"


class Tightening(NamedTuple):
    """Titles to protect as well, and whether undeclared schedules are reported whatever the project file says."""

    protect: tuple[str, ...] = ()
    reports_undeclared: bool = False

    @classmethod
    def of_options(cls, protect: Sequence[str] | None, undeclared: str | None) -> Tightening:
        """Return what ``--protect`` and ``--undeclared`` say."""
        if any(not glob.strip() for glob in protect or ()):
            raise UsageError("--protect is empty", hint="give it a title, where * matches anything")
        if undeclared not in {None, _REPORT}:
            raise UsageError(
                f"--undeclared {undeclared}: the command line can only tighten the policy", hint=_ONLY_REPORT
            )
        return cls(tuple(protect or ()), undeclared is not None)

    def applied(self, project: Project, env: Mapping[str, str]) -> Project:
        """Return a project under its own policy, that of the options and that of the environment."""
        undeclared = env.get("HALO_UNDECLARED") or None
        if undeclared not in {None, _REPORT}:
            raise SettingsError(
                f"HALO_UNDECLARED is {undeclared!r}: the environment can only tighten the policy", hint=_ONLY_REPORT
            )
        lines = (line.strip() for line in env.get("HALO_PROTECT", "").splitlines())
        protect = {**dict.fromkeys(filter(None, lines), "HALO_PROTECT"), **dict.fromkeys(self.protect, "--protect")}
        reports = self.reports_undeclared or undeclared is not None
        return project.tightened(protect=protect, reports_undeclared=reports) if protect or reports else project
