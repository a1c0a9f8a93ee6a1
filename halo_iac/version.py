"""Which halo this is: its version, and the commit where it runs from a checkout or was installed from git.

Only ``os`` is needed, and git is not run: ``halo --version`` has to cost what Python costs.
"""

from __future__ import annotations

import os

from halo_iac import __version__

_PACKAGE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib would double the time
_COMMIT_LENGTHS = {40, 64}
_MAX_BYTES = 1 << 20
"""The most bytes of a file that are read; a larger list of packed references is not searched to its end."""


def full_version() -> str:
    """Return ``0.1.0 (commit 1a2b3c4d5e6f)``, or ``0.1.0`` if the commit is unknown."""
    found = commit()
    return f"{__version__} (commit {found[:12]})" if found else __version__


def commit(package: str = _PACKAGE) -> str | None:
    """Return the full hash of the commit that ``package`` was built from; ``None`` if unknown."""
    parent = os.path.dirname(package)  # noqa: PTH120 - likewise
    found = _recorded(parent, "commit_id") or head_commit(parent)
    return found if found and len(found) in _COMMIT_LENGTHS and set(found) <= set("0123456789abcdef") else None


def repository(package: str = _PACKAGE) -> str | None:
    """Return ``owner/name`` of the GitHub repository that ``package`` is from; ``None`` if it is from elsewhere."""
    parent = os.path.dirname(package)  # noqa: PTH120 - likewise
    url = _recorded(parent, "url") or _origin_url(_read(f"{parent}/.git/config")) or ""
    _, found, path = url.replace("github.com:", "github.com/").partition("github.com/")
    owner, _, name = path.removesuffix("/").removesuffix(".git").partition("/")
    is_plain = all(part and part.replace("-", "").replace("_", "").replace(".", "").isalnum() for part in (owner, name))
    return f"{owner}/{name}" if found and is_plain else None


def _origin_url(config: str) -> str | None:
    _, _, rest = config.partition('[remote "origin"]')
    lines = (line.partition("=") for line in rest.partition("\n[")[0].splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == "url"), None)


def _recorded(site_packages: str, key: str) -> str | None:
    """Return a text that pip, pipx and uv record of an installation from a git URL (PEP 610)."""
    record = _read(f"{site_packages}/halo_iac-{__version__}.dist-info/direct_url.json")
    _, found, rest = record.partition(f'"{key}"')
    return rest.split('"')[1] if found and rest.count('"') > 1 else None


def head_commit(root: str) -> str | None:
    """Return the commit of a checkout's HEAD, also in a worktree or a submodule; ``None`` if it cannot be read."""
    git = f"{root}/.git"
    link = _read(git)  # a file, in a worktree: "gitdir: PATH"
    if link.startswith("gitdir: "):
        git = os.path.join(root, link[8:].strip())  # noqa: PTH118 - likewise
    head = _read(f"{git}/HEAD").strip()
    if not head.startswith("ref: "):
        return head or None
    branch = head[5:]
    common = os.path.join(git, _read(f"{git}/commondir").strip())  # noqa: PTH118 - likewise
    return _read(f"{common}/{branch}").strip() or _packed(_read(f"{common}/packed-refs"), branch)


def _packed(references: str, branch: str) -> str | None:
    lines = (line.partition(" ") for line in references.splitlines())
    return next((hash_ for hash_, _, name in lines if name == branch), None)


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - likewise
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
