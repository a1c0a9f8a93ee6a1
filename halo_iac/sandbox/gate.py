"""Which procedures there are, and who may call them."""

from __future__ import annotations

from functools import cache
from typing import Final

from halo_iac.sandbox import agents, projects, schedules
from halo_iac.sandbox.call import Kind, Procedure
from halo_iac.sandbox.protocol import Refusal, Request
from halo_iac.sandbox.store import Key, Tables

_USUAL: Final[dict[str, Procedure]] = {**agents.PROCEDURES, **projects.PROCEDURES, **schedules.PROCEDURES}
_METHODS: Final = {Kind.QUERY: "GET", Kind.MUTATION: "POST"}


def wanted(request: Request, name: str) -> Procedure:
    """Return the procedure that a request names, or refuse."""
    procedure = _USUAL.get(name) or _of_runs().get(name)
    if procedure is None:
        raise Refusal("NOT_FOUND", f'No procedure is called "{name}".')
    if request.method != _METHODS[procedure.kind]:
        raise Refusal("METHOD_NOT_SUPPORTED", f"{name} is a {procedure.kind}; {request.method} will not do.")
    return procedure


@cache
def _of_runs() -> dict[str, Procedure]:
    """Return the procedures that a plan has no use for, and need not wait for."""
    from halo_iac.sandbox import conversations, datasets, runs, schedule_runs  # noqa: PLC0415

    return {**conversations.PROCEDURES, **datasets.PROCEDURES, **runs.PROCEDURES, **schedule_runs.PROCEDURES}


def caller(request: Request, tables: Tables) -> Key:
    """Return the key that a request comes with, or refuse."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    key = tables.key(text.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        raise Refusal("UNAUTHORIZED", "The key is missing or not valid.")
    return key


def check_permission(key: Key, kind: Kind) -> None:
    """Refuse a key that may not call procedures of this kind."""
    if not (key.can_read if kind is Kind.QUERY else key.can_write):
        missing = "read" if kind is Kind.QUERY else "write"
        raise Refusal("FORBIDDEN", f"This key does not permit to {missing}.")
