"""Requests to the host of a repository: JSON in, JSON out, page by page, and one error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx

from halo_iac.api.transport import service_client
from halo_iac.errors import HostError

_MAX_PAGES: Final = 100
_PER_PAGE: Final = 100


class HostApi:
    """The API of one host, as one user of it; ``name`` is what messages call the host."""

    def __init__(self, name: str, base_url: str, headers: Mapping[str, str]) -> None:
        self._name = name
        self._base_url = base_url.rstrip("/")
        self._headers = dict(headers)

    def request(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return what the host answers; raises :class:`~halo_iac.errors.HostError`."""
        answer = self._send(method, path, body)
        try:
            return answer.json() if answer.content else None
        except json.JSONDecodeError:
            raise HostError(f"{self._name}: {method} {path}: the answer is not JSON") from None

    def download(self, path: str) -> bytes:
        """Return the bytes of an answer."""
        return self._send("GET", path, None).content

    def list(self, path: str, **query: str) -> Iterator[Mapping[str, Any]]:
        """Yield the elements of a list, as many pages as it has."""
        for page in range(1, _MAX_PAGES + 1):
            numbered = httpx.QueryParams({**query, "per_page": str(_PER_PAGE), "page": str(page)})
            answer = self._send("GET", f"{path}?{numbered}", None)
            found = answer.json()
            yield from found
            if len(found) < _PER_PAGE and "next" not in answer.links and not answer.headers.get("x-next-page"):
                return

    def _send(self, method: str, path: str, body: Mapping[str, str] | None) -> httpx.Response:
        where = f"{self._name}: {method} {path.partition('?')[0]}"
        try:
            with service_client(self._base_url, self._headers) as client:
                answer = client.request(method, self._base_url + path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError) as error:
            raise HostError(f"{where}: {type(error).__name__}: no answer") from None
        if answer.status_code >= 300:
            hint = "check the permissions of the job's token" if answer.status_code in {401, 403, 404} else None
            raise HostError(f"{where}: HTTP {answer.status_code}", hint=hint)
        return answer
