"""Every way a command can end: one message, one exit code, never a traceback, never the key."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
import typer.main
from command_line import CommandLine, CommandResult, Stream, commands, schedules, tree
from loopback import Recorder, Reply, Request, failure, serving
from typer.core import TyperGroup, TyperOption

from halo_iac.cli import app
from halo_iac.cli.app import built_command, command_line, read_by_typer, read_value
from halo_iac.cli.console import Console
from halo_iac.cli.main import main
from halo_iac.errors import HaloError
from halo_iac.version import full_version

CANARY = "sk-inference-canary-0123456789"
ROOT = Path(__file__).parents[1]
SCHEMAS = ["halo.include.schema.json", "halo.schema.json"]
ENTRY = """\
version: 1
schedules:
  daily: {title: "Dülly ☃", agent: checkout, frequency: daily, at: "09:00", prompt: Look.}
"""


def process(*argv: str, **options: object) -> subprocess.Popen[str]:
    own = {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "",
        "INF_CONFIG_DIR": os.devnull,
    }  # not the one of who runs the tests
    env = {**os.environ, **own}
    env |= options.pop("env", {})  # type: ignore[arg-type, operator]
    command = [sys.executable, "-W", "error", "-m", "halo_iac", *argv]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, env=env, text=True, **pipes)  # type: ignore[call-overload, no-any-return]


# Usage --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message", "command"),
    [
        (["frobnicate"], "No such command 'frobnicate'", "halo"),
        (["plna"], "No such command 'plna'. Did you mean 'plan'?", "halo"),
        (["--frob"], "No such option: --frob", "halo"),
        (["plan", "--frob"], "No such option: --frob", "halo plan"),
        (["plan", "surplus"], "Got unexpected extra argument(s) (surplus)", "halo plan"),
        (["agent"], "Missing command", "halo agent"),
        (["schedule", "get"], "Missing argument 'ID|KEY'", "halo schedule get"),
        (
            ["schema", "plans"],
            "Invalid value for 'NAME': 'plans' is not one of 'project', 'include', 'plan', 'receipt'",
            "halo schema",
        ),
        (
            ["plan", "--format", "xml"],
            "Invalid value for '--format': 'xml' is not one of 'text', 'json', 'markdown', 'github'",
            "halo plan",
        ),
        (
            ["agent", "list", "--format", "markdown"],
            "Invalid value for '--format': 'markdown' is not one of 'text', 'json'",
            "halo agent list",
        ),
        (
            ["apply", "--concurrency", "0"],
            "Invalid value for '--concurrency': must be at least 1",
            "halo apply",
        ),
    ],
)
def test_wrong_usage_points_to_help(halo: CommandLine, argv: list[str], message: str, command: str) -> None:
    assert halo(*argv) == CommandResult(64, "", f"error: {message}\nhint: run `{command} --help` for usage\n")


@pytest.mark.parametrize(
    "text",
    ["8", "08", "65", "0", "8.0", "2.5", "0.05", "-1", "1e1", " 8", "1_0", "٣", "9" * 30, "nan", "", "json", "JSON"],
)
@pytest.mark.parametrize("option", ["--concurrency", "--max-rps", "--allow-archive", "--format"])
def test_a_number_is_read_without_typer_as_typer_reads_it(option: str, text: str) -> None:
    command = built_command("apply").commands["apply"]
    (parameter,) = (each for each in command.params if option in each.opts)
    with command.make_context("apply", [], resilient_parsing=True) as context:
        assert _read(read_value, parameter, context, text) == _read(read_by_typer, parameter, context, text)


def _read(read: Callable[..., object], *given: object) -> object:
    try:
        value = read(*given)
    except typer.BadParameter as refused:
        return refused.format_message()
    return type(value), value


@pytest.mark.parametrize(
    ("argv", "name", "count"),
    [
        (["rename", "a", "b", "-f", "bad.yaml", "-f", "good.yaml"], "--file", 2),
        (["import", "-fbad.yaml", "--file=good.yaml", "--file", "x"], "--file", 3),
        (["plan", "--project", "a", "--project", "a"], "--project", 2),
        (["plan", "--out", "a.json", "-o", "b.json"], "--out", 2),
        (["apply", "--require-head", "main", "--require-head", "dev"], "--require-head", 2),
        (["apply", "--allow-archive", "3", "--allow-archive", "0"], "--allow-archive", 2),
        (["report", "pull", "--dir", "a", "-d", "b"], "--dir", 2),
        (["agent", "list", "--sandbox-file", "a", "--sandbox-file", "b"], "--sandbox-file", 2),
    ],
)
def test_an_option_with_one_value_is_given_once(halo: CommandLine, argv: list[str], name: str, count: int) -> None:
    hint = (
        "run the command once for each file; validate, plan, drift, preview, page and apply take several"
        if name == "--file"
        else "give it once"
    )
    assert halo(*argv) == CommandResult(
        64, "", f"error: {name} takes one value, but was given {count} times\nhint: {hint}\n"
    )


def test_flags_and_list_options_can_be_repeated(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    several = ["--target", "daily", "-t", "daily", "--protect", "A", "--protect", "B"]
    assert halo("plan", "--sandbox", "--sandbox", "--json", "--json", *several).code == 0
    assert halo("rename", "daily", "--sandbox", "--", "--file").code == 0
    assert halo("plan", "-f", "a", "-f", "b", "--help").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="~ is of POSIX shells")
@pytest.mark.parametrize(
    ("argv", "env", "written"),
    [
        (["plan", "--sandbox-file=~/x"], {}, ["x"]),
        (["plan"], {"HALO_SANDBOX": "~/x"}, ["x"]),
        (["plan", "--sandbox-file", "~/x", "--out=~/plan.json"], {}, ["plan.json", "x"]),
        (["plan", "--sandbox-file", "~/x", "--also", "markdown=~/plan.md"], {}, ["plan.md", "x"]),
        (["apply", "--yes", "--sandbox-file", "~/x", "--receipt", "~/receipt"], {}, ["receipt", "x"]),
        (["report", "pull", "--dir=~/rep", "--sandbox-file", "~/x"], {}, ["rep", "x"]),
        (["init", "-f~/halo.yaml"], {}, [*SCHEMAS, "halo.yaml"]),
        (["init"], {"HALO_FILE": "~/halo.yaml"}, [*SCHEMAS, "halo.yaml"]),
        (["import", "--sandbox-file", "~/x", "-f", "~/halo.yaml"], {}, [*SCHEMAS, "halo.yaml", "x"]),
    ],
)
def test_a_tilde_is_the_home_folder_wherever_a_path_is_given(
    halo: CommandLine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    env: dict[str, str],
    written: list[str],
) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    (folder.parent / "home").mkdir()
    monkeypatch.setenv("HOME", str(folder.parent / "home"))
    ended = halo(*argv, **env)
    assert ended.code == 0, ended.text
    assert sorted(path.name for path in (folder.parent / "home").iterdir() if "-" not in path.name) == written
    assert [path.name for path in folder.iterdir() if path.name.startswith("~")] == []


def test_a_tilde_in_the_variable_of_the_inf_config_is_the_home_folder(
    halo: CommandLine, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "inf").mkdir()
    (home / "inf" / "config.json").write_text("{")
    monkeypatch.setenv("HOME", str(home))
    assert str(home / "inf" / "config.json") in halo("agent", "list", INF_CONFIG_DIR="~/inf").err


@pytest.mark.skipif(sys.platform == "win32", reason="~ is of POSIX shells")
@pytest.mark.parametrize(
    ("home", "path", "reason"),
    [
        ("/somewhere", "~no-such-user/x", "no user has the home folder `~no-such-user`"),
        ("/somewhere", "~no-such-user", "no user has the home folder `~no-such-user`"),
        ("/somewhere", "~plan.json", "no user has the home folder `~plan.json`"),
        ("", "~/x", "HOME is empty, so `~` cannot be expanded"),
        ("", "~", "HOME is empty, so `~` cannot be expanded"),
    ],
)
def test_a_tilde_without_a_home_is_refused_by_the_name_of_what_holds_it(
    halo: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch, home: str, path: str, reason: str
) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    before = tree(folder)
    monkeypatch.setenv("HOME", home)
    for argv, env, name in (
        (["plan"], {"HALO_SANDBOX": path}, "HALO_SANDBOX"),
        (["validate"], {"HALO_FILE": path}, "HALO_FILE"),
        (["init"], {"HALO_FILE": f" {path}"}, "HALO_FILE"),
        (["agent", "list"], {"INF_CONFIG_DIR": path}, "INF_CONFIG_DIR"),
        (["plan", f"--sandbox-file={path}"], {}, "--sandbox-file"),
        (["plan", f"-f{path}"], {}, "--file"),
        (["plan", "--sandbox", "--also", f"json={path}"], {}, "--also"),
        (["undo", path, "--sandbox"], {}, "RECEIPT"),
        (["report", "pull", "--sandbox", "--dir", path], {}, "--dir"),
    ):
        ended = halo(*argv, **env)
        assert (ended.code, ended.out) == (64, "")
        assert ended.err.startswith(f"error: {name} {path}: {reason}\n"), ended.err
    assert halo("--help", HALO_SANDBOX=path).code == 0
    assert tree(folder) == before


def test_a_file_whose_name_begins_with_a_tilde_is_named_from_its_folder(halo: CommandLine, folder: Path) -> None:
    (folder / "~halo.yaml").write_text(ENTRY, encoding="utf-8")
    assert halo("validate", "-f", "./~halo.yaml").code == 0


def test_every_value_that_is_a_path_or_an_id_is_named_so_in_help() -> None:
    """What help calls FILE, PATH or DIR is expanded; an option whose name says that it is a path, or an id, is so."""
    root = built_command()
    for words in commands():
        command = root
        for word in words:
            command = command.commands[word]  # type: ignore[attr-defined]
        for parameter in command.params:
            name = str(parameter.name)
            if re.search(r"(^|_)(file|files|dir|directory|path|output|out|receipt|also|checkout)$", name):
                is_flag = isinstance(parameter, TyperOption) and parameter.is_flag
                assert is_flag or parameter.metavar in app.PATHS, (words, name, parameter.metavar)
            if re.search(r"(^|_)ids?$", name):
                assert parameter.metavar in app.IDS, (words, name, parameter.metavar)


@pytest.mark.parametrize("option", ["--file", "--sandbox-file"])
def test_an_empty_path_is_refused(halo: CommandLine, folder: Path, option: str) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    ended = halo("plan", option, "")
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith(f"error: {option} is empty\nhint: give it a path, ")


def test_no_arguments_show_the_help(halo: CommandLine) -> None:
    assert halo() == halo("--help")
    assert halo().code == 0


# Version ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [["--version"], ["--version", "plan"]])
def test_version_prints_the_full_version(halo: CommandLine, argv: list[str]) -> None:
    ended = halo(*argv)
    assert (ended.code, ended.out, ended.err) == (0, f"halo {full_version()}\n", "")


def test_the_version_alone_imports_nothing() -> None:
    code = "import sys; from halo_iac.cli.main import main; main(['--version']); print('typer' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert printed.stdout == f"halo {full_version()}\nFalse\n"


# JSON errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [["--json"], ["--format", "json"], ["--format=json"]])
def test_a_wrong_option_is_reported_as_json_with_json_output(halo: CommandLine, asked: list[str]) -> None:
    for argv in (["plan", *asked, "--frob"], ["plan", "--frob", *asked]):
        ended = halo(*argv)
        assert (ended.code, ended.out) == (64, "")
        assert ended.error == {
            "code": "usage",
            "message": "No such option: --frob",
            "hint": "run `halo plan --help` for usage",
            "exit_code": 64,
        }


def test_options_after_two_dashes_are_arguments(halo: CommandLine) -> None:
    assert halo("plan", "--", "--json").err.startswith("error: Got unexpected extra argument(s) (--json)\n")


@pytest.mark.parametrize("command", [["plan"], ["apply"], ["validate"]])
def test_an_error_is_one_document(halo: CommandLine, command: list[str]) -> None:
    ended = halo(*command, "--json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.error["code"] == "project_not_found"
    assert ended.error["hint"] == "run `halo init` or `halo import`"


# Streams that end, or never take anything ---------------------------------------------------------------------------


class Broken(io.StringIO):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def write(self, _text: str) -> int:
        raise self._error


def outcome_of(halo: CommandLine, argv: tuple[str, ...], error: BaseException) -> tuple[int, str]:
    err = Stream()
    return halo.run(argv, Stream(), Broken(error), err, {}), err.written


def test_a_closed_pipe_prints_nothing(halo: CommandLine) -> None:
    assert outcome_of(halo, ("schema",), BrokenPipeError(32, "Broken pipe")) == (1, "")


def test_a_full_disk_is_named(halo: CommandLine) -> None:
    assert outcome_of(halo, ("schema",), OSError(28, "No space left on device")) == (
        1,
        "error: standard output: No space left on device\nhint: the output is incomplete\n",
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("is_json", [False, True])
@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["rename", "daily", "Other"], "halo.yaml was edited before this error; the output is incomplete"),
        (["init", "-f", "new.yaml"], "new.yaml was written before this error; the output is incomplete"),
        (["import", "-f", "new.yaml"], "new.yaml was written before this error; the output is incomplete"),
        (["plan"], "the output is incomplete"),
        (["validate"], "the output is incomplete"),
        (["preview"], "the output is incomplete"),
        (["schedule", "list"], "the output is incomplete"),
        (["doctor"], "the output is incomplete"),
    ],
)
def test_output_that_a_full_disk_refuses_is_an_error_that_says_what_was_done(
    halo: CommandLine, folder: Path, argv: list[str], hint: str, *, is_json: bool
) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    words = (*argv, "--sandbox", *(["--json"] if is_json and argv[0] != "init" else []))
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - no file
        err = Stream()
        code = halo.run(words, Stream(), full, err, {})
        full.buffer.raw.close()  # type: ignore[attr-defined] - or its buffer would be flushed once more
    problem = {"message": "standard output: No space left on device", "hint": hint, "code": "file", "exit_code": 1}
    assert code == 1
    if is_json and argv[0] != "init":
        assert json.loads(err.written)["error"] == problem
    else:
        assert err.written.endswith(f"error: {problem['message']}\nhint: {hint}\n")


def test_ctrl_c_says_that_nothing_was_changed(halo: CommandLine) -> None:
    assert outcome_of(halo, ("schema",), KeyboardInterrupt()) == (
        130,
        "error: interrupted; nothing was changed on the platform\n",
    )


def test_an_internal_error_is_one_message_without_untrusted_text(halo: CommandLine) -> None:
    code, message = outcome_of(halo, ("schema",), RuntimeError(f"secret {CANARY}"))
    first, second = message.splitlines()
    assert code == 1
    assert first.startswith("error: internal error: RuntimeError in halo_iac.cli.console, line ")
    assert second == "hint: report it with the command and the version (`halo --version`)"


def test_an_error_that_cannot_be_printed_sets_the_exit_code(halo: CommandLine) -> None:
    for error in (BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left on device")):
        assert halo.run(("frobnicate",), Stream(), Stream(), Broken(error), {}) == 64


def test_a_path_that_the_system_refuses_is_an_error_with_its_reason(halo: CommandLine) -> None:
    ended = halo("plan", "--file", "x" * 5000)
    assert ended.code == 1
    assert ended.err.startswith("error: ")
    assert "xxx: File name too long\nhint: check the path" in ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a socket", "a device"])
@pytest.mark.parametrize(
    "argv", [["import"], ["rename", "a", "b"], ["validate"], ["plan"], ["apply", "--yes"], ["preview"], ["agent", "ls"]]
)
def test_an_irregular_project_file_is_not_waited_for(
    halo: CommandLine, folder: Path, kind: str, argv: list[str]
) -> None:
    path = folder / "halo.yaml"
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        {
            "a folder": path.mkdir,
            "a pipe": lambda: os.mkfifo(path),
            "a socket": lambda: listening.bind("halo.yaml"),
            "a device": lambda: path.symlink_to("/dev/zero"),
        }[kind]()
        ended = halo(*argv, "--sandbox")
    assert ended.code == 1
    assert re.match(r"(error: )?halo\.yaml(:1:1)?: (a directory|not a regular file|a link leads out)", ended.text)


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["schema"]])
def test_a_pipe_closed_at_the_other_end_shows_no_traceback(argv: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    with process(*argv, stdout=write) as running:
        os.close(write)
        _, err = running.communicate()
    assert (running.returncode, err) == (1, "")


def test_streams_that_the_parent_closed_are_streams_to_nowhere() -> None:
    command = f"{sys.executable} -m halo_iac frobnicate <&- >&- 2>&-; echo $?"
    assert subprocess.run(command, shell=True, check=True, capture_output=True, text=True, cwd=ROOT).stdout == "64\n"


def test_ctrl_c_ends_a_command_that_waits_for_the_platform(folder: Path) -> None:
    def silent(_request: Request) -> Reply:
        recorder.released.wait(10)
        return failure(503)

    with serving(silent) as recorder:
        env = {"INF_API_URL": recorder.url, "INF_API_KEY": CANARY, "INF_PROJECT_ID": "p", "HALO_FILE": ""}
        with process("agent", "list", cwd=folder, env=env) as running:
            _wait_for_a_request(recorder, running)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate()
    assert (running.returncode, out, err) == (130, "", "error: interrupted; nothing was changed on the platform\n")


@pytest.mark.parametrize("place", ["final_error", "print_error"])
def test_an_interrupt_before_another_is_reported_loses_no_message(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    console = Console(Stream(), Stream(), err := Stream(), {})
    working, interrupts = getattr(console, place), [KeyboardInterrupt]

    def interrupted(error: HaloError | None) -> object:
        if interrupts:
            raise interrupts.pop()
        return working(error)

    def interrupted_command(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(console, place, interrupted)
    monkeypatch.setattr("halo_iac.cli.main._invoke", interrupted_command)
    assert main(["validate"], console) == 130
    assert err.written == "error: interrupted; nothing was changed on the platform\n"


def _wait_for_a_request(recorder: Recorder, running: subprocess.Popen[str]) -> None:
    while not recorder.requests:
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)


# What a terminal can show -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "env", "is_coloured"),
    [
        ([], {}, True),
        (["--no-color"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": ""}, True),
        ([], {"TERM": "dumb"}, False),
        ([], {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--no-color"], {"CLICOLOR_FORCE": "1"}, False),
        ([], {"FORCE_COLOR": "0"}, True),
    ],
)
def test_colour_follows_flags_and_environment(
    halo: CommandLine, folder: Path, argv: list[str], env: dict[str, str], *, is_coloured: bool
) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    assert ("\x1b[" in halo("plan", "--sandbox", *argv, is_terminal=True, **env).out) is is_coloured
    assert ("\x1b[" in halo("plan", "--file", "nope", *argv, is_terminal=True, **env).err) is is_coloured


@pytest.mark.parametrize(
    ("env", "is_coloured"),
    [
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "true"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"FORCE_COLOR": ""}, False),
        ({"FORCE_COLOR": "0"}, False),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"FORCE_COLOR": "3", "NO_COLOR": "1"}, False),
    ],
)
@pytest.mark.parametrize("form", ["text", "json", "markdown", "github"])
def test_colour_is_forced_where_no_terminal_is_but_in_no_document(
    halo: CommandLine, folder: Path, env: dict[str, str], form: str, *, is_coloured: bool
) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    out = halo("plan", "--sandbox", "--format", form, "--also", "text=copy", **env).out
    assert ("\x1b[" in out) is (is_coloured and form == "text")
    assert "\x1b[" not in (folder / "copy").read_text(encoding="utf-8")


def test_a_pipe_gets_no_colour(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    assert "\x1b[" not in halo("plan", "--sandbox").text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_characters_that_an_encoding_lacks_are_escaped(halo: CommandLine, folder: Path, encoding: str) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    ended = halo("plan", "--sandbox", encoding=encoding)
    assert ended.code == 0
    assert ("Dülly ☃" if encoding == "utf-8" else r"D\xfclly \u2603") in ended.out
    assert ended.out.isascii() is (encoding != "utf-8")


def test_an_encoding_of_the_process_is_no_reason_to_fail(folder: Path) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    with process("plan", "--sandbox", env={"PYTHONIOENCODING": "ascii", "HALO_FILE": ""}) as running:
        out, err = running.communicate()
    assert (running.returncode, err) == (0, "")
    assert r"D\xfclly \u2603" in out


@pytest.mark.parametrize("columns", ["20", "60", "200"])
def test_no_width_cuts_an_id(halo: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    (folder / "halo.yaml").write_text(ENTRY, encoding="utf-8")
    halo("apply", "--sandbox", "--yes")
    monkeypatch.setenv("COLUMNS", columns)
    (id_,) = (each["id"] for each in schedules(halo))
    assert id_ in halo("schedule", "list", "--sandbox", is_terminal=True).out
    assert id_ in halo("schedule", "list", "--sandbox").out


# The key ------------------------------------------------------------------------------------------------------------


def everything_that_fails(url: str) -> Sequence[tuple[list[str], dict[str, str]]]:
    reachable = {"INF_API_URL": url, "INF_PROJECT_ID": "p"}
    return [
        (["plan"], reachable),
        (["plan", "--json"], reachable),
        (["apply", "--yes"], reachable),
        (["agent", "list"], reachable),
        (["doctor"], reachable),
        (["doctor", "--json"], reachable),
        (["schedule", "get", CANARY], reachable),
        (["plan", CANARY], reachable),
        (["plan", "--file", CANARY], reachable),
        (["plan"], {"INF_API_URL": f"http://{CANARY}@localhost"}),
        (["plan"], {"INF_API_URL": f"https://example.com/?{CANARY}"}),
        (["plan"], {"INF_PROJECT_ID": "other"}),
        (["validate"], {}),
    ]


def test_the_key_is_never_shown(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(f"version: 1\nproject: p\nschedules: {{}}\nodd: {CANARY}\n")
    fine = "version: 1\nproject: p\nschedules: {}\n"
    config = folder.parent / "inf"
    config.mkdir()
    with serving(lambda _request: failure(400, f"your key {CANARY} is odd", "BAD_REQUEST")) as recorder:
        for text in (fine, f"{fine}odd: {CANARY}\n", f"{fine}{CANARY}: 1\n"):
            (folder / "halo.yaml").write_text(text)
            for argv, env in everything_that_fails(recorder.url):
                (config / "config.json").unlink(missing_ok=True)
                ended = halo(*argv, **env, INF_API_KEY=CANARY)
                assert CANARY not in ended.text, argv
                (config / "config.json").write_text(f'{{"apiKey": "{CANARY}"}}')
                if CANARY not in "".join([*argv, *env.values(), text]):
                    assert CANARY not in halo(*argv, **env).text, argv
    assert all(request.headers["authorization"] == f"Bearer {CANARY}" for request in recorder.requests)
    assert recorder.requests


@pytest.mark.parametrize("key", [CANARY, f'sk-"{CANARY}', f"sk-\\{CANARY}", f"sk-##{CANARY}##"])
def test_a_plan_that_is_saved_holds_no_key(halo: CommandLine, folder: Path, key: str) -> None:
    text = ENTRY.replace("Look.", f"'The key is {key}.'") + "findings: {credential-in-prompt: off}\n"
    (folder / "halo.yaml").write_text(text, encoding="utf-8")
    assert halo("plan", "--sandbox", "--out", "p.json", INF_API_KEY=key).code == 0
    saved = (folder / "p.json").read_text(encoding="utf-8")
    assert CANARY not in saved
    assert [change["after"]["prompt"] for change in json.loads(saved)["changes"]] == ["The key is ***."]
    assert halo("plan", "--sandbox", "--json", INF_API_KEY=key).out == saved
    assert CANARY not in halo("plan", "--sandbox", INF_API_KEY=key).text


def test_a_console_of_this_process_has_three_streams() -> None:
    assert main(["--version"], Console.of_process()) == 0


# What typer need not read -------------------------------------------------------------------------------------------


def test_values_read_without_typer_equal_those_of_typer() -> None:
    root: Any = built_command()
    for words in commands():
        command = root
        for word in words:
            command = command.commands[word]
        context = command.make_context("halo", [], resilient_parsing=True)
        for parameter in command.params:
            text = {str: "a", list[str]: ["a", "b"]}.get(parameter.type_descriptor.annotation)
            for value in (None, parameter.default, text):
                if parameter.callback is None and not (value is None and parameter.required):
                    read = app.read_value(parameter, context, value)
                    assert read == app.read_by_typer(parameter, context, value), (words, parameter.name)


def test_typer_builds_no_validator_of_the_texts_and_defaults_of_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.core.build_runtime_param", lambda _: pytest.fail("a validator is built"))
    command = cast("TyperGroup", typer.main.get_command(command_line("plan"))).commands["plan"]
    context = command.make_context("plan", ["--file", "halo.yaml", "--out", "plan.json", "--detailed-exitcode"])
    assert (context.params["file"], context.params["out"]) == (["halo.yaml"], "plan.json")
