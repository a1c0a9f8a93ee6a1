"""A checkout whose files an attacker controls can neither run code nor read or send secrets.

See docs/security.md#untrusted-checkouts.

Commands are processes of their own, with a watch that notes what Python opens, starts and imports from the checkout;
where it matters what is imported from where, they are started as a pipeline starts them, and forked otherwise.
What a stranger *can* do is in the last tests: a policy is theirs to edit as well, and the plan says what it comes to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pytest
from command_line import CommandLine, CommandResult
from forked import PIPE, HaloProcess
from loopback import failure, serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and scripts of POSIX")

SECRET = "canary-of-a-file-outside"
VARIABLE = "canary-of-a-variable"
KEY = "sk-inference-canary-of-the-key"
ENTRY = "one: {title: One, agent: checkout, frequency: hourly}"

WATCH = """
import os, sys
log, checkout = open(os.environ["WATCH_LOG"], "a", buffering=1), os.environ["WATCH_CHECKOUT"]
def note(event, facts):
    if event == "open":
        path = facts[0] if not facts[2] & os.O_EXCL else None  # which follows no link
    elif event == "exec":
        path = getattr(facts[0], "co_filename", "")
        event = event if path.startswith(checkout) else ""
    elif event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile"}:
        path = facts[0]
    else:
        return
    if event and isinstance(path, (str, bytes)):
        log.write(event + "\\t" + os.path.realpath(os.fsdecode(path)) + "\\n")
sys.addaudithook(note)
"""

LAUNCHERS = {
    "script": [str(Path(sys.executable).with_name("halo"))],
    "module": [sys.executable, "-P", "-m", "halo_iac"],
}


@dataclass
class Checkout:
    """The stranger's folder, beside one that is none of theirs."""

    top: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outside.mkdir()
        self.folder.mkdir()
        (self.folder / ".git").mkdir()
        (self.top / "watch").mkdir()
        (self.top / "watch" / "sitecustomize.py").write_text(WATCH)
        for name in ("secret.yaml", "secret.md"):
            (self.outside / name).write_text(f"schedules: {{{SECRET}: {{title: {SECRET}}}}}\n")
        self.env = {
            "PATH": ".:bin:/usr/bin:/bin",
            "HOME": str(self.top / "home"),
            "PYTHONPATH": str(self.top / "watch"),
            "WATCH_LOG": str(self.log),
            "WATCH_CHECKOUT": str(self.folder),
            "CANARY": VARIABLE,
            "INF_CONFIG_DIR": str(self.top / "inf"),
        }

    @property
    def folder(self) -> Path:
        return self.top / "checkout"

    @property
    def outside(self) -> Path:
        return self.top / "outside"

    @property
    def log(self) -> Path:
        return self.top / "log"

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def link(self, name: str, target: str | Path) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def run(self, *argv: str, launcher: Sequence[str] = (), **env: str) -> CommandResult:
        """Run a command in the checkout; whatever it is, it must end, and do none of what no stranger may cause."""
        before = sorted(path.name for path in self.outside.iterdir())
        with self._start(argv, launcher, {**self.env, **env}) as process:
            out, err = process.communicate(timeout=120)
        ended = CommandResult(process.wait(), out, err)
        noted = [line.split("\t") for line in self.log.read_text().splitlines()]
        assert noted, "the watch is asleep"
        assert [path for event, path in noted if event != "open"] == [], "something was run"
        assert [path for _, path in noted if Path(path).is_relative_to(self.outside)] == [], "read outside"
        assert sorted(path.name for path in self.outside.iterdir()) == before, "something was left outside"
        for canary in (SECRET, VARIABLE, KEY, "Traceback"):
            assert canary not in ended.text
        return ended

    def _start(
        self, argv: Sequence[str], launcher: Sequence[str], env: dict[str, str]
    ) -> subprocess.Popen[str] | HaloProcess:
        if launcher:
            return subprocess.Popen([*launcher, *argv], cwd=self.folder, env=env, stdout=PIPE, stderr=PIPE, text=True)
        return HaloProcess(*argv, cwd=self.folder, env=env, before=WATCH)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


COMMANDS = (
    ("validate",),
    ("plan",),
    ("plan", "--sandbox"),
    ("apply", "--yes", "--sandbox"),
    ("plan", "--sandbox", "--base", "main"),
    ("apply", "--yes", "--sandbox", "--require-head", "main"),
    ("preview",),
    ("rename", "one", "Two"),
    ("import", "--sandbox", "--file", "new.yaml"),
    ("doctor",),
    ("agent", "list", "--sandbox"),
    ("schema",),
    ("--help",),
)

MODULES = (
    "httpx", "yaml", "ruamel", "_ruamel_yaml", "typer", "click", "pydantic", "pydantic_core", "rich", "deepdiff",
    "json", "cronsim", "tzdata", "certifi", "anyio", "h11", "httpcore", "brotli", "zstandard", "socksio",
    "h2", "sitecustomize", "usercustomize", "conftest", "setup", "dotenv", "orjson", "shellingham", "encodings",
)  # fmt: skip
"""Names that something may try to import: our dependencies, what those look for, what Python and tools look for."""


def plant_code(checkout: Checkout, *packages: str) -> None:
    """Put in the way whatever might be imported or started; all of it leaves a mark."""
    mark = f"open({str(checkout.outside / 'code-was-run')!r}, 'w')\n"
    for name in (*MODULES, *packages):
        checkout.write(f"{name}/__init__.py", mark)
        checkout.write(f"{name}/__main__.py", mark)
        checkout.write(f"{name}.pth", f"import os; {mark}")
    script = f"#!/bin/sh\ntouch {checkout.outside / 'code-was-run'}\n"
    for name in ("git", "inf", "node", "sh", "less", "ps", "stty", "python", "python3", "halo", "uname", "tput"):
        checkout.write(name, script, 0o755)
        checkout.write(f"bin/{name}", script, 0o755)
    checkout.write(".env", f"INF_API_URL=http://127.0.0.1:1\nINF_API_KEY={KEY}\nHALO_FILE=other.yaml\n")
    for name in ("pyvenv.cfg", "setup.cfg", "pip.conf", ".netrc", ".inf/config.json", "pyproject.toml", ".pdbrc"):
        checkout.write(name, f"{{{KEY}")
    checkout.write("halo.yaml", f"version: 1\nschedules: {{{ENTRY}}}\n")


@pytest.mark.parametrize(
    ("launcher", "argv"),
    [*product(["script"], COMMANDS), *product(["module"], COMMANDS[2:5])],
    ids=lambda words: words if isinstance(words, str) else " ".join(words),
)
def test_no_code_of_the_checkout_is_run(checkout: Checkout, argv: tuple[str, ...], launcher: str) -> None:
    plant_code(checkout, "halo_iac")
    ended = checkout.run(*argv, launcher=LAUNCHERS[launcher])
    wants_key, wants_git = argv in {("plan",), ("doctor",)}, {"--base", "--require-head"} & {*argv}
    assert ended.code == (1 if wants_key or wants_git else 0), ended.text
    assert not wants_git or "git on PATH is ./git, a relative path" in ended.err


def test_without_the_flag_p_only_a_package_of_our_own_name_is_run(checkout: Checkout) -> None:
    plant_code(checkout)
    assert checkout.run("-m", "halo_iac", "validate", launcher=[sys.executable]).code == 0


def test_a_platform_named_by_the_checkout_gets_no_key(checkout: Checkout) -> None:
    with serving(lambda _: failure(401)) as theirs, serving(lambda _: failure(401)) as ours:
        config = f'{{"apiUrl": "{theirs.url}", "activeProjectId": "p"}}'
        for name in (".inf/config.json", "inf/config.json", "config.json"):
            checkout.write(name, config)
        checkout.write(".env", f"INF_API_URL={theirs.url}\nHTTPS_PROXY={theirs.url}\n")
        checkout.write("halo.yaml", f"version: 1\nproject: p\nschedules: {{{ENTRY}}}\n")
        assert checkout.run("plan", INF_API_KEY=KEY, INF_API_URL=ours.url).code == 1
        assert ours.requests
        for key in ("base_url", "api_url", "url", "key", "api_key", "sandbox", "host", "team", "proxy"):
            checkout.write("halo.yaml", f"version: 1\nproject: p\nschedules: {{}}\n{key}: {theirs.url}\n")
            ended = checkout.run("plan", INF_API_KEY=KEY, INF_API_URL=ours.url)
            assert f"unknown key `{key}`" in ended.err
        assert theirs.requests == []


@pytest.mark.parametrize(
    ("command", "home", "repository"),
    [
        (("plan",), ".", True),
        (("plan", "--project", "p", "--file", "team/halo.yaml"), "", True),
        (("apply", "--yes", "--file", "team/halo.yaml"), "home/..", True),
        (("plan",), ".", False),
        (("agent", "list"), "", False),
        (("report", "list"), ".", True),
        (("doctor",), "home", True),
    ],
)
def test_a_home_in_the_checkout_sends_no_key_elsewhere(
    checkout: Checkout, command: tuple[str, ...], home: str, *, repository: bool
) -> None:
    if not repository:
        (checkout.folder / ".git").rmdir()
    (checkout.folder / "home").mkdir()
    with serving(lambda _: failure(401)) as theirs:
        for name in ("halo.yaml", "team/halo.yaml"):
            checkout.write(name, f"version: 1\nproject: p\nschedules: {{{ENTRY}}}\n")
        for name in (".inf", "home/.inf"):
            checkout.write(f"{name}/config.json", f'{{"apiUrl": "{theirs.url}", "apiKey": "x"}}')
        given = home if home == "." else str(checkout.folder / home)
        ended = checkout.run(*command, HOME=given, INF_CONFIG_DIR="", INF_API_KEY=KEY)
    assert ended.code == 1
    assert f"~/.inf/config.json is not used: it lies in the checkout {checkout.folder}" in ended.text
    assert "Set HOME, or INF_CONFIG_DIR, to a folder outside of the checkout." in ended.text
    assert theirs.requests == []


@pytest.mark.parametrize("kind", ["submodule", "clone"])
def test_a_home_around_a_repository_within_the_checkout_sends_no_key_elsewhere(checkout: Checkout, kind: str) -> None:
    checkout.write("team/halo.yaml", f"version: 1\nproject: p\nschedules: {{{ENTRY}}}\n")
    inner = checkout.folder / ("team/.git" if kind == "clone" else ".git/modules/team")
    inner.mkdir(parents=True)
    if kind == "submodule":
        checkout.write("team/.git", "gitdir: ../.git/modules/team\n")
    with serving(lambda _: failure(401)) as theirs:
        checkout.write(".inf/config.json", f'{{"apiUrl": "{theirs.url}"}}')
        env = {"HOME": str(checkout.folder), "INF_CONFIG_DIR": "", "INF_API_KEY": KEY}
        ended = checkout.run("plan", "--file", "team/halo.yaml", **env)
    assert f"~/.inf/config.json is not used: it lies in the checkout {checkout.folder}" in ended.text
    assert theirs.requests == []


@pytest.mark.parametrize("folder", [".inf", "checkout/.inf", "link"])
@pytest.mark.parametrize("name", ["apiUrl", "activeTeamId", "activeProjectId"])
def test_a_config_folder_in_the_checkout_is_not_used_with_another_key(
    checkout: Checkout, folder: str, name: str
) -> None:
    checkout.link("link", checkout.top / "inf")
    (checkout.top / "inf").mkdir()
    with serving(lambda _: failure(401)) as theirs, serving(lambda _: failure(401)) as ours:
        config = json.dumps({name: theirs.url if name == "apiUrl" else "p"})
        checkout.write(".inf/config.json", config)
        (checkout.top / "inf/config.json").write_text(config)
        checkout.write("halo.yaml", f"version: 1\nschedules: {{{ENTRY}}}\n")
        env = {"INF_API_URL": ours.url} if name != "apiUrl" else {}
        given = folder if "/" not in folder else str(checkout.top / folder)
        ended = checkout.run("plan", INF_CONFIG_DIR=given, INF_API_KEY=KEY, **env)
    assert (ended.code, ended.out) == (1, "")
    assert f"config.json ({name}) is not used with the key from INF_API_KEY: it lies in the checkout" in ended.err
    assert theirs.requests == []


def test_the_doctor_reports_git_configured_by_the_checkout(checkout: Checkout) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=checkout.folder, check=True)
    checkout.write(".gitconfig", "[core]\n\tsshCommand = false\n")
    checkout.write("halo.yaml", f"version: 1\nschedules: {{{ENTRY}}}\n")
    env = {**checkout.env, "PATH": os.environ["PATH"], "HOME": str(checkout.folder)}
    checked = subprocess.run(
        [*LAUNCHERS["script"], "doctor", "--sandbox"],
        cwd=checkout.folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1
    assert f"git           FAILED: git's configuration in {checkout.folder}/.gitconfig is not used" in checked.stdout


# Reading ------------------------------------------------------------------------------------------------------------

WAYS_OUT = {
    "halo.yaml": ("halo.yaml", "../outside/secret.yaml"),
    "include": ("link.yaml", "../outside/secret.yaml"),
    "folder": ("folder", "../outside"),
    "prompt": ("link.md", "../outside/secret.md"),
    "environ": ("environ.md", "/proc/self/environ"),
    "zero": ("zero.yaml", "/dev/zero"),
    "zeros": ("zero.md", "/dev/zero"),
    "stdin": ("stdin.yaml", "/dev/stdin"),
    "circle": ("circle.yaml", "circle.yaml"),
}


@pytest.mark.parametrize(
    "policy",
    [
        "include: [link.yaml]",
        "include: ['*.yaml']",
        "include: ['**/*.yaml']",
        "include: [folder/secret.yaml]",
        "include: ['fol*/*.yaml']",
        "include: [zero.yaml]",
        "include: [stdin.yaml]",
        "include: [pipe.yaml]",
        "include: [circle.yaml]",
        "include: [../outside/secret.yaml]",
        "include: ['./../outside/*.yaml']",
        "include: ['schedules/../../outside/secret.yaml']",
        "include: ['{top}/outside/secret.yaml']",
        "include: ['~/../outside/secret.yaml']",
        "include: ['${{CANARY}}.yaml']",
        "include: [.git/x.yaml]",
        "include: ['file:///etc/passwd.yaml']",
        "include: [huge.yaml]",
        "include: [hard.yaml, halo.yaml]",
        "defaults: {{prompt_file: link.md}}",
        "defaults: {{prompt_file: folder/secret.md}}",
        "defaults: {{prompt_file: environ.md}}",
        "defaults: {{prompt_file: zero.md}}",
        "defaults: {{prompt_file: pipe.md}}",
        "defaults: {{prompt_file: ../outside/secret.md}}",
        "defaults: {{prompt_file: '{top}/outside/secret.md'}}",
        "defaults: {{prompt_file: 'x/../../outside/secret.md'}}",
        "defaults: {{prompt_file: 'x\\..\\..\\outside\\secret.md'}}",
        'defaults: {{prompt_file: "..\\0/outside/secret.md"}}',
        "defaults: {{prompt_file: '${{CANARY}}.md'}}",
    ],
)
def test_nothing_outside_is_read(checkout: Checkout, policy: str) -> None:
    for name, target in list(WAYS_OUT.values())[1:]:
        checkout.link(name, target)
    for name in ("pipe.yaml", "pipe.md"):
        os.mkfifo(checkout.folder / name)
    checkout.write("hard.yaml", "!!python/object/apply:os.system [id]")
    (checkout.folder / "huge.yaml").touch()
    os.truncate(checkout.folder / "huge.yaml", 1 << 40)
    checkout.write("halo.yaml", f"version: 1\nschedules: {{{ENTRY}}}\n{policy.format(top=checkout.top)}\n")
    ended = checkout.run("plan", "--sandbox")
    assert (ended.code, ended.out) == (1, "")
    assert "halo.yaml:3:" in ended.err or "hard.yaml:1:1" in ended.err


@pytest.mark.parametrize("target", ["../outside/secret.yaml", "/dev/zero", "/dev/stdin", "/proc/self/environ", "pipe"])
def test_a_project_file_that_links_out_of_the_checkout_is_not_read(checkout: Checkout, target: str) -> None:
    os.mkfifo(checkout.folder / "pipe")
    checkout.link("halo.yaml", target)
    ended = checkout.run("validate")
    assert ended.code == 1
    assert "halo.yaml:1:1: " in ended.out


@pytest.mark.parametrize("name", [".halo", ".halo/sandbox.db", ".halo/sandbox.db-wal", ".halo/.gitignore"])
def test_no_planted_sandbox_leads_out(checkout: Checkout, name: str) -> None:
    checkout.write("halo.yaml", f"version: 1\nschedules: {{{ENTRY}}}\n")
    checkout.link(name, "../outside" if name == ".halo" else "../../outside/planted")
    ended = checkout.run("apply", "--yes", "--sandbox")
    assert ended.code in {0, 1}
    assert "Plan: 1 to create" in ended.out or "error: " in ended.err


def test_a_planted_file_that_is_not_a_sandbox_is_reported(checkout: Checkout) -> None:
    checkout.write("halo.yaml", "version: 1\nschedules: {}\n")
    for content in ("not SQLite, but long enough to look at" * 9, "SQLite format 3\0" + "x" * 4096):
        checkout.write(".halo/sandbox.db", content, 0o666)
        ended = checkout.run("plan", "--sandbox")
        assert ended.code == 1
        assert "SQLite says: " in ended.err
    (checkout.folder / ".halo/sandbox.db").unlink()
    os.mkfifo(checkout.folder / ".halo/sandbox.db")
    assert checkout.run("plan", "--sandbox").code == 1


def test_a_planted_folder_is_made_private(checkout: Checkout) -> None:
    checkout.write("halo.yaml", "version: 1\nschedules: {}\n")
    checkout.write(".halo/.gitignore", "!*\n")
    (checkout.folder / ".halo").chmod(0o777)
    assert checkout.run("plan", "--sandbox").code == 0
    assert (checkout.folder / ".halo").stat().st_mode & 0o777 == 0o700


# Variables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        "${CANARY}", "${INF_API_KEY}", "${HALO_VAR_CANARY}", "${PATH}", "$CANARY", "$$CANARY", "$(echo $CANARY)",
        "`echo $CANARY`", "%CANARY%", "{CANARY}", "${${CANARY}}", "${CANARY:-$CANARY}", "$${CANARY}", "${env:CANARY}",
        "{{ CANARY }}", "!!python/name:os.environ", "~",
    ],
)  # fmt: skip
def test_no_variable_but_halo_s_own_is_read(checkout: Checkout, title: str) -> None:
    entry = f'one: {{title: "{title}", agent: "{title}", frequency: hourly, prompt: "{title}", timezone: "{title}"}}'
    checkout.write("halo.yaml", f"version: 1\nproject: p\nschedules: {{{entry}}}\n")
    for argv in (("validate",), ("plan", "--sandbox"), ("plan", "--sandbox", "--json")):
        checkout.run(*argv, INF_API_KEY=KEY, PATH=f"/usr/bin:{VARIABLE}")


# Guards -------------------------------------------------------------------------------------------------------------


NIGHTLY = "  nightly: {title: Nightly audit, agent: checkout, frequency: hourly}\n"
BEFORE = f"""\
version: 1
protect: ["Nightly *"]
schedules:
{NIGHTLY}  other: {{title: Other, agent: checkout, frequency: hourly}}
"""


@pytest.fixture
def reviewed(halo: CommandLine, folder: Path) -> CommandLine:
    """Return the command line beside a project with a protected title, as it was before the pull request, applied."""
    (folder / "halo.yaml").write_text(BEFORE)
    assert halo("apply", "--sandbox", "--yes").code == 0
    return halo


def plan_text(halo: CommandLine, folder: Path, text: str) -> CommandResult:
    (folder / "halo.yaml").write_text(text)
    return halo("plan", "--sandbox")


def test_an_unchanged_policy_refuses_the_removal_of_protected_titles(reviewed: CommandLine, folder: Path) -> None:
    ended = plan_text(reviewed, folder, BEFORE.replace("title: Nightly audit", "state: archived, title: Nightly audit"))
    assert ended.code == 3
    assert "protected" in ended.out


def test_a_policy_that_lost_its_protection_shows_so_and_every_removal(reviewed: CommandLine, folder: Path) -> None:
    loosened = BEFORE.replace('protect: ["Nightly *"]', "undeclared: archive").replace(NIGHTLY, "")
    ended = plan_text(reviewed, folder, loosened)
    assert ended.code == 0  # one of two is no more than a removal may always be, so a reviewer has to look:
    assert "Policy   undeclared: archive; scope: the whole project\n" in ended.out  # without `protect: "Nightly *"`
    assert "Nightly audit" in ended.out
    assert "1 to archive" in ended.out


def test_no_file_permits_what_only_an_option_permits(reviewed: CommandLine, folder: Path) -> None:
    for key in ("allow_archive", "allow-archive", "allow_create", "yes", "max_archive"):
        ended = plan_text(reviewed, folder, f"{BEFORE}{key}: 5\n")
        assert ended.code == 1
        assert f"unknown key `{key}`" in ended.err
    everything_goes = "version: 1\nundeclared: archive\nschedules: {}\n"
    assert plan_text(reviewed, folder, everything_goes).code == 3
