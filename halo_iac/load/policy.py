"""The top of a project file: policy, aliases and the layers that entries are read under."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from halo_iac.load import hints
from halo_iac.load.complaints import report
from halo_iac.load.document import Document
from halo_iac.load.fields import FieldReader, Fields, Place
from halo_iac.load.file import IGNORED, check_overlay, check_policy
from halo_iac.load.layers import Layer
from halo_iac.load.sources import SourceFile
from halo_iac.model.origin import Origin, Source
from halo_iac.model.project import Scope, UndeclaredPolicy

POLICY_KEYS: Final = ("project", "undeclared", "scope", "protect", "agents")
"""Keys that say what may be touched, and the aliases that `scope` may use."""

_READ_APART: Final = ("defaults", "overrides", "schedules")


class Policy(NamedTuple):
    """What a project file says beside its schedules; keys that are wrong are left out, and were reported."""

    values: Mapping[str, Any]
    defaults: Layer
    overrides: Layer
    origins: Mapping[str, Origin]

    @property
    def scope(self) -> Scope:
        """Return which schedules the project answers for."""
        written = self.values.get("scope", {})
        agents = written.get("agents")
        return Scope(None if agents is None else tuple(agents), written.get("title_prefix"))

    @property
    def undeclared(self) -> UndeclaredPolicy:
        """Return what becomes of schedules that no file declares."""
        return UndeclaredPolicy(self.values.get("undeclared", UndeclaredPolicy.REPORT))


def read_policy(source: SourceFile, fields: FieldReader) -> Policy:
    """Return a project file's policy, with every problem of it added to its document."""
    document = source.document
    root = document.root or {}
    values = _checked(document, {key: value for key, value in root.items() if _is_policy(key)})
    if "schedules" not in root and "include" not in root:
        message = "`schedules` is missing"
        document.complain((), message, "a project without any says `schedules: {}`")
    if values.get("scope") == {}:
        document.complain(("scope",), "`scope` is empty", "leave the key out")
    return Policy(
        values=values,
        defaults=_layer(source, fields, Source.DEFAULTS),
        overrides=_layer(source, fields, Source.OVERRIDES),
        origins=dict(_origins(document, root)),
    )


def _is_policy(key: str) -> bool:
    return key not in _READ_APART and not key.startswith(IGNORED)


def _checked(document: Document, top: Fields) -> Fields:
    try:
        values: Fields = check_policy(top)
    except ValidationError as error:
        broken = report(error, top, document, (), hints.PROJECT_KEYS)
        sound = {key: value for key, value in top.items() if key not in broken}
        values = check_policy({"version": 1, **sound})
    return values


def _layer(source: SourceFile, fields: FieldReader, kind: Source) -> Layer:
    document = source.document
    raw = (document.root or {}).get(kind, {})
    if not isinstance(raw, dict):
        _refuse(document, kind, raw)
        raw = {}
    if not raw:
        return Layer(kind, document, {}, {})
    place = Place(document, source.folder, (str(kind),))
    given, is_whole = fields.read(place, raw, check_overlay, hints.OVERLAY_KEYS)
    # A layer with a problem may be what would have given the agent: do not have every entry complain as well.
    return Layer(kind, document, raw, given if is_whole else {"agent": "", **given})


def _refuse(document: Document, kind: Source, raw: object) -> None:
    """Report a layer that is no mapping."""
    try:
        check_overlay(raw)
    except ValidationError as error:
        report(error, {}, document, (str(kind),), hints.OVERLAY_KEYS)


def _origins(document: Document, root: Fields) -> Iterator[tuple[str, Origin]]:
    for key, value in root.items():
        if not _is_policy(key):
            continue
        yield key, Origin(Source.ENTRY, document.path, *document.place((key,), at_key=True))
        if key == "protect" and isinstance(value, list):
            for step, glob in enumerate(value):
                yield f"protect.{glob}", Origin(Source.ENTRY, document.path, *document.place((key, step)))
        if isinstance(value, dict):
            for name in value:
                place = document.place((key, name), at_key=True)
                yield f"{key}.{name}", Origin(Source.ENTRY, document.path, *place)
