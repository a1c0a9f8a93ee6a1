"""The ids of the platform, in the one spelling in which they are compared."""

import re
from typing import Final

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_OTHER_SPELLINGS: Final = re.compile(
    r"(?:urn:)?(?:uuid:)?[{(]?" + "-?".join(f"([0-9a-f]{{{length}}})" for length in (8, 4, 4, 4, 12)) + "[)}]?",
    re.IGNORECASE,
)


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID, in capital or small letters."""
    return _UUID.fullmatch(text) is not None


def canonical_id(text: str) -> str:
    """Return a UUID in small letters, which mean the same as capital ones; any other id as it is."""
    small = text.lower()
    return small if small != text and is_uuid(text) else text


def respell_uuid(text: str) -> str | None:
    """Return the UUID that a text spells in another way: in braces, as a URN, without dashes; ``None`` for none."""
    found = _OTHER_SPELLINGS.fullmatch(text.strip())
    small = "-".join(found.groups()).lower() if found is not None else text
    return None if small == text else small
