"""``python -m fuzzing``: mutate what the targets take, guided by coverage, and say what came of it.

A find is kept as a file, one for each place in the code, and the search goes on. An input that takes more than its time
or memory ends the process, so each target has one of its own, started again until its time is over.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import traceback
from pathlib import Path
from time import monotonic
from typing import Final

NAMES: Final = ("yaml", "project", "saved_plan", "receipt", "settings", "traces", "answers", "http")
"""The keys of ``targets.TARGETS``, which only the process that fuzzes imports."""

LONGEST: Final = 8 * 1024
MOST_SECONDS: Final = 10
MOST_MEBIBYTES: Final = 1024
"""What one input may be and take."""


def main(words: list[str]) -> int:
    """Do what the command line says; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzzing", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long, shared by all targets")
    parser.add_argument("--runs", type=int, help="instead, how many executions of each target, always the same ones")
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"), help="where inputs and finds are kept")
    parser.add_argument("--target", choices=NAMES, help="only this one")
    parser.add_argument("--here", action="store_true", help="in this process, which ends with it")
    asked = parser.parse_args(words)
    names = (asked.target,) if asked.target else NAMES
    finds = asked.folder / "finds"
    finds.mkdir(parents=True, exist_ok=True)
    for name in names:
        limit = f"-runs={asked.runs} -seed=1" if asked.runs else f"-max_total_time={asked.seconds // len(names)}"
        if asked.here:
            fuzz(name, limit, asked.folder)
        print(f"{name:12}{tried(name, asked.folder, asked.seconds // len(names), asked.runs)}", flush=True)
    found = sorted(path for path in finds.iterdir() if path.suffix != ".txt")
    print("\n".join([f"{len(found)} found", *map(str, found)]))
    return 1 if found else 0


def tried(name: str, folder: Path, seconds: int, runs: int | None) -> str:
    """Fuzz a target in processes of its own, and return how much was tried."""
    end, executions, covered = monotonic() + seconds, 0, 0
    while runs is not None or monotonic() < end:
        limit = ["--runs", str(runs)] if runs is not None else ["--seconds", str(max(int(end - monotonic()), 1))]
        command = [sys.executable, "-m", "fuzzing", "--here", "--target", name, "--folder", str(folder), *limit]
        told = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
        executions += sum(map(int, re.findall(r"number_of_executed_units: (\d+)", told.stderr)))
        covered = max(covered, *map(int, re.findall(r"cov: (\d+)", told.stderr)), 0)
        if told.returncode:
            print(told.stderr[-4000:], file=sys.stderr)
        if runs is not None or told.returncode == 0:
            break
    return f"{executions:>12,} executions, {covered:>6,} branches reached"


def fuzz(name: str, limit: str, folder: Path) -> None:
    """Fuzz a target in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["halo_iac"]):
        from fuzzing.targets import TARGETS
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

    bounds = [f"-max_len={LONGEST}", f"-timeout={MOST_SECONDS}", f"-rss_limit_mb={MOST_MEBIBYTES}"]
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
