"""What targets have in common: archives, values that must not leak, and the laws of everything that is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from render_asserts import assert_harmless

from halo_iac.errors import DocumentError, ProjectError
from halo_iac.model.plan import Plan
from halo_iac.model.project import Project
from halo_iac.model.receipt import Receipt
from halo_iac.model.remote import Agent, PlatformState, PlatformTarget
from halo_iac.pipeline import PlanRequest, plan_project, plan_undo
from halo_iac.plan import Overrides
from halo_iac.render.formats import RenderContext
from halo_iac.render.json import JsonView, plan_json, read_plan
from halo_iac.render.style import PLAIN
from halo_iac.render.text.plan import plan_text
from halo_iac.render.text.problems import error_text

NOW: Final = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
KEY: Final = "sk-inference-canary-0123456789"
OUTSIDE: Final = "canary-of-a-file-outside"
JSON: Final = JsonView(RenderContext(PLAIN))
AGENT: Final = Agent("5a4db0c5-a000-4000-8000-000000000001", "checkout", "agent_name", 7)

_HOST: Final = PlatformTarget("https://relay.example", "project")
_PART: Final = re.compile(rb"^-- ([a-z0-9/._-]{1,40}) --\r?\n", re.MULTILINE)


def unpacked(data: bytes) -> dict[str, bytes]:
    """Return the parts of an archive by name.

    Bytes that stand for several files are an archive, so that a mutation of readable text is again one: a line
    ``-- name --`` begins the part of that name. What stands before the first is dropped.
    """
    _, *rest = _PART.split(data)
    return {name.decode(): content for name, content in zip(rest[::2], rest[1::2], strict=True)}


def packed(parts: Mapping[str, bytes]) -> bytes:
    """Return the archive of some parts."""
    return b"".join(b"-- %s --\n%s\n" % (name.encode(), part) for name, part in parts.items())


def check_plan(project: Project, actual: PlatformState) -> None:
    """Plan a project against a platform, and hold the plan to what every plan is held to."""
    try:
        plan = plan_project(lambda: project, lambda _: (_HOST, actual), PlanRequest())
    except ProjectError as error:  # agents of its scope or its aliases are not those of the platform
        check_told(error_text(error, PLAIN), JSON.error(error))
        return
    check_shown(plan)


def check_undo(receipt: Receipt, actual: PlatformState) -> None:
    """Plan the way back on behalf of a project that declares nothing, and hold that plan to the same."""
    project = Project("halo.yaml", ())
    check_shown(plan_undo(receipt, lambda: project, lambda _: (_HOST, actual), Overrides(), allows_gap=False))


def check_shown(plan: Plan) -> None:
    """A plan is text for everybody and survives JSON."""
    try:
        document = plan_json(plan)
    except DocumentError:  # half a surrogate pair from the platform, which no file can hold
        return
    assert read_plan(document.encode()) == plan
    check_told(plan_text(plan, PLAIN, now=NOW), document)


def check_told(*texts: str) -> None:
    """Output has no commands for terminals and logs, no key, and no content of files outside of the checkout."""
    for text in texts:
        assert_harmless(text)
        assert KEY not in text
        assert OUTSIDE not in text
