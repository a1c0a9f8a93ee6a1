"""A stand-in for the ``python`` of a pipeline's steps: what it would start of halo is forked (:mod:`forked`).

It is for ``python -P -m halo_iac`` with whatever follows; given anything else, it becomes the real one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Final

from forked import HaloProcess

_SCRIPT: Final = """\
#!/bin/sh
[ "$1 $2 $3" = "-P -m halo_iac" ] || exec "{python}" "$@"
exec 7<&0 8>&1 9>&2
echo $$ > "{folder}/asked"
read -r code < "{folder}/ended"
exit "$code"
"""
_STREAMS: Final = ((7, os.O_RDONLY), (8, os.O_WRONLY | os.O_APPEND), (9, os.O_WRONLY | os.O_APPEND))
"""By numbers of their own: while the script asks and waits, the usual ones stand for the pipes."""
_STOP: Final = b"stop"


@contextmanager
def forked_python(folder: Path) -> Iterator[Path]:
    """Yield a program in a new folder, which runs one call at a time; the real one on systems without ``/proc``."""
    if not Path("/proc/self/fd").exists():
        yield Path(sys.executable)
        return
    folder.mkdir()
    program = folder / "python"
    program.write_text(_SCRIPT.format(python=sys.executable, folder=folder), encoding="utf-8")
    program.chmod(0o755)
    with ExitStack() as opened:
        pipes = []
        for name in ("asked", "ended"):
            os.mkfifo(folder / name)
            pipes.append(os.open(folder / name, os.O_RDWR))  # for both: opening it waits for nothing
            opened.callback(os.close, pipes[-1])
        thread = Thread(target=_serve, args=pipes)
        thread.start()
        try:
            yield program
        finally:
            os.write(pipes[0], _STOP)
            thread.join()


def _serve(asked: int, ended: int) -> None:
    while (pid := os.read(asked, 64)) != _STOP:
        code = 99
        try:
            code = _run(Path("/proc") / pid.decode().strip())
        finally:
            os.write(ended, b"%d\n" % (code if code >= 0 else 128 - code))


def _run(process: Path) -> int:
    """Run halo as a process was asked to, in its folder, environment and streams."""
    words = (process / "cmdline").read_text(encoding="utf-8").split("\0")
    env = (process / "environ").read_text(encoding="utf-8").split("\0")
    with ExitStack() as opened:
        streams = [os.open(process / "fd" / str(number), mode) for number, mode in _STREAMS]
        for stream in streams:
            opened.callback(os.close, stream)
        halo = HaloProcess(
            *words[5:-1],  # after sh, the script, and what the script has looked at
            cwd=(process / "cwd").resolve(),
            env=dict(each.split("=", 1) for each in env if each),
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
        )
        return halo.wait()
