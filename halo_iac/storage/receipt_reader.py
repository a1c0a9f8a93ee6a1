"""Reading a receipt back: every line has to be as halo wrote it (docs/semantics.md#receipts).

Separate from writing one, which every apply does: importing pydantic takes longer than recording a hundred changes.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from halo_iac.errors import DocumentError, FileError
from halo_iac.model.receipt import (
    RECEIPT_VERSION,
    Header,
    Line,
    Receipt,
    RunEnd,
    Write,
    WriteIntent,
    WriteOutcome,
)
from halo_iac.storage.atomic import read_bytes
from halo_iac.storage.receipt_file import MAX_RECEIPT_BYTES, digest_of

_SIGNED: Final = re.compile(rb'(\{.+),"digest":"([0-9a-f]{64})"\}')
_HINT: Final = "use an unmodified receipt written by `halo apply`"


def load_receipt(name: str) -> Receipt:
    """Return the receipt in a file; raises :class:`DocumentError` or :class:`FileError`."""
    path = Path(name)
    with suppress(OSError):  # reading reports it better
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileError(f"{name}: not a regular file", hint="use the file that `halo apply` wrote")
    return read_receipt(read_bytes(path, MAX_RECEIPT_BYTES), name)


def read_receipt(document: bytes, name: str) -> Receipt:
    """Return the receipt in a document; ``name`` is the file's name in messages.

    Raises :class:`~halo_iac.errors.DocumentError` for anything that this version of halo cannot have written. A missing
    end, because the run was killed or the file was cut off, becomes the receipt's ``gap``.
    """
    if len(document) > MAX_RECEIPT_BYTES:
        raise DocumentError(f"{name}: larger than {MAX_RECEIPT_BYTES >> 20} MiB, the limit of a receipt", hint=_HINT)
    *whole, rest = document.split(b"\n")
    _check_version(whole[0] if whole else rest, name)
    if not whole:
        raise DocumentError(f"{name}: the first line of the receipt is incomplete", hint=_HINT)
    header, *lines = _parse_lines(whole, name)
    if not isinstance(header, Header):
        raise _damaged_error(name, 1, "it is not the header of a receipt")
    writes = _match_outcomes(lines, name)
    gap = None
    if rest:
        gap = f"line {len(whole) + 1} is incomplete"
    elif not (lines and isinstance(lines[-1], RunEnd)):
        gap = "it does not record the end of the run"
    elif open_ := sum(write.outcome is None for write in writes):
        gap = f"it does not record the outcome of {open_} of its {len(writes)} writes"
    return Receipt(name, header, writes, gap)


@cache
def _line_adapter() -> TypeAdapter[Line]:
    return TypeAdapter(Annotated[Line, Field(discriminator="kind")])


def _check_version(first: bytes, name: str) -> None:
    """Raise for a receipt of another version, and for a file that is not a receipt rather than a damaged one."""
    try:
        line = json.loads(first)
    except (ValueError, RecursionError):
        line = None
    is_receipt = isinstance(line, dict) and line.get("kind") == "receipt"
    if is_receipt and line.get("version") != RECEIPT_VERSION:
        hint = f"run `halo undo` with the halo that wrote it; this one reads version {RECEIPT_VERSION}"
        raise DocumentError(f"{name}: the receipt has another version", hint=hint)
    if not is_receipt and not first.startswith(b'{"kind":"receipt"'):
        raise DocumentError(f"{name}: not a receipt", hint=_HINT)


def _parse_lines(lines: Sequence[bytes], name: str) -> Iterator[Line]:
    digest = ""
    for place, line in enumerate(lines, 1):
        signed = _SIGNED.fullmatch(line)
        if signed is None:
            raise _damaged_error(name, place, "it is not in the format of a receipt")
        digest = digest_of(signed[1], digest)
        if digest.encode("ascii") != signed[2]:
            raise _damaged_error(name, place, "it was changed, or a line before it is missing")
        try:
            yield _line_adapter().validate_json(signed[1] + b"}", strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"][1:]))
            raise _damaged_error(name, place, f"{where}: {first['msg']}" if where else first["msg"]) from None


def _match_outcomes(lines: Sequence[Line], name: str) -> tuple[Write, ...]:
    """Return each intent with its outcome; raises unless the lines are in an order that halo writes."""
    writes: dict[int, Write] = {}
    for place, line in enumerate(lines, 2):
        match line:
            case WriteIntent() if line.is_complete and line.number not in writes:
                writes[line.number] = Write(line, place)
            case WriteOutcome() if line.number in writes:
                writes[line.number] = Write(writes[line.number].intent, writes[line.number].line, line)
            case RunEnd() if place == len(lines) + 1 and line.writes == len(writes):
                pass
            case _:
                raise _damaged_error(name, place, "it does not match the lines before it")
    return tuple(writes.values())


def _damaged_error(name: str, place: int, why: str) -> DocumentError:
    return DocumentError(f"{name}: line {place} of the receipt is damaged: {why}", hint=_HINT)
