"""JSON for machines: plans there and back, problems, errors and summaries; same values, same bytes.

See docs/cli.md#formats.

The plan is the document with a version and a schema of its own (``schemas/halo.plan.schema.json``): halo reads it back,
and other tools live by it. Problems, errors and what came of a run have none: nothing reads them back, they hold a plan
or a few plain fields, and they only ever gain fields.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from halo_iac.errors import DocumentError, HaloError, PlatformError, Problem, ProjectError
from halo_iac.hints import Command, Hint
from halo_iac.model.apply_result import ApplyOutcome, Event, Summary
from halo_iac.model.drift import Drift, DriftItem, DriftKind
from halo_iac.model.finding import Finding
from halo_iac.model.plan import PLAN_VERSION, Action, Change, Plan, PlanList
from halo_iac.render.document import escape_control
from halo_iac.render.formats import ProjectCheck, ProjectDrift, ProjectPlan, RenderContext
from halo_iac.render.style import Style
from halo_iac.text import Document

MAX_PLAN_BYTES: Final = 256 * 1024 * 1024
"""The largest plan that is read, as large as the largest response: ten thousand changes take about 40 MiB.

See docs/security.md#bounds-of-answers.
"""

_PART_LENGTH: Final = 2**16
"""The approximate number of characters of a part of a document."""
_LIST_START: Final = re.compile(rb'\s*\{\s*(?:"version"\s*:\s*\d+\s*,\s*)?"projects"\s*:')
"""How a document of several plans begins."""

_SAVE_AGAIN: Final = Hint("make it again with `{}`", Command("plan", "--out", "FILE"))


def plan_json(plan: Plan) -> Document:
    """Return the plan as a document that :func:`read_plan` reads back, equal in every value."""
    return _dump(plan)


def plans_json(plans: Sequence[Plan]) -> Document:
    """Return the plans of several project files as one document, which :func:`read_plan` reads back too."""
    return _dump(PlanList(PLAN_VERSION, tuple(plans)))


def _dump(value: Plan | PlanList) -> Document:
    try:
        adapter = _adapter(PlanList if isinstance(value, PlanList) else Plan)
        document = adapter.dump_json(value, indent=2, ensure_ascii=True)
    except PydanticSerializationError:
        message = "the plan cannot be written as JSON: a title, prompt or file name in it is not valid Unicode"
        raise DocumentError(message) from None
    return escape_control(document.decode("ascii") + "\n")


def read_plan(document: bytes) -> Plan | PlanList:
    """Return the plan that a document holds, or the plans of several project files.

    :class:`~halo_iac.errors.DocumentError` for anything that :func:`plan_json` and :func:`plans_json` of this version
    do not write: other JSON, another version, unknown or missing keys, half a file.
    """
    if len(document) > MAX_PLAN_BYTES:
        raise DocumentError(f"the saved plan is larger than {MAX_PLAN_BYTES >> 20} MiB", hint=_SAVE_AGAIN)
    adapter = _adapter(PlanList if _LIST_START.match(document) else Plan)
    try:
        read: Plan | PlanList = adapter.validate_json(document, strict=True)
    except ValidationError as error:
        raise _not_a_plan(error) from None
    for plan in read.projects if isinstance(read, PlanList) else (read,):
        for change in plan.changes:
            if not _is_complete(change):
                message = f"the saved plan is damaged: its {change.action} of {change.name} is incomplete"
                raise DocumentError(message, hint=_SAVE_AGAIN)
    return read


@cache
def _adapter(document: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(document)


def _not_a_plan(error: ValidationError) -> DocumentError:
    """Return the error of an invalid document without quoting its content, which may hold prompts."""
    flaws = error.errors(include_url=False, include_input=False, include_context=False)
    if any(flaw["loc"] == ("version",) and flaw["type"] != "missing" for flaw in flaws):
        hint = Hint("this halo reads version {}; {}", str(PLAN_VERSION), _SAVE_AGAIN)
        return DocumentError("the saved plan is of another version", hint=hint)
    first = flaws[0]
    if first["type"] == "json_invalid":
        return DocumentError(f"the saved plan is not valid JSON, or is incomplete: {first['msg']}", hint=_SAVE_AGAIN)
    place = ".".join(map(str, first["loc"])) or "the document"
    more = f" (and {len(flaws) - 1:,} more)" if len(flaws) > 1 else ""
    return DocumentError(f"the saved plan is damaged: {place}: {first['msg']}{more}", hint=_SAVE_AGAIN)


def _is_complete(change: Change) -> bool:
    has_before = change.before is not None or change.action in {Action.CREATE, Action.ARCHIVE}
    return has_before and (change.after is not None) == (change.action is not Action.ARCHIVE)


# Output-only values -------------------------------------------------------------------------------------------------


def _projects_document(projects: Iterable[dict[str, Any]]) -> Document:
    return document(projects_value(projects))


def projects_value(projects: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the value of a document with the results of several project files."""
    return {"version": PLAN_VERSION, "projects": list(projects)}


def document(value: object) -> Document:
    """Return a value of plain lists, mappings and scalars, such as the platform's own answer, as a document."""
    return escape_control(json.dumps(value, indent=2, ensure_ascii=True) + "\n")


def document_parts(value: object) -> Iterator[Document]:
    """Yield such a document in parts that hold whole members; lists may be :class:`LazyList` of any length."""
    parts: list[str] = []
    size = 0
    for part in json.JSONEncoder(indent=2).iterencode(value):
        if size > _PART_LENGTH and part.startswith(","):  # it stands between two values
            yield escape_control("".join(parts))
            parts, size = [], 0
        parts.append(part)
        size += len(part)
    yield escape_control("".join(parts) + "\n")


class LazyList(list[Any]):
    """A list for :func:`document_parts` whose items are made one by one, each time it is iterated."""

    def __init__(self, make: Callable[[], Iterator[Any]]) -> None:
        super().__init__()
        self._make = make

    def __iter__(self) -> Iterator[Any]:
        """Make the items."""
        return self._make()

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return next(self._make(), None) is not None


class LazyMembers(dict[str, Any]):
    """A mapping for :func:`document_parts` whose members are made one by one when it is iterated."""

    def __init__(self, make: Callable[[], Iterator[tuple[str, Any]]]) -> None:
        super().__init__()
        self._make = make

    def items(self) -> Any:  # noqa: ANN401 - all that goes through it is the encoder
        """Make the members."""
        return self._make()

    def __bool__(self) -> bool:
        """Return true: the encoder writes an empty mapping without asking for its members."""
        return True


class JsonView:
    """Draws results as documents, which depend neither on the screen nor on the clock."""

    def __init__(self, context: RenderContext) -> None:
        self._style = context.style

    def plan(self, planned: Plan, shown: Plan) -> Document:  # noqa: ARG002 - a clock finding makes no plan another one
        """Return the document that ``plan --out`` saves as well."""
        return plan_json(planned)

    def applied(self, planned: Plan, outcome: ApplyOutcome | None) -> Document:
        """Return a plan and the outcome of every change in order; ``summary`` is null if nothing was carried out.

        ``receipt`` is the file that has all of it, ``undo`` the command that takes it back.
        """
        return document(_applied(planned, outcome, self._style))

    def plans(self, plans: Sequence[ProjectPlan]) -> Document:
        """Return the document that ``plan --out`` saves as well."""
        return plans_json([each.planned for each in plans])

    def all_applied(self, plans: Sequence[ProjectPlan]) -> Document:
        """Return for each project file what :meth:`applied` returns of one, and its name."""
        return _projects_document(
            {"file": each.planned.file, **_applied(each.planned, each.outcome, each.styled(self._style))}
            for each in plans
        )

    def problems(self, problems: Sequence[Problem], findings: Sequence[Finding], conclusion: str = "") -> Document:  # noqa: ARG002
        """Return the problems of project files in order; without problems, the findings."""
        return document(_problems(problems, findings))

    def checks(self, checks: Sequence[ProjectCheck]) -> Document:
        """Return the problems and the findings of each project file."""
        return _projects_document({"file": each.file, **_problems(each.problems, each.findings)} for each in checks)

    def drift(self, drift: Drift) -> Document:
        """Return how many differences there are of each kind, and then each of them."""
        return document(_drift(drift, self._style))

    def drifts(self, found: Sequence[ProjectDrift]) -> Document:
        """Return the differences of each project file."""
        return _projects_document(
            {"file": each.drift.plan.file, **_drift(each.drift, each.styled(self._style))} for each in found
        )

    def error(self, error: HaloError) -> Document:
        """Return an error as one document for stderr; its ``exit_code`` is the process's."""
        fields: dict[str, Any] = {
            "code": error.code,
            "message": error.message,
            "hint": _hint(error.hint, self._style),
            "exit_code": error.exit_code,
        }
        if isinstance(error, ProjectError):
            fields["problems"] = _problems(error.problems)["problems"]
        if isinstance(error, PlatformError):
            fields |= {"procedure": error.procedure, "status": error.status}
        return document({"error": fields})


def _hint(hint: str | None, style: Style) -> str | None:
    return hint and style.format_hint(hint)


def _problems(problems: Sequence[Problem], findings: Sequence[Finding] = ()) -> dict[str, list[dict[str, Any]]]:
    fields = ("path", "line", "column", "message", "hint")
    found = [{name: getattr(problem, name) for name in fields} for problem in problems]
    return {"problems": found, "findings": list(map(asdict, findings))}


def _applied(plan: Plan, outcome: ApplyOutcome | None, style: Style) -> dict[str, Any]:
    fields: dict[str, Any] = {"plan": _adapter(Plan).dump_python(plan, mode="json")}
    if outcome is None:
        return {**fields, "summary": None, "receipt": None, "undo": None}
    undo = None if outcome.undo is None else style.format_command(outcome.undo)
    return {**fields, "summary": _summary(outcome.summary, style), "receipt": outcome.receipt, "undo": undo}


def _summary(summary: Summary, style: Style) -> dict[str, Any]:
    return {
        "outcomes": [_outcome(event, style) for event in summary.events],
        "counts": dict(sorted(Counter(str(event.status) for event in summary.events).items())),
        "is_interrupted": summary.is_interrupted,
    }


def _drift(drift: Drift, style: Style) -> dict[str, Any]:
    numbers = Counter(item.kind for item in drift.items)
    plan = drift.plan
    return {
        "drift": {str(kind): numbers[kind] for kind in DriftKind},
        "ignored": {str(kind): number for kind, number in drift.ignored.items()},
        "as_declared": plan.unchanged,
        "host": asdict(plan.host),
        "differences": [_difference(item, style) for item in drift.items],
        "warnings": list(map(asdict, plan.warnings)),
    }


def _difference(item: DriftItem, style: Style) -> dict[str, Any]:
    fields = () if item.change is None else item.change.fields
    return {
        "kind": str(item.kind),
        "key": item.key,
        "title": item.title or None,
        "ids": list(item.ids),
        "origin": item.origin or None,
        "reason": item.reason or None,
        "fields": [
            {"field": each.field, "platform": each.before, "file": each.after, "origin": each.origin} for each in fields
        ],
        "hint": _hint(item.hint, style),
    }


def _outcome(event: Event, style: Style) -> dict[str, Any]:
    return {
        "action": str(event.change.action),
        "key": event.change.key,
        "id": event.id or event.change.id,
        "title": event.change.title,
        "status": str(event.status),
        "message": event.message,
        "hint": _hint(event.hint, style),
        "elapsed": None if event.elapsed is None else round(event.elapsed, 3),
    }
