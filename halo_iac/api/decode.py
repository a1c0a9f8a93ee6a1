"""Parses and validates the parts of the platform's results that halo relies on.

Results about runs are in :mod:`~halo_iac.api.decode_runs`. See docs/protocol.md#fields and
docs/security.md#unreadable-schedules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from halo_iac.api.trpc import Json
from halo_iac.errors import Delivery, Unreadable
from halo_iac.model.ids import canonical_id
from halo_iac.model.remote import Agent, ModelCatalog, RemoteSchedule

_IDS: Final = ("id", "projectId", "agentUuid")


def unreadable_response(procedure: str, reason: str) -> Unreadable:
    """Return the error for a tRPC result that does not match docs/protocol.md."""
    return Unreadable(
        reason,
        procedure=procedure,
        delivery=Delivery.AMBIGUOUS,
        status=200,
        is_transient=True,
        hint="Try a newer version of halo, which may understand the answer; `halo --version` shows yours.",
    )


def parse_schedule(value: Json, procedure: str, expected_id: str | None = None) -> RemoteSchedule:
    """Return the schedule in a result; one without id or title, or with another id than asked for, is unreadable."""
    if not isinstance(value, dict):
        raise unreadable_response(procedure, "answered without a schedule")
    for name in ("id", "title"):
        if not isinstance(value.get(name), str) or (name == "id" and not value["id"]):
            raise unreadable_response(procedure, f"answered with a schedule that has no {name}")
    if expected_id is not None and value["id"].casefold() != expected_id.casefold():
        raise unreadable_response(procedure, "answered with a different schedule from the one requested")
    return RemoteSchedule(_with_canonical_ids(value))


def parse_models(values: Iterable[Json]) -> ModelCatalog:
    """Return the models of a list; its form is not documented, so an unreadable list is no error."""
    names: dict[str, str] = {}
    for value in values:
        model = value if isinstance(value, dict) else {"id": value}
        if not isinstance(model.get("id"), str):
            return ModelCatalog({}, "halo cannot read the platform's list of models")
        names[model["id"]] = str(model.get("name", ""))
    return ModelCatalog(names, None if names else "the platform's list of models is empty")


def _with_canonical_ids(wire: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schedule with ids in canonical form; unchanged unless the platform writes capital letters."""
    canonical = {
        name: small for name in _IDS if isinstance(id_ := wire.get(name), str) and (small := canonical_id(id_)) != id_
    }
    return {**wire, **canonical} if canonical else wire


def parse_agent(value: Json, procedure: str) -> Agent:
    """Return the agent in a result; one without id is unreadable, everything else about it may be missing."""
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise unreadable_response(procedure, "answered with an agent that has no id")
    stats = value.get("stats")
    executions = stats.get("executionCount") if isinstance(stats, dict) else None
    return Agent(
        id=canonical_id(value["id"]),
        identity=optional_text(value, "identityValue"),
        source=optional_text(value, "identitySource"),
        executions=executions if isinstance(executions, int) and not isinstance(executions, bool) else None,
    )


def parse_list(value: Json, procedure: str) -> list[Any]:
    """Return the list a result has to be."""
    if not isinstance(value, list):
        raise unreadable_response(procedure, "answered without a list")
    return value


def optional_text(value: Mapping[str, Any], name: str) -> str | None:
    """Return a member of a result if it is a text."""
    text = value.get(name)
    return text if isinstance(text, str) else None
