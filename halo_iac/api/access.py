"""What a key may do and which project is meant (docs/protocol.md#procedures, docs/semantics.md#project-id)."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from halo_iac.api.answers import unreadable
from halo_iac.api.caller import Json
from halo_iac.api.credentials import Setting
from halo_iac.api.text import one_line
from halo_iac.errors import SettingsError
from halo_iac.model.ids import canonical_id


class AccessibleProject(NamedTuple):
    """A project the key belongs to, and what it may do there (``read``, ``write``)."""

    id: str
    name: str | None = None
    permissions: tuple[str, ...] = ()


class AuthContext(NamedTuple):
    """How the platform sees the key; whatever it left out is ``None`` or empty. ``wire`` is the answer itself."""

    method: str | None
    team_id: str | None
    resolved: AccessibleProject | None
    scoped: tuple[AccessibleProject, ...]
    wire: Mapping[str, Any]


class ChosenProject(NamedTuple):
    """The project a command is about; ``name`` only where it was learned without a request of its own."""

    id: str
    origin: str
    name: str | None = None


def read_auth_context(value: Json, procedure: str) -> AuthContext:
    """Return the context in a result; lenient, since its shape is known from one customer's record only."""
    if not isinstance(value, dict):
        raise unreadable(procedure, "answered without an auth context")
    scoped = value.get("scopedProjects")
    projects = map(_project, scoped if isinstance(scoped, list) else [])
    return AuthContext(
        method=_text(value.get("authMethod")),
        team_id=_text(value.get("teamId")),
        resolved=_project(value.get("resolvedProject")),
        scoped=tuple(project for project in projects if project is not None),
        wire=value,
    )


def choose_project(named: Setting[str] | None, ask: Callable[[], AuthContext]) -> ChosenProject:
    """Return the named project, else the only one the key belongs to; several are an error that lists them.

    The platform is asked only where nothing is named: a plan makes no request for a name alone
    (docs/performance.md#observing).
    """
    if named is not None:
        return ChosenProject(named.value, named.origin)
    context = ask()
    projects = context.scoped or ((context.resolved,) if context.resolved is not None else ())
    if len(projects) == 1:
        return ChosenProject(projects[0].id, "the key's only project", projects[0].name)
    hint = "Name one: --project, `project:` in the project file, or INF_PROJECT_ID."
    if not projects:
        raise SettingsError("no project is named, and the platform does not say which the key belongs to", hint=hint)
    lines = "\n".join(f"  {one_line(project.id)}  {one_line(project.name or '')}".rstrip() for project in projects)
    raise SettingsError(f"no project is named, and the key belongs to {len(projects)}:\n{lines}", hint=hint)


def _project(value: object) -> AccessibleProject | None:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return None
    permissions = value.get("permissions")
    known = permissions if isinstance(permissions, list) else []
    return AccessibleProject(
        canonical_id(value["id"]), _text(value.get("name")), tuple(word for word in known if isinstance(word, str))
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
