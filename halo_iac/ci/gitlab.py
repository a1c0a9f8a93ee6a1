"""GitLab CI: the variables of its runner, and the notes and issues of its REST API."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from halo_iac.ci.host import Host, Post, Posts, Trigger
from halo_iac.errors import HostError
from halo_iac.storage.atomic import write_atomically

if TYPE_CHECKING:
    from halo_iac.ci.host_api import HostApi

_COMMAND: Final = re.compile(r"^(?=/)", re.MULTILINE)
"""The start of a quick action: GitLab executes `/close` at the start of a line, old servers even in a fence."""
_MAX_BYTES: Final = 64 << 20
"""The most bytes of a receipt that are unpacked."""


class GitlabHost(Host):
    """A job on GitLab CI; ``token`` is one of the project with the scope ``api``, for notes and issues."""

    def __init__(self, env: Mapping[str, str], token: str, cwd: Path) -> None:
        super().__init__(_trigger(env), cwd / (env.get("CI_PROJECT_DIR") or "") / ".halo" / "ci")
        self._env = env
        self._token = token
        self._project = f"/projects/{env.get('CI_PROJECT_ID', '')}"

    def comments(self) -> Posts | None:
        """Return the notes of the merge request."""
        if not self._token or not self.trigger.request:
            return None
        return _Notes(self._api, f"{self._project}/merge_requests/{self.trigger.request}/notes")

    def issues(self, title: str) -> Posts | None:
        """Return the open issues of the project."""
        return _Issues(self._api, f"{self._project}/issues", title) if self._token else None

    def fetch_receipts(self, run: str, folder: Path) -> None:
        """Write the receipts among the artifacts of a job, given by its number."""
        data = self._api.download(f"{self._project}/jobs/{run}/artifacts")
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                names = [PurePosixPath(each) for each in archive.namelist()]
                for name in (each for each in names if each.parent.name == "receipts" and each.suffix == ".jsonl"):
                    with archive.open(str(name)) as member:
                        text = member.read(_MAX_BYTES).decode("utf-8", "replace")
                    write_atomically(folder / name.name, text, mode=0o600)
        except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError):
            raise HostError(f"GitLab: the artifacts of job {run} cannot be read") from None

    @cached_property
    def _api(self) -> HostApi:
        from halo_iac.ci.host_api import HostApi

        # A job's own token may download artifacts, and write neither notes nor issues.
        headers = {"PRIVATE-TOKEN": self._token} if self._token else {"JOB-TOKEN": self._env.get("CI_JOB_TOKEN", "")}
        return HostApi("GitLab", self._env.get("CI_API_V4_URL", ""), headers)


class _Notes(Posts):
    text_field = "body"
    number_field = "id"
    query: Mapping[str, str] = {"sort": "asc"}

    def __init__(self, api: HostApi, path: str) -> None:
        self._api = api
        self._path = path

    def authors(self) -> frozenset[str]:
        return frozenset({str(self._api.request("GET", "/user")["id"])})

    def all(self) -> Iterator[Post]:
        return self._list(**self.query)

    def _list(self, **query: str) -> Iterator[Post]:
        for each in self._api.list(self._path, **query):
            author = str((each.get("author") or {}).get("id", ""))
            yield Post(int(each[self.number_field]), author, each.get(self.text_field) or "")

    def add(self, text: str) -> None:
        self._api.request("POST", self._path, {self.text_field: _without_commands(text)})

    def change(self, number: int, text: str) -> None:
        self._api.request("PUT", f"{self._path}/{number}", {self.text_field: _without_commands(text)})


class _Issues(_Notes):
    text_field = "description"
    number_field = "iid"
    query: Mapping[str, str] = {"state": "opened", "sort": "asc"}

    def __init__(self, api: HostApi, path: str, title: str) -> None:
        super().__init__(api, path)
        self._title = title

    def closed(self, since: str) -> Iterator[Post]:
        return self._list(state="closed", updated_after=since)

    def add(self, text: str) -> None:
        self._api.request("POST", self._path, {"title": self._title, self.text_field: _without_commands(text)})

    def close(self, number: int) -> None:
        self._api.request("PUT", f"{self._path}/{number}", {"state_event": "close"})


def _without_commands(text: str) -> str:
    """Return a text without quick actions: it may contain a report, which anyone may have written."""
    return _COMMAND.sub(" ", text)


def _trigger(env: Mapping[str, str]) -> Trigger:
    request = env.get("CI_MERGE_REQUEST_IID", "")
    if not request:
        return Trigger(branch=env.get("CI_COMMIT_BRANCH", ""))
    # In a pipeline of merged results HEAD is the merge, and the branch began elsewhere than the target is now.
    base = env.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
    labels = tuple(each.strip() for each in env.get("CI_MERGE_REQUEST_LABELS", "").split(","))
    target = env.get("CI_MERGE_REQUEST_PROJECT_ID") or env.get("CI_PROJECT_ID")
    is_fork = env.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID") != target
    is_train = env.get("CI_MERGE_REQUEST_EVENT_TYPE") == "merge_train"
    return Trigger(request, base, "", labels, "a fork" if is_fork else "a merge train" if is_train else "")
