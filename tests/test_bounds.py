"""Every limit of docs/security.md and the test that checks it; those that no other file checks are checked here."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tracemalloc
import zlib
from functools import cache
from pathlib import Path

import pytest
from command_line import CommandLine
from conftest import IS_SOAK
from loopback import Reply, Request, failure, result, serving
from project_files import problems_of_files
from pydantic_core import from_json

from halo_iac import __version__
from halo_iac.api.limits import RequestLimits
from halo_iac.api.memory_budget import estimated_memory
from halo_iac.api.runs import RunReader
from halo_iac.api.schedules import Reader, Writer
from halo_iac.api.transport import Transport
from halo_iac.errors import Delivery, PlatformError
from halo_iac.load import limits as bounds

TESTS = Path(__file__).parent

INDEX = {
    "a key appears in no output, error or file": "test_secrets test_no_command_shows_the_key",
    "nor where something fails": "test_secrets test_no_error_shows_the_key",
    "nor cut in half": "test_secrets test_no_narrow_screen_shows_half_a_key",
    "a key is printable ASCII without spaces":
        "test_api_credentials test_a_key_no_header_can_carry_is_refused_without_being_shown",
    "a key is stripped": "test_bounds test_whitespace_around_a_key_is_stripped",
    "its repr is ***": "test_api_credentials test_a_secret_shows_itself_nowhere",
    "foreign exceptions are not printed": "test_cli_main test_an_internal_error_is_one_message_without_untrusted_text",
    "an escaped key is replaced as well": "test_api_credentials test_a_key_is_hidden_however_a_format_has_escaped_it",
    "a document stays one": "test_redaction test_a_document_stays_one_and_holds_no_key",
    "https, or http to literal loopback": "test_api_credentials test_https_and_literal_loopback_are_allowed",
    "no userinfo, query or fragment": "test_api_credentials test_every_other_address_is_refused_without_being_shown",
    "loopback goes through no proxy": "test_api_transport test_loopback_never_goes_through_a_proxy",
    "NO_PROXY works": "test_bounds test_a_host_of_no_proxy_goes_through_none",
    "proxies work": "test_api_transport test_other_hosts_go_through_the_proxy_and_its_refusal_was_not_sent",
    "no redirect is followed": "test_api_transport test_a_redirect_is_not_followed_and_ambiguous",
    "for a create it is ambiguous": "test_bounds test_a_redirected_create_is_ambiguous_and_the_key_stays",
    "TLS verification cannot be turned off":
        "test_api_transport test_nothing_in_the_environment_turns_verification_off",
    "SSL_CERT_FILE works": "test_api_transport test_ssl_cert_file_is_trusted",
    "answers up to 256 MiB": "test_api_transport test_an_answer_beyond_the_limit_is_not_read_to_its_end",
    "all pages of a list together": "test_bounds test_endless_pages_count_towards_the_limits_of_one_answer",
    "1 GiB of memory for what is decoded": "test_bounds test_deeply_nested_json_is_never_decoded",
    "whatever it is made of": "test_bounds test_no_answer_takes_more_memory_than_was_estimated",
    "compressed once": "test_api_transport test_an_answer_that_would_unfold_without_bound_is_not_unfolded",
    "error bodies up to 64 KiB": "test_api_transport test_an_endless_error_page_is_not_read_to_its_end",
    "an operation ends in time": "test_api_transport test_headers_that_trickle_end_at_the_deadline",
    "an explicit User-Agent, no telemetry": "test_bounds test_a_request_names_the_client_and_nothing_else",
    "the numbers are those of the design": "test_bounds test_the_limits_are_those_of_the_design",
    "5 MiB a file": "test_bounds test_a_file_may_be_as_large_as_the_bound_and_no_larger",
    "20,000 files": "test_load_project test_a_project_has_bounds",
    "64 MiB in all": "test_load_project test_all_files_together_have_a_bound",
    "lists of the policy and earlier titles": "test_bounds test_a_list_has_a_maximum_length",
    "100,000 schedules": "test_load_project test_more_schedules_than_anyone_has_are_refused",
    "prompts to 256 KiB": "test_bounds test_a_prompt_may_be_as_long_as_the_bound_and_no_longer",
    "50 levels": "test_load_yaml test_fifty_levels_are_accepted",
    "aliases to ten times the file": "test_load_yaml test_an_alias_bomb_is_refused_before_it_expands",
    "merge keys likewise": "test_load_yaml test_a_bomb_of_merge_keys_is_refused_too",
    "globs look at so much": "test_load_project test_the_walk_of_the_globs_has_a_bound",
    "problems are bounded": "test_load_problems test_more_problems_than_memory_has_room_for_are_not_worded",
    "the largest odd files end in time and memory": "test_bounds test_no_large_file_takes_too_much_time_or_memory",
    "paths are refused before the disk is touched": "test_bounds test_a_refused_path_is_not_looked_up_on_disk",
    "nothing outside of the folder is read": "test_hostile_checkout test_nothing_outside_is_read",
    "nor by the project file": "test_hostile_checkout test_a_project_file_that_links_out_of_the_checkout_is_not_read",
    "no content of a file that was not understood": "test_load_yaml test_a_file_that_was_not_understood_is_not_quoted",
    "foreign words are harmless in a plan": "test_render_plan test_foreign_words_are_neither_raw_nor_commands",
    "in an outcome": "test_render_apply test_foreign_words_are_harmless_in_every_rendering",
    "in JSON": "test_render_json test_a_document_is_ascii_and_commands_no_ci_runner",
    "in a report on a terminal": "test_cli_report test_a_terminal_is_moved_by_nothing",
    "in a report in a log": "test_cli_report test_a_ci_log_is_commanded_by_nothing",
    "files are written whole": "test_reports test_a_new_file_is_whole_and_one_that_is_there_stays",
    ".halo is private and ignored": "test_sandbox_store test_a_halo_folder_is_private_and_hides_itself_from_git",
    "and no link": "test_sandbox_store test_no_link_in_place_of_a_halo_folder_or_its_sandbox_is_followed",
    "plans are private": "test_cli_plan test_a_saved_plan_is_the_json_readable_by_its_owner_only",
    "no id or title fails a listing":
        "test_api_schedules test_a_listing_that_cannot_be_understood_fails_without_being_repeated",
    "other lacks make a schedule opaque": "test_diff test_a_missing_field_makes_it_opaque",
    "what is opaque blocks its entry": "test_plan test_an_opaque_schedule_blocks_the_entry_that_matches_it",
    "and is not archived": "test_plan test_the_file_may_say_that_undeclared_schedules_are_archived_but_for_opaque_ones",
    "an unknown status is in flight": "test_api_runs test_every_other_status_is_in_flight_and_shown_as_it_is",
    "repeated cursors, two contents, other projects":
        "test_api_schedules test_an_inconsistent_listing_is_incomplete_with_a_reason",
    "cursors end": "test_api_schedules test_a_listing_without_an_end_ends",
    "a listing that is not whole creates and archives nothing":
        "test_guards test_an_incomplete_listing_creates_and_archives_nothing",
    "any bytes are a value or an error": "test_fuzzing test_mutated_seeds_pass_every_target",
}  # fmt: skip
"""What is promised → the module and the test that shows it."""


@cache
def defined_in(module: str) -> frozenset[str]:
    tree = ast.parse((TESTS / f"{module}.py").read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("promise", INDEX)
def test_every_documented_bound_has_its_test(promise: str) -> None:
    module, name = INDEX[promise].split()
    assert name in defined_in(module)


def test_the_limits_are_those_of_the_design() -> None:
    mib = 1024 * 1024
    assert (5 * mib, 64 * mib, 256 * 1024) == (bounds.MAX_FILE, bounds.MAX_TOTAL, bounds.MAX_PROMPT)
    assert (bounds.MAX_FILES, bounds.MAX_SCHEDULES) == (20_000, 100_000)
    assert (bounds.MAX_DEPTH, bounds.MAX_EXPANSION) == (50, 10)
    assert RequestLimits() == RequestLimits(
        10.0, 30.0, 120.0, answer_bytes=256 * mib, memory_bytes=1024 * mib, error_bytes=64 * 1024
    )


# Files --------------------------------------------------------------------------------------------------------------


def test_a_file_may_be_as_large_as_the_bound_and_no_larger(tmp_path: Path) -> None:
    text = "version: 1\nschedules: {}\n#"
    text += "x" * (bounds.MAX_FILE - len(text))
    assert problems_of_files(tmp_path, text) == []
    assert problems_of_files(tmp_path, text + "x") == ["halo.yaml:1:1: larger than 5 MiB"]


def test_a_prompt_may_be_as_long_as_the_bound_and_no_longer(tmp_path: Path) -> None:
    entry = "version: 1\nschedules: {a: {title: T, agent: x, cron: '@daily', prompt_file: p.md}}"
    assert problems_of_files(tmp_path, {"halo.yaml": entry, "p.md": "x" * bounds.MAX_PROMPT}) == []
    assert problems_of_files(tmp_path, {"p.md": "x" * bounds.MAX_PROMPT + "x"}) == [
        "halo.yaml:2:66: `p.md`: larger than 256 KiB"
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("protect: [{many}]\nschedules: {{}}", "2:10: `protect`"),
        ("include: [{many}]", "2:10: `include`"),
        ("scope: {{agents: [{many}]}}\nschedules: {{}}", "2:17: `agents`"),
        ("schedules: {{a: {{title: T, state: archived, renamed_from: [{many}]}}}}", "2:58: `renamed_from`"),
    ],
)
def test_a_list_has_a_maximum_length(tmp_path: Path, text: str, place: str) -> None:
    most = bounds.MAX_OLD_TITLES if "renamed_from" in text else bounds.MAX_LIST
    for count, said in ((most, []), (most + 1, [f"halo.yaml:{place}: the list has more than {most:,} elements"])):
        many = ", ".join(f"a{number}.yaml" for number in range(count))
        for name in (f"a{number}.yaml" for number in range(count)):
            (tmp_path / name).write_text("schedules: {}")
        assert problems_of_files(tmp_path, f"version: 1\n{text.format(many=many)}\n") == said


def test_a_refused_path_is_not_looked_up_on_disk(tmp_path: Path) -> None:
    paths = ["/etc/x.yaml", "C:x.yaml", "a\\b.yaml", "../x.yaml", "a/../../x.yaml", ".x/y.yaml"]
    for number, path in enumerate(paths):
        written = json.dumps(path)
        entry = f"title: A, agent: x, frequency: hourly, prompt_file: {written.replace('yaml', 'md')}"
        text = f"version: 1\ninclude: [{written}]\nschedules: {{a: {{{entry}}}}}\n"
        (tmp_path / f"{number}-halo.yaml").write_text(text)
    watch = (
        "import os, sys\nfrom pathlib import Path\nfrom halo_iac.load import load\n"
        "from halo_iac.errors import ProjectError\n"
        "asked = []\n"
        "for name in ('stat', 'lstat', 'scandir', 'listdir', 'open', 'readlink'):\n"
        "    real = getattr(os, name)\n"
        "    setattr(os, name, lambda *a, _real=real, **k: (asked.append(str(a[0])), _real(*a, **k))[1])\n"
        "sys.addaudithook(lambda event, facts: asked.append(str(facts[0])) if event == 'open' else None)\n"
        f"for number in range({len(paths)}):\n"
        "    try:\n        load(Path(f'{number}-halo.yaml'), variables={}, cwd=Path.cwd())\n"
        "    except ProjectError as error:\n        assert len(error.problems) == 2, [*map(str, error.problems)]\n"
        "    else:\n        raise AssertionError(number)\n"
        "    assert any(name.endswith(f'{number}-halo.yaml') for name in asked)\n"
        "print(*[name for name in asked if name.endswith(('x.yaml', 'x.md', 'y.yaml', 'y.md', 'b.yaml', 'b.md'))])\n"
    )
    ended = subprocess.run([sys.executable, "-c", watch], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "", "")


SHAPES = {
    "unknown keys": ("version: 1\nschedules: {}\n", "k%07d: 1\n", ""),
    "repeated keys": ("version: 1\nschedules: {}\n", "a: 1\n", ""),
    "entries": ("version: 1\nschedules:\n", " k%07d: {}\n", ""),
    "numbers": ("version: 1\nschedules: {a: {title: T, agent: a, frequency: daily, hours: [", "99,", "]}}"),
    "brackets": ("a: ", "[", ""),
    "aliases": ("x:\n - &a {}\n", " - *a\n", ""),
    "merges": ("version: 1\nx: &a {b: 1}\nschedules:\n", " k%07d: {<<: *a}\n", ""),
    "tags": ("a:\n", " - !!x 1\n", ""),
    "an open quote": ('a: "', "x\n", ""),
    "globs": ("version: 1\nschedules: {}\ninclude: [", "'**/x%07d.yaml',", "]"),
    "a glob": ("version: 1\nschedules: {}\ninclude: ['", "*a", ".yaml']"),
    "a zone": ("version: 1\nschedules: {a: {title: T, agent: a, timezone: ", "America/Los_Angeles", "}}"),
    "a step": ("version: 1\nschedules: {a: {title: T, agent: a, cron: '*/", "9", " * * * *'}}"),
    "variables": ("version: 1\nschedules: {a: {title: '", "${A:-", "'}}"),
}
"""How a file begins, what it repeats up to the bound, and how it ends."""


@pytest.mark.skipif(sys.platform == "win32", reason="bounds of POSIX")
@pytest.mark.parametrize("shape", SHAPES)
def test_no_large_file_takes_too_much_time_or_memory(tmp_path: Path, shape: str) -> None:
    """Two gigabytes of addresses and a minute of computing, for a file of 5 MiB; what takes more is killed.

    A twelfth of it all where not everything is tried, on top of what Python and the libraries take.
    """
    head, unit, tail = SHAPES[shape]
    share = 1 if IS_SOAK else 12
    count = (bounds.MAX_FILE // share - len(head) - len(tail)) // len(unit % 1 if "%" in unit else unit)
    repeated = "".join(unit % number if "%" in unit else unit for number in range(count))
    (tmp_path / "halo.yaml").write_text(head + repeated + tail)
    code = (
        f"import resource, sys\nresource.setrlimit(resource.RLIMIT_AS, (({256 + 1792 // share}) << 20,) * 2)\n"
        f"resource.setrlimit(resource.RLIMIT_CPU, ({60 // share},) * 2)\n"
        "from halo_iac.cli.main import run\nsys.argv[1:] = ['validate']\nrun()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.startswith("halo.yaml:")
    assert len(ended.stdout) < 100_000


# Answers ------------------------------------------------------------------------------------------------------------

UNITS = {
    "lists": "[],",
    "mappings": "{},",
    "nested lists": f"{'[' * 150}{']' * 150},",
    "numbers": "0,",
    "fractions": "1.5,",
    "large numbers": f"{'9' * 300},",
    "texts": '"a",',
    "short keys": '{"a":1},',
    "long texts": f'"{"a" * 999}",',
    "texts with an accent": f'"{"a" * 999}é",',
    "texts beyond Latin-1": f'"{"a" * 999}Ā",',
    "texts with an emoji": f'"{"a" * 999}😀",',
    "escaped emojis": f'"{"a" * 999}\\ud83d\\ude00",',
    "escapes": '"\\n\\n\\u0000",',
}
"""What a large answer repeats."""


@pytest.mark.parametrize("unit", [*UNITS, "distinct keys", "a text of ten thousand lines"])
def test_no_answer_takes_more_memory_than_was_estimated(unit: str) -> None:
    made = {
        "distinct keys": "{" + ",".join(f'"{number:x}":0' for number in range(40_000)) + "}",
        "a text of ten thousand lines": json.dumps("a line\n" * 10_000 + "😀"),
    }
    repeated = UNITS.get(unit, "")
    text = made.get(unit) or f"[{repeated * (100_000 // len(repeated))}0]"
    body = text.encode()
    tracemalloc.start()
    try:
        value = from_json(body, cache_strings="keys")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value
    assert held < estimated_memory(body)


@pytest.mark.skipif(sys.platform == "win32", reason="bounds of POSIX")
@pytest.mark.parametrize("unit", ["lists", "mappings", "numbers", "short keys"])
def test_deeply_nested_json_is_never_decoded(tmp_path: Path, unit: str) -> None:
    """94 MB in a hundred kilobytes of gzip, read with half a gigabyte of address space."""
    packer = zlib.compressobj(1, wbits=31)
    part = UNITS[unit].encode() * 100_000
    packed = packer.compress(b'{"result":{"data":[')
    packed += b"".join(packer.compress(part) for _ in range(94_000_000 // len(part))) + packer.flush()
    code = (
        "import resource\nfrom halo_iac.cli.main import run\nimport httpx, sys, pydantic_core\n"
        "resource.setrlimit(resource.RLIMIT_AS, (768 << 20, 768 << 20))\n"
        "sys.argv[1:] = ['agent', 'list']\nrun()\n"
    )
    with serving(lambda _: Reply(200, packed, {"Content-Encoding": "gzip"})) as platform:
        env = os.environ | {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-one", "INF_PROJECT_ID": "p"}
        command = [sys.executable, "-c", code]
        ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "answered with more than 1024 MiB once it is decoded" in ended.stderr


@pytest.mark.parametrize(
    ("bounds_", "reason"),
    [
        (RequestLimits(answer_bytes=8 << 20), "answered with more than 8 MiB"),
        (RequestLimits(memory_bytes=128 << 20), "answered with more than 128 MiB once it is decoded"),
    ],
)
def test_endless_pages_count_towards_the_limits_of_one_answer(bounds_: RequestLimits, reason: str) -> None:
    schedules = [{"id": f"s{number}", "title": "T", "hours": [1] * 900} for number in range(500)]

    def page(request: Request) -> Reply:
        cursor = (request.input.get("cursor") or 0) + 1
        return result({"schedules": schedules, "conversations": schedules, "nextCursor": cursor})

    with serving(page) as platform, Transport(platform.url, None, bounds=bounds_) as transport:
        for read in (Reader(transport).schedules, RunReader(transport).conversations):
            before = len(platform.requests)
            with pytest.raises(PlatformError) as caught:
                read("p", limit=10_000) if read.__name__ == "conversations" else read("p")
            assert caught.value.reason == reason
            assert len(platform.requests) - before < 20
        assert RunReader(transport).conversations("p", limit=100).next_cursor == 1  # a question of its own


# Keys and hosts -----------------------------------------------------------------------------------------------------


def test_whitespace_around_a_key_is_stripped(halo: CommandLine) -> None:
    with serving(lambda _: result([])) as platform:
        halo("agent", "list", INF_API_URL=platform.url, INF_PROJECT_ID="p", INF_API_KEY=" \tsk-inference-one\r\n")
        assert [request.headers["authorization"] for request in platform.requests] == ["Bearer sk-inference-one"]


def test_a_host_of_no_proxy_goes_through_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Reply(502)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "halo.invalid,other.invalid")
        with Transport("https://halo.invalid", None) as transport, pytest.raises(PlatformError) as direct:
            transport.call("a.b", "query")
        with Transport("https://elsewhere.invalid", None) as transport, pytest.raises(PlatformError) as through:
            transport.call("a.b", "query")
    assert direct.value.reason == "the name of halo.invalid could not be resolved"
    assert "opened no connection to" in through.value.reason


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_create_is_ambiguous_and_the_key_stays(status: int) -> None:
    with serving(lambda _: result({})) as elsewhere:
        redirect = Reply(status, headers={"Location": f"{elsewhere.url}/haloSchedule.create"})
        with serving(lambda _: redirect) as platform, Transport(platform.url, None) as transport:
            with pytest.raises(PlatformError) as caught:
                Writer(transport).create({"title": "One"})
            assert (caught.value.delivery, len(platform.requests)) == (Delivery.AMBIGUOUS, 1)
        assert elsewhere.requests == []


def test_a_request_names_the_client_and_nothing_else(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nproject: p\nschedules: {}\n")
    with serving(lambda _: failure(403)) as platform:
        for argv in (("plan",), ("apply", "--yes"), ("doctor",), ("agent", "list"), ("validate",), ("plan", "--frob")):
            halo(*argv, INF_API_URL=platform.url, INF_API_KEY="sk-inference-one")
        assert {request.headers["user-agent"] for request in platform.requests} == {f"halo-iac/{__version__}"}
        assert {request.path for request in platform.requests} == {
            "/agent.listForProject",
            "/haloSchedule.listForProject",
            "/project.getAuthContext",
        }


def test_halo_works_without_a_home_and_an_environment(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "halo_iac", "validate"]
    (tmp_path / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    env = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
