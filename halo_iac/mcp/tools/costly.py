"""The tools that cost money: runs and follow-up questions. A call starts at most one, and never twice."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from halo_iac.errors import HaloError
from halo_iac.mcp.arguments import AConversationId, Agent, Arguments, Schedule, require_one
from halo_iac.mcp.session import RunOrder
from halo_iac.mcp.tool import Answer, Call, Line, Result, Tool, ToolMisuse
from halo_iac.runs.polling import Polling, poll

_INTERVAL: Final = 3.0


class StartRun(Arguments):
    """The arguments of start_halo_run."""

    schedule: Schedule = None
    agent: Agent = None
    prompt: Annotated[
        str | None,
        Field(description="Instructions for the analysis of an agent; default: the usual analysis.", max_length=20_000),
    ] = None
    lookback_hours: Annotated[
        int | None,
        Field(description="How many hours to look back; default: the schedule's, else 24.", ge=1, le=24 * 90),
    ] = None


class Started(Result):
    """The answer of start_halo_run."""

    run_id: Annotated[str, Field(description="The run that was started.")]
    conversation_id: Annotated[str | None, Field(description="The conversation of its report.")] = None


def start_run(call: Call[StartRun]) -> Answer:
    """Start one run and return at once."""
    wanted = call.arguments
    require_one(START_RUN.name, schedule=wanted.schedule, agent=wanted.agent)
    if wanted.schedule is not None and wanted.prompt is not None:
        hint = "leave out `prompt`, or name the agent instead of the schedule"
        raise ToolMisuse("`prompt` cannot be used with `schedule`: a schedule has a prompt of its own", hint=hint)
    started = call.session.start(RunOrder(wanted.schedule, wanted.agent, wanted.prompt, wanted.lookback_hours))
    summary = "The run was started; it takes minutes. Read its report with get_halo_report and its run_id, later."
    return Answer(Started(run_id=started.run_id, conversation_id=started.conversation_id), summary)


class AskHalo(Arguments):
    """The arguments of ask_halo."""

    conversation_id: AConversationId
    question: Annotated[str, Field(description="The question about its report.", min_length=1, max_length=20_000)]
    wait_seconds: Annotated[
        int, Field(description="How long to wait for the answer before returning without it.", ge=0, le=600)
    ] = 45


class Answered(Result):
    """The answer of ask_halo."""

    run_id: Annotated[str, Field(description="The run that answers the question.")]
    conversation_id: Annotated[str, Field(description="The conversation that the answer belongs to.")]
    status: Annotated[Line, Field(description="The run's status.")]
    content: Annotated[str | None, Field(description="The answer; markdown. Absent until the run has ended.")] = None


def ask_halo(call: Call[AskHalo]) -> Answer:
    """Ask a question and wait for a while."""
    session, wanted = call.session, call.arguments
    if not wanted.question.strip():
        raise ToolMisuse("`question` is empty", hint="pass a question; nothing was sent")
    before = session.platform.run_reader.conversation(wanted.conversation_id)
    last = max((message.sequence for message in before.messages), default=-1)
    started = session.ask(before.conversation.id, wanted.question)
    # The run continues if the call is cancelled or returns before it is over.
    polling = Polling(_INTERVAL, wanted.wait_seconds, stop=session.stop)
    snapshots = [*poll(session.platform.run_reader, started.run_id, polling)]
    latest = snapshots[-1] if snapshots else None
    status = latest.status if latest is not None else "started"
    data = Answered(run_id=started.run_id, conversation_id=before.conversation.id, status=status)
    if latest is None or latest.details is None or not latest.is_over:
        return Answer(data, "The question was asked; its run is in progress. Call get_halo_conversation later.")
    if not latest.details.run.is_completed:
        raise HaloError(
            f"run {started.run_id} ended as {status}: {latest.details.run.error or 'no reason was given'}",
            hint="call get_halo_conversation to see its messages; asking again costs money again",
        )
    thread = session.platform.run_reader.conversation(before.conversation.id)
    answers = [message.content for message in thread.answers if message.sequence > last]
    return Answer(data.model_copy(update={"content": "\n\n".join(answers)}), "The question was answered.")


START_RUN: Final = Tool(
    "start_halo_run",
    "Start a HALO run (costs money)",
    "Starts one HALO run now, of a schedule with the values it has on the platform or of an agent, and returns its ids "
    "without waiting. COSTS MONEY each time: a flat fee and the inference. Use it only when the user asked for a new "
    "analysis, never to repeat a call that failed; an existing report is free with get_halo_report.",
    StartRun,
    Started,
    start_run,
    is_write=True,
    costs_money=True,
)
ASK: Final = Tool(
    "ask_halo",
    "Ask HALO about a report (costs money)",
    "Asks a follow-up question about a report and waits for the answer for a while. COSTS MONEY each time, as a run "
    "does. Use it only when the user wants it and the report, get_trace and get_span do not answer the question.",
    AskHalo,
    Answered,
    ask_halo,
    is_write=True,
    costs_money=True,
)
