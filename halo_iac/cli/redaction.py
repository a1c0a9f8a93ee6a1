"""Redaction of keys and credentials, the last step before output (docs/security.md#keys)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from halo_iac.cli.home_folder import home_folder
from halo_iac.errors import SettingsError
from halo_iac.text import Document

if TYPE_CHECKING:
    from halo_iac.api.secret import Secret

_KEYS: Final = re.compile("[!-~]{8,}")
"""A key inside a value that may have more text, such as a typographic quote or a second line. Shorter text is a
mistake; redacting it everywhere would make the message about it unreadable."""
_PROSE: Final = frozenset({"title", "prompt", "before", "after", "message", "hint", "reason"})
"""The members of a document that hold a prompt or may quote one. Only in these is text redacted that looks like a
credential: in others it may be an action, a guard or part of an id, which programs read."""


class Redactor:
    """Redacts the keys of the environment and of the config file, in use or not, and whatever is added.

    A mistyped command line, or a project file, may contain any of them.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        # Replaced, not changed, since another thread may read them.
        self._keys: tuple[Secret, ...] = ()
        self._secrets: tuple[Secret, ...] = ()
        """The keys and the credentials."""
        self._knows_every_key = False

    def add_key(self, key: Secret) -> None:
        """Redact a key in all output from now on."""
        self._keys = _longest_first(*self._keys, key)
        self._secrets = _longest_first(*self._secrets, key)

    def add_credential(self, credential: Secret) -> None:
        """Redact a text that looks like a credential from now on; in documents, only in members that hold prompts."""
        self._secrets = _longest_first(*self._secrets, credential)

    def add_all_of(self, other: Redactor) -> None:
        """Redact what another redactor was told to redact as well."""
        self._keys = _longest_first(*self._keys, *other._keys)
        self._secrets = _longest_first(*self._secrets, *other._secrets)

    def redact(self, text: str) -> str:
        """Return a text without keys; JSON stays valid JSON."""
        if not self._knows_every_key:
            self._add_known_keys()
            self._knows_every_key = True
        if not isinstance(text, Document):
            return _redact_all(self._secrets, text)
        from halo_iac.render.document import map_members, map_strings

        if self._secrets != self._keys:
            text = map_members(text, _PROSE, partial(_redact_all, self._secrets))
        if _redact_all(self._keys, text) != text:  # rare; it takes long for many megabytes
            text = map_strings(text, partial(_redact_all, self._keys))
        return text

    def _add_known_keys(self) -> None:
        from halo_iac.api.inf_config import read_inf_config
        from halo_iac.api.secret import Secret

        try:
            signed_in = read_inf_config(self._env, home_folder()).values
        except SettingsError:  # the reader of the file reports its errors
            signed_in = {}
        values = (self._env.get("INF_API_KEY"), signed_in.get("apiKey"), signed_in.get("sessionToken"))
        for key in {key for value in values if value for key in _KEYS.findall(value)}:
            self.add_key(Secret(key))


def _longest_first(*secrets: Secret) -> tuple[Secret, ...]:
    return tuple(sorted(set(secrets), key=lambda each: (-len(each.reveal()), each.reveal())))


def _redact_all(secrets: Iterable[Secret], text: str) -> str:
    from halo_iac.api.secret import hide_sandbox_keys

    for secret in secrets:
        text = secret.hide_in(text)
    return hide_sandbox_keys(text)
