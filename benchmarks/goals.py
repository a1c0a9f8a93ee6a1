"""The goals of docs/performance.md that this machine can measure by itself, each a function from a bench to lines."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import workload
from measure import Command, Comparison, Server, compare, run, serving, take_medians

LATENCY: Final = 0.05
_LIBRARIES: Final = "import httpx, pydantic, ruamel.yaml, typer"
_ROOT: Final = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Line:
    """One figure and its upper bound; ``detail`` has the measurements behind it."""

    goal: str
    what: str
    measured: float
    bound: float
    detail: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are, and how many pairs are enough."""

    folder: Path
    pairs: int
    is_quick: bool = False

    def halo(self, *arguments: str, server: Server | None = None) -> Command:
        """Return our command as installed beside the Python that runs this."""
        return Command([str(Path(sys.executable).with_name("halo")), *arguments], self.env(server))

    def python(self, *arguments: str) -> Command:
        """Return a bare Python, the same one."""
        return Command([sys.executable, *arguments], self.env(None))

    def plan(self, count: int, server: Server) -> Command:
        """Return a plan of so many declared schedules."""
        return self.halo("plan", "--file", str(self.project(count)), server=server)

    def apply(self, count: int, server: Server, *, concurrency: int, rps: int = 100_000) -> Command:
        """Return an apply of so many declared schedules; ``rps`` limits the requests per second."""
        flags = ("--yes", "--concurrency", str(concurrency), "--max-rps", str(rps))
        return self.halo("apply", "--file", str(self.project(count)), *flags, server=server)

    def project(self, count: int) -> Path:
        """Return a project file that declares so many schedules."""
        path = self.folder / f"{count}.yaml"
        if not path.exists():
            path.write_text(workload.project_text(count), encoding="utf-8")
        return path

    def env(self, server: Server | None) -> dict[str, str]:
        """Return the whole environment of a command: nothing inherited that slows Python, no address but loopback's."""
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        own = {"HOME": str(self.folder), "INF_CONFIG_DIR": str(self.folder / "inf")}
        if server is None:
            return {**inherited, **own}
        platform = {"INF_API_URL": server.url, "INF_API_KEY": "sk-inference-bench", "INF_PROJECT_ID": workload.PROJECT}
        return {**inherited, **own, **platform}


def measure_version(bench: Bench) -> Iterator[Line]:
    """S1: asking for the version costs what Python costs."""
    both = compare(bench.halo("--version"), bench.python("-c", "pass"), bench.pairs * 4)
    yield ratio_line("S1", "halo --version / python -c pass", both, 1.8)


def measure_help(bench: Bench) -> Iterator[Line]:
    """S2: help loads the command line and no more."""
    both = compare(bench.halo("--help"), bench.python("-c", "pass"), bench.pairs * 2)
    yield ratio_line("S2", "halo --help / python -c pass", both, 6.5)


def measure_validate(bench: Bench) -> Iterator[Line]:
    """S3: checking a project that declares nothing costs little more than importing the libraries."""
    project = str(bench.project(0))
    both = compare(bench.halo("validate", "--file", project), bench.python("-c", _LIBRARIES), bench.pairs * 2)
    yield ratio_line("S3", "halo validate of an empty project / importing the libraries", both, 1.2)


def measure_hook(bench: Bench) -> Iterator[Line]:
    """S6: a commit waits for the hook of pre-commit less than twice as long as for importing the libraries."""
    [entry] = re.findall(r"(?m)^  entry: halo (.+)$", (_ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    project = str(_ROOT / "examples" / "team" / "halo.yaml")
    checking = bench.halo(*shlex.split(entry), "--file", project)
    both = compare(checking, bench.python("-c", _LIBRARIES), bench.pairs * 2)
    yield ratio_line("S6", "the hook of pre-commit on a project / importing the libraries", both, 2)


def measure_completion(bench: Bench) -> Iterator[Line]:
    """S4: the keys of a large project are completed in little more than Python takes to start."""
    count = 1_000
    line = f"halo plan --file {bench.project(count)} --target "
    asking = {"_HALO_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    halo = bench.halo()
    both = compare(Command(halo.argv, {**halo.env, **asking}), bench.python("-c", "pass"), bench.pairs * 4)
    yield ratio_line("S4", f"completion of {count:,} keys / python -c pass", both, 6)


def compare_with_inf(goal: str, count: int, bound: float) -> Callable[[Bench], Iterator[Line]]:
    """P1, P2: a plan beside the official client's plain list of the same server."""

    def measure(bench: Bench) -> Iterator[Line]:
        inf = os.environ.get("HALO_BENCH_INF") or shutil.which("inf")
        if inf is None:
            return
        with serving(count) as server:
            listing = Command([inf, "--json", "halo", "schedule", "list"], bench.env(server))
            both = compare(bench.plan(count, server), listing, bench.pairs)
        yield ratio_line(goal, f"plan of {count:,} / inf --json halo schedule list", both, bound)

    return measure


def compare_with_octodns(goal: str, count: int, bound: float) -> Callable[[Bench], Iterator[Line]]:
    """P3, P4: a plan beside one of octoDNS, from YAML to YAML, of as many records with as many changes."""

    def measure(bench: Bench) -> Iterator[Line]:
        config = workload.octodns_project(bench.folder / f"octodns-{count}", count)
        sync = Command(
            [str(Path(sys.executable).with_name("octodns-sync")), "--config-file", str(config)], bench.env(None)
        )
        with serving(count) as server:
            both = compare(bench.plan(count, server), sync, bench.pairs)
        yield ratio_line(goal, f"plan of {count:,} / octodns-sync", both, bound)

    return measure


def measure_memory(bench: Bench) -> Iterator[Line]:
    """M1: peak resident memory of a plan."""
    for count, bound in ((100, 50), (1_000, 60), (10_000, 140)):
        with serving(count) as server:
            peaks = take_medians([run(bench.plan(count, server)) for _ in range(3)])
        yield Line("M1", f"plan of {count:,}, peak memory", peaks.peak, bound, f"{peaks.wall:.3f} s", " MiB")


def measure_latency(bench: Bench) -> Iterator[Line]:
    """L1: what a slow platform adds to a plan is its pages, one after the other, and nothing else."""
    pages, count = 10, 1_000
    size = count // pages
    with serving(count, page_size=size) as fast, serving(count, page_size=size, latency=LATENCY) as slow:
        both = compare(bench.plan(count, slow), bench.plan(count, fast), bench.pairs)
    limit = pages * LATENCY + both.second.wall
    detail = f"{both.first.wall:.3f} s / ({pages} × {LATENCY} s + {both.second.wall:.3f} s)"
    yield Line(
        "L1",
        f"plan of {pages} pages at {LATENCY * 1000:.0f} ms / pages × latency + plan without",
        both.first.wall / limit,
        1.1,
        detail,
    )


def measure_projects(bench: Bench) -> Iterator[Line]:
    """P5: four projects at once cost little more than the slowest of them, since all are waited for together."""
    pages, count = 10, 250
    files = []
    for number in range(4):
        path = bench.folder / f"several-{number}.yaml"
        project = f"{workload.PROJECT[:-1]}{number}"
        path.write_text(workload.project_text(count, project), encoding="utf-8")
        files.append(path)
    with serving(count, page_size=count // pages, latency=LATENCY) as server:
        together = [word for path in files for word in ("--file", str(path))]
        env = {name: value for name, value in bench.env(server).items() if name != "INF_PROJECT_ID"}
        halo = bench.halo("plan").argv
        both = compare(Command([*halo, *together], env), Command([*halo, *together[:2]], env), bench.pairs)
    yield ratio_line("P5", f"plan of 4 projects of {count:,} / of one of them, {pages} pages at 50 ms", both, 1.3)


def measure_split_project(bench: Bench) -> Iterator[Line]:
    """P6: a project in a thousand files, each with a prompt file, costs little more than the same in one file."""
    count = 1_000
    project = workload.write_split(bench.folder / "split", count)
    with serving(count) as server:
        parts = bench.halo("plan", "--file", str(project), server=server)
        both = compare(parts, bench.plan(count, server), bench.pairs)
    yield ratio_line("P6", f"plan of {count:,} in {count:,} files and {count:,} prompt files / in one file", both, 1.6)


def measure_apply(goal: str, concurrency: int, bound: float) -> Callable[[Bench], Iterator[Line]]:
    """A1, A2: what an apply takes beyond a plan of the same, beside what the latency alone allows.

    The plan is measured right before, so that start, parsing and printing, which depend on the processor, are left out.
    Updates have a limit of their own: each schedule is read before it is written, so two requests.
    """

    def measure(bench: Bench) -> Iterator[Line]:
        count = 1_000
        for what, held, requests in (("creates", 0, 1), ("updates", count, 2)):
            pairs = []
            for _ in range(max(3, bench.pairs // 2)):
                with serving(held, changed_every=1, latency=LATENCY) as server:
                    planning, applying = bench.plan(count, server), bench.apply(count, server, concurrency=concurrency)
                    pairs.append((run(planning), run(applying)))
            planned, applied = take_medians(one for one, _ in pairs), take_medians(other for _, other in pairs)
            limit = count * requests / concurrency * LATENCY
            detail = f"({applied.wall:.3f} s - {planned.wall:.3f} s) / {limit:.3f} s; cpu {applied.cpu:.2f} s"
            name = f"apply less plan of {count:,} {what} at {concurrency} / the limit"
            yield Line(goal, name, (applied.wall - planned.wall) / limit, bound, detail)

    return measure


def count_requests(bench: Bench) -> Iterator[Line]:
    """R1: a plan asks for each page once, for agents and models (entries name one) once, and for nothing else."""
    pages, count = 10, 1_000
    with serving(count, page_size=count // pages) as server:
        server.counts()
        run(bench.plan(count, server))
        counts = server.counts()
    wanted = dict.fromkeys(("agent.listForProject", "haloSchedule.listEligibleModels"), 1)
    wanted["haloSchedule.listForProject"] = pages
    detail = ", ".join(f"{procedure} {times}" for procedure, times in sorted(counts.items()))
    excess = sum(counts.values()) - sum(wanted.values()) if counts.keys() == wanted.keys() else sum(counts.values())
    yield Line("R1", f"requests of a plan of {pages} pages beyond {pages} + 2", excess, 0, detail)


def ratio_line(goal: str, what: str, both: Comparison, bound: float) -> Line:
    """Return what the first of two commands takes relative to the second."""
    detail = f"{both.first.wall:.3f} s / {both.second.wall:.3f} s; cpu {both.cpu:.2f}"
    return Line(goal, what, both.wall, bound, detail)


GOALS: Final[dict[str, Callable[[Bench], Iterator[Line]]]] = {
    "S1": measure_version,
    "S2": measure_help,
    "S3": measure_validate,
    "S4": measure_completion,
    "S6": measure_hook,
    "P1": compare_with_inf("P1", 100, 0.8),
    "P2": compare_with_inf("P2", 1_000, 1.1),
    "P3": compare_with_octodns("P3", 1_000, 0.65),
    "P4": compare_with_octodns("P4", 10_000, 0.30),
    "P5": measure_projects,
    "P6": measure_split_project,
    "M1": measure_memory,
    "L1": measure_latency,
    "A1": measure_apply("A1", 16, 1.15),
    "A2": measure_apply("A2", 32, 1.25),
    "R1": count_requests,
}
"""In the order of docs/performance.md#goals."""
