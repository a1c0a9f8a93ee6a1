"""Every procedure of the platform that the sandbox serves, by its name."""

from __future__ import annotations

from functools import cache
from typing import Final

from halo_iac.sandbox.call import Kind, Procedure
from halo_iac.sandbox.handlers import agents, schedules
from halo_iac.sandbox.protocol import Request, RequestRefused

_PROCEDURES: Final[dict[str, Procedure]] = {
    **agents.PROCEDURES,
    **schedules.PROCEDURES,
}
_NOT_SERVED: Final = {
    "traces.exports.": "read whole spans with spans.get, or the file that they were loaded from",
    "traces.imports.": "load files of traces with `halo sandbox load`",
}
_METHODS: Final = {Kind.QUERY: "GET", Kind.MUTATION: "POST"}


def find_procedure(request: Request, name: str) -> Procedure:
    """Return the procedure that a request names; raises an error if there is none or the HTTP method is another."""
    procedure = _PROCEDURES.get(name) or _rare_procedures().get(name)
    if procedure is None:
        instead = next((said for prefix, said in _NOT_SERVED.items() if name.startswith(prefix)), None)
        if instead is not None:
            raise RequestRefused("NOT_IMPLEMENTED", f"The sandbox does not serve {name}: {instead}.")
        raise RequestRefused("NOT_FOUND", f'No procedure is called "{name}".')
    if request.method != _METHODS[procedure.kind]:
        raise RequestRefused(
            "METHOD_NOT_SUPPORTED", f"{name} is a {procedure.kind} and does not accept {request.method}."
        )
    return procedure


@cache
def _rare_procedures() -> dict[str, Procedure]:
    """Return the procedures of runs and traces, which a plan does not need and should not wait for."""
    from halo_iac.sandbox.handlers import (
        conversations,
        datasets,
        runs,
        trace_facets,
        trace_sessions,
        trace_views,
        traces,
    )

    return {
        **conversations.PROCEDURES,
        **datasets.PROCEDURES,
        **runs.PROCEDURES,
        **traces.PROCEDURES,
        **trace_facets.PROCEDURES,
        **trace_sessions.PROCEDURES,
        **trace_views.PROCEDURES,
    }
