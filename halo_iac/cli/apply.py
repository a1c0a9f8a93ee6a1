"""``halo apply``: carry out the plan."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halo_iac.cli import options
from halo_iac.cli.carrying import NEEDED, Manner, carry_through
from halo_iac.cli.command import at_work
from halo_iac.cli.workplace import Workplace
from halo_iac.errors import DocumentError, FileError

if TYPE_CHECKING:
    from halo_iac.model.change import Plan


@at_work
def apply(
    workplace: Workplace,
    plan_file: Annotated[
        str | None,
        typer.Argument(metavar="PLAN", help="A plan saved by `halo plan --out`: do that and nothing else."),
    ] = None,
    target: options.Target = None,
    yes: options.Yes = False,
    allow_archive: options.AllowArchive = 0,
    allow_create: options.AllowCreate = None,
    protect: options.Protect = None,
    undeclared: options.Undeclared = None,
    require_head: options.RequireHead = None,
    concurrency: options.Concurrency = 8,
    max_rps: options.MaxRps = 50,
    receipt: options.Receipt = None,
    also: options.Also = None,
    format: options.ReviewFormatOption = options.ReviewFormat.TEXT,  # noqa: A002 - the option's name
) -> int:
    """Show the plan, ask, and carry it out.

    Afterwards the platform is what the files say. Without a terminal it needs --yes.

    Exit codes: 0 done or nothing to do, 1 failed, 3 refused or declined, 4 partly applied, 5 an outcome is unknown,
    130 interrupted.

    \b
    Examples:
      halo apply
      halo apply --yes
      halo apply plan.json --yes
      halo apply --yes --also json=applied.json
    """
    from halo_iac.cli.planning import as_shown, make_plan, show_plan, wish
    from halo_iac.cli.results import Results

    saved = _read_saved(plan_file) if plan_file is not None else None
    workplace.tighten(protect, undeclared)
    with Results(workplace, format, also) as results:
        if require_head is not None:
            from halo_iac.cli.base import require_head as check

            check(workplace, require_head)
        workplace.observe_early()
        wished = wish(target, allow_archive, allow_create, saved=saved)
        planned = as_shown(workplace, make_plan(workplace, wished, soon=NEEDED))
        if not results.is_document:
            show_plan(workplace, planned, as_json=False)
        again = "apply" if plan_file is None else f"apply {shlex.quote(plan_file)}"
        limits = _limits(target, protect, undeclared)
        manner = Manner(yes, concurrency, max_rps, receipt, again=again, limits=limits)
        return carry_through(workplace, results, planned, manner)


def _limits(targets: Iterable[str] | None, protect: Iterable[str] | None, undeclared: str | None) -> str:
    """Return the options that limit what is planned; what permits something has to be thought of again."""
    from halo_iac.cli.pasting import tightening

    chosen = [f"--target {shlex.quote(target)}" for target in targets or ()]
    return "".join(f" {option}" for option in (*chosen, *tightening(protect, undeclared)))


def _read_saved(name: str) -> Plan:
    from halo_iac.cli.files import read_bytes
    from halo_iac.render.json import MAX_PLAN_BYTES, read_plan

    hint = "PLAN is what `plan --out` saved; a project file goes with --file, an entry with --target"
    try:
        return read_plan(read_bytes(Path(name), MAX_PLAN_BYTES, takes_pipe=True))
    except DocumentError as error:
        raise DocumentError(f"{name}: {error.message}", hint=error.hint or hint) from None
    except FileError as error:
        raise FileError(error.message, hint=hint) from None
