"""Every target by name, with what mutation starts from and the words that it may put in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from wire_samples import WIRE

from fuzzing import answers, files, seeds
from halo_iac.load.suggestions.keys import ENTRY_KEYS, PROJECT_KEYS, SCOPE_KEYS


class Target(NamedTuple):
    """What takes bytes and returns unless something is wrong; its seeds; and words beside those that code looks for."""

    check: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    words: Iterable[str]


TARGETS: Final = {
    "yaml": Target(
        files.yaml, seeds.yamls, ("!!", "&a ", "*a", "*a : ", "&a <<", "<<: ", "---\n", "|+\n", "%YAML 1.2\n", "\\u")
    ),
    "project": Target(
        files.project,
        seeds.projects,
        (*ENTRY_KEYS, *PROJECT_KEYS, *SCOPE_KEYS, "links/file.yaml", "links/up/outside.md", "-- env --\n", "<<: "),
    ),
    "saved_plan": Target(files.saved_plan, seeds.saved_plans, ("null", "true", '"create"', '"archive"', "[]")),
    "receipt": Target(
        files.receipt, seeds.saved_receipts, ('"kind":"intent"', '"kind":"end"', '"not done"', "null", '"archive"')
    ),
    "settings": Target(
        files.settings, seeds.settings, ("INF_API_URL=", "apiUrl", "sessionToken", "http://localhost", "https://[::1]")
    ),
    "traces": Target(files.traces, seeds.traces, ("null", '""', "1e999", "trace_id", "attributes")),
    "answers": Target(
        answers.answers, seeds.answers, (*WIRE, "nextCursor", "result", "data", "error", "-- then --\n", "archivedAt")
    ),
    "http": Target(
        answers.http,
        seeds.http,
        ("--wait--\n", "Content-Encoding: ", "Transfer-Encoding: chunked\r\n", "gzip, deflate", "Location: "),
    ),
}
