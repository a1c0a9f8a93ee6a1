"""The live display: changes in progress are redrawn and ended ones stay, on a screen of any size."""

from __future__ import annotations

import io
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import CommandLine
from loopback import Reply, Request, failure, serving
from render_samples import BASE, create

from halo_iac.api.limits import RequestLimits, RetryPolicy
from halo_iac.api.secret import Secret
from halo_iac.cli.console import Console
from halo_iac.cli.progress import ProgressDisplay, log_events
from halo_iac.model.apply_result import Event, Status
from halo_iac.render.style import Style

CHANGES = [replace(create(f"schedule-{n}", BASE), key=f"schedule-{n}") for n in range(40)]


def progress_output(style: Style, *events: Event, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="")
    with ProgressDisplay(stream, style, len(CHANGES), clock=lambda: 0.0) as lines:
        for event in events:
            lines.show(event)
    stream.flush()
    return raw.getvalue().decode(encoding)


def without_codes(text: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n").split("\n")


@pytest.fixture(autouse=True)
def _small_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "8")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_lines_of_ended_changes_stay_and_live_lines_are_cut_to_the_screen() -> None:
    long = replace(CHANGES[1], key="a-key-that-is-longer-than-the-screen-is-wide")
    done = Event(CHANGES[0], Status.DONE, "i" * 60, elapsed=1.0)
    lines = without_codes(
        progress_output(Style(), Event(CHANGES[0], Status.STARTED), done, Event(long, Status.STARTED))
    )
    assert "+ creating     a-key-that-is-longer-th…" in {line[:40] for line in lines}
    assert f"[ 1/40] + created      schedule-0  {'i' * 60}  (1.00 s)" in lines


def test_more_than_fit_are_counted() -> None:
    text = progress_output(Style(), *(Event(change, Status.STARTED) for change in CHANGES))
    assert "… and 35 more" in without_codes(text)
    assert max(map(len, without_codes(text))) < 40


def test_a_retry_stays_on_its_live_line() -> None:
    events = (Event(CHANGES[0], Status.STARTED), Event(CHANGES[0], Status.RETRYING, None, "HTTP 503"))
    assert any(
        line.startswith(". retrying     schedule-0 │ HTTP 503")
        for line in without_codes(progress_output(Style(), *events))
    )


def test_a_terminal_without_unicode_gets_ascii() -> None:
    hostile = replace(CHANGES[0], key="ключ\x1b[2J")
    events = (Event(hostile, Status.STARTED), Event(hostile, Status.FAILED, None, "нет", "→"))
    text = progress_output(
        Style(unicode=False), *events, *(Event(c, Status.STARTED) for c in CHANGES), encoding="ascii"
    )
    assert "\x1b[2J" not in text
    assert "\\u043a" in text


def test_colours_are_only_used_where_they_are_wanted() -> None:
    event = Event(CHANGES[0], Status.DONE, "1", elapsed=0.1)
    assert "\x1b[32m" in progress_output(Style(colour=True), event)
    assert "\x1b[32m" not in progress_output(Style(), event)


def test_a_change_that_ends_twice_is_counted_once() -> None:
    twin = replace(CHANGES[0])
    events = (Event(twin, Status.DONE, "1"), Event(twin, Status.FAILED, "1", "its twin was older"))
    lines = without_codes(progress_output(Style(), *events))
    assert [line for line in lines if line.startswith("[")] == [
        "[ 1/40] + created      schedule-0  1",
        "[ 1/40] ! failed       schedule-0  1",
    ]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def narration(stream: io.StringIO, **env: str) -> str:
    console = Console(io.StringIO(), io.StringIO(), stream, env)
    console.redactor.add_key(Secret("sk-secret"))
    leaky = replace(CHANGES[0], key="sk-secret")
    events = [Event(leaky, Status.STARTED), Event(leaky, Status.RETRYING, None, "HTTP 503"), Event(leaky, Status.DONE)]
    assert list(log_events(events, console, 1)) == events
    return stream.getvalue()


def test_a_pipe_gets_plain_lines_of_what_matters() -> None:
    assert narration(io.StringIO()) == ". retrying     ***\n      | HTTP 503\n[1/1] + created      ***\n"


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["pipe", "terminal"])
def test_a_change_not_started_gets_a_line_only_with_a_reason_and_is_not_counted(stream: io.StringIO) -> None:
    waited, reasoned, done = (
        Event(CHANGES[0], Status.NOT_STARTED),
        Event(CHANGES[1], Status.NOT_STARTED, None, "archives run last"),
        Event(CHANGES[2], Status.DONE),
    )
    console = Console(io.StringIO(), io.StringIO(), stream, {"TERM": "xterm", "NO_COLOR": "1"})
    assert list(log_events([waited, reasoned, done], console, 3)) == [waited, reasoned, done]
    lines = without_codes(stream.getvalue())
    assert [line for line in lines if line.startswith("[")] == [
        "[1/3] . not started  schedule-1",
        "[2/3] + created      schedule-2",
    ]


def test_a_terminal_is_redrawn_and_never_shows_the_key() -> None:
    text = narration(Terminal(), TERM="xterm")
    assert "\x1b[" in text
    assert "***" in text
    assert "sk-secret" not in text


def test_an_interrupted_run_reports_it_last() -> None:
    stream = io.StringIO()
    with ProgressDisplay(stream, Style(), 1, clock=lambda: 0.0, is_stopping=lambda: True) as lines:
        lines.show(Event(CHANGES[0], Status.STARTED))
    drawn = without_codes(stream.getvalue())
    assert "Stopping: no new changes are started; " in {line[:38] for line in drawn}
    assert max(map(len, drawn)) < 40


class Interrupted(io.StringIO):
    """A terminal on which Ctrl-C is pressed instead of an answer."""

    def readline(self, *_: object) -> str:
        raise KeyboardInterrupt


def test_a_message_after_ctrl_c_starts_a_new_line() -> None:
    told = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        Console(Interrupted(), io.StringIO(), told, {}).read_answer("Apply? ")
    assert told.getvalue() == "Apply? \n"


@pytest.mark.parametrize(
    ("argv", "is_terminal", "lines"),
    [(["plan"], False, 1), (["plan"], True, 1), (["plan", "--json"], False, 0), (["schedule", "list"], False, 1)],
)
def test_a_platform_that_does_not_respond_is_named_in_one_line(
    halo: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], is_terminal: bool, lines: int
) -> None:
    logged = threading.Event()

    def wait(_: Request) -> Reply:
        logged.wait(5 if lines else 0.1)
        return failure(401)

    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    monkeypatch.setattr(halo, "patience", RetryPolicy(RequestLimits(slow_seconds=0.03)))
    with serving(wait) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo(*argv, is_terminal=is_terminal, reactions={"still waiting": logged.set}, **env)
    assert ended.code == 1
    assert ended.err.count(f": no full response from {platform.url.removeprefix('http://')} after 0.03 s") == lines
