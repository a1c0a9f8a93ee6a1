"""The platform's mutations of schedules: exactly one attempt each, since who applies decides what is repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from halo_iac.api.answers import schedule_of
from halo_iac.api.caller import Caller
from halo_iac.model.remote import RemoteSchedule, to_wire
from halo_iac.model.schedule import Spec

_CREATE: Final = "haloSchedule.create"
_UPDATE: Final = "haloSchedule.update"
_ARCHIVE: Final = "haloSchedule.archive"
_UNARCHIVE: Final = "haloSchedule.unarchive"


def create_input(project_id: str, spec: Spec) -> dict[str, Any]:
    """Return what creates this schedule: every field, as the official client sends it.

    Where the platform chooses the analysis model, ``modelId`` is null, while ``summarizationModelId`` is left out; a
    schedule whose ``enabled`` is left to the operator starts enabled (docs/semantics.md#left-out).
    """
    return {"projectId": project_id, "modelId": None, "enabled": True, **to_wire(spec)}


class Writer:
    """Changes schedules; made only for an apply. The answers are the schedules as the platform now has them.

    ``deadline`` is an instant of :func:`time.monotonic`; default: 120 s from now.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, fields: Mapping[str, Any], *, deadline: float | None = None) -> RemoteSchedule:
        """Create a schedule from what :func:`create_input` returned; never to be repeated blindly.

        See docs/semantics.md#creates.
        """
        return schedule_of(self._caller.call(_CREATE, "mutation", dict(fields), deadline=deadline), _CREATE)

    def update(self, schedule_id: str, fields: Mapping[str, Any], *, deadline: float | None = None) -> RemoteSchedule:
        """Set some fields, named as the platform names them."""
        return self._change(_UPDATE, {"id": schedule_id, **fields}, deadline)

    def archive(self, schedule_id: str, *, deadline: float | None = None) -> RemoteSchedule:
        """Archive a schedule; harmless when repeated."""
        return self._change(_ARCHIVE, {"id": schedule_id}, deadline)

    def unarchive(self, schedule_id: str, *, deadline: float | None = None) -> RemoteSchedule:
        """Bring an archived schedule back; harmless when repeated."""
        return self._change(_UNARCHIVE, {"id": schedule_id}, deadline)

    def _change(self, procedure: str, fields: dict[str, Any], deadline: float | None) -> RemoteSchedule:
        answer = self._caller.call(procedure, "mutation", fields, deadline=deadline)
        return schedule_of(answer, procedure, fields["id"])
