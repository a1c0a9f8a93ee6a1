"""Requests for one-off runs, made of options and, if named, a declared schedule.

See docs/semantics.md#one-off-runs.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from halo_iac.cli import options
from halo_iac.errors import FileError, UsageError
from halo_iac.model.instants import format_instant
from halo_iac.model.remote import RemoteSchedule
from halo_iac.model.runs import LOOKBACK_HOURS, PROMPT, RunRequest, Window
from halo_iac.storage.atomic import read_start

if TYPE_CHECKING:
    from halo_iac.model.schedule import Spec


class RunOptions(NamedTuple):
    """The options of a run, ``None`` if not given; each command that starts a run has them."""

    prompt: options.Prompt = None
    prompt_file: options.PromptFile = None
    window_start_at: options.WindowStartAt = None
    window_end_at: options.WindowEndAt = None
    lookback_hours: options.LookbackHours = None
    model_id: options.ModelId = None
    subagent_model_id: options.SubagentModelId = None
    span_limit: options.SpanLimit = None
    max_subagent_depth: options.MaxSubagentDepth = None
    max_turns: options.MaxTurns = None
    reasoning_effort: options.ReasoningEffort = None
    debug: options.Debug = False


def build_request(given: RunOptions, now: datetime, spec: Spec | None = None) -> RunRequest:
    """Return a request without an agent: values of options, else of the schedule, else ``None``."""
    lookback = given.lookback_hours or (spec.lookback_hours if spec is not None else LOOKBACK_HOURS)
    request = RunRequest(
        agent="",
        name="",
        prompt=_read_prompt(given) or (spec.prompt if spec is not None else PROMPT),
        window=resolve_window(given.window_start_at, given.window_end_at, lookback, now),
        model_id=given.model_id,
        subagent_model_id=given.subagent_model_id,
        span_limit=given.span_limit,
        max_subagent_depth=given.max_subagent_depth,
        max_turns=given.max_turns,
        reasoning_effort=given.reasoning_effort,
        debug=given.debug,
    )
    if spec is None:
        return request
    return replace(
        request,
        model_id=request.model_id or spec.model_id,
        summarization_model_id=spec.summarization_model_id,
        span_limit=request.span_limit or spec.span_limit,
        max_subagent_depth=request.max_subagent_depth or spec.max_subagent_depth,
        max_turns=request.max_turns or spec.max_turns,
    )


def resolve_window(start: str | None, end: str | None, lookback_hours: int, now: datetime) -> Window:
    """Return the window: by default it ends now and looks back; one that cannot contain traces is an error."""
    until = now if end is None else parse_instant(end, "--window-end-at")
    try:
        since = until - timedelta(hours=lookback_hours) if start is None else parse_instant(start, "--window-start-at")
    except OverflowError:
        raise UsageError(
            f"--lookback-hours {lookback_hours} reaches before the year 1", hint="use fewer hours; a day is 24 hours"
        ) from None
    if since >= until:
        span = f"it starts {since.isoformat()} and ends {until.isoformat()}"
        raise UsageError(f"the window ends before it starts: {span}", hint="swap them, or remove one of them")
    if since >= now:
        hint = "use an earlier start; an instant without a zone is local time"
        raise UsageError(f"the window is in the future: it starts {since.isoformat()}", hint=hint)
    return Window(since, until)


def find_lookback_hours(remote: RemoteSchedule) -> int:
    """Return the look-back of a schedule in hours."""
    hours = remote.wire.get("lookbackHours")
    return hours if isinstance(hours, int) and hours > 0 else LOOKBACK_HOURS


def parse_instant(text: str, option: str) -> datetime:
    """Return an ISO 8601 instant; a date is midnight UTC, an instant without a zone is local time."""
    try:
        value = datetime.fromisoformat(text.strip())
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC) if len(text.strip()) == len("2026-11-01") else value.astimezone(UTC)
        return value.astimezone(UTC)
    except (ValueError, OverflowError):
        hint = "use a form such as 2026-11-01, 2026-11-01T09:00:00Z or 2026-11-01T09:00:00+01:00"
        raise UsageError(f"{option}: {text!r} is not an ISO 8601 instant", hint=hint) from None


def format_given_instant(text: str | None, value: datetime) -> str:
    """Return an instant in the wire format: unchanged if it was given in UTC, as the official client sends it."""
    return text if text is not None and text.endswith("Z") and "T" in text else format_instant(value)


def _read_prompt(given: RunOptions) -> str | None:
    if given.prompt_file is None:
        if given.prompt is not None and not given.prompt.strip():
            raise UsageError("--prompt is empty", hint="remove it for the default prompt")
        return given.prompt
    if given.prompt is not None:
        raise UsageError("--prompt and --prompt-file were both given", hint="pass one of them")
    return _read_prompt_file(Path(given.prompt_file))


def _read_prompt_file(path: Path) -> str:
    from halo_iac.load.field_reader import read_prompt
    from halo_iac.load.files import FileUnreadable
    from halo_iac.load.limits import MAX_PROMPT

    content = read_start(path, MAX_PROMPT + 1)
    if len(content) > MAX_PROMPT:
        raise FileError(f"{path} is longer than {MAX_PROMPT // 1024} KiB", hint="check that it is the right file")
    try:
        return read_prompt(content)
    except FileUnreadable as error:
        where = f"{path}:{error.position}" if error.position else path
        raise FileError(f"{where}: {error.reason}", hint=error.hint or "name a file that contains a prompt") from None
