"""The edits of ``pause --write`` and ``resume --write``: ``enabled`` of entries in the project file.

`overrides.schedules` is edited for an entry that other project files may include, or that an override overrides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from halo_iac.cli.context import CommandContext
from halo_iac.errors import FileError, ProjectError
from halo_iac.load.limits import MAX_FILE
from halo_iac.model.apply_result import Summary
from halo_iac.model.project import Source
from halo_iac.storage.atomic import check_replaceable, read_bytes, replace_unchanged
from halo_iac.storage.file_lock import folder_lock
from halo_iac.storage.outputs import check_links
from halo_iac.yaml_edit import CannotEdit, override_enabled, set_enabled

if TYPE_CHECKING:
    from halo_iac.model.project import Entry, Project


class _Draft(NamedTuple):
    """The project file: path, name in messages, text before and after, and the keys of the entries that change."""

    path: Path
    name: str
    before: bytes
    after: str
    keys: tuple[str, ...]


class EnabledFile:
    """The entries whose ``enabled`` is to be set; each edit is checked before anything is changed.

    Raises :class:`~halo_iac.errors.FileError` if an entry cannot be edited.
    """

    def __init__(self, context: CommandContext, keys: Sequence[str], *, is_enabled: bool) -> None:
        self._context = context
        self._keys = keys
        self._is_enabled = is_enabled
        self._line = f"`enabled: {str(is_enabled).lower()}`"
        draft = self._make_draft(keys)
        keys = ", ".join(draft.keys) if draft else ""
        self.intention = f"{self._line} will be written to {keys} in {draft.name}" if draft else ""

    def write(self, summary: Summary | None) -> None:
        """Write the entries whose schedules now have the wanted state; all entries if there was no run."""
        failed = {event.change.key for event in summary.events if not event.status.is_success} if summary else set()
        keys = [key for key in self._keys if key not in failed]
        if not keys:
            return
        with folder_lock(self._context.project_path):
            draft = self._make_draft(keys)
            if draft is not None:
                replace_unchanged(draft.path, draft.before, draft.after)
                self._context.console.log(f"{draft.name}: wrote {self._line} to {', '.join(draft.keys)}.")

    def _make_draft(self, keys: Sequence[str]) -> _Draft | None:
        """Return the change of the file; ``None`` if it needs none."""
        if not keys:
            return None
        path = self._context.project_path
        project = self._context.load_file(path)
        entries = [*self._differing_entries(project, keys)]
        if not entries:
            return None
        check_links(path, self._context.cwd)
        before = read_bytes(path, MAX_FILE)
        check_replaceable(path)
        text = before.decode("utf-8-sig")
        for entry in entries:
            edit = override_enabled if _is_override(project, entry) else set_enabled
            try:
                text = edit(text, entry.key, is_enabled=self._is_enabled)
            except CannotEdit as error:
                raise self._refusal(entry, f"{entry.key} cannot be edited: {error.reason}") from None
        self._check_edited(path, text, keys)
        prefix = "overrides.schedules."
        places = (f"{prefix if _is_override(project, entry) else ''}{entry.key}" for entry in entries)
        return _Draft(path, project.path, before, text, tuple(places))

    def _differing_entries(self, project: Project, keys: Iterable[str]) -> Iterator[Entry]:
        """Yield the entries to change; a retired entry needs none."""
        for entry in project.entries:
            if entry.key in keys and entry.spec is not None and entry.spec.enabled is not self._is_enabled:
                yield entry

    def _check_edited(self, path: Path, after: str, keys: Sequence[str]) -> None:
        """Check that the edited file has the wanted value, since an override is stronger than the entry."""
        try:
            project = self._context.load_file(path, {path: after.encode()})
        except ProjectError as error:
            hint = "the change would cause these problems; nothing was changed"
            raise ProjectError(error.problems, hint=hint) from None
        for entry in self._differing_entries(project, keys):
            where = entry.origins.of("enabled")
            raise self._refusal(entry, f"{where} overrides the value in {entry.key}")

    def _refusal(self, entry: Entry, why: str) -> FileError:
        hint = f"run it without --write, and write {self._line} by hand"
        return FileError(f"{entry.origins.entry}: {why}; nothing was changed", hint=hint)


def _is_override(project: Project, entry: Entry) -> bool:
    """Return whether to write to ``overrides.schedules``: the entry is in an included file, or is overridden."""
    where = entry.origins.of("enabled").source
    return entry.origins.entry.path != project.path or where in {Source.OVERRIDES, Source.SCHEDULE_OVERRIDES}
