"""Bad input through the command line: exit 1, every problem with its place, nothing written, no traceback."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import CommandLine, tree
from project_files import one_entry, write_files

PROBLEM = re.compile(r"halo\.yaml:[1-9]\d*:[1-9]\d*: .+")


BOMB = b"a: &a [x, x]\n" + b"".join(
    f"{this}: &{this} [{', '.join([f'*{before}'] * 9)}]\n".encode()
    for before, this in zip("abcdefgh", "bcdefghi", strict=True)
)

BAD: dict[str, tuple[str | bytes, str]] = {
    "unknown key": (one_entry(wholly_odd="1"), "unknown key `wholly_odd`"),
    "misspelt key": (one_entry(timeZone="UTC"), "did you mean `timezone`?"),
    "duplicate key": (one_entry() + "    title: U\n", "title"),
    "duplicate schedule key": (one_entry() + "  a: {}\n", "`a`"),
    "misspelt value": (one_entry(frequency="dayly"), "did you mean `daily`?"),
    "wrong type": (one_entry(hours='["9"]'), "write it without quotes"),
    "true for a number": (one_entry(span_limit="true"), "expected a whole number"),
    "null": (one_entry(timezone="null"), "or remove the key"),
    "range": (one_entry(hours="24"), "expected 0 to 23"),
    "zone": (one_entry(timezone="PST"), "unknown time zone `PST`"),
    "cadence part missing": (one_entry(hours=None), "`hours` is missing"),
    "cadence part superfluous": (one_entry(days_of_week="mon"), "not for daily"),
    "cron that does not map": (one_entry(cron="0 9 1 * 1", frequency=None, hours=None), "cron"),
    "at that is no product": (one_entry(at='["09:00", "17:30"]', hours=None), "also fire at"),
    "tab as indentation": (b"version: 1\nschedules:\n\ta: {}\n", "tab"),
    "tag": (b"version: 1\nschedules: !!python/object:os.system {}\n", "tag"),
    "NUL byte": (b"version: 1\nschedules: {}\n# \0\n", "NUL"),
    "invalid UTF-8": (b"version: 1\nschedules: {}\n# \xff\n", "UTF-8"),
    "several documents": (b"version: 1\nschedules: {}\n---\nversion: 1\n", "document"),
    "alias bomb": (BOMB, "alias"),
    "20,000 brackets": (b"version: 1\nschedules: " + b"[" * 20_000, "deep"),
    "empty file": (b"", "empty"),
    "list at the top": (b"- version: 1\n", "expected keys and values"),
    "no YAML": (b"version: 1\nschedules: {a: b: c}\n", "YAML"),
    "path out of the checkout": (one_entry(prompt_file="../../prompt.md"), "leads outside the checkout"),
    "absolute path": (one_entry(prompt_file="/etc/prompt.md"), "relative to the file"),
    "dot component": (one_entry(prompt_file=".env/prompt.md"), "hidden files"),
    "git's own files": (one_entry(prompt_file=".git/prompt.md"), "files of .git"),
    "glob without a match": (b"version: 1\ninclude: [none/*.yaml]\nschedules: {}\n", "no file matches"),
    "odd title": (one_entry(title="' T'"), "write `T`"),
}
COMMANDS = (
    ("validate",),
    ("preview",),
    ("plan", "--sandbox"),
    ("plan", "--sandbox", "--project", "p"),
    ("apply", "--sandbox", "--yes"),
    ("agent", "list", "--sandbox"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_a_problem_and_writes_nothing(
    halo: CommandLine, folder: Path, command: tuple[str, ...], name: str
) -> None:
    content, expected = BAD[name]
    write_files(folder, {"halo.yaml": content})
    ended = halo(*command)
    written, silent = (ended.out, ended.err) if command[0] == "validate" else (ended.err, ended.out)
    *problems, total = written.splitlines()
    if command[0] == "agent":
        hint, total = total, problems.pop()
        assert hint == "hint: fix the file, or pass --project to continue without it"
    assert (ended.code, silent) == (1, "")
    assert all(PROBLEM.fullmatch(problem) for problem in problems), problems
    assert expected in "".join(problems)
    assert total == f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in 1 file"
    assert os.listdir(folder) == ["halo.yaml"]  # noqa: PTH208 - folders count as well


def test_problems_beyond_those_that_are_listed_are_counted(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_bytes(b"version: 1\nschedules:\n" + b"".join(b"  s%d: {}\n" % n for n in range(200)))
    *_, rest, total = halo("validate").out.splitlines()
    (more,) = re.findall(r"… and (\d+) more problems", rest)
    assert total == f"{100 + int(more)} problems in 1 file"
    assert halo("validate", "--format", "markdown").out.splitlines()[2].endswith(f"halo · {total}")


@pytest.mark.parametrize("name", BAD)
def test_problems_as_json_match_those_in_text(halo: CommandLine, folder: Path, name: str) -> None:
    content, expected = BAD[name]
    write_files(folder, {"halo.yaml": content})
    ended = halo("validate", "--json")
    problems = ended.json["problems"]
    assert (ended.code, ended.err, list(ended.json), ended.json["findings"]) == (1, "", ["problems", "findings"], [])
    assert all(list(problem) == ["path", "line", "column", "message", "hint"] for problem in problems)
    assert expected in "".join(f"{problem['message']} {problem['hint']}" for problem in problems)
    planned = halo("plan", "--sandbox", "--format", "json")
    assert (planned.code, planned.out, planned.error["problems"]) == (1, "", problems)


def directory(path: Path) -> None:
    path.mkdir()


def utf16(path: Path) -> None:
    path.write_text("version: 1\nschedules: {}\n", encoding="utf-16")


def too_large(path: Path) -> None:
    path.write_bytes(b"#" * (5 * 1024 * 1024 + 1))


def unreadable(path: Path) -> None:
    path.touch(mode=0)


AS_ROOT = pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may read everything")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (directory, "halo.yaml:1:1: a directory, not a file (name a file in it, such as halo.yaml/halo.yaml)"),
        (utf16, "halo.yaml:1:1: the file is UTF-16 or UTF-32, not UTF-8 (save it as UTF-8)"),
        (too_large, "halo.yaml:1:1: larger than 5 MiB"),
        pytest.param(unreadable, "halo.yaml:1:1: cannot be read: Permission denied", marks=AS_ROOT),
    ],
)
def test_an_unreadable_file_is_a_problem(
    halo: CommandLine, folder: Path, make: Callable[[Path], None], problem: str
) -> None:
    make(folder / "halo.yaml")
    ended = halo("validate")
    assert (ended.code, ended.out, ended.err) == (1, f"{problem}\n1 problem in 1 file\n", "")
    planned = halo("plan", "--sandbox")
    assert (planned.code, planned.out, planned.err) == (1, "", ended.out)
    assert os.listdir(folder) == ["halo.yaml"]  # noqa: PTH208 - folders count as well


@pytest.mark.parametrize(
    "command", [("validate",), ("preview",), ("plan", "--sandbox"), ("apply", "--sandbox")], ids=" ".join
)
def test_a_missing_file_says_how_to_start(halo: CommandLine, folder: Path, command: tuple[str, ...]) -> None:
    for named in ((), ("--file", "other.yaml")):
        ended = halo(*command, *named)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith(f"{named[1] if named else 'halo.yaml'}: no such file")
        file = f" {' '.join(named)}" if named and "--sandbox" in command else ""
        sandbox = " --sandbox" if "--sandbox" in command else ""
        assert ended.err.endswith(f"hint: run `halo init{file}` or `halo import{file}{sandbox}`\n")
    assert tree(folder) == {}


def test_every_problem_of_every_file_is_reported_at_once(halo: CommandLine, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "s").mkdir()
    (folder / "halo.yaml").write_text("version: 1\ninclude: [s/*.yaml]\ndefaults: {max_turns: 0}\nschedules: {}\n")
    (folder / "s" / "a.yaml").write_text("schedules:\n  a: {titel: x}\n")
    (folder / "s" / "b.yaml").write_text("- x\n")
    os.chdir(folder / "sub")
    ended = halo("validate", "--file", "../halo.yaml")
    places = [line.split(": ")[0] for line in ended.out.splitlines()]
    assert ended.code == 1
    assert places[0] == "../halo.yaml:3:23"
    assert "../s/a.yaml:2:7" in places
    assert places[-2:] == ["../s/b.yaml:1:1", f"{len(places) - 1} problems in 3 files"]
    assert halo("validate").out == ended.out  # found above


def test_a_project_without_schedules_is_valid(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    ended = halo("validate")
    assert (ended.code, ended.out, ended.err) == (0, "halo.yaml: 0 schedules, no problems\n", "")
    assert halo("validate", "--json").json == {"problems": [], "findings": []}
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0


def test_a_schema_of_another_version_beside_the_project_is_named(halo: CommandLine, folder: Path) -> None:
    (folder / "sub dir").mkdir()
    assert halo("init", "--file", "sub dir/halo.yaml").code == 0
    schema = folder / "sub dir" / "halo.schema.json"
    schema.write_bytes(schema.read_bytes().replace(b"\n", b"\r\n"))  # as git may check it out
    assert halo("validate", "--file", "sub dir/halo.yaml").err == ""
    schema.write_text("{}")
    ended = halo("validate", "--file", "sub dir/halo.yaml")
    assert (ended.code, ended.out) == (0, "sub dir/halo.yaml: 0 schedules, no problems\n")
    assert ended.err == (
        "sub dir/halo.schema.json is not this version's: run `halo schema > 'sub dir/halo.schema.json'`\n"
    )


def test_validate_needs_no_key_and_makes_no_request(halo: CommandLine, folder: Path) -> None:
    write_files(folder, {"halo.yaml": one_entry()})
    for argv in ((), ("--sandbox",)):
        ended = halo("validate", *argv, INF_API_URL="http://127.0.0.1:1")
        assert (ended.code, ended.out) == (0, "halo.yaml: 1 schedule, no problems\n")
    assert os.listdir(folder) == ["halo.yaml"]  # noqa: PTH208 - folders count as well


def test_text_of_a_file_moves_no_cursor_and_gives_a_runner_no_command(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text('version: 1\nschedules: {}\n"\\e[31m::error::x": 1\n')
    ended = halo("validate", is_terminal=True)
    assert "\x1b[31m" not in ended.out
    assert ended.code == 1
