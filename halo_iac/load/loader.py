"""Loads project files into a :class:`~halo_iac.model.project.Project`, with every problem at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic_core import ValidationError

from halo_iac.checkout import find_checkout, find_git_folder
from halo_iac.errors import Problem, ProjectError
from halo_iac.load.diagnostics import (
    INCLUDE_KEYS,
    report_misplaced_keys,
    suggest_for_list,
    to_problems,
    word_unknown_key,
)
from halo_iac.load.entries import EntryReader
from halo_iac.load.field_reader import FieldMapping, FieldReader, Fields, Prompts
from halo_iac.load.fields import IGNORED, KEY, check_policy
from halo_iac.load.files import CheckoutBound, DiskFiles, FileTree, FileUnreadable, ProjectFiles
from halo_iac.load.find import SourceFile, read_included, read_project_file
from halo_iac.load.layers import Layer, Override, check_override_keys, read_layer, read_overrides_by_key
from halo_iac.load.limits import MAX_PROBLEMS, MAX_SCHEDULES
from halo_iac.load.rule_settings import read_severities
from halo_iac.load.suggestions import keys as hints
from halo_iac.load.text_pitfalls import find_folded_items, find_truncated_texts
from halo_iac.load.yaml_document import Document, Location
from halo_iac.load.yaml_parser import parse
from halo_iac.model.ids import canonical_id
from halo_iac.model.project import Entry, Origin, Project, Scope, Source, UndeclaredPolicy
from halo_iac.model.schedule import BUILT_IN
from halo_iac.paths import display_path, resolve_path
from halo_iac.text import quote

POLICY_KEYS: Final = ("project", "undeclared", "scope", "protect", "agents")
"""Keys that restrict what may be changed, and the aliases that `scope` may use."""

_HEAD_BYTES: Final = 64 * 1024
"""How many bytes of a file are searched for its project before the whole file is read."""

_READ_APART: Final = ("defaults", "overrides", "schedules")


class ProjectPolicy(NamedTuple):
    """The policy of a project file and its layers, without invalid keys, which are reported already."""

    values: Mapping[str, Any]
    defaults: Layer
    overrides: Layer
    overrides_by_key: Mapping[str, Override]
    origins: Mapping[str, Origin]

    @property
    def scope(self) -> Scope:
        """Return which schedules the project manages."""
        written = self.values.get("scope", {})
        agents = written.get("agents")
        return Scope(None if agents is None else tuple(agents), written.get("title_prefix"))


def read_policy(source: SourceFile, fields: FieldReader) -> ProjectPolicy:
    """Return a project file's policy; its problems are added to its document."""
    document = source.document
    root = document.root or {}
    values = _check_policy(document, {key: value for key, value in root.items() if _is_policy(key)})
    if not {"schedules", "include"}.intersection(root.keys() | hints.guess_fields(root, hints.PROJECT_KEYS)):
        document.add_problem((), "`schedules` is missing", "for no schedules, write `schedules: {}`")
    if document.has_dollars:
        _check_variables(document, values)
    if values.get("scope") == {}:
        document.add_problem(("scope",), "`scope` is empty", "leave the key out")
    overrides = read_layer(source, fields, Source.OVERRIDES)
    return ProjectPolicy(
        values=values,
        defaults=read_layer(source, fields, Source.DEFAULTS),
        overrides=overrides,
        overrides_by_key=read_overrides_by_key(source, fields, overrides.fields.get("state")),
        origins=dict(_origins(document, root)),
    )


_NO_VARIABLES: Final = {
    "project": "write the id itself, or leave the key out and pass --project",
    "agents": "write the id or name itself; an entry's `agent` can read one",
    "scope": "write the text itself; each environment has its own project file",
}
"""Policy keys in which ``${`` would become part of an id or a name unknown to the platform → the hint."""


def _check_variables(document: Document, values: Fields) -> None:
    for key, hint in _NO_VARIABLES.items():
        for location, value in _nested_texts(values.get(key), (key,)):
            if "${" in value:
                document.add_problem(location, f"{quote(key)} cannot read a variable", hint)


def _nested_texts(value: object, location: Location) -> Iterator[tuple[Location, str]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, str):
        yield location, value
    for step, child in children:
        yield from _nested_texts(child, (*location, step))


def _is_policy(key: str) -> bool:
    return key not in _READ_APART and not key.startswith(IGNORED)


def _check_policy(document: Document, top: Fields) -> Fields:
    try:
        values: Fields = check_policy(top)
    except ValidationError as error:
        broken = to_problems(error, top, document, (), hints.PROJECT_KEYS)
        values = check_policy({"version": 1, **{key: value for key, value in top.items() if key not in broken}})
    return values


def _origins(document: Document, root: Fields) -> Iterator[tuple[str, Origin]]:
    for key, value in root.items():
        if not _is_policy(key):
            continue
        yield key, Origin(Source.ENTRY, document.path, *document.position((key,), at_key=True))
        if key == "protect" and isinstance(value, list):
            for step, glob in enumerate(value):
                yield f"protect.{glob}", Origin(Source.ENTRY, document.path, *document.position((key, step)))
        if isinstance(value, dict):
            for name in value:
                position = document.position((key, name), at_key=True)
                yield f"{key}.{name}", Origin(Source.ENTRY, document.path, *position)


_KEY: Final = re.compile(KEY)


def load(
    path: Path,
    *,
    variables: Mapping[str, str],
    cwd: Path | None = None,
    drafts: Mapping[Path, bytes] | None = None,
    checkout: Path | None = None,
    tree: FileTree | None = None,
    needs_variables: bool = True,
) -> Project:
    """Return the project that a file declares.

    ``variables`` is the environment, of which only ``HALO_VAR_*`` is read; messages show paths relative to ``cwd``, by
    default the working directory. ``drafts`` are files as they are about to be written: they replace those on disk, so
    that a change can be checked before it is made.

    ``checkout`` is the folder that no path may leave, without links: by default the repository that contains the file,
    else the file's own folder. ``tree`` is the source of the files, by default the disk. If ``needs_variables`` is
    false, references to unset variables are left as written.

    Raises :class:`~halo_iac.errors.ProjectError` with every problem of every file, or
    :class:`~halo_iac.errors.ProjectNotFound`.
    """
    cwd = cwd if cwd is not None else Path.cwd()
    path = cwd / path
    reader = _reader(tree or DiskFiles(drafts), path, checkout)
    fields = FieldReader(Prompts(reader), variables, needs_variables=needs_variables)
    main = read_project_file(reader, path, cwd)
    if main.document.root is None or _is_of_another_tool(main.document, "not like a project file"):
        raise _project_error([main])
    policy = read_policy(main, fields)
    unread: list[str] = []
    before = len(main.document.problems)
    sources = [main, *read_included(reader, main, path, policy.values.get("include", ()), cwd, unread)]
    for included in sources[1:]:
        _check_included(included.document)
    is_whole = not unread and all(source.document.root is not None for source in sources)
    entries = _entries(sources, policy, fields, is_whole=is_whole and len(main.document.problems) == before)
    if any(source.document.problems for source in sources):
        raise _project_error(sources)
    truncated = tuple(each for source in sources for each in find_truncated_texts(source.document))
    folded = tuple(each for source in sources for each in find_folded_items(source.document))
    return _project(display_path(path, cwd), entries, policy)._replace(
        unread=tuple(unread), truncated_texts=truncated, folded_items=folded
    )


def load_policy(path: Path, *, cwd: Path, checkout: Path, tree: FileTree) -> Project | None:
    """Return a project without its entries, whose problems are ignored; ``None`` if its policy cannot be read."""
    reader = _reader(tree, path, checkout)
    main = read_project_file(reader, path, cwd)
    root = main.document.root
    if root is None:
        return None
    policy = read_policy(main, FieldReader(Prompts(reader), {}, needs_variables=False))
    is_whole = all(key in policy.values for key in POLICY_KEYS if key in root)
    return _project(display_path(path, cwd), (), policy) if is_whole else None


def load_head(path: Path, *, cwd: Path, checkout: Path | None) -> Project:
    """Return a project with only its path and id; the id only if the file sets it above its schedules.

    Problems are left to :func:`load`. It takes about a millisecond.
    """
    nothing = Project(display_path(path, cwd), ())
    tree = DiskFiles()
    try:
        data = tree.content(_reader(tree, path, checkout).located(str(path)), _HEAD_BYTES)
    except (FileUnreadable, OSError):
        return nothing
    head, mark, _ = data.partition(b"\nschedules:")
    if not mark and len(data) > _HEAD_BYTES:
        return nothing
    document = parse(head, nothing.path)
    project = (document.root or {}).get("project")
    values = (
        {} if project is None or document.has_dollars else _check_policy(document, {"version": 1, "project": project})
    )
    if document.problems or "project" not in values:
        return nothing
    return nothing._replace(project_id=canonical_id(values["project"]))


def _reader(tree: FileTree, path: Path, checkout: Path | None) -> ProjectFiles:
    checkout = checkout or find_checkout(path)
    project = resolve_path(path.parent) / path.name
    return ProjectFiles(tree, CheckoutBound(project, checkout, None if checkout is None else find_git_folder(checkout)))


def _project(path: str, entries: tuple[Entry, ...], policy: ProjectPolicy) -> Project:
    return Project(
        path=path,
        entries=entries,
        project_id=None if "project" not in policy.values else canonical_id(policy.values["project"]),
        undeclared=UndeclaredPolicy(policy.values.get("undeclared", UndeclaredPolicy.REPORT)),
        scope=policy.scope,
        protect=tuple(policy.values.get("protect", ())),
        aliases=policy.values.get("agents", {}),
        origins=policy.origins,
        rule_severities=read_severities(policy.values.get("findings", {})),
        max_runs_per_month=policy.values.get("max_runs_per_month"),
        cost_per_run=policy.values.get("cost_per_run"),
        fallback={**BUILT_IN, **policy.defaults.fields, **policy.overrides.fields},
    )


def _project_error(sources: Iterable[SourceFile]) -> ProjectError:
    """Return the error with every problem, in the order of the files and then of the lines."""
    return ProjectError([problem for source in sources for problem in _sorted(source.document.problems)])


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    """Return a file's problems by position; above the limit, the last one counts the rest."""
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    rest = ordered[MAX_PROBLEMS:]
    if len(rest) < 2:
        return ordered
    message = f"… and {len(rest):,} more problems in this file, from here on"
    return [*ordered[:MAX_PROBLEMS], rest[0]._replace(message=message, hint=None, represents=len(rest))]


def _is_of_another_tool(document: Document, instead: str) -> bool:
    """Return whether a file belongs to another tool; it then gets one problem instead of one for each key."""
    root = document.root or {}
    if "schedules" in root or ("version" in root and "include" in root) or root.keys() <= hints.PROJECT_KEYS:
        return False
    from halo_iac.load.suggestions.form import detect_other_tool, how_to_start

    tool = detect_other_tool(root)
    if tool is None:
        return False
    document.problems.clear()
    document.add_problem_at(0, f"this looks like {tool}, {instead}", how_to_start(root))
    return True


def _check_included(document: Document) -> None:
    if document.root is None or _is_of_another_tool(document, "not like a file of schedules"):
        return
    for key, value in document.root.items():
        if key != "schedules" and not key.startswith(IGNORED):
            document.add_problem((key,), *word_unknown_key(key, value, INCLUDE_KEYS), at_key=True)
    if "schedules" not in document.root:
        document.add_problem((), "`schedules` is missing")


def _entries(
    sources: Iterable[SourceFile], policy: ProjectPolicy, fields: FieldReader, *, is_whole: bool
) -> tuple[Entry, ...]:
    """Return the entries of all files, without those that have a problem.

    Unless the files are all of the project (``is_whole``), an override may name an entry that is not known here.
    """
    layers = (policy.defaults, policy.overrides, policy.overrides_by_key)
    reader = EntryReader(fields, *layers, policy.scope.title_prefix)
    mappings: dict[str, FieldMapping] = {}
    entries = []
    for mapping, raw in _declared(sources):
        key = mapping.location[-1]
        can_stay = _is_valid_key(mapping, key, mappings)
        entry = reader.read(mapping, key, raw)
        if entry is not None and can_stay:
            entries.append(entry)
    _check_titles(entries, mappings)
    if is_whole:
        check_override_keys(policy.overrides_by_key, mappings)
    return tuple(entries)


def _declared(sources: Iterable[SourceFile]) -> Iterator[tuple[FieldMapping, Any]]:
    count = 0
    for source in sources:
        schedules = (source.document.root or {}).get("schedules", {})
        if not isinstance(schedules, dict):
            message = "has no value" if schedules is None else "must be keys and values"
            is_list = isinstance(schedules, list) and schedules != []
            hint = suggest_for_list(schedules) if is_list else "for no schedules, write `schedules: {}`"
            source.document.add_problem(("schedules",), f"`schedules` {message}", hint)
            continue
        count += len(schedules)
        if count > MAX_SCHEDULES:
            mapping = FieldMapping(source.document, source.folder, ("schedules",))
            mapping.add_missing_problem(f"more than {MAX_SCHEDULES:,} schedules in all")
            return
        misplaced = report_misplaced_keys(source.document, ("schedules",), schedules, "a schedule's key")
        for key, raw in schedules.items():
            if key not in misplaced:
                yield FieldMapping(source.document, source.folder, ("schedules", key)), raw


def _is_valid_key(mapping: FieldMapping, key: str, mappings: dict[str, FieldMapping]) -> bool:
    if not _KEY.fullmatch(key):
        message = f"invalid key {quote(key)}: expected up to 64 letters, digits, - and _, the first a letter or digit"
        mapping.add_missing_problem(message, hints.suggest_schedule_key(key))
        return False
    if key in mappings:
        document, location = mappings[key].document, mappings[key].location
        line, _ = document.position(location, at_key=True)
        mapping.add_missing_problem(f"duplicate key {quote(key)}: already used at {document.path}:{line}")
        return False
    mappings[key] = mapping
    return True


def _check_titles(entries: Iterable[Entry], mappings: Mapping[str, FieldMapping]) -> None:
    """Report titles declared more than once, unless every entry with the title has an id."""
    first: dict[str, Entry] = {}
    for entry in entries:
        if entry.title is None:
            continue
        other = first.setdefault(entry.title, entry)
        if other is not entry and (entry.id is None or other.id is None):
            origin = other.origins.of("title")
            message = f"duplicate title: {quote(other.key)} already has it ({origin.path}:{origin.line})"
            hint = "titles must be unique, unless each entry has an `id`"
            mapping = mappings[entry.key]
            if entry.origins.of("title") == origin:  # an alias: the problem is not at the position of the title
                mapping.add_missing_problem(message, hint)
            else:
                mapping.add_problem("title", message, hint)
