"""Installs halo from this checkout into an environment of its own and prints the path of its Python.

Usage: python -I install.py FOLDER. The libraries are those of requirements.txt, each by its hash, and wheels only, so
that nothing is built and no package's own code runs. halo itself is not packaged: the environment is pointed at the
checkout. Only the standard library is used.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ACTION = Path(__file__).resolve().parent
ROOT = ACTION.parent


def main(folder: Path, requirements: Path = ACTION / "requirements.txt") -> Path:
    """Return the environment's Python; what a step before has installed from the same checkout is used again."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / "installed-from"
    if done.is_file() and done.read_text(encoding="utf-8") == str(ROOT):
        return python
    venv.create(folder, clear=True)
    # The pip of the runner's Python, which every runner has: to install another one takes longer than all the rest.
    pip = [sys.executable, "-I", "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", requirements],
        check=True,
        stdout=sys.stderr,
    )
    asked = [python, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = subprocess.run(asked, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()
    Path(packages, "halo.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    done.write_text(str(ROOT), encoding="utf-8")
    return python


if __name__ == "__main__":
    try:
        found = main(Path(sys.argv[1]).absolute())
        sys.stdout.buffer.write(
            f"{found}\n".encode()
        )  # print would end the line as Windows does, and a shell keeps that
    except subprocess.CalledProcessError as failed:
        sys.exit(f"error: halo's libraries could not be installed: pip ended with {failed.returncode}")
