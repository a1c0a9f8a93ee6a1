"""``halo sandbox load``: which files it reads, and what it says of each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from command_line import CommandLine
from trace_file_samples import halo_root, halo_span, json_lines, otlp_request

from halo_iac.sandbox import ingest
from halo_iac.sandbox.span_record import SpanRecord
from halo_iac.sandbox.trace_files import BadLine


@pytest.fixture
def traces(folder: Path) -> Path:
    """Return a folder of the same two spans in several files, and of files of other kinds."""
    (folder / "traces" / "old").mkdir(parents=True)
    both = json_lines(halo_root(), halo_span())
    (folder / "traces" / "a.jsonl").write_bytes(both)
    (folder / "traces" / "old" / "b.json.gz").write_bytes(gzip.compress(json.dumps(otlp_request(), indent=2).encode()))
    (folder / "traces" / "README.md").write_text("About.\n")
    (folder / "traces" / ".hidden.json").write_text("no JSON")
    return folder / "traces"


@pytest.mark.usefixtures("traces")
@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["traces"], ["traces/a.jsonl", "traces/old/b.json.gz"]),
        (["traces/"], ["traces/a.jsonl", "traces/old/b.json.gz"]),
        (["traces/**/*.gz", "traces/a.jsonl"], ["traces/old/b.json.gz", "traces/a.jsonl"]),
        (["traces/*"], ["traces/README.md", "traces/a.jsonl", "traces/old/b.json.gz"]),
        (["traces/a.jsonl", "./traces/a.jsonl", "traces/old/../a.jsonl"], ["traces/a.jsonl"]),
    ],
)
def test_paths_folders_and_globs_name_files_once(halo: CommandLine, words: list[str], files: list[str]) -> None:
    assert [each["file"] for each in halo("sandbox", "load", *words, "--json").json] == files


def test_standard_input_is_read_packed_or_not(halo: CommandLine, traces: Path) -> None:
    for name in ("a.jsonl", "old/b.json.gz"):
        ended = halo("sandbox", "load", "-", stdin=(traces / name).read_bytes())
        assert (ended.code, ended.out.partition("\n")[0].partition(",")[0]) == (0, "-: 2 spans")


@pytest.mark.parametrize("word", ["traces/old/old", "nothing/*.json", "missing.json"])
def test_a_path_that_matches_no_file_is_an_error(halo: CommandLine, traces: Path, word: str) -> None:
    (traces / "old" / "old").mkdir()
    ended = halo("sandbox", "load", word)
    assert ended.code == 1
    assert f"error: {word}: " in ended.err


def test_an_empty_name_is_not_the_folder_that_one_is_in(halo: CommandLine) -> None:
    ended = halo("sandbox", "load", "")
    assert (ended.code, ended.err.splitlines()[0]) == (64, "error: FILE is empty")


def test_every_file_is_read_even_if_others_are_invalid(halo: CommandLine, traces: Path) -> None:
    (traces / "cut.jsonl").write_bytes(json_lines(halo_root(), halo_span())[:-9])
    (traces / "scores.jsonl").write_bytes(json_lines(*[{"traceId": "t", "value": 1, "dataType": "BOOLEAN"}] * 9))
    ended = halo("sandbox", "load", "traces", "missing.json")
    assert ended.code == 1
    assert [line for line in ended.out.splitlines() if not line.startswith(" ")] == [
        "traces/a.jsonl: 2 spans",
        "traces/cut.jsonl: 1 span, 1 of them already loaded",
        "traces/old/b.json.gz: 2 spans, 2 of them already loaded",
    ]
    hint = "see `halo sandbox load --help` for the formats that are read"
    assert [line for line in ended.err.splitlines()[1:] if "last seen" not in line] == [
        "traces/cut.jsonl:2: ends in the middle of a line; it was cut off (the spans before it were loaded)",
        f"traces/scores.jsonl:1: Langfuse scores: no spans in them ({hint})",
        "missing.json: No such file or directory (check the path and its permissions)",
        "error: 3 files of 5 could not be read to the end",
        "hint: the other files were loaded",
    ]


def test_no_file_is_reported_as_loaded_if_none_was(halo: CommandLine, folder: Path) -> None:
    (folder / "README.md").write_text("# Traces\n")
    ended = halo("sandbox", "load", "README.md", "missing.json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-2:] == [
        "error: none of 2 files could be read to the end",
        "hint: the lines above give the reasons",
    ]
    assert "error: standard input contains no spans\n" in halo("sandbox", "load", "-", stdin=b"\n").err


def test_a_cause_is_reported_once_for_all_values(halo: CommandLine, folder: Path) -> None:
    lines = [halo_root(), 7, {"resourceLogs": []}, 8, {"a": 1}, *[{"resourceLogs": []}] * 2000]
    (folder / "t.jsonl").write_bytes(json_lines(*lines))
    ended = halo("sandbox", "load", "t.jsonl")
    assert (ended.code, ended.out.splitlines()[0]) == (0, "t.jsonl: 1 span, 2,004 skipped")
    assert ended.err.splitlines()[1:4] == [
        "t.jsonl:2: is not a JSON object; skipped, and 1 more for the same reason",
        "t.jsonl:3: OTLP logs: no spans in them; skipped, and 2,000 more for the same reason",
        "t.jsonl:5: is not a span in a known format; skipped",
    ]


@pytest.mark.usefixtures("instant_runs")
def test_traces_that_name_no_agent_are_loaded_and_can_be_given_one(halo: CommandLine, folder: Path) -> None:
    start = {"start_time": 1_776_922_320}
    unnamed = [{"trace_id": "t", "span_id": each, "parent_span_id": "gone", **start} for each in "ab"]
    named = {"trace_id": "u", "span_id": "c", **start, "attributes": {"agent.name": "own"}}
    (folder / "t.jsonl").write_bytes(json_lines(*unnamed))
    (folder / "both.jsonl").write_bytes(json_lines(*unnamed, named))
    ended = halo("sandbox", "load", "t.jsonl")
    said = "t.jsonl: no span names an agent, so it cannot be analysed; load it again with --agent"
    assert (ended.code, ended.err.splitlines()[1:]) == (0, [f"{said} NAME to name the agent"])
    loaded = halo("sandbox", "load", "both.jsonl", "--agent", "shop", "--json").json
    assert {each["identityValue"]: loaded[0]["added"] for each in loaded[0]["agents"]} == {"own": 1, "shop": 1}
    assert "2 spans" in halo(*f"report run {loaded[0]['agents'][1]['id']} {WINDOW}".split(), "--sandbox").out
    assert halo("sandbox", "load", "t.jsonl").code == 0
    assert "2 spans" in halo(*f"report run {loaded[0]['agents'][1]['id']} {WINDOW}".split(), "--sandbox").out


WINDOW = "--window-start-at 2026-04-23T05:00:00Z --window-end-at 2026-04-23T06:00:00Z"


@pytest.mark.usefixtures("traces")
def test_an_interrupted_load_keeps_and_reports_what_it_read(halo: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    read_spans = ingest.read_spans

    def interrupted(file: BinaryIO) -> Iterator[SpanRecord | BadLine]:
        yield next(read_spans(file))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "_MAX_BATCH_SPANS", 1)
        patch.setattr(ingest, "read_spans", interrupted)
        ended = halo("sandbox", "load", "traces/a.jsonl")
    assert ended.code == 130
    assert ended.err.endswith(
        "error: interrupted; the spans read so far were loaded\n"
        "hint: run the same command again for the rest: spans that are there already are kept\n"
    )
    assert halo("sandbox", "load", "traces/a.jsonl").out.startswith("traces/a.jsonl: 2 spans, 1 of them already loaded")
