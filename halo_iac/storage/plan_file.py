"""The file of a saved plan: its path, mode, and reading it back (docs/semantics.md#saved-plans)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from halo_iac.errors import DocumentError, FileError
from halo_iac.storage.atomic import read_bytes
from halo_iac.storage.outputs import PLAN_STARTS, check_output, write_output

if TYPE_CHECKING:
    from halo_iac.model.plan import Plan, PlanList

_WHAT: Final = "not a saved plan"
_HINT: Final = "PLAN is what `plan --out` saved; a project file goes with --file, an entry with --target"


def check_saved_plan(path: Path, cwd: Path) -> None:
    """Raise unless a plan may be saved at a path: `--out halo.yaml` by mistake would overwrite the project file."""
    check_output(path, cwd, _WHAT, PLAN_STARTS)


def write_saved_plan(path: Path, cwd: Path, text: str) -> None:
    """Write a plan to a path that may hold one, readable by its owner only (mode 600): it contains prompts."""
    write_output(path, cwd, _WHAT, PLAN_STARTS, text)


def read_saved_plan(name: str) -> Plan | PlanList:
    """Return the saved plan, or the saved plans of several project files.

    Raises :class:`~halo_iac.errors.DocumentError` for a file that is not one.
    """
    # Not at module level: only `apply PLAN` reads a plan, and importing its pydantic models takes time.
    from halo_iac.render.json import MAX_PLAN_BYTES, read_plan

    try:
        return read_plan(read_bytes(Path(name), MAX_PLAN_BYTES, takes_pipe=True))
    except DocumentError as error:
        if name.endswith((".yaml", ".yml")):
            raise DocumentError(f"{name}: {_WHAT}", hint=_HINT) from None
        raise DocumentError(f"{name}: {error.message}", hint=error.hint or _HINT) from None
    except FileError as error:
        raise FileError(error.message, hint=_HINT) from None
