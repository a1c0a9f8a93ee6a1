"""``project.*`` and ``user.*``: who is calling, and what they may see."""

from __future__ import annotations

from typing import Any, Final

from halo_iac.sandbox import demo, rules
from halo_iac.sandbox.call import Call, Kind, Procedure
from halo_iac.sandbox.protocol import encoded

_GET: Final = {"projectId": rules.required(rules.identifier)}


def get_auth_context(call: Call) -> bytes:
    """Return what the key is good for; ``resolvedProject`` is null unless it is for exactly one project."""
    granted = (("read", call.key.can_read), ("write", call.key.can_write))
    permissions = [name for name, is_granted in granted if is_granted]
    projects = [{"id": each["id"], "name": each["name"]} for each in call.tables.projects(call.key)]
    return encoded(
        {
            "authMethod": "api-key",
            "teamId": demo.DEMO_TEAM_ID,
            "resolvedProject": projects[0] if len(projects) == 1 else None,
            "scopedProjects": [{**each, "permissions": permissions} for each in projects],
        }
    )


def get_projects(call: Call) -> bytes:
    """Return the projects that the key covers."""
    return encoded([_wire(each) for each in call.tables.projects(call.key)])


def get_project(call: Call) -> bytes:
    """Return one project."""
    wanted = rules.checked(call.input, _GET)
    call.check_project(wanted["projectId"])
    return encoded(next(_wire(each) for each in call.tables.projects() if each["id"] == wanted["projectId"]))


def get_profile(_call: Call) -> bytes:
    """Return the one user that a sandbox has, where `inf auth` looks for it."""
    user = {"id": demo.DEMO_USER_ID, "email": "sandbox@localhost", "name": "Sandbox"}
    return encoded({"session": {"user": user}})


def _wire(project: dict[str, str]) -> dict[str, Any]:
    return {**project, "teamId": demo.DEMO_TEAM_ID}


PROCEDURES: Final = {
    "project.getAuthContext": Procedure(Kind.QUERY, get_auth_context),
    "project.getProjects": Procedure(Kind.QUERY, get_projects),
    "project.getProject": Procedure(Kind.QUERY, get_project),
    "user.getProfile": Procedure(Kind.QUERY, get_profile),
}
