"""The tools, in the order in which a client lists them: first those that a fix starts with, last the costly ones."""

from typing import Final

from halo_iac.mcp.tool import Tool
from halo_iac.mcp.tools.account import LIST_AGENTS, WHOAMI
from halo_iac.mcp.tools.costly import ASK, START_RUN
from halo_iac.mcp.tools.project import PLAN_PROJECT, VALIDATE_PROJECT
from halo_iac.mcp.tools.reports import GET_CONVERSATION, GET_REPORT, LIST_CONVERSATIONS
from halo_iac.mcp.tools.runs import LIST_RUNS, LIST_SCHEDULES
from halo_iac.mcp.tools.spans import GET_SPAN
from halo_iac.mcp.tools.traces import GET_TRACE, LIST_TRACES

READING: Final = (
    *(WHOAMI, LIST_SCHEDULES, GET_REPORT, GET_TRACE, GET_SPAN, LIST_TRACES, LIST_CONVERSATIONS, GET_CONVERSATION),
    *(LIST_RUNS, LIST_AGENTS, VALIDATE_PROJECT, PLAN_PROJECT),
)
"""The tools that change nothing."""
COSTLY: Final = (START_RUN, ASK)
"""The tools that cost money, which only --allow-runs offers."""


def tools(*, allow_runs: bool) -> dict[str, Tool]:
    """Return the tools that are offered, by name."""
    return {tool.name: tool for tool in (*READING, *(COSTLY if allow_runs else ()))}
