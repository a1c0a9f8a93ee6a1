"""The file of a receipt: new, private, and synced to disk before the writes that it records are sent.

See docs/semantics.md#receipts and docs/security.md#files-written.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from halo_iac import __version__
from halo_iac.errors import DocumentError, FileError, UsageError
from halo_iac.model.instants import format_instant
from halo_iac.model.receipt import (
    RECEIPT_VERSION,
    Header,
    Line,
    Result,
    RunEnd,
    WriteIntent,
    WriteOutcome,
)
from halo_iac.model.schedule import Spec
from halo_iac.paths import make_private_folder, reject_symlink
from halo_iac.render.document import escape_control
from halo_iac.storage.outputs import check_links
from halo_iac.text import replace_lone_surrogates

if TYPE_CHECKING:
    from halo_iac.model.remote import PlatformTarget


MAX_RECEIPT_BYTES: Final = 32 * 1024 * 1024
"""The largest receipt that is read: twenty thousand changes with typical prompts."""

_NAMES: Final = {
    kind: tuple(each.name for each in fields(kind)) for kind in (Header, WriteIntent, WriteOutcome, RunEnd, Spec)
}
_VALUES: Final = {kind: attrgetter(*names) for kind, names in _NAMES.items()}


def receipt_lines(lines: Sequence[Line], before: str, redact: Callable[[str], str] = str) -> tuple[bytes, str]:
    """Return the text of lines and the digest of the last; ``before`` is the digest of the previous line."""
    whole = escape_control("\n".join(map(_encode, lines)))
    is_clean = redact(whole) == whole
    documents = whole.splitlines() if is_clean else [_encode_redacted(line, redact) for line in lines]
    texts, digest = [], before
    for document in documents:
        body = document.encode("ascii").removesuffix(b"}")
        digest = digest_of(body, digest)
        texts.append(body + f',"digest":"{digest}"}}\n'.encode("ascii"))
    return b"".join(texts), digest


def _encode(line: Line) -> str:
    # Not with pydantic, whose adapter takes longer to build than a hundred changes take to write.
    document = _ENCODER.encode(line)
    if "\\ud" in document and replace_lone_surrogates(document.encode("ascii")) != document.encode("ascii"):
        raise DocumentError("the receipt cannot be written: a title or prompt in it is not valid Unicode")
    return document


def _encode_redacted(line: Line, redact: Callable[[str], str]) -> str:
    document = escape_control(_encode(line))
    redacted = redact(document)
    if isinstance(line, WriteIntent) and redacted != document:
        return redact(escape_control(_encode(replace(line, is_veiled=True))))
    return redacted


def _to_dict(value: Line | Spec) -> dict[str, Any]:
    kind = type(value)
    return dict(zip(_NAMES[kind], _VALUES[kind](value), strict=True))


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), default=_to_dict, check_circular=False)


def digest_of(body: bytes, before: str) -> str:
    """Return the digest of a line and those before it; ``body`` is the line without its digest."""
    return hashlib.sha256(before.encode("ascii") + body).hexdigest()


_IN_PROGRESS: Final = "it was in progress when the run ended"
_ELSEWHERE: Final = "set another path with --receipt FILE; nothing was changed"


class ReceiptFile:
    """The receipt of one run, an :class:`~halo_iac.apply.context.Recorder`.

    Every line is written at once. Syncing takes milliseconds, so callers that need it wait in turn, and one sync covers
    all lines written before it.
    """

    def __init__(self, path: Path, header: Header, redact: Callable[[str], str]) -> None:
        """Create the file, which must not exist, with its first line; raises :class:`OSError`."""
        self.path = path
        self._redact = redact
        self._lines = threading.Lock()
        self._sync_turn = threading.Lock()
        self._digest = ""
        self._intents = 0
        self._open = set[int]()
        """Intents without an outcome so far."""
        self.is_complete = False
        """Whether the end of the run is recorded; false until it is closed."""
        self._written = 0
        self._synced = 0
        self._failure: OSError | None = None
        self._is_over = False
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, 0o600)
        try:
            self._write(header)
            os.fsync(self._descriptor)
            _sync_folder(path.parent)
        except BaseException:
            self._discard()
            raise

    @property
    def is_too_large(self) -> bool:
        """Return whether the file has grown beyond the size that is read back."""
        return self._written > MAX_RECEIPT_BYTES

    @property
    def has_writes(self) -> bool:
        """Return whether the receipt records anything."""
        return self._intents > 0

    def record_intent(self, intents: Sequence[WriteIntent]) -> None:
        """Sync intents to disk; raises :class:`~halo_iac.errors.FileError` if that fails."""
        try:
            with self._lines:
                self._check()
                self._write(*intents)
                self._intents += len(intents)
                self._open.update(intent.number for intent in intents)
                end = self._written
            self._sync_up_to(end)
        except OSError as error:
            self._failure = error
            raise self._write_error(error) from None
        except DocumentError as error:
            raise FileError(error.message) from None

    def record_outcome(self, outcome: WriteOutcome) -> None:
        """Write an outcome, which :meth:`close` syncs to disk; an error is raised by the next intent."""
        with self._lines, suppress(OSError):
            self._check()
            try:
                self._write(outcome)
                self._open.discard(outcome.number)
            except OSError as error:
                self._failure = error

    def close(self) -> None:
        """Write the end and sync the file; a receipt without intents is removed.

        The outcome of a write that is still in flight is unknown, and recorded as such; its change sends no further
        requests. Raises :class:`~halo_iac.errors.FileError`.
        """
        with self._sync_turn, self._lines:
            if not self._intents:
                self._is_over = True
                self._discard()
                return
            try:
                self._check()
                numbers = sorted(self._open)
                unknown = (WriteOutcome(number=each, result=Result.UNKNOWN, message=_IN_PROGRESS) for each in numbers)
                self._write(*unknown, RunEnd(writes=self._intents))
                os.fsync(self._descriptor)
                self.is_complete = True
            except OSError as error:
                raise self._write_error(error) from None
            finally:
                self._is_over = True
                os.close(self._descriptor)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_over:
            raise OSError(0, "the run is over")

    def _write(self, *lines: Line) -> None:
        """Write lines. All are serialized first, so that an error leaves no partial line."""
        rest, self._digest = receipt_lines(lines, self._digest, self._redact)
        while rest:
            count = os.write(self._descriptor, rest)
            self._written += count
            rest = rest[count:]

    def _sync_up_to(self, end: int) -> None:
        with self._sync_turn:
            if self._synced >= end:
                return
            with self._lines:
                self._check()
                reached = self._written
            os.fsync(self._descriptor)
            self._synced = reached

    def _write_error(self, error: OSError) -> FileError:
        hint = "the changes made so far stay in effect; those that the receipt lists can be undone"
        return FileError(f"the receipt {self.path} cannot be written: {error.strerror}", hint=hint)

    def _discard(self) -> None:
        os.close(self._descriptor)
        self.path.unlink(missing_ok=True)


def new_receipt(
    named: str | None,
    host: PlatformTarget,
    *,
    private_folder: Path,
    cwd: Path,
    now: datetime,
    redact: Callable[[str], str],
    reason: str | None = None,
    in_folder: bool = False,
) -> ReceiptFile:
    """Create the receipt of a new run at the path ``named``, or by default in ``private_folder``.

    With ``in_folder``, ``named`` is the folder for it, created if needed. ``reason`` is recorded as the reason of the
    run, ``redact`` removes credentials from every line. Raises ``FileError`` if the file exists or cannot be written.
    """
    if named is not None and not named.strip():
        raise UsageError("--receipt is empty", hint="set it to a path, or remove it")
    header = Header(
        version=RECEIPT_VERSION,
        halo=__version__,
        at=format_instant(now),
        base_url=host.base_url,
        project_id=host.project_id,
        reason=reason,
    )
    path = Path(named) if named is not None else private_folder / "receipts"
    if named is not None:
        check_links(path, cwd)
    try:
        if named is None:
            _make_folders(path)
        elif in_folder:
            path.mkdir(mode=0o700, exist_ok=True)
            check_links(path / "receipt", cwd)
        if named is None or in_folder:
            path = path / f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z-{secrets.token_hex(3)}.jsonl"
        return ReceiptFile(path, header, redact)
    except FileExistsError as error:
        message = f"{error.filename} already exists; it was not overwritten"
        raise FileError(message, hint=_ELSEWHERE) from None
    except OSError as error:
        message = f"{error.filename or path}: the receipt cannot be written: {error.strerror}"
        raise FileError(message, hint=_ELSEWHERE) from None


def _make_folders(folder: Path) -> None:
    make_private_folder(folder.parent)
    reject_symlink(folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    for each in (folder.parent, folder.parent.parent):
        _sync_folder(each)


def _sync_folder(folder: Path) -> None:
    """Sync a folder's list of names to disk; systems without this operation do it on their own."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
