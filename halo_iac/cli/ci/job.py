"""One job of a pipeline: its host, its inputs, its folder, and its outputs (docs/ci.md)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from halo_iac import exit_codes
from halo_iac.api.secret import Secret
from halo_iac.ci.github import GithubHost
from halo_iac.ci.gitlab import GitlabHost
from halo_iac.ci.host import Host, Posts, Trigger
from halo_iac.ci.inputs import PREFIX, CiInputs
from halo_iac.ci.posts import marker
from halo_iac.cli.console import Console
from halo_iac.cli.main import main
from halo_iac.cli.project_files.globs import find_project_files
from halo_iac.cli.project_files.options import split_files
from halo_iac.errors import HostError
from halo_iac.storage.outputs import check_links


class CiJob:
    """A job: ``inputs`` are its variables, ``trigger`` is the event that started it, ``folder`` is where it writes.

    ``args`` are passed on to the command that it runs.
    """

    def __init__(self, console: Console, args: Sequence[str], cwd: Path) -> None:
        token = console.env.get(f"{PREFIX}TOKEN", "").strip()
        if token:
            console.redactor.add_key(Secret(token))
        self.console = console
        self.cwd = cwd
        self.inputs = CiInputs.of_environment(console.env)
        self.args = (*self.inputs.args, *args)
        self.host = _find_host(console, token, cwd)
        self.trigger = self.host.trigger
        self.folder = self.host.folder / self.inputs.folder

    def run(self, *words: str, takes_args: bool = True) -> int:
        """Run a command of halo as if it had been typed, and return its exit code.

        Without ``takes_args`` the job's own options are another command's.
        """
        env = {**self.console.env, **self.host.git_variables()}
        return main([*words, *(self.args if takes_args else ())], self.console.with_variables(env))

    # Files ----------------------------------------------------------------------------------------------------------

    def list_file_options(self) -> list[list[str]]:
        """Return the options that name the project file, once for each of several: for commands that take one."""
        single, several = split_files(self.inputs.files)
        names = find_project_files(several, self.cwd) if several else (single,)
        return [["--file", name] if name else [] for name in names]

    def prepare_folder(self, keeps: Sequence[str] = ()) -> None:
        """Create the job's folder, without files that a branch has committed or an earlier job has left there."""
        check_links(self.host.folder, self.cwd)  # a link in the branch could lead the files out of the checkout
        if self.folder.is_symlink() or self.folder.is_file():
            self.folder.unlink()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in self.folder.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            elif each.name not in keeps:
                each.unlink()

    @property
    def page(self) -> Path:
        """Return where the command writes its page."""
        return self.folder / "page.md"

    @property
    def page_text(self) -> str:
        """Return the page that the command has written; empty if it ended early."""
        return self.page.read_text(encoding="utf-8") if self.page.is_file() else ""

    # What the host learns -------------------------------------------------------------------------------------------

    def report(self, code: int, **outputs: Path) -> None:
        """Set the outputs for later steps, the exit code and the files, and show the page."""
        self.host.output("changes", "true" if code == exit_codes.PENDING else "false")
        self.host.output("exit-code", str(code))
        for name, path in outputs.items():
            self.host.output(name, str(path))
        if self.page_text:
            self.host.summarize(self.page_text)

    def post(self, what: str, posts: Posts | None, act: Callable[[Posts, str, str], bool]) -> bool:
        """Write the page to a comment or an issue, and return whether it is shown.

        An error of the host is only a warning: the command's outcome counts, and its page is in the log or the summary.
        """
        if posts is None or not self.inputs.comments or not self.page_text:
            return False
        try:
            return act(posts, marker(what, self.inputs.name, self.inputs.files), self.page_text)
        except HostError as error:
            self.console.warn(error.message, error.hint or "run the job again")
            return False


def _find_host(console: Console, token: str, cwd: Path) -> Host:
    if console.env.get("GITHUB_ACTIONS") == "true":
        return GithubHost(console.env, token, cwd)
    if console.env.get("GITLAB_CI") == "true":
        return GitlabHost(console.env, token, cwd)
    return Host(Trigger(), cwd / ".halo" / "ci")
