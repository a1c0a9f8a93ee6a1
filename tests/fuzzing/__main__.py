"""``python -m fuzzing``: mutate what the targets take, guided by coverage, and say what came of it.

A find is kept as a file, one for each place in the code, and the search goes on. An input that takes more than its time
or memory ends the process, so each target has one of its own, started again until its time is over. They are forked
from one that has halo imported with its branches counted, which takes longer than a sample of a target.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import traceback
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

import atheris

READ_BY_OTHERS: Final = ("halo_iac.sandbox.analyst", "halo_iac.sandbox.platform", "halo_iac.sandbox.store")
"""What takes values that other modules have read: a sample does not count its branches, for a quicker start."""
if "--sample" in sys.argv:
    for module in READ_BY_OTHERS:
        import_module(module)
with redirect_stderr(StringIO()), atheris.instrument_imports(include=["halo_iac"]):  # it tells of every module
    from fuzzing.targets import TARGETS

SAMPLE: Final = {"traces": 1_500, "saved_plan": 1_500}
"""How many executions are a sample, which takes a few seconds; 600 of a target that is not named."""
MAX_INPUT_BYTES: Final = 8 * 1024
MAX_SECONDS: Final = 10
MAX_MEBIBYTES: Final = 1024
"""What one input may be and take."""


class Tried(NamedTuple):
    """What came of a target: executions, branches reached, and libFuzzer's last words where an input ended it."""

    executions: int = 0
    covered: int = 0
    crash: str = ""


def main(words: list[str]) -> int:
    """Do what the command line says; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzzing", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long, shared by all targets")
    parser.add_argument("--sample", action="store_true", help="instead, some executions of each, always the same ones")
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"), help="where inputs and finds are kept")
    parser.add_argument("--target", choices=TARGETS, help="only this one")
    asked = parser.parse_args(words)
    names = (asked.target,) if asked.target else tuple(TARGETS)
    finds = asked.folder / "finds"
    finds.mkdir(parents=True, exist_ok=True)
    for name in names:
        if asked.sample:
            tried = try_once(name, f"-runs={SAMPLE.get(name, 600)} -seed=1", asked.folder)
        else:
            tried = try_for(asked.seconds // len(names), name, asked.folder)
        print(f"{name:12}{tried.executions:>12,} executions, {tried.covered:>6,} branches reached", flush=True)
        print(tried.crash, end="", file=sys.stderr)
    found = sorted(path for path in finds.iterdir() if path.suffix != ".txt")
    print("\n".join([f"{len(found)} found", *map(str, found)]))
    return 1 if found else 0


def try_for(seconds: int, name: str, folder: Path) -> Tried:
    """Fuzz a target for so long, in as many processes as that takes."""
    end, all_ = monotonic() + seconds, Tried()
    while monotonic() < end:
        one = try_once(name, f"-max_total_time={max(int(end - monotonic()), 1)}", folder)
        all_ = Tried(all_.executions + one.executions, max(all_.covered, one.covered), one.crash)
        print(one.crash, end="", file=sys.stderr)
        if not one.crash:
            break
    return all_._replace(crash="")


def try_once(name: str, limit: str, folder: Path) -> Tried:
    """Fuzz a target in a process of its own."""
    log = folder / f"{name}.log"
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
        fuzz(name, limit, folder)
    _, status = os.waitpid(child, 0)
    output = log.read_text(encoding="utf-8", errors="replace")
    executions = sum(map(int, re.findall(r"number_of_executed_units: (\d+)", output)))
    covered = max(map(int, re.findall(r"cov: (\d+)", output)), default=0)
    return Tried(executions, covered, output[-4000:] if status else "")


def fuzz(name: str, limit: str, folder: Path) -> None:
    """Fuzz a target in this process, which libFuzzer ends."""
    target, seeds, words = TARGETS[name]
    corpus, dictionary = folder / "corpus" / name, folder / f"{name}.dict"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        corpus.joinpath(f"seed-{hashlib.sha256(seed).hexdigest()[:16]}").write_bytes(seed)
    escaped = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words)
    dictionary.write_text("".join(f'"{word}"\n' for word in escaped), encoding="ascii")

    def attempt(data: bytes) -> None:
        try:
            target(data)
        except Exception as error:
            keep(error, data, folder / "finds", name)

    bounds = [f"-max_len={MAX_INPUT_BYTES}", f"-timeout={MAX_SECONDS}", f"-rss_limit_mb={MAX_MEBIBYTES}"]
    places = [f"-dict={dictionary}", f"-artifact_prefix={folder / 'finds' / name}-", str(corpus)]
    atheris.Setup([sys.argv[0], *limit.split(), *bounds, "-print_final_stats=1", *places], attempt)
    atheris.Fuzz()


def keep(error: Exception, data: bytes, finds: Path, name: str) -> None:
    """Keep an input and what it did, once for each place in the code."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    path = finds / f"{name}-{type(error).__name__}-{Path(place.filename).stem}-{place.lineno}"
    if not path.exists():
        path.write_bytes(data)
        path.with_suffix(".txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
