"""``halo import``: YAML for the schedules that exist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from halo_iac.cli.command import at_work
from halo_iac.cli.files import write_atomically, write_schema
from halo_iac.cli.workplace import Workplace
from halo_iac.errors import FileError, HaloError, ProjectError
from halo_iac.render.words import counted

if TYPE_CHECKING:
    from halo_iac.adopt import Adoption
    from halo_iac.model.remote import RemoteSchedule


@at_work
def import_(workplace: Workplace) -> int:
    """Write a project file for the schedules that exist.

    Then plan it, which shows no change. The file must not exist yet, and nothing is written to the platform. Values
    equal to the defaults are left out; a schedule whose title is not unique, or not one that can be declared, is pinned
    by id.

    \b
    Examples:
      halo import
      halo import --file halo.staging.yaml --sandbox
    """
    from halo_iac.load.find import FILE_NAME

    console = workplace.console
    path = Path(workplace.named_file or FILE_NAME)
    if path.exists() or path.is_symlink():
        raise FileError(f"{path} exists and is left as it is", hint="name a new file with --file")
    if not path.parent.is_dir():
        raise FileError(f"{path.parent}: no such folder", hint="make it first")
    from halo_iac.cli.planning import make_plan, plan_exit_code, show_plan, wish

    with workplace.moved_to(path) as there:
        adoption = _write(there, path)
        console.say(f"Wrote {path} with {counted(len(adoption.entries), 'schedule')}.")
        for remote, reason in adoption.left_out:
            console.say(f"Left out: {console.err_style.safe(f'{_named(remote)}: {reason}')}")
        planned = make_plan(there, wish(None, 0, None))
        show_plan(there, planned, as_json=console.wants_json)
    return plan_exit_code(planned, is_detailed=False)


def _write(workplace: Workplace, path: Path) -> Adoption:
    from halo_iac.adopt import adopt
    from halo_iac.render.yaml import project_text

    connection = workplace.connect()
    actual = connection.start_observing().result()
    if actual.gap is not None:
        raise HaloError(f"nothing was written: the list of schedules is not whole ({actual.gap})", hint="run again")
    adoption = adopt(actual, _problems_of)
    notes = [f"not imported: {_named(remote)}: {reason}" for remote, reason in adoption.left_out]
    named = connection.project.id if workplace.choice.project is not None else None
    text = project_text(adoption.entries, project_id=named, notes=notes).text
    write_atomically(path, workplace.console.veiled(text))
    write_schema(path.parent)
    return adoption


def _problems_of(entries: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Load the entries as their file would be, and return what is wrong with which; raise what is no entry's fault."""
    import tempfile

    from halo_iac.load import load
    from halo_iac.render.yaml import project_text

    written = project_text(entries)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "halo.yaml"
        path.write_text(written.text, encoding="utf-8", newline="\n")
        try:
            load(path, variables={}, cwd=Path(folder))
        except ProjectError as error:
            found = [(written.entry_at(problem.line), problem.message) for problem in error.problems]
            whole = next((message for key, message in found if key is None), None)
            if whole is not None:
                raise HaloError(f"nothing was written: the file would be refused: {whole}") from None
            return {key: message for key, message in found if key is not None}
    return {}


def _named(remote: RemoteSchedule) -> str:
    return f"{remote.title!r} ({remote.id})"
