"""Queries about traces, asked of a served sandbox that holds a million spans.

Each figure is a ratio to a bare request of the same server over the same connection, taken in turn with it: medians of
both. The bounds are what 20 ms, 150 ms and a second are to a bare request of a millisecond.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from goals import Bench, Line
from measure import run
from traces import write_traces

TIMES: Final = 15
_ALL: Final = {"startDate": "1970-01-01T00:00:00.000Z", "endDate": "2027-01-01T00:00:00.000Z"}
_BARE: Final = "project.getProject"
_TWO: Final = {**_ALL, "status": "error", "observationKinds": ["TOOL"]}


class Client(NamedTuple):
    """A connection to a served sandbox."""

    connection: HTTPConnection
    key: str
    project: str

    def ask(self, procedure: str, given: dict[str, Any]) -> tuple[float, Any]:
        """Return how many seconds an answer took, and the answer."""
        query = urlencode({"input": json.dumps({"projectId": self.project, "teamId": "any", **given})})
        begin = perf_counter()
        self.connection.request("GET", f"/{procedure}?{query}", headers={"Authorization": f"Bearer {self.key}"})
        response = self.connection.getresponse()
        body = response.read()
        took = perf_counter() - begin
        if response.status != 200:
            raise SystemExit(f"{procedure}: {body.decode()}")
        return took, json.loads(body)["result"]["data"]


def measure_queries(bench: Bench) -> Iterator[Line]:
    """Q1 to Q4, and D1: the size of the database beside that of the file that was loaded."""
    count = 100_000 if bench.is_quick else 1_000_000
    path, database = bench.folder / "traces.jsonl", bench.folder / "traces.db"
    try:
        write_traces(path, count)
        flags = ("--file", str(bench.project(0)), "--sandbox-file", str(database))
        run(bench.halo("sandbox", "load", str(path), *flags))
        sizes = [each.stat().st_size for each in (database, path)]
        yield Line(
            "D1", f"database of {count:,} spans / the file", sizes[0] / sizes[1], 1.5, f"{sizes[0] / 2**20:.0f} MiB"
        )
        path.unlink()
        with _served(bench, database) as client:
            yield from _queries(client, count)
    finally:
        for left in (path, *bench.folder.glob(f"{database.name}*")):
            left.unlink(missing_ok=True)


def _queries(client: Client, count: int) -> Iterator[Line]:
    _, page = client.ask("traces.list", {"filters": _ALL, "sortOrder": "asc"})  # the demo's traces are written down
    trace = {"traceId": page["traces"][-1]["traceId"]}
    asked: tuple[tuple[str, str, dict[str, Any], float], ...] = (
        ("Q1", "traces.get", trace, 20),
        ("Q2", "traces.getSpans", {**trace, "limit": 100}, 20),
        ("Q3", "traces.list", {"filters": _TWO}, 150),
        ("Q4", "traces.facets", {"filters": _ALL}, 1000),
        ("Q4", "spans.facets", {"filters": _ALL}, 1000),
    )
    for goal, procedure, given, bound in asked:
        pairs = [(client.ask(_BARE, {})[0], client.ask(procedure, given)[0]) for _ in range(TIMES)]
        bare, took = (median(times) for times in zip(*pairs, strict=True))
        detail = f"{took * 1000:.1f} ms / {bare * 1000:.2f} ms"
        yield Line(goal, f"{procedure} of {count:,} spans / a bare request", took / bare, bound, detail)


@contextmanager
def _served(bench: Bench, database: Path) -> Iterator[Client]:
    command = bench.halo("sandbox", "serve", "--sandbox-file", str(database), "--port", "0")
    with subprocess.Popen(
        command.argv, env=command.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        exports = dict(re.findall(r"export (\w+)=(\S+)", "".join(process.stdout.readline() for _ in range(3))))
        try:
            connection = HTTPConnection(urlsplit(exports["INF_API_URL"]).netloc)
            yield Client(connection, exports["INF_API_KEY"], exports["INF_PROJECT_ID"])
        finally:
            process.terminate()


GOALS: Final[dict[str, Callable[[Bench], Iterator[Line]]]] = {"Q1": measure_queries}
"""One goal measures all of them: the load takes longer than the queries."""
