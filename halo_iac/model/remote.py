"""The platform's data in its own format, and the mapping to ours (docs/protocol.md#fields).

A schedule stays the plain mapping it arrived as: ten thousand are compared without building as many objects, and an
unknown field or enum value of tomorrow's platform breaks nothing (docs/security.md#unreadable-schedules).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import Annotated, Any, Final, NamedTuple

from halo_iac.model import Described, Document, document
from halo_iac.model.schedule import (
    BUILT_IN,
    CADENCE_PARTS,
    FIELDS,
    MANAGED,
    RELEVANT_PARTS,
    UNMANAGED_WHEN_LEFT_OUT,
    WIRE_NAMES,
    Frequency,
    Spec,
    Value,
    normalized_prompt,
    relevant_parts,
)

_FREQUENCIES: Final = frozenset(Frequency)
_SINGLE: Final = tuple(field for name, field in MANAGED.items() if name not in CADENCE_PARTS)
_AFTER_CADENCE: Final = tuple(WIRE_NAMES[name] for name in BUILT_IN)
_CHOICE_TYPES: Final = tuple(MANAGED[name].types for name in UNMANAGED_WHEN_LEFT_OUT)
_ALWAYS_MANAGED: Final = tuple(name for name in WIRE_NAMES if name not in {*CADENCE_PARTS, *UNMANAGED_WHEN_LEFT_OUT})
_declared_values, _declared_parts, _declared_choices = (
    attrgetter(*names) for names in (_ALWAYS_MANAGED, CADENCE_PARTS, UNMANAGED_WHEN_LEFT_OUT)
)
_wire_values, _wire_parts, _wire_choices = (
    itemgetter(*map(WIRE_NAMES.__getitem__, names))
    for names in (_ALWAYS_MANAGED, CADENCE_PARTS, UNMANAGED_WHEN_LEFT_OUT)
)


class UnreadableSchedule(NamedTuple):
    """A schedule that halo cannot read: shown, never written, archived or counted.

    ``reason`` is what is unexpected about it.
    """

    reason: str


class RemoteSchedule(NamedTuple):
    """One schedule of the platform; ``wire`` is its mapping, which always has a string ``id`` and ``title``."""

    wire: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return its id."""
        id_: str = self.wire["id"]
        return id_

    @property
    def title(self) -> str:
        """Return its title, exactly as the platform has it."""
        title: str = self.wire["title"]
        return title

    @property
    def agent_id(self) -> str | None:
        """Return the UUID of the agent it analyses; ``None`` if the platform left it out."""
        value = self.wire.get("agentUuid")
        return value if isinstance(value, str) else None

    @property
    def is_active(self) -> bool:
        """Return whether it is not archived; a paused schedule is active."""
        return self.wire.get("archivedAt") is None

    @property
    def is_paused_by_platform(self) -> bool:
        """Return whether the platform has paused it, because its agent is gone."""
        return self.wire.get("autoPausedAt") is not None

    @property
    def pause_reason(self) -> str:
        """Return the platform's reason for having paused the schedule."""
        return str(self.wire.get("autoPauseReason") or "unknown reason")

    @property
    def state(self) -> str:
        """Return whether it fires, in a word: active, paused or archived."""
        if not self.is_active:
            return "archived"
        if self.is_paused_by_platform:
            return f"paused ({self.pause_reason})"
        return "paused" if self.wire.get("enabled") is False else "active"

    @property
    def creation_order(self) -> tuple[str, str]:
        """Return a sort key from the oldest schedule to the latest: the creation instant, then the id."""
        return (str(self.wire.get("createdAt") or ""), self.id)

    @property
    def retirement_order(self) -> tuple[str, str, str]:
        """Return a sort key from the schedule that was archived first to the last."""
        return (str(self.wire.get("archivedAt") or ""), *self.creation_order)

    def spec(self) -> Spec | UnreadableSchedule:
        """Return the comparable form, or why there is none.

        See docs/semantics.md#diff and docs/security.md#unreadable-schedules.
        """
        return read_spec(self.wire)

    def matches(self, spec: Spec) -> bool:
        """Return whether the raw values are equal to the desired ones; ``False`` means that they have to be compared.

        Ten thousand are compared this way in the time in which a thousand are projected onto the comparable form.
        """
        wire = self.wire
        try:
            return (
                _declared_values(spec) == _wire_values(wire)
                and [*map(list, _declared_parts(spec))] == [*_wire_parts(wire)]
                and all(map(_is_chosen, _declared_choices(spec), _wire_choices(wire), _CHOICE_TYPES))
                and _has_readable_archived_at(wire)
            )
        except KeyError:
            return False


def _is_chosen(declared: Value, held: object, types: tuple[type, ...]) -> bool:
    """Return whether the platform's value is readable, and equal to the declared one if there is one."""
    return isinstance(held, types) and (declared is None or declared == held)


def read_spec(wire: Mapping[str, Any]) -> Spec | UnreadableSchedule:
    """Project a schedule of the platform onto the comparable form, or say why that is impossible."""
    reason = _unreadable_reason(wire)
    if reason is not None:
        return UnreadableSchedule(reason)
    frequency = wire["frequency"]
    parts = {name: wire.get(WIRE_NAMES[name]) or () for name in CADENCE_PARTS}
    rest: Iterable[Any] = map(wire.get, _AFTER_CADENCE)
    spec = Spec(wire["title"], wire["agentUuid"], frequency, *relevant_parts(frequency, parts), *rest)
    prompt = normalized_prompt(spec.prompt)
    return spec if prompt == spec.prompt else replace(spec, prompt=prompt)


def _unreadable_reason(wire: Mapping[str, Any]) -> str | None:
    """Return the first field that is missing or not as documented; ``None`` for a schedule as documented."""
    for field in _SINGLE:
        if type(wire.get(field.wire)) not in field.types:
            return f"the platform's answer has no readable {field.wire}"
    if wire["frequency"] not in _FREQUENCIES:
        return f"unknown frequency {wire['frequency']!r}"
    if not _has_readable_archived_at(wire):
        return "the platform's answer has no readable archivedAt"
    return _invalid_part(wire)


def _has_readable_archived_at(wire: Mapping[str, Any]) -> bool:
    """Return whether the answer says if it is archived; without that, an archived schedule would count as active."""
    held = wire.get("archivedAt", False)
    return held is None or isinstance(held, str)


def _invalid_part(wire: Mapping[str, Any]) -> str | None:
    """Return why a part of the cadence cannot be read; ``None`` if all can. An ignored part may be missing."""
    relevant = RELEVANT_PARTS[wire["frequency"]]
    for part in CADENCE_PARTS:
        numbers = wire.get(WIRE_NAMES[part])
        if numbers is None and part not in relevant:
            continue
        if not isinstance(numbers, list) or any(type(number) is not int for number in numbers):
            return f"the platform's answer has no readable {WIRE_NAMES[part]}"
    return None


def to_wire(spec: Spec, names: Iterable[str] = FIELDS) -> dict[str, Any]:
    """Return the named fields as the platform spells them, tuples as lists; without unmanaged ones."""
    values: dict[str, Value] = {name: getattr(spec, name) for name in names}
    return {
        WIRE_NAMES[name]: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None
    }


class Agent(NamedTuple):
    """An agent as the platform found it in traces; ``id`` is its UUID, ``identity`` its agent.id or agent.name."""

    id: str
    identity: str | None
    source: str | None = None
    executions: int | None = None


@document
class PlatformTarget(Document):
    """Which platform and project, and where each came from; ``is_sandbox`` if it is a local one."""

    base_url: Annotated[str, Described("The platform's base URL.")]
    project_id: Annotated[str, Described("The project's id.")]
    project_name: Annotated[str | None, Described("The project's name, if the platform returns it.")] = None
    url_origin: Annotated[str, Described("Where the base URL comes from.")] = "default"
    project_origin: Annotated[str, Described("Where the project's id comes from.")] = ""
    is_sandbox: Annotated[bool, Described("Whether it is a sandbox on this machine.")] = False


class ModelCatalog(NamedTuple):
    """The models that a field may name: id → display name; ``gap`` is why they are unknown."""

    names: Mapping[str, str]
    gap: str | None = None


_NO_CATALOGS: Final[Mapping[str, ModelCatalog]] = MappingProxyType({})


class PlatformState(NamedTuple):
    """The platform as observed: every schedule, archived ones included, and every agent of the widest window.

    ``gap`` says why the listing is incomplete, in which case nothing may be created or archived
    (docs/security.md#listings). ``models`` has, by field, the models that it may name, where an entry declares one.
    """

    schedules: tuple[RemoteSchedule, ...]
    agents: tuple[Agent, ...]
    gap: str | None = None
    models: Mapping[str, ModelCatalog] = _NO_CATALOGS
