"""Targets for what is read from disk: project files, saved plans, the official client's config, traces."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

import httpx
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from wire_samples import WIRE

from fuzzing.laws import AGENT, JSON, KEY, OUTSIDE, check_plan, check_shown, check_told, check_undo, unpacked
from halo_iac.api.auth import resolve_settings
from halo_iac.api.urls import is_loopback
from halo_iac.errors import DocumentError, ProjectError, SettingsError
from halo_iac.load import load
from halo_iac.load.yaml_parser import parse, parse_text
from halo_iac.model.remote import PlatformState, RemoteSchedule
from halo_iac.model.schedule import FIELDS
from halo_iac.render.json import read_plan
from halo_iac.render.style import PLAIN
from halo_iac.render.text.problems import error_text
from halo_iac.sandbox.ingest import read_spans
from halo_iac.sandbox.trace_files import BadLine
from halo_iac.storage.receipt_reader import read_receipt

_ODD_ANCHOR: Final = re.compile(r"[&*][^\s,\[\]{}]*[^\w\s,\[\]{}-]")
"""An anchor's name that YAML 1.2 allows and libyaml, which knows letters, digits, - and _ only, ends half-way."""

PROJECT_FILES: Final = ("halo.yaml", "schedules/a.yaml", "schedules/b.yml", "prompts/a.md", "prompts/b.txt")


def yaml(data: bytes) -> None:
    """A YAML file is a document or problems, each with its place; it means what it means to a safe loader."""
    document = parse(data, "halo.yaml")
    assert document.root is not None or document.problems
    for problem in document.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert "\n" not in str(problem)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    pure = parse_text(text, "halo.yaml", pure=True)
    if "\0" in text:  # refused before any parser sees it
        return
    assert bool(pure.problems) == bool(document.problems)
    if document.problems:
        return
    assert repr(pure.root) == repr(document.root)
    if _ODD_ANCHOR.search(text) or "\\ud" in text.lower():  # not the same to the loader
        return
    with suppress(YAMLError, ValueError):  # it has opinions of its own on some numbers
        assert repr(document.root) == repr(_safe_loader().load(text))


def _safe_loader() -> YAML:
    """Return ruamel.yaml's safe loader, without the timestamps that YAML 1.2 does not have."""
    loader = YAML(typ="safe", pure=True)
    resolvers = loader.resolver.versioned_resolver
    for first, found in resolvers.items():
        resolvers[first] = [each for each in found if not each[0].endswith("timestamp")]
    return loader


def project(data: bytes) -> None:
    """Project files are a project or problems; a project has origins and gives a plan."""
    parts = unpacked(data)
    folder = _project_folder()
    for name in PROJECT_FILES:
        if name in parts:
            folder.joinpath(name).write_bytes(parts[name])
        else:
            folder.joinpath(name).unlink(missing_ok=True)
    variables = {"INF_API_KEY": KEY, **dict(_variables(parts.get("env", b"")))}
    try:
        found = load(Path("halo.yaml"), variables=variables, cwd=folder)
    except ProjectError as error:
        check_told(error_text(error, PLAIN), JSON.problems(error.problems, ()))
        return
    for entry in found.entries:
        assert all(str(entry.origins.of(field)) for field in FIELDS)
    check_plan(found, PlatformState((), (AGENT,)))


@cache
def _project_folder() -> Path:
    """Return a folder with links that lead out of it, to files that must not be read."""
    top = Path(tempfile.mkdtemp(prefix="halo-fuzz-"))
    folder = top / "project"
    for name in ("schedules", "prompts", "links"):
        (folder / name).mkdir(parents=True)
    (top / "outside.yaml").write_text(f"schedules: {{{OUTSIDE}: {{title: {OUTSIDE}}}}}\n", encoding="utf-8")
    (top / "outside.md").write_text(OUTSIDE, encoding="utf-8")
    (folder / "links" / "file.yaml").symlink_to("../../outside.yaml")
    (folder / "links" / "file.md").symlink_to("../../outside.md")
    (folder / "links" / "up").symlink_to("../..")
    return folder


def _variables(part: bytes) -> Iterator[tuple[str, str]]:
    for line in part.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition("=")
        yield f"HALO_VAR_{name}", value


def saved_plan(data: bytes) -> None:
    """A file for ``apply FILE`` is a plan, which can be shown and saved again, or a DocumentError."""
    try:
        plan = read_plan(data)
    except DocumentError as error:
        check_told(error_text(error, PLAIN), JSON.error(error))
        return
    check_shown(plan)


def receipt(data: bytes) -> None:
    """A file for ``undo`` is a receipt, whose way back is a plan, or a DocumentError; also where its digests hold."""
    there = PlatformState((RemoteSchedule(WIRE),), (AGENT,))
    for document in (data, _signed(data)):
        try:
            check_undo(read_receipt(document, "receipt.jsonl"), there)
        except DocumentError as error:
            check_told(error_text(error, PLAIN), JSON.error(error))


def _signed(data: bytes) -> bytes:
    """Return lines of JSON with the digests of a receipt, which the author of a receipt can compute."""
    signed, digest = b"", ""
    for line in data.split(b"\n")[:-1]:
        body = line.partition(b',"digest":')[0].removesuffix(b"}")
        digest = hashlib.sha256(digest.encode() + body).hexdigest()
        signed += body + f',"digest":"{digest}"}}\n'.encode()
    return signed


def settings(data: bytes) -> None:
    """A config file of ``inf`` and some variables are settings or a SettingsError, which gives no key away.

    An address that is accepted is the same to the HTTP library, which sends the key there.
    """
    parts = unpacked(data)
    folder = _config_folder()
    folder.joinpath("config.json").write_bytes(parts.get("config.json", b""))
    env = dict(line.partition("=")[::2] for line in parts.get("env", b"").decode("utf-8", "replace").splitlines())
    try:
        found = resolve_settings({**env, "INF_CONFIG_DIR": str(folder)}, home=folder)
    except SettingsError as error:
        check_told(error_text(error, PLAIN), JSON.error(error))
        return
    if found.key is not None:
        assert repr(found.key.value) == "***"
        httpx.Headers({"Authorization": f"Bearer {found.key.value.reveal()}"})
    url = httpx.URL(found.base_url.value)
    assert url.scheme == "https" or (url.scheme == "http" and is_loopback(str(url)))
    assert not url.userinfo
    assert not url.query
    assert not url.fragment


@cache
def _config_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="halo-fuzz-"))


def traces(data: bytes) -> None:
    """A file for ``sandbox load`` is spans and bad lines, each with its reason on one line."""
    for found in read_spans(BytesIO(data)):
        if isinstance(found, BadLine):
            assert found.number >= 0
            assert "\n" not in found.reason
