"""GitHub Actions: the variables of its runner, and the comments and issues of its REST API."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from halo_iac.checkout import find_checkout
from halo_iac.ci.host import Host, Post, Posts, Trigger, as_git_config
from halo_iac.errors import FileError, HostError, RefusedError
from halo_iac.version import head_commit

if TYPE_CHECKING:
    from halo_iac.ci.host_api import HostApi

_API: Final = "https://api.github.com"
_BOT: Final = "github-actions[bot]"
"""The author of comments that are written with the job's own token."""
_DEPENDABOT: Final = "dependabot[bot]"


class GithubHost(Host):
    """A job on GitHub Actions; ``token`` may be empty, then no comment and no issue is written."""

    format = "github"

    def __init__(self, env: Mapping[str, str], token: str, cwd: Path) -> None:
        super().__init__(_trigger(env, _event(env), cwd), cwd / (env.get("RUNNER_TEMP") or ".halo") / "halo-ci")
        self._env = env
        self._token = token
        self._repository = env.get("GITHUB_REPOSITORY", "")

    def comments(self) -> Posts | None:
        """Return the comments of the pull request."""
        if not self._token or not self.trigger.request:
            return None
        path = f"/repos/{self._repository}/issues"
        return _Comments(self._api, self._graphql, f"{path}/{self.trigger.request}/comments", f"{path}/comments")

    def issues(self, title: str) -> Posts | None:
        """Return the open issues of the repository."""
        path = f"/repos/{self._repository}/issues"
        return _Issues(self._api, self._graphql, path, title) if self._token else None

    def summarize(self, page: str) -> None:
        """Add a page to the job's summary."""
        self._append("GITHUB_STEP_SUMMARY", f"{page}\n")

    def output(self, name: str, value: str) -> None:
        """Set an output of the step; raises for a value with a line break, which could set other outputs."""
        if not value.isprintable():
            raise FileError(f"the output {name} has a line break or a control character", hint="rename the folder")
        self._append("GITHUB_OUTPUT", f"{name}={value}\n")

    def git_variables(self) -> Mapping[str, str]:
        """Return git's settings for the job's token, which the checkout may not have kept."""
        server = self._env.get("GITHUB_SERVER_URL", "")
        if not self._token or not server.startswith("https://"):
            return {}
        credentials = base64.b64encode(f"x-access-token:{self._token}".encode()).decode()
        key = f"http.{server.rstrip('/')}/.extraheader"
        # An empty header drops the one of the checkout: GitHub refuses two.
        return as_git_config([(key, ""), (key, f"AUTHORIZATION: basic {credentials}")], self._env)

    @cached_property
    def _api(self) -> HostApi:
        return self._open(self._env.get("GITHUB_API_URL") or _API)

    @cached_property
    def _graphql(self) -> HostApi:
        return self._open(self._env.get("GITHUB_GRAPHQL_URL") or f"{_API}/graphql")

    def _open(self, base_url: str) -> HostApi:
        from halo_iac.ci.host_api import HostApi

        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        return HostApi("GitHub", base_url, headers)

    def _append(self, variable: str, text: str) -> None:
        path = self._env.get(variable)
        if not path:
            return
        try:
            with Path(path).open("a", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise FileError(f"{variable} cannot be written: {error.strerror}") from None


class _Comments(Posts):
    def __init__(self, api: HostApi, graphql: HostApi, path: str, single_path: str) -> None:
        self._api = api
        self._graphql = graphql
        self._path = path
        self._single_path = single_path

    def authors(self) -> frozenset[str]:
        """Return the owner of the token: a user, an app, or the job's own bot."""
        try:
            found = self._graphql.request("POST", "", {"query": "{viewer{login}}"})["data"]["viewer"]["login"]
        except (HostError, KeyError, TypeError):
            return frozenset({_BOT})
        return frozenset({found})

    def all(self) -> Iterator[Post]:
        return (_post(each, "id") for each in self._api.list(self._path))

    def add(self, text: str) -> None:
        self._api.request("POST", self._path, {"body": text})

    def change(self, number: int, text: str) -> None:
        self._api.request("PATCH", f"{self._single_path}/{number}", {"body": text})


class _Issues(_Comments):
    def __init__(self, api: HostApi, graphql: HostApi, path: str, title: str) -> None:
        super().__init__(api, graphql, path, path)
        self._title = title

    def all(self) -> Iterator[Post]:
        return self._list(state="open", direction="asc")

    def closed(self, since: str) -> Iterator[Post]:
        return self._list(state="closed", since=since)

    def _list(self, **query: str) -> Iterator[Post]:
        """Yield issues; GitHub lists pull requests among them."""
        found = self._api.list(self._path, **query)
        return (_post(each, "number") for each in found if "pull_request" not in each)

    def add(self, text: str) -> None:
        self._api.request("POST", self._path, {"title": self._title, "body": text})

    def close(self, number: int) -> None:
        self._api.request("PATCH", f"{self._single_path}/{number}", {"state": "closed"})


def _post(found: Mapping[str, Any], number: str) -> Post:
    author = (found.get("user") or {}).get("login") or ""
    return Post(int(found[number]), author, found.get("body") or "")


def _event(env: Mapping[str, str]) -> Mapping[str, Any]:
    """Return GitHub's event payload; the runner keeps it outside the checkout."""
    path = env.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise FileError(f"GITHUB_EVENT_PATH: {path} is not the event of a workflow") from None
    return found if isinstance(found, dict) else {}


def _trigger(env: Mapping[str, str], event: Mapping[str, Any], cwd: Path) -> Trigger:
    name = env.get("GITHUB_EVENT_NAME", "")
    if name == "pull_request_target":  # the secrets are there, and a stranger's branch may be what is checked out
        raise RefusedError(
            "a workflow on pull_request_target exposes its secrets to branches of forks",
            hint="use the event pull_request",
        )
    if name == "merge_group":
        return Trigger(keyless="a merge queue")
    if name != "pull_request":
        branch = env.get("GITHUB_REF_NAME", "") if env.get("GITHUB_REF_TYPE") == "branch" else ""
        return Trigger(branch=branch)
    request = event.get("pull_request") or {}
    labels = tuple(str(each.get("name")) for each in request.get("labels") or ())
    return Trigger(str(request.get("number", "")), _base(env, request, cwd), "", labels, _keyless(env, request))


def _base(env: Mapping[str, str], request: Mapping[str, Any], cwd: Path) -> str:
    """Return the base that the checked out commit is to be compared with.

    The merge that GitHub makes of a pull request has the base as its first parent. A workflow may check out the branch
    itself instead (``ref:``), whose first parent is the branch's own.
    """
    if env.get("GITHUB_REF", "").endswith("/merge"):
        checkout = find_checkout(cwd / ".git")
        head = None if checkout is None else head_commit(str(checkout))
        if head is None or head == env.get("GITHUB_SHA", head):
            return "HEAD^1"
    return str((request.get("base") or {}).get("sha") or "")


def _keyless(env: Mapping[str, str], request: Mapping[str, Any]) -> str:
    source = ((request.get("head") or {}).get("repo") or {}).get("full_name")
    if source != env.get("GITHUB_REPOSITORY"):
        return "a fork"
    names = {env.get("GITHUB_ACTOR"), (request.get("user") or {}).get("login")}  # who runs it again is the actor then
    has_key = bool(env.get("INF_API_KEY", "").strip())
    return "Dependabot" if _DEPENDABOT in names and not has_key else ""
