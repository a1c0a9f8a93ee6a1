"""Resolves key, base URL, team and project, each with its origin (docs/cli.md#settings)."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

from halo_iac.api.decode import optional_text, unreadable_response
from halo_iac.api.inf_config import InfConfig, read_inf_config
from halo_iac.api.response_hints import DEFAULT_ORIGIN
from halo_iac.api.secret import Secret
from halo_iac.api.trpc import Json
from halo_iac.api.urls import validate_base_url
from halo_iac.errors import SettingsError
from halo_iac.model.ids import canonical_id
from halo_iac.text import single_line

T = TypeVar("T")

DEFAULT_BASE_URL: Final = "https://relay.inference.net"
_QUOTES: Final = "\"'"
_PASTED: Final = re.compile(r"(?:\S+\s+)?\S*[A-Z]_[A-Z0-9_]*\s*=(?!=*$)|(?i:authorization|bearer|x-api-key)[:\s]")
"""The beginning of a value that was copied together with the name of its variable or header."""
_NAME_LENGTH: Final = 200
_HEADER_VALUE: Final = re.compile("(?![\"'`])[!-~]*(?<![\"'`])")
_HEADER_FLAWS: Final = (
    ("[“”„‟‘’‚‛«»‹›′″]", "a typographic quote", "Copy it again from where it was made, not from a document."),
    (r"[\r\n]", "a line break", "Keep only the first line: more than one was pasted."),
    (r"\s", "a space", "Keep only the value itself: something else was pasted with it."),
    ("[^!-~]", "a character that is not printable ASCII", "Copy it again from where it was made."),
    ("", "a quote at its beginning or end", "Put it in one pair of plain quotes, or in none, and copy it whole."),
)
"""What a value contains that is no ``_HEADER_VALUE``: the first pattern that is found, its name, and what to do."""


class Setting(NamedTuple, Generic[T]):
    """A value and where it came from, such as ``INF_API_KEY`` or ``~/.inf/config.json (apiKey)``."""

    value: T
    origin: str


class Settings(NamedTuple):
    """The settings needed to call the platform; ``None`` for those that are not set."""

    key: Setting[Secret] | None
    base_url: Setting[str]
    team: Setting[str] | None
    project: Setting[str] | None

    def required_key(self) -> Setting[Secret]:
        """Return the key, or say how to give one."""
        if self.key is None:
            raise SettingsError(
                "no API key: neither INF_API_KEY nor the inf config file has one",
                hint="Set INF_API_KEY, or sign in with `inf`; `--sandbox` needs no key.",
            )
        return self.key


def resolve_settings(
    env: Mapping[str, str],
    *,
    home: Path,
    project_flag: str | None = None,
    team_flag: str | None = None,
    declared: Setting[str] | None = None,
    checkouts: Callable[[], Sequence[Path]] | None = None,
) -> Settings:
    """Resolve all settings in the documented order; ``declared`` is the project file's ``project``, with its place.

    ``checkouts`` returns the folders whose files a branch may have written: a config file there cannot decide where a
    key of the environment is sent.
    """
    config = read_inf_config(env, home, checkouts)
    settings = Settings(
        key=_resolve_key(env, config),
        base_url=_resolve_base_url(env, config),
        team=_resolve_team(env, config, team_flag),
        project=resolve_project(env, config, flag=project_flag, declared=declared),
    )
    if config.checkout is not None:
        _refuse_another_files_key(settings, config, config.checkout)
    return settings


def _refuse_another_files_key(settings: Settings, config: InfConfig, checkout: Path) -> None:
    """Refuse a config file that a branch may have written if it decides where a key from elsewhere is sent."""
    key = settings.key
    if key is None or key.origin.startswith(config.label):
        return
    for setting in (settings.base_url, settings.team, settings.project):
        if setting is not None and setting.origin.startswith(f"{config.label} ("):
            message = f"{setting.origin} is not used with the key from {key.origin}: it lies in the checkout {checkout}"
            raise SettingsError(message, hint="Set INF_CONFIG_DIR to a folder outside of the checkout.")


def resolve_project(
    env: Mapping[str, str],
    config: InfConfig,
    *,
    flag: str | None = None,
    declared: Setting[str] | None = None,
) -> Setting[str] | None:
    """Return the project: ``--project``, the file, ``INF_PROJECT_ID``, the config file; ``None`` if none names one.

    A file and an ``INF_PROJECT_ID`` that differ are an error unless ``--project`` decides
    (docs/semantics.md#project-id).
    """
    chosen = _with_canonical_id(_from_flag("--project", flag))
    if chosen is not None:
        return chosen
    variable = _with_canonical_id(_from_env(env, "INF_PROJECT_ID"))
    if declared is None:
        return variable or _with_canonical_id(_from_config(config, "activeProjectId"))
    if variable is not None and variable.value != declared.value:
        raise SettingsError(
            f"two projects are named: {declared.value} in {declared.origin} and {variable.value} in INF_PROJECT_ID",
            hint="Choose one with --project, or unset INF_PROJECT_ID.",
        )
    return declared


def _with_canonical_id(setting: Setting[str] | None) -> Setting[str] | None:
    return None if setting is None else setting._replace(value=canonical_id(setting.value))


def _resolve_key(env: Mapping[str, str], config: InfConfig) -> Setting[Secret] | None:
    found = _from_env(env, "INF_API_KEY") or _from_config(config, "apiKey") or _from_config(config, "sessionToken")
    if found is None:
        return None
    _check_header_value(found, "API key")
    return Setting(Secret(found.value), found.origin)


def _resolve_base_url(env: Mapping[str, str], config: InfConfig) -> Setting[str]:
    found = _from_env(env, "INF_API_URL") or _from_config(config, "apiUrl")
    if found is None:
        return Setting(DEFAULT_BASE_URL, DEFAULT_ORIGIN)
    return Setting(validate_base_url(found.value, found.origin), found.origin)


def _resolve_team(env: Mapping[str, str], config: InfConfig, flag: str | None) -> Setting[str] | None:
    found = _from_flag("--team", flag) or _from_env(env, "INF_TEAM_ID") or _from_config(config, "activeTeamId")
    if found is not None:
        _check_header_value(found, "team id")
    return _with_canonical_id(found)


def _from_flag(name: str, value: str | None) -> Setting[str] | None:
    """Refuse an empty flag: ``--project "$UNSET"`` must not quietly mean another project."""
    if value is None:
        return None
    if not value.strip():
        raise SettingsError(f"{name} is empty", hint="Give it a value, or remove it.")
    return Setting(value.strip(), name)


def _from_env(env: Mapping[str, str], name: str) -> Setting[str] | None:
    value = _strip_quotes(env.get(name, "").strip())
    return Setting(value, name) if value else None


def _strip_quotes(value: str) -> str:
    """Return a value without quotes around it: ``docker --env-file`` passes on those that an env file has."""
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES
    return value[1:-1].strip() if is_quoted else value


def _from_config(config: InfConfig, name: str) -> Setting[str] | None:
    value = config.values.get(name, "").strip()
    return Setting(value, f"{config.label} ({name})") if value else None


def _check_header_value(setting: Setting[str], what: str) -> None:
    """Refuse what no HTTP header can carry, without showing it."""
    if _PASTED.match(setting.value[:_NAME_LENGTH]):
        reason, hint = "more than the value", "Remove the name of the variable or header before it."
    elif _HEADER_VALUE.fullmatch(setting.value):
        return
    else:
        reason, hint = next(flaw for pattern, *flaw in _HEADER_FLAWS if re.search(pattern, setting.value))
    raise SettingsError(f"the {what} from {setting.origin} contains {reason}", hint=hint)


class AccessibleProject(NamedTuple):
    """A project the key belongs to, and what it may do there (``read``, ``write``)."""

    id: str
    name: str | None = None
    permissions: tuple[str, ...] = ()


class AuthContext(NamedTuple):
    """The response about the key; missing members are ``None`` or empty. ``wire`` is the response as received."""

    method: str | None
    team_id: str | None
    resolved: AccessibleProject | None
    scoped: tuple[AccessibleProject, ...]
    wire: Mapping[str, Any]


class SelectedProject(NamedTuple):
    """The project of a command; ``name`` is only set if it was returned by a request made for another reason."""

    id: str
    origin: str
    name: str | None = None


def read_auth_context(value: Json, procedure: str) -> AuthContext:
    """Return the context in a result; lenient, since its shape is known from one customer's record only."""
    if not isinstance(value, dict):
        raise unreadable_response(procedure, "answered without an auth context")
    scoped = value.get("scopedProjects")
    projects = map(_parse_project, scoped if isinstance(scoped, list) else [])
    return AuthContext(
        method=optional_text(value, "authMethod"),
        team_id=optional_text(value, "teamId"),
        resolved=_parse_project(value.get("resolvedProject")),
        scoped=tuple(project for project in projects if project is not None),
        wire=value,
    )


def select_project(named: Setting[str] | None, ask: Callable[[], AuthContext]) -> SelectedProject:
    """Return the named project, or else the only one the key belongs to; several are an error that lists them.

    The platform is asked only if no project is named: a plan makes no request for a name alone
    (docs/performance.md#observing).
    """
    if named is not None:
        return SelectedProject(named.value, named.origin)
    context = ask()
    projects = context.scoped or ((context.resolved,) if context.resolved is not None else ())
    if len(projects) == 1:
        return SelectedProject(projects[0].id, "the key's only project", projects[0].name)
    hint = "Name one: --project, `project:` in the project file, or INF_PROJECT_ID."
    if not projects:
        raise SettingsError(
            "no project is named, and the platform does not say which project the key belongs to", hint=hint
        )
    lines = "\n".join(
        f"  {single_line(project.id)}  {single_line(project.name or '')}".rstrip() for project in projects
    )
    raise SettingsError(f"no project is named, and the key belongs to {len(projects)} projects:\n{lines}", hint=hint)


def _parse_project(value: object) -> AccessibleProject | None:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return None
    permissions = value.get("permissions")
    known = permissions if isinstance(permissions, list) else []
    return AccessibleProject(
        canonical_id(value["id"]), optional_text(value, "name"), tuple(word for word in known if isinstance(word, str))
    )
