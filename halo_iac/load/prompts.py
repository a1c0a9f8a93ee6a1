"""Prompts from their own files: read once each, checked, and in the one form that comparisons want."""

from __future__ import annotations

from typing import Final

from halo_iac.load.bounds import MAX_PROMPT
from halo_iac.load.paths import PROMPT_SUFFIXES
from halo_iac.load.reader import Reader
from halo_iac.load.tree import CannotRead
from halo_iac.model.schedule import plain_prompt

TOO_LONG: Final = f"the prompt is longer than {MAX_PROMPT // 1024} KiB"


class Prompts:
    """The prompt files of one project."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._read: dict[tuple[str, str], str | CannotRead] = {}

    def text(self, folder: str, name: str) -> str:
        """Return a prompt file's text, or say with :class:`CannotRead` why not; ``name`` is relative to ``folder``."""
        found = self._read.get((folder, name))
        if found is None:
            found = self._read[folder, name] = self._attempt(folder, name)
        if isinstance(found, CannotRead):
            raise found
        return found

    def _attempt(self, folder: str, name: str) -> str | CannotRead:
        try:
            path = self._reader.named(folder, name, PROMPT_SUFFIXES)
            return prompt_in(self._reader.content(path, limit=MAX_PROMPT))
        except CannotRead as error:
            return error


def prompt_in(data: bytes) -> str:
    """Return the prompt that a file holds, or say with :class:`CannotRead` why it holds none."""
    try:
        text = plain_prompt(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise CannotRead("not valid UTF-8") from None
    if "\0" in text:
        raise CannotRead("a NUL byte in it")
    if not text:
        raise CannotRead("empty")
    return text


def is_too_long(prompt: str) -> bool:
    """Say whether a prompt written in a project file is longer than a prompt file may be."""
    return len(prompt) * 4 > MAX_PROMPT and len(prompt.encode()) > MAX_PROMPT
