"""The declared project: a project file with its includes, read and merged (docs/semantics.md#project-file)."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from halo_iac.model import schedule as defaults
from halo_iac.model.finding import RuleSeverities
from halo_iac.model.schedule import MODEL_FIELDS, Spec


class Source(StrEnum):
    """The layer that decided a value, strongest first."""

    SCHEDULE_OVERRIDES = "overrides.schedules"
    OVERRIDES = "overrides"
    ENTRY = "entry"
    DEFAULTS = "defaults"
    BUILT_IN = "built-in"


class Origin(NamedTuple):
    """The layer, and the place in a file unless the value is built in; ``line`` and ``column`` count from 1."""

    source: Source
    path: str | None = None
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Render ``halo.yaml:12`` for an entry's own value, ``halo.yaml:3 (defaults)`` otherwise."""
        if self.path is None:
            return "built-in default"
        place = f"{self.path}:{self.line}"
        layer = Source.OVERRIDES if self.source is Source.SCHEDULE_OVERRIDES else self.source
        return place if self.source is Source.ENTRY else f"{place} ({layer})"

    @property
    def is_of_one_entry(self) -> bool:
        """Return whether a value of this layer applies to one entry only."""
        return self.source in {Source.ENTRY, Source.SCHEDULE_OVERRIDES}


BUILT_IN_ORIGIN = Origin(Source.BUILT_IN)


class Origins(Protocol):
    """Answers where each field of one entry comes from; line and column are computed only when asked for."""

    def of(self, field: str) -> Origin:
        """Return the origin of a field, named as in :class:`~halo_iac.model.schedule.Spec`."""

    @property
    def entry(self) -> Origin:
        """Return the place of the entry's key."""


_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class UndeclaredPolicy(StrEnum):
    """How active schedules in scope that no file declares are treated, from the laxest to the strictest."""

    ARCHIVE = "archive"
    REPORT = "report"
    ERROR = "error"


def strictest(*policies: str) -> UndeclaredPolicy:
    """Return the strictest of several policies."""
    return max(map(UndeclaredPolicy, policies), key=[*UndeclaredPolicy].index)


class Scope(NamedTuple):
    """Which schedules of the platform this project answers for; both keys hold where both are given."""

    agents: tuple[str, ...] | None = None
    title_prefix: str | None = None


class Entry(NamedTuple):
    """One entry of ``schedules:``, defaults and overrides merged in.

    ``spec`` is ``None`` for ``state: archived`` (``is_retired``), whose other fields are only checked for their form;
    ``title`` may then be ``None`` too if there is an ``id``. ``spec.agent`` is the reference as written.
    ``rule_severities`` are the entry's own and override the project's.
    """

    key: str
    title: str | None
    spec: Spec | None
    origins: Origins
    is_retired: bool = False
    renamed_from: tuple[str, ...] = ()
    id: str | None = None
    rule_severities: RuleSeverities = _NOTHING


class TruncatedText(NamedTuple):
    """A text cut short by a `` #`` comment; ``key`` is its entry's, ``None`` outside entries.

    ``is_beginning`` if the comment precedes the text, which begins on the next line.
    """

    key: str | None
    field: str
    value: str
    at: Origin
    is_beginning: bool = False


class FoldedItem(NamedTuple):
    """A list item in a prompt that ``prompt: >`` joins to the line above; ``key`` as in :class:`TruncatedText`."""

    key: str | None
    at: Origin


class Project(NamedTuple):
    """A whole project: policy, aliases and entries in the order of the files.

    ``path`` is the project file relative to the working directory, as messages show it. ``origins`` has a place for
    each policy key that is written (``project``, ``undeclared``, ``scope``, ``protect``, ``agents.<alias>``, …).
    ``unread`` are included files that a sparse checkout leaves out, so that what they declare is not known.
    ``protect_sources`` names the source of a glob of ``protect`` that is not the file: an option or a variable.
    ``fallback`` has the values of an entry that sets none itself: overrides over defaults over what is built in.
    ``cost_per_run`` is what a run costs, in a currency of the user's, for estimates.
    ``siblings`` are other files of the same project that the command reads as well.
    """

    path: str
    entries: tuple[Entry, ...]
    project_id: str | None = None
    undeclared: UndeclaredPolicy = UndeclaredPolicy.REPORT
    scope: Scope = Scope()
    protect: tuple[str, ...] = ()
    aliases: Mapping[str, str] = _NOTHING
    origins: Mapping[str, Origin] = _NOTHING
    rule_severities: RuleSeverities = _NOTHING
    max_runs_per_month: int | None = None
    cost_per_run: float | None = None
    fallback: Mapping[str, Any] = defaults.BUILT_IN
    truncated_texts: tuple[TruncatedText, ...] = ()
    folded_items: tuple[FoldedItem, ...] = ()
    unread: tuple[str, ...] = ()
    protect_sources: Mapping[str, str] = _NOTHING
    siblings: tuple["Project", ...] = ()

    def with_stricter_policy(self, protect: Mapping[str, str], undeclared: Iterable[str]) -> "Project":
        """Return the project with more protected titles, and the strictest of its own policy and ``undeclared``.

        ``protect`` has the source of each glob: an option or a variable.
        """
        globs = tuple(dict.fromkeys((*self.protect, *protect)))
        policy = strictest(self.undeclared, *undeclared)
        return self._replace(protect=globs, protect_sources=protect, undeclared=policy)

    @property
    def model_fields(self) -> tuple[str, ...]:
        """Return the fields in which some entry names a model."""
        specs = [entry.spec for entry in self.entries if entry.spec is not None]
        return tuple(name for name in MODEL_FIELDS if any(getattr(spec, name) is not None for spec in specs))

    def origin(self, key: str) -> Origin:
        """Return where a policy key is written; built-in where it is left out."""
        return self.origins.get(key, BUILT_IN_ORIGIN)
