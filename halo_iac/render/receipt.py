"""Receipts as lines of JSON, there and back (docs/semantics.md#receipts).

Each line ends with a digest of itself and all before it. Whoever edits, cuts out or swaps lines by hand is found out;
it is no signature, so whoever undoes a receipt trusts nothing in it that the platform can say itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from halo_iac.errors import DocumentError
from halo_iac.model.receipt import RECEIPT_VERSION, End, Header, Intent, Line, Outcome, Receipt, Write
from halo_iac.model.schedule import Spec
from halo_iac.render.document import harmless

MAX_RECEIPT_BYTES: Final = 32 * 1024 * 1024
"""The largest receipt that is read: twenty thousand changes with prompts as people write them."""

_SIGNED: Final = re.compile(rb'(\{.+),"digest":"([0-9a-f]{64})"\}')
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_NAMES: Final = {kind: tuple(each.name for each in fields(kind)) for kind in (Header, Intent, Outcome, End, Spec)}
_HINT: Final = "undo takes a file that `apply` has written, as it was written"


def receipt_line(line: Line, before: str, veil: Callable[[str], str] = str) -> tuple[bytes, str]:
    """Return a line as it is written, and its digest; ``before`` is that of the line before it, ``veil`` hides keys."""
    # Not by pydantic, whose adapter takes longer to make than a hundred changes to write down.
    document = _ENCODER.encode(_plain(line))
    if "\\ud" in document and not _is_unicode(document):
        raise DocumentError("the receipt cannot be written: a title or prompt in it is not valid Unicode")
    document = harmless(document)
    veiled = veil(document)
    if isinstance(line, Intent) and veiled != document:
        veiled = veil(harmless(_ENCODER.encode(_plain(replace(line, is_veiled=True)))))
    body = veiled.encode("ascii").removesuffix(b"}")
    digest = _digest(body, before)
    return body + f',"digest":"{digest}"}}\n'.encode("ascii"), digest


def _is_unicode(document: str) -> bool:
    """Say whether no half of a surrogate pair stands alone in a JSON document; nobody could read it again."""
    try:
        json.dumps(json.loads(document), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: Line | Spec) -> dict[str, Any]:
    values = ((name, getattr(value, name)) for name in _NAMES[type(value)])
    return {name: _plain(held) if isinstance(held, Spec) else held for name, held in values}


def _digest(body: bytes, before: str) -> str:
    return hashlib.sha256(before.encode("ascii") + body).hexdigest()


def read_receipt(document: bytes, name: str) -> Receipt:
    """Return the receipt that a document holds; ``name`` is what messages call it.

    :class:`~halo_iac.errors.DocumentError` for anything that this version of halo has not written just so. What is
    missing at its end, because the run was killed or the file was cut off, is the receipt's ``gap``.
    """
    if len(document) > MAX_RECEIPT_BYTES:
        raise DocumentError(f"{name}: larger than {MAX_RECEIPT_BYTES >> 20} MiB, which no receipt is", hint=_HINT)
    *whole, rest = document.split(b"\n")
    _check_version(whole[0] if whole else rest, name)
    if not whole:
        raise DocumentError(f"{name}: not even the first line of the receipt is whole", hint=_HINT)
    header, *lines = _lines(whole, name)
    if not isinstance(header, Header):
        raise _damaged(name, 1, "it is not the first one")
    writes = _writes(lines, name)
    gap = None
    if rest:
        gap = f"its line {len(whole) + 1} breaks off"
    elif not (lines and isinstance(lines[-1], End)):
        gap = "it does not say how the run ended"
    elif open_ := sum(write.outcome is None for write in writes):
        gap = f"it does not say what came of {open_} of its {len(writes)} writes"
    return Receipt(name, header, writes, gap)


@cache
def _adapter() -> TypeAdapter[Line]:
    return TypeAdapter(Annotated[Line, Field(discriminator="kind")])


def _check_version(first: bytes, name: str) -> None:
    """Tell a receipt of another version, and a file that is none, from a damaged one."""
    try:
        line = json.loads(first)
    except (ValueError, RecursionError):
        line = None
    is_receipt = isinstance(line, dict) and line.get("kind") == "receipt"
    if is_receipt and line.get("version") != RECEIPT_VERSION:
        hint = f"this halo reads version {RECEIPT_VERSION}; undo with the halo that wrote it"
        raise DocumentError(f"{name}: the receipt is of another version", hint=hint)
    if not is_receipt and not first.startswith(b'{"kind":"receipt"'):
        raise DocumentError(f"{name}: not a receipt", hint=_HINT)


def _lines(lines: Sequence[bytes], name: str) -> Iterator[Line]:
    digest = ""
    for place, line in enumerate(lines, 1):
        signed = _SIGNED.fullmatch(line)
        if signed is None:
            raise _damaged(name, place, "it is not as halo writes it")
        digest = _digest(signed[1], digest)
        if digest.encode("ascii") != signed[2]:
            raise _damaged(name, place, "it was changed, or something before it is missing")
        try:
            yield _adapter().validate_json(signed[1] + b"}", strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"][1:]))
            raise _damaged(name, place, f"{where}: {first['msg']}" if where else first["msg"]) from None


def _writes(lines: Sequence[Line], name: str) -> tuple[Write, ...]:
    """Put each outcome to its intent, and see to it that the lines follow each other as halo writes them."""
    writes: dict[int, Write] = {}
    for place, line in enumerate(lines, 2):
        match line:
            case Intent() if line.is_whole and line.number not in writes:
                writes[line.number] = Write(line, place)
            case Outcome() if line.number in writes:
                writes[line.number] = Write(writes[line.number].intent, writes[line.number].line, line)
            case End() if place == len(lines) + 1 and line.writes == len(writes):
                pass
            case _:
                raise _damaged(name, place, "it does not follow from the lines before it")
    return tuple(writes.values())


def _damaged(name: str, place: int, why: str) -> DocumentError:
    return DocumentError(f"{name}: line {place} of the receipt is damaged: {why}", hint=_HINT)
