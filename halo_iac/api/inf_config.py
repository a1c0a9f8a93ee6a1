"""The official client's config file: someone signed in with ``inf`` needs nothing more (docs/cli.md#settings)."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from halo_iac.checkout import may_be_committed
from halo_iac.errors import SettingsError

_FILE: Final = "config.json"
_KEYS: Final = ("apiKey", "sessionToken", "apiUrl", "activeProjectId", "activeTeamId")
_MAX_BYTES: Final = 1024 * 1024
_HINT: Final = "Fix it, sign in with `inf` again, or set INF_CONFIG_DIR to another folder."


class InfConfig(NamedTuple):
    """The strings of the config file that halo uses; ``label`` is the file's name in messages.

    ``checkout`` is set if the file is in a checkout, because of ``INF_CONFIG_DIR``, so that a branch may have written
    it.
    """

    label: str
    values: Mapping[str, str]
    checkout: Path | None = None

    def __repr__(self) -> str:
        """Leave the values out: two of them are secret."""
        return f"InfConfig(label={self.label!r})"


def read_inf_config(
    env: Mapping[str, str], home: Path, checkouts: Callable[[], Sequence[Path]] | None = None
) -> InfConfig:
    """Return the content of ``config.json`` in ``INF_CONFIG_DIR`` (default ``~/.inf``); empty if it is missing.

    A file in the default folder is refused if it is in one of ``checkouts``, which are only looked up if there is a
    file: ``HOME`` is the workspace for some runners, and a branch could commit such a file.
    """
    folder = env.get("INF_CONFIG_DIR", "").strip()
    path = Path(folder) / _FILE if folder else home / ".inf" / _FILE
    label = str(path) if folder else f"~/.inf/{_FILE}"
    tops = checkouts() if checkouts is not None and os.path.lexists(path) else ()
    top = next((each for each in tops if may_be_committed(path, each)), None)
    if top is not None and not folder:
        message = f"{label} is not used: it lies in the checkout {top}, where a branch may have written it"
        raise SettingsError(message, hint="Set HOME, or INF_CONFIG_DIR, to a folder outside of the checkout.")
    return InfConfig(label, _read_values(path, label), top)


def _read_values(path: Path, label: str) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else "it cannot be opened"
        raise SettingsError(f"{label} cannot be read: {reason}", hint=_HINT) from None
    except ValueError:
        raise SettingsError("INF_CONFIG_DIR is not a path", hint=_HINT) from None
    if len(content) > _MAX_BYTES:
        raise SettingsError(f"{label} is larger than 1 MiB", hint=_HINT)
    return _validate(_parse(content, label), label)


def _parse(content: bytes, label: str) -> dict[str, Any]:
    try:
        document = from_json(content.decode(json.detect_encoding(content)))  # by its byte order mark, if it has one
    except ValueError:
        raise SettingsError(f"{label} is not valid JSON", hint=_HINT) from None
    if not isinstance(document, dict):
        raise SettingsError(f"{label} does not hold a JSON object", hint=_HINT)
    return document


def _validate(document: dict[str, Any], label: str) -> dict[str, str]:
    """Return the known keys; null counts as missing, any other value than a string is refused."""
    values: dict[str, str] = {}
    for name in _KEYS:
        value = document.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise SettingsError(f"{label}: {name} is not a string", hint=_HINT)
        values[name] = value
    return values
