"""The pipeline that ``halo init --ci`` writes: the files of an example, pinned to the commit of this halo."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

import halo_iac
from halo_iac.checkout import find_checkout
from halo_iac.cli.context import CommandContext
from halo_iac.errors import HaloError
from halo_iac.paths import resolve_path
from halo_iac.storage.atomic import write_new
from halo_iac.storage.outputs import check_links
from halo_iac.version import commit, repository


class CiHost(StrEnum):
    """The host of the pipeline."""

    GITHUB = "github"
    GITLAB = "gitlab"


EXAMPLES: Final = {CiHost.GITHUB: "github-actions", CiHost.GITLAB: "gitlab-ci"}
FILES: Final = {CiHost.GITHUB: ".github/workflows/*.yml", CiHost.GITLAB: ".gitlab-ci.yml"}
_NO_COMMIT: Final = "0" * 40
_NO_REPOSITORY: Final = "OWNER/halo"
"""The placeholders in the examples for the commit and the repository of halo."""
_USE: Final = re.compile(r"(?P<inline>\{command: \w+)|(?P<indent>\n +)(?:command: \w+|ref: .+)(?=\n)")
"""The first input in the examples: the command on GitHub, the commit on GitLab."""
_NEEDED: Final = {
    CiHost.GITHUB: (
        "add the variable HALO_PROJECT_ID",
        "add the secret HALO_READ_KEY, a key that may only read",
        "add the environment halo-approval with required reviewers: without them nothing waits for an approval",
        "add the environment halo-production for the branch main alone, with the secret HALO_WRITE_KEY: it may write",
        "protect main, so that changes get there only by pull request",
    ),
    CiHost.GITLAB: (
        "add the variable HALO_PROJECT_ID",
        "add the masked variable HALO_READ_KEY, a key that may only read",
        "add the masked variable HALO_COMMENT_TOKEN, a project access token with the scope api",
        "add the protected environment halo-production with approvers",
        "add the masked and protected variable HALO_WRITE_KEY, a key that may write, for that environment alone",
        "protect the default branch",
        "add a nightly pipeline schedule, which looks for drift",
    ),
}
"""What to set up at each host. A missing environment is created by the first job, without protection."""


def write_pipeline(context: CommandContext, host: CiHost, project: Path) -> tuple[list[str], list[str], list[str]]:
    """Write the files into the project file's repository; return those written, those kept, and the steps left to do.

    Existing files are kept.
    """
    root = find_checkout(context.cwd / project) or resolve_path((context.cwd / project).parent)
    texts = {name: _name_project(text, root, context.cwd / project) for name, text in _read_example(host).items()}
    written: list[str] = []
    kept: list[str] = []
    for name, text in texts.items():
        path = root / name
        check_links(path, context.cwd)
        path.parent.mkdir(parents=True, exist_ok=True)
        (written if write_new(path, text) else kept).append(name)
    steps: list[str] = []
    if host is CiHost.GITLAB:  # a repository has one file for all of its pipelines
        steps += (f"add to {name}, unless it is there:\n\n{textwrap.indent(texts[name], '  ')}" for name in kept)
    if any(_NO_REPOSITORY in text for text in texts.values()):
        steps.append(f"replace {_NO_REPOSITORY} with the repository that you install halo from")
    if any(_NO_COMMIT in text for text in texts.values()):
        steps.append(f"replace {_NO_COMMIT} with the commit of halo that you have reviewed")
    return written, kept, [*steps, *_NEEDED[host]]


def _read_example(host: CiHost) -> Mapping[str, str]:
    """Return the files of the example by their paths in a repository, pinned to the commit of this halo."""
    package = Path(halo_iac.__file__).parent
    # In an installation the examples are in the package, in a checkout beside it.
    folders = (parent / "examples" / EXAMPLES[host] for parent in (package, package.parent))
    folder = next((each for each in folders if each.is_dir()), None)
    if folder is None:
        raise HaloError("this installation of halo has no examples", hint="install it again, from a clone or a git URL")
    texts = {}
    for path in sorted(folder.glob(FILES[host])):
        text = path.read_text(encoding="utf-8").replace(_NO_COMMIT, commit() or _NO_COMMIT)
        texts[path.relative_to(folder).as_posix()] = text.replace(_NO_REPOSITORY, repository() or _NO_REPOSITORY)
    return texts


def _name_project(text: str, root: Path, project: Path) -> str:
    """Return the text with the input ``files`` wherever it uses halo, if the project file is not the default one."""
    where = resolve_path(project.parent) / project.name
    if where == root / "halo.yaml":
        return text
    files = f"files: {json.dumps(where.relative_to(root).as_posix(), ensure_ascii=False)}"
    return _USE.sub(lambda use: f"{use[0]}{', ' if use['inline'] else use['indent']}{files}", text)
