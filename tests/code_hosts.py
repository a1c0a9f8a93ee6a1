"""GitHub and GitLab as far as a pipeline asks them: comments and issues on loopback, two a page, and a job's variables.

Both answer to one token, refuse any other, and tell a post's author as the real ones do.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from loopback import Reply, Request

TOKEN = "a-token-of-the-job"
PAGE = 2


@dataclass
class Post:
    """A comment or an issue."""

    author: str
    body: str
    number: int
    title: str = ""
    is_open: bool = True


class CodeHost(Protocol):
    """A fake host: what was posted, and the variables that its runner sets."""

    me: str
    comments: list[Post]
    issues: list[Post]

    def __call__(self, request: Request) -> Reply: ...

    def on_request(self, url: str, base: str, *labels: str, source: str = "") -> dict[str, str]:
        """Return the variables of a job on pull request 7."""

    def on_branch(self, url: str) -> dict[str, str]:
        """Return those of a job on the branch main."""


def _reply(value: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(value).encode(), headers)


def _new(posts: list[Post], author: str, body: str, title: str = "") -> Reply:
    posts.append(Post(author, body, 100 + len(posts), title))
    return _reply({}, 201)


def _in_state(posts: list[Post], query: Mapping[str, list[str]]) -> list[Post]:
    """Return the posts that a list is asked for: those that are open, or those closed since an instant."""
    if query.get("state") != ["closed"]:
        return [each for each in posts if each.is_open]
    [since] = query.get("since") or query["updated_after"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", since)
    return [each for each in posts if not each.is_open]


@dataclass
class Github:
    """The REST API of one repository, and who the token belongs to by GraphQL."""

    temp: Path
    me: str = "github-actions[bot]"
    comments: list[Post] = field(default_factory=list)
    issues: list[Post] = field(default_factory=list)
    refuses: bool = False

    def __call__(self, request: Request) -> Reply:
        if self.refuses or request.headers["authorization"] != f"Bearer {TOKEN}":
            return _reply({"message": "no"}, 403)
        url, of = urlsplit(request.target), "/repos/us/ours/issues"
        body = json.loads(request.body) if request.body else {}
        if url.path == "/graphql":
            return _reply({"data": {"viewer": {"login": self.me}}})
        posts = self.comments if "comments" in url.path else self.issues
        if request.method == "POST":
            assert url.path in {f"{of}/7/comments", of}
            assert len(body["body"]) <= 65_536
            return _new(posts, self.me, body["body"], body.get("title", ""))
        if request.method == "PATCH":
            assert re.fullmatch(rf"{of}(/comments)?/\d+", url.path)
            found = next(each for each in posts if each.number == int(url.path.rpartition("/")[2]))
            found.body = body.get("body", found.body)
            found.is_open = body.get("state", "open") == "open"
            return _reply({})
        query = parse_qs(url.query)
        listed = [self._shown(each) for each in _in_state(posts, query)]
        page = int(query["page"][0])
        more = {"Link": f'<{url.path}?page={page + 1}>; rel="next"'} if page * PAGE < len(listed) else {}
        return _reply(listed[page * PAGE - PAGE : page * PAGE], **more)

    def on_request(self, url: str, base: str, *labels: str, source: str = "us/ours") -> dict[str, str]:
        """Return the variables of a job on pull request 7, whose checkout is not a merge."""
        request = {
            "number": 7,
            "labels": [{"name": each} for each in labels],
            "base": {"sha": base},
            "head": {"repo": {"full_name": source or "us/ours"}},
        }
        return self._env(url, "pull_request", {"pull_request": request}, GITHUB_REF="refs/pull/7/head")

    def on_branch(self, url: str) -> dict[str, str]:
        """Return those of a job on the branch main."""
        return self._env(url, "push", {}, GITHUB_REF_TYPE="branch", GITHUB_REF_NAME="main")

    def _env(self, url: str, name: str, event: object, **more: str) -> dict[str, str]:
        self.temp.mkdir(exist_ok=True)
        (self.temp / "event.json").write_text(json.dumps(event), encoding="utf-8")
        files = {each: str(self.temp / each) for each in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
            "GITHUB_REPOSITORY": "us/ours",
            "GITHUB_API_URL": url,
            "GITHUB_GRAPHQL_URL": f"{url}/graphql",
            "GITHUB_SERVER_URL": "https://github.example",
            "RUNNER_TEMP": str(self.temp),
            "HALO_CI_TOKEN": TOKEN,
            **files,
            **more,
        }

    @staticmethod
    def _shown(post: Post) -> dict[str, Any]:
        return {"id": post.number, "number": post.number, "user": {"login": post.author}, "body": post.body}


@dataclass
class Gitlab:
    """The REST API of one project."""

    temp: Path
    me: str = "1"
    comments: list[Post] = field(default_factory=list)
    issues: list[Post] = field(default_factory=list)
    artifacts: dict[str, str] = field(default_factory=dict)
    refuses: bool = False

    def __call__(self, request: Request) -> Reply:
        if self.refuses or request.headers.get("private-token") != TOKEN:
            return _reply({"message": "no"}, 401)
        url, of = urlsplit(request.target), "/projects/5"
        if url.path == "/user":
            return _reply({"id": int(self.me)})
        if url.path == f"{of}/jobs/9/artifacts":
            return Reply(200, self._archive())
        body = json.loads(request.body) if request.body else {}
        posts = self.comments if "notes" in url.path else self.issues
        text = body.get("body", body.get("description"))
        assert not re.search(r"(?m)^/\w", text or ""), "a quick action, which GitLab would carry out"
        if request.method == "POST":
            assert url.path in {f"{of}/merge_requests/7/notes", f"{of}/issues"}
            return _new(posts, self.me, text, body.get("title", ""))
        if request.method == "PUT":
            found = next(each for each in posts if url.path.endswith(f"/{each.number}"))
            found.body = found.body if text is None else text
            found.is_open = body.get("state_event") != "close"
            return _reply({})
        query = parse_qs(url.query)
        listed = [self._shown(each) for each in _in_state(posts, query)]
        page = int(query["page"][0])
        more = str(page + 1) if page * PAGE < len(listed) else ""
        return _reply(listed[page * PAGE - PAGE : page * PAGE], **{"x-next-page": more})

    def on_request(self, url: str, base: str, *labels: str, source: str = "5") -> dict[str, str]:
        """Return the variables of a job on merge request 7."""
        return self._env(
            url,
            CI_PIPELINE_SOURCE="merge_request_event",
            CI_MERGE_REQUEST_IID="7",
            CI_MERGE_REQUEST_PROJECT_ID="5",
            CI_MERGE_REQUEST_SOURCE_PROJECT_ID=source or "5",
            CI_MERGE_REQUEST_DIFF_BASE_SHA=base,
            CI_MERGE_REQUEST_LABELS=",".join(labels),
        )

    def on_branch(self, url: str) -> dict[str, str]:
        """Return those of a job on the branch main."""
        return self._env(url, CI_PIPELINE_SOURCE="push", CI_COMMIT_BRANCH="main", CI_DEFAULT_BRANCH="main")

    @staticmethod
    def _env(url: str, **more: str) -> dict[str, str]:
        named = {"CI_API_V4_URL": url, "CI_PROJECT_ID": "5", "HALO_CI_TOKEN": TOKEN}
        return {"CI": "true", "GITLAB_CI": "true", **named, **more}

    @staticmethod
    def _shown(post: Post) -> dict[str, Any]:
        author = {"id": int(post.author)}
        return {"id": post.number, "iid": post.number, "author": author, "body": post.body, "description": post.body}

    def _archive(self) -> bytes:
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for name, text in self.artifacts.items():
                archive.writestr(name, text)
        return data.getvalue()
