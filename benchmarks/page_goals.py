"""The page: how long it takes to draw, beside what its parts take by themselves, and how large it is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from goals import Bench, Line
from measure import Command, compare

SCHEDULES: Final = 1_000
REPORTS: Final = 500
LATEST: Final = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

_RENDER: Final = """\
import sys
from pathlib import Path
from markdown_it import MarkdownIt
parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
for path in Path(sys.argv[1]).rglob("*.md"):
    parser.render(path.read_text(encoding="utf-8").partition("---\\n\\n")[2])
"""
_REPORT: Final = """\
---
run: 5a4db0c5-7000-4000-8000-{number:012}
conversation: 5a4db0c5-c000-4000-8000-{number:012}
title: {key}
schedule: {key}
window:
  start: "{start:%Y-%m-%dT%H:%M:%S.000Z}"
  end: "{end:%Y-%m-%dT%H:%M:%S.000Z}"
status: completed
---

# What the traces show

{failed} of 596 traces failed. {fixes} fixes to try, the first: Failing: `charge_card`.

## Fixes to try, most important first

1. **Failing: `charge_card`.** {failed} of 596 calls failed with `timed out after 30000 ms`, in {failed} traces.
   - Try: Find out why it does not answer in time; give up sooner, and say in the prompt what to do instead.
   - Traces: `{trace:032x}`, `{trace:031x}a`, `{trace:031x}b`
2. **Asked again: `lookup_inventory`.** 299 calls made again with the same arguments, in 199 traces.
   - Try: Keep the answer for the length of the conversation, or remind the model that it has it.

## Errors

| Step | Message | Failed | Of calls | Traces | Examples |
| --- | --- | ---: | ---: | ---: | --- |
| `charge_card` `TOOL` | `timed out after <*> ms waiting for payments` | {failed} | 596 | {failed} | `{trace:032x}` |
| `checkout` `AGENT` | `checkout failed: payment was not confirmed` | {failed} | 596 | {failed} | `{trace:032x}` |

## Slow spans: where the time goes

| Step | Count | p50 | p95 | p99 | Longest | Own time |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| `charge_card` `TOOL` | 596 | {slow} ms | 30.0 s | 30.0 s | 30.0 s | 40 min 53 s |
| `ChatCompletion` `LLM` | 1,717 | 891 ms | 1.35 s | 1.48 s | 1.56 s | 26 min 45 s |
| `lookup_inventory` `TOOL` | 895 | 155 ms | 215 ms | 219 ms | 220 ms | 2 min 19 s |
| `quote_shipping` `TOOL` | 596 | 101 ms | 136 ms | 139 ms | 140 ms | 59.8 s |

## Retries and loops

No failed tool call is tried again with the same arguments.
"""


def write_reports(folder: Path, count: int) -> None:
    """Write so many reports as they are pulled, five of each schedule, a day apart."""
    for number in range(count):
        key, end = f"review-{number // 5}", LATEST - timedelta(days=number % 5)
        place = folder / key / f"{end:%Y-%m}"
        place.mkdir(parents=True, exist_ok=True)
        text = _REPORT.format(
            number=number,
            key=key,
            start=end - timedelta(days=1),
            end=end,
            failed=number % 80,
            fixes=number % 4,
            slow=600 + number,
            trace=number,
        )
        (place / f"{end:%Y-%m-%dT%H%MZ}--{key}--{number}.md").write_text(text, encoding="utf-8")


def measure_page(bench: Bench) -> Iterator[Line]:
    """G1, G2: a page beside a preview of the same and the bare rendering of its reports, and its size."""
    folder, out = bench.folder / "reports", bench.folder / "page.html"
    write_reports(folder, REPORTS)
    project = str(bench.project(SCHEDULES))
    drawn = bench.halo("page", "--offline", "--file", project, "--reports", str(folder), "--out", str(out))
    shown = bench.halo("preview", "--json", "--file", project)
    rendered = bench.python("-c", _RENDER, str(folder))
    apart = Command(["/bin/sh", "-c", f"{shlex.join(shown.argv)} && {shlex.join(rendered.argv)}"], shown.env)
    both = compare(drawn, apart, bench.pairs)
    detail = f"{both.first.wall:.2f} s / {both.second.wall:.2f} s; {both.first.peak:.0f} MiB"
    what = f"page of {SCHEDULES:,} schedules and {REPORTS} reports / preview --json and markdown-it"
    yield Line("G1", what, both.wall, 3, detail)
    size = out.stat().st_size / 1e6
    yield Line("G2", "the same page, its size", size, 5, f"{out.stat().st_size:,} bytes", " MB")


GOALS: Final = {"G1": measure_page}
