"""The file of a receipt: new, closed to others, and on the disk before what it says is sent.

See docs/semantics.md#receipts and docs/security.md#files-written.
"""

from __future__ import annotations

import os
import secrets
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from halo_iac import __version__
from halo_iac.cli.outputs import check_way
from halo_iac.errors import DocumentError, FileError, UsageError
from halo_iac.model.receipt import RECEIPT_VERSION, End, Header, Intent, Line, Outcome, Receipt, Result
from halo_iac.private import make_private, refuse_link
from halo_iac.render.receipt import MAX_RECEIPT_BYTES, read_receipt, receipt_line

if TYPE_CHECKING:
    from halo_iac.cli.workplace import Workplace
    from halo_iac.model.remote import Host

_UNDER_WAY: Final = "it was under way when the run ended"
_ELSEWHERE: Final = "nothing was changed; name another place for the receipt with --receipt FILE"


class ReceiptFile:
    """The receipt of one run: what :class:`~halo_iac.apply.desk.Recorder` describes.

    Every line is written at once. To have it on the disk takes milliseconds, so those who need that wait for their
    turn, and whoever's turn it is does it for all lines written by then.
    """

    def __init__(self, path: Path, header: Header, veil: Callable[[str], str]) -> None:
        """Make the file, which must not exist, with its first line in it; raises :class:`OSError`."""
        self.path = path
        self._veil = veil
        self._lines = threading.Lock()
        self._turn = threading.Lock()
        self._digest = ""
        self._intents = 0
        self._open = set[int]()
        """The intents of which nobody has said yet what came of them."""
        self.is_whole = False
        """Whether it says how the run ended; until it is closed it does not."""
        self._written = 0
        self._durable = 0
        self._failure: OSError | None = None
        self._is_over = False
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, 0o600)
        try:
            self._write(header)
            os.fsync(self._descriptor)
            _make_durable(path.parent)
        except BaseException:
            self._discard()
            raise

    @property
    def is_too_large(self) -> bool:
        """Say whether it has grown beyond what is read again."""
        return self._written > MAX_RECEIPT_BYTES

    @property
    def is_kept(self) -> bool:
        """Say whether there is something in it."""
        return self._intents > 0

    def intend(self, intents: Sequence[Intent]) -> None:
        """Have the intents on the disk, or raise :class:`~halo_iac.errors.FileError`."""
        try:
            with self._lines:
                self._check()
                self._write(*intents)
                self._intents += len(intents)
                self._open.update(intent.number for intent in intents)
                end = self._written
            self._wait_for(end)
        except OSError as error:
            self._failure = error
            raise self._broken(error) from None
        except DocumentError as error:
            raise FileError(error.message) from None

    def note(self, outcome: Outcome) -> None:
        """Write an outcome, which :meth:`close` has on the disk; where it cannot, the next intent says so."""
        with self._lines, suppress(OSError):
            self._check()
            try:
                self._write(outcome)
                self._open.discard(outcome.number)
            except OSError as error:
                self._failure = error

    def close(self) -> None:
        """Write the end and have everything on the disk; a receipt of nothing is removed.

        What came of a write that is still under way is unknown, and is written down as that; what it belongs to sends
        nothing more. Raises :class:`~halo_iac.errors.FileError`.
        """
        with self._turn, self._lines:
            if not self._intents:
                self._is_over = True
                self._discard()
                return
            try:
                self._check()
                numbers = sorted(self._open)
                unknown = (Outcome(number=each, result=Result.UNKNOWN, message=_UNDER_WAY) for each in numbers)
                self._write(*unknown, End(writes=self._intents))
                os.fsync(self._descriptor)
                self.is_whole = True
            except OSError as error:
                raise self._broken(error) from None
            finally:
                self._is_over = True
                os.close(self._descriptor)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_over:
            raise OSError(0, "the run is over")

    def _write(self, *lines: Line) -> None:
        """Write lines, all of which are made first: what cannot be said leaves nothing half said."""
        made, digest = [], self._digest
        for line in lines:
            document, digest = receipt_line(line, digest, self._veil)
            made.append(document)
        rest, self._digest = b"".join(made), digest
        while rest:
            count = os.write(self._descriptor, rest)
            self._written += count
            rest = rest[count:]

    def _wait_for(self, end: int) -> None:
        with self._turn:
            if self._durable >= end:
                return
            with self._lines:
                self._check()
                reached = self._written
            os.fsync(self._descriptor)
            self._durable = reached

    def _broken(self, error: OSError) -> FileError:
        hint = "what was done stays done, and what the receipt says so far can be undone"
        return FileError(f"the receipt {self.path} cannot be written: {error.strerror}", hint=hint)

    def _discard(self) -> None:
        os.close(self._descriptor)
        self.path.unlink(missing_ok=True)


def new_receipt(workplace: Workplace, named: str | None, host: Host) -> ReceiptFile:
    """Make the receipt of a run that is about to begin: where it was asked for, or in the project's ``.halo``."""
    if named is not None and not named.strip():
        raise UsageError("--receipt is empty", hint="give it a path, or leave it out")
    console = workplace.console
    now = console.clock()
    header = Header(
        version=RECEIPT_VERSION,
        halo=__version__,
        at=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        base_url=host.base_url,
        project_id=host.project_id,
    )
    path = Path(named) if named is not None else workplace.private_folder / "receipts"
    if named is not None:
        check_way(path, workplace.cwd)
    try:
        if named is None:
            _make_folders(path)
            path = path / f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z-{secrets.token_hex(3)}.jsonl"
        return ReceiptFile(path, header, console.veiled)
    except FileExistsError as error:
        message = f"{error.filename}: there is a file already, and it is left as it is"
        raise FileError(message, hint=_ELSEWHERE) from None
    except OSError as error:
        message = f"{error.filename or path}: the receipt cannot be written: {error.strerror}"
        raise FileError(message, hint=_ELSEWHERE) from None


def _make_folders(folder: Path) -> None:
    make_private(folder.parent)
    refuse_link(folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    for each in (folder.parent, folder.parent.parent):
        _make_durable(each)


def _make_durable(folder: Path) -> None:
    """Have a folder's list of names on the disk; where a system cannot do that, it does it by itself."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def load_receipt(name: str) -> Receipt:
    """Return the receipt in a file, or say what is wrong with it."""
    from halo_iac.cli.files import read_bytes

    path = Path(name)
    with suppress(OSError):  # reading says it better
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileError(f"{name}: not a regular file", hint="name the file that `apply` has written")
    return read_receipt(read_bytes(path, MAX_RECEIPT_BYTES), name)
