"""Project files → :class:`~halo_iac.model.project.Project`: sources, policy, entries, and every problem at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from halo_iac.checkout import find_checkout, git_folder
from halo_iac.errors import Problem, ProjectError
from halo_iac.links import followed
from halo_iac.load import hints, slips
from halo_iac.load.bounds import MAX_PROBLEMS, MAX_SCHEDULES
from halo_iac.load.complaints import INCLUDE_KEYS, unknown_key
from halo_iac.load.cuts import cuts
from halo_iac.load.disk import Disk
from halo_iac.load.document import Document, Values
from halo_iac.load.entry import EntryReader
from halo_iac.load.fields import FieldReader, Place
from halo_iac.load.file import IGNORED, KEY
from halo_iac.load.paths import Bound, displayed
from halo_iac.load.policy import POLICY_KEYS, Policy, read_policy
from halo_iac.load.prompts import Prompts
from halo_iac.load.reader import Reader
from halo_iac.load.sources import SourceFile, read_included, read_project_file
from halo_iac.load.switches import switches
from halo_iac.load.tree import Tree
from halo_iac.load.wording import shown
from halo_iac.model.defaults import BUILT_IN
from halo_iac.model.ids import canonical_id
from halo_iac.model.project import Entry, Project

_KEY: Final = re.compile(KEY)


def load(
    path: Path,
    *,
    variables: Mapping[str, str],
    cwd: Path | None = None,
    drafts: Mapping[Path, bytes] | None = None,
    checkout: Path | None = None,
    tree: Tree | None = None,
    needs_variables: bool = True,
) -> Project:
    """Return the project that a file declares.

    ``variables`` is the environment, of which only ``HALO_VAR_*`` is read; messages show paths relative to ``cwd``, by
    default the working directory. ``drafts`` are files as they are about to be written: they count instead of what is
    on disk, so that a change can be judged before it is made. ``checkout`` is the folder that no path leads out of,
    itself without links: by default the repository that the file lies in, else the file's own folder. ``tree`` is what
    the files are read from, by default the disk. Unless it ``needs_variables``, references to those that are not set
    are left as they are written.

    Raises :class:`~halo_iac.errors.ProjectError` with every problem of every file, or
    :class:`~halo_iac.errors.ProjectNotFound`.
    """
    cwd = cwd if cwd is not None else Path.cwd()
    path = cwd / path
    reader = _reader(tree or Disk(drafts), path, checkout)
    fields = FieldReader(Prompts(reader), variables, needs_variables=needs_variables)
    main = read_project_file(reader, path, cwd)
    policy = read_policy(main, fields) if main.document.root is not None else None
    if policy is None:
        raise _error([main])
    unread: list[str] = []
    sources = [main, *read_included(reader, main, path, policy.values.get("include", ()), cwd, unread)]
    for included in sources[1:]:
        _check_included(included.document)
    entries = _entries(sources, EntryReader(fields, policy.defaults, policy.overrides, policy.scope.title_prefix))
    if any(source.document.problems for source in sources):
        raise _error(sources)
    cut = tuple(each for source in sources for each in cuts(source.document))
    return _project(displayed(path, cwd), entries, policy)._replace(unread=tuple(unread), cuts=cut)


def load_policy(path: Path, *, cwd: Path, checkout: Path, tree: Tree) -> Project | None:
    """Return a project without its entries, whatever is wrong with those; ``None`` if its policy cannot be read."""
    reader = _reader(tree, path, checkout)
    main = read_project_file(reader, path, cwd)
    root = main.document.root
    if root is None:
        return None
    policy = read_policy(main, FieldReader(Prompts(reader), {}, needs_variables=False))
    is_whole = all(key in policy.values for key in POLICY_KEYS if key in root)
    return _project(displayed(path, cwd), (), policy) if is_whole else None


def _reader(tree: Tree, path: Path, checkout: Path | None) -> Reader:
    checkout = checkout or find_checkout(path)
    project = followed(path.parent) / path.name
    return Reader(tree, Bound(project, checkout, None if checkout is None else git_folder(checkout)))


def _project(path: str, entries: tuple[Entry, ...], policy: Policy) -> Project:
    return Project(
        path=path,
        entries=entries,
        project_id=None if "project" not in policy.values else canonical_id(policy.values["project"]),
        undeclared=policy.undeclared,
        scope=policy.scope,
        protect=tuple(policy.values.get("protect", ())),
        aliases=policy.values.get("agents", {}),
        origins=policy.origins,
        switches=switches(policy.values.get("findings", {})),
        max_runs_per_month=policy.values.get("max_runs_per_month"),
        fallback={**BUILT_IN, **policy.defaults.fields, **policy.overrides.fields},
    )


def _error(sources: Iterable[SourceFile]) -> ProjectError:
    """Return every problem, in the order of the files and then of the lines."""
    return ProjectError([problem for source in sources for problem in _in_order(source.document.problems)])


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return a file's problems by their places; the last one counts the others where there are very many."""
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    rest = ordered[MAX_PROBLEMS:]
    if len(rest) < 2:
        return ordered
    first = rest[0]
    return [
        *ordered[:MAX_PROBLEMS],
        Problem(first.path, first.line, first.column, f"… and {len(rest):,} more problems in this file, from here on"),
    ]


def _check_included(document: Document) -> None:
    if document.root is None:
        return
    for key, value in document.root.items():
        if key != "schedules" and not key.startswith(IGNORED):
            document.complain((key,), *unknown_key(key, value, INCLUDE_KEYS), at_key=True)
    if "schedules" not in document.root:
        document.complain((), "`schedules` is missing")


def _entries(sources: Iterable[SourceFile], reader: EntryReader) -> tuple[Entry, ...]:
    """Return the entries of all files; those with a problem are missing."""
    seen: dict[str, Place] = {}
    entries = []
    for place, raw in _written(sources):
        key = place.location[-1]
        can_stay = _check_key(place, key, seen)
        entry = reader.read(place, key, raw)
        if entry is not None and can_stay:
            entries.append(entry)
    _check_titles(entries, seen)
    return tuple(entries)


def _written(sources: Iterable[SourceFile]) -> Iterator[tuple[Place, Any]]:
    count = 0
    for source in sources:
        schedules = (source.document.root or {}).get("schedules", {})
        if not isinstance(schedules, dict):
            message = "is null" if schedules is None else "holds no keys and values"
            is_list = isinstance(schedules, list) and schedules != []
            hint = slips.for_list(schedules) if is_list else "write `schedules: {}` for none"
            source.document.complain(("schedules",), f"`schedules` {message}", hint)
            continue
        count += len(schedules)
        if count > MAX_SCHEDULES:
            place = Place(source.document, source.folder, ("schedules",))
            place.complain_of_lack(f"more than {MAX_SCHEDULES:,} schedules in all")
            return
        astray = _astray(source.document, schedules)
        for key, raw in schedules.items():
            if key not in astray:
                yield Place(source.document, source.folder, ("schedules", key)), raw


def _astray(document: Document, schedules: Values) -> Collection[str]:
    """Return the fields that stand where schedules do, after reporting them."""
    found = slips.astray(schedules)
    for key, hint in found.items():
        if hint is not None:
            message = f"{shown(key)} is a field, and stands where a schedule should"
            document.complain(("schedules", key), message, hint, at_key=True)
    return found


def _check_key(place: Place, key: str, seen: dict[str, Place]) -> bool:
    if not _KEY.fullmatch(key):
        message = f"key {shown(key)} is not made of letters, digits, - and _ (64 at most, a letter or digit first)"
        place.complain_of_lack(message, hints.for_schedule_key(key))
        return False
    if key in seen:
        document, location = seen[key].document, seen[key].location
        line, _ = document.place(location, at_key=True)
        place.complain_of_lack(f"key {shown(key)} is already in {document.path}:{line}")
        return False
    seen[key] = place
    return True


def _check_titles(entries: Iterable[Entry], places: Mapping[str, Place]) -> None:
    """A title is declared once, unless every entry that declares it says by id which schedule it means."""
    first: dict[str, Entry] = {}
    for entry in entries:
        if entry.title is None:
            continue
        other = first.setdefault(entry.title, entry)
        if other is not entry and (entry.id is None or other.id is None):
            origin = other.origins.of("title")
            message = f"the title is already that of {shown(other.key)} ({origin.path}:{origin.line})"
            hint = "a title is declared once, unless each has an `id`"
            place = places[entry.key]
            if entry.origins.of("title") == origin:  # an alias: what is wrong is not where the title is written
                place.complain_of_lack(message, hint)
            else:
                place.complain("title", message, hint)
