"""``halo doctor``: where everything comes from, and whether it works."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from halo_iac.api.proxies import proxy_for
from halo_iac.checkout import find_checkout, is_shallow
from halo_iac.cli.command import platform_command
from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.check import schema_notes
from halo_iac.errors import GitError, HaloError, ProjectNotFound, SettingsError
from halo_iac.hints import join_hints
from halo_iac.load.yaml_events import parser_name
from halo_iac.render.json import document
from halo_iac.render.text.table import record
from halo_iac.text import counted, single_line
from halo_iac.version import full_version

if TYPE_CHECKING:
    from halo_iac.model.project import Project


_AGENTS_HINT: Final = (
    "send traces that set `agent.id` or `agent.name` to this project, or check that it is the right one; until then "
    "entries can name agents only by UUID"
)
_WRITE_HINT: Final = "to apply, set INF_API_KEY to a key that may write; in CI, only in the job that applies"


class Check(NamedTuple):
    """The result of one check; ``is_fine`` is ``None`` for information only."""

    subject: str
    verdict: str
    is_fine: bool | None = None


@platform_command
def doctor(context: CommandContext) -> int:
    """Check the set-up: project file, key, URL and project.

    Shows where each comes from, whether it works, and what the key permits. The key is never printed. Exit codes: 0
    everything works, 1 something does not.

    \b
    Examples:
      halo doctor
      halo doctor --sandbox --json
    """
    console = context.console
    checks = list(_run_checks(context))
    if console.wants_json:
        console.print(document([check._asdict() for check in checks]))
    else:
        marks = {None: "", True: "ok: ", False: "FAILED: "}
        rows = [(each.subject, marks[each.is_fine] + each.verdict) for each in checks]
        console.print(record(rows, console.out_style))
    return 1 if any(check.is_fine is False for check in checks) else 0


def _run_checks(context: CommandContext) -> Iterator[Check]:
    yield Check("halo", f"{full_version()} on Python {platform.python_version()}, {platform.system()}")
    name = parser_name()
    if name == "C":
        yield Check("YAML parser", "C (ruamel.yaml.clib)", is_fine=True)
    else:
        yield Check("YAML parser", f"{name}, ten times slower than C; install ruamel.yaml.clib")
    declared: Project | None = None
    try:
        declared = context.load()
        yield Check("project file", f"{declared.path}, {counted(len(declared.entries), 'schedule')}", is_fine=True)
    except ProjectNotFound as error:
        is_fine = None if context.named_file is None else False
        yield Check("project file", join_hints("", ("none: ", error.hint)), is_fine)
    except HaloError as error:
        yield Check("project file", _format_error(error), is_fine=False)
    yield from _examine_schemas(context)
    yield from _examine_git(context)
    try:
        connection = context.connect(declared)
    except HaloError as error:
        yield Check("settings", _format_error(error), is_fine=False)
        return
    connection.reader = connection.single_attempt_reader()  # an error is reported at once, not after five more attempts
    yield from _examine_connection(connection, context.console.env)


def _examine_schemas(context: CommandContext) -> Iterator[Check]:
    """Report which editor schemas are of another version; information only, since only editors read them."""
    try:
        notes = schema_notes([context.project_path], context.cwd)
    except HaloError:  # there is no project file, which another check reports
        return
    if notes:
        yield Check("editor schemas", "\n".join(notes))


def _examine_git(context: CommandContext) -> Iterator[Check]:
    """Check git's configuration, and what `--base` and `--require-head` need; git itself is not run."""
    from halo_iac.git.program import find_program, refuse_configuration_in

    env = context.console.env
    try:
        for folder in context.untrusted_folders:
            refuse_configuration_in(folder, env)
        find_program(env)
    except SettingsError as error:
        yield Check("git", _format_error(error), is_fine=False)
    except GitError as error:
        yield Check("git", f"{error.message}; `plan --base` and `apply --require-head` need it\nhint: install git")
    else:
        yield from _examine_repository(find_checkout(context.folder / "any", of_any_owner=True))


def _examine_repository(checkout: Path | None) -> Iterator[Check]:
    if checkout is None:
        yield Check("git", "no repository; `plan --base` and `apply --require-head` need one\nhint: run `git init`")
    elif is_shallow(checkout):
        hint = "run `git fetch --unshallow`; in CI set `fetch-depth: 0` (GitHub) or `GIT_DEPTH: 0` (GitLab)"
        yield Check("git", f"a shallow clone; `plan --base` finds only the commits that it has\nhint: {hint}")


def _examine_connection(connection: Connection, env: Mapping[str, str]) -> Iterator[Check]:
    settings = connection.settings
    kind = " (SANDBOX)" if connection.is_sandbox else ""
    if connection.is_embedded:
        yield Check("platform", connection.base_url + kind)
    else:
        yield Check("base URL", f"{settings.base_url.value} from {settings.base_url.origin}{kind}")
        proxy = proxy_for(connection.base_url, env)
        if proxy is not None:  # information only: later checks show whether it works
            yield Check("proxy", f"{proxy.shown} from {proxy.variable}")
        yield Check("API key", f"from {settings.key.origin}" if settings.key else "none")
        yield Check("team", f"{settings.team.value} from {settings.team.origin}" if settings.team else "none")
    try:
        chosen = connection.project
        yield Check("project", f"{chosen.id} from {chosen.origin}")
    except HaloError as error:
        yield Check("project", _format_error(error), is_fine=False)
        return
    yield from _examine_key(connection)
    try:
        agents = connection.reader.agents(chosen.id)
    except HaloError as error:
        yield Check("reading", _format_error(error), is_fine=False)
        return
    seen = f"{counted(len(agents), 'agent')} in the last 90 days"
    yield Check("reading", seen, is_fine=True) if agents else Check("reading", f"{seen}\nhint: {_AGENTS_HINT}")


def _examine_key(connection: Connection) -> Iterator[Check]:
    try:
        access = connection.reader.auth_context()
    except HaloError as error:
        yield Check("key", _format_error(error), is_fine=False)
        return
    scoped = {project.id: project for project in access.scoped}
    mine = scoped.get(connection.project.id)
    if mine is None and scoped:
        named = ((single_line(each.id), single_line(each.name or "")) for each in access.scoped)
        others = "".join(f"\n  {id_}  {name}".rstrip() for id_, name in named)
        hint = "name one of them: --project, `project:` in the project file, or INF_PROJECT_ID"
        yield Check("key", f"works, but not for this project; it works for:{others}\nhint: {hint}")
        return
    if mine is None:
        yield Check("key", "works, but the platform did not report its permissions in this project")
        return
    name = f" in {mine.name}" if mine.name else ""
    permits = " and ".join(mine.permissions) or "nothing"
    can_write = "write" in mine.permissions
    limit = "" if can_write else f"; enough for plan, not for apply\nhint: {_WRITE_HINT}"
    yield Check("key", f"permits {permits}{name}{limit}", is_fine="read" in mine.permissions)


def _format_error(error: HaloError) -> str:
    return join_hints("\nhint: ", (error.message, error.hint))
