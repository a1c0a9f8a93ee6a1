"""Plans to draw: one with something in every section, a hostile one, and one as large as they get."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from halo_iac.model import defaults
from halo_iac.model.change import (
    Action,
    Blocked,
    Cause,
    Change,
    FieldChange,
    Plan,
    PlanWarning,
    Policy,
    Refusal,
    Runs,
    UndeclaredSchedule,
)
from halo_iac.model.remote import Host
from halo_iac.model.schedule import FIELDS, Spec, Value

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AGENT = "6f1e2a9c-0000-4000-8000-000000000001"

HOSTILE = (
    "</details><script>alert(1)</script>",
    "::error::gotcha",
    "  ::set-output name=x::y",
    "##[error]gotcha",
    "text ##vso[task.setvariable variable=x]y",
    "\x1b[31mred\x1b[0m\x1b]0;owned\x07",
    "\u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "`" * 10,
    "first\n::error::second\r\n\t::warning::third",
    "\u00a0::error::behind a no-break space",
    "\u2028::error::behind a line separator",
    "c1 \x9b31m and del \x7f",
    "lone \udc80 surrogate",
)

BASE = Spec(
    title="Daily checkout review",
    agent=AGENT,
    frequency="daily",
    days_of_week=(),
    days_of_month=(),
    hours=(9,),
    minutes=(0,),
    timezone="America/Los_Angeles",
    prompt="Look at failed payments.\nName the three most costly errors.\nCite trace ids.",
    model_id=None,
    summarization_model_id=None,
    span_limit=10_000,
    lookback_hours=24,
    max_subagent_depth=3,
    max_turns=50,
    enabled=True,
)
HOST = Host(
    base_url="https://relay.inference.net",
    project_id="2f6c1c5e-0000-4000-8000-00000000000a",
    project_name="Acme checkout",
    url_origin="default",
    project_origin="halo.yaml:2",
)


def field(name: str, before: Value, after: Value, line: int = 12) -> FieldChange:
    return FieldChange(name, before, after, f"halo.yaml:{line}")


def create(key: str, spec: Spec, **origins: str) -> Change:
    fields = tuple(
        FieldChange(name, None, value, origins.get(name, "halo.yaml:30"))
        for name in FIELDS
        if (value := getattr(spec, name)) not in {None, ()}
    )
    return Change(Action.CREATE, Cause.DECLARED, key, None, spec.title, fields, None, spec)


def update(key: str, before: Spec, after: Spec, *, action: Action = Action.UPDATE, number: int = 1) -> Change:
    fields = tuple(
        field(name, getattr(before, name), getattr(after, name), line)
        for line, name in enumerate(FIELDS, 10)
        if getattr(before, name) != getattr(after, name)
    )
    return Change(action, Cause.DECLARED, key, schedule_id(number), after.title, fields, before, after)


def archive(cause: Cause, spec: Spec, *, key: str | None = None, number: int = 9) -> Change:
    return Change(Action.ARCHIVE, cause, key, schedule_id(number), spec.title, before=spec)


def schedule_id(number: int) -> str:
    return f"0b9d6c1e-0000-4000-8000-{number:012}"


def plan_of(*changes: Change, **parts: object) -> Plan:
    empty = Plan(
        host=HOST,
        policy=Policy("report"),
        targets=(),
        changes=changes,
        blocked=(),
        undeclared=(),
        warnings=(),
        refusals=(),
        unchanged=12,
        runs_per_month=Runs(91.31, 121.75 if changes else 91.31),
    )
    return replace(empty, **parts)  # type: ignore[arg-type]


def every_section() -> Plan:
    """Return a plan with each action and each section."""
    weekly = replace(BASE, frequency="weekly", days_of_week=(1, 4), prompt=BASE.prompt.replace("three", "five"))
    defaulted = dict.fromkeys(
        ("span_limit", "lookback_hours", "max_subagent_depth", "max_turns", "enabled", "prompt"), "built-in default"
    )
    short = replace(BASE, title="Refund watch", frequency="hourly", hours=(), prompt=defaults.PROMPT, timezone="UTC")
    long = replace(
        BASE,
        title="Quarterly digest",
        frequency="monthly",
        days_of_month=(1, 31),
        prompt="\n".join(f"Step {n}: look at part {n}." for n in range(1, 13)),
        span_limit=250_000,
        enabled=False,
    )
    return plan_of(
        update("checkout-daily", BASE, weekly),
        update("renamed", replace(BASE, title="Old title"), replace(BASE, title="New title", enabled=False), number=2),
        create("refund-watch", short, **defaulted),
        create("digest", long, max_turns="halo.yaml:4 (defaults)"),
        update("back-again", BASE, BASE, action=Action.UNARCHIVE, number=3),
        archive(Cause.RETIRED, replace(BASE, title="Old audit"), key="old-audit", number=4),
        archive(Cause.UNDECLARED, replace(BASE, title="Somebody's test"), number=5),
        policy=Policy("archive", (AGENT,), "Checkout: ", ("Nightly audit", "SLA *")),
        targets=("checkout-daily", "renamed"),
        blocked=(
            Blocked(
                "orphan",
                "no agent is called `chekout`",
                "did you mean `checkout`?\nor paste the line `agent: 6f1e2a9c`",
                "halo.yaml:40",
                (schedule_id(6), schedule_id(7)),
            ),
        ),
        undeclared=(
            UndeclaredSchedule(schedule_id(7), "Made by hand", is_firing=True),
            UndeclaredSchedule(schedule_id(8), "Paused one", is_firing=False, note="unknown frequency 'lunar'"),
        ),
        warnings=(
            PlanWarning("the platform has paused schedule 7 (agent_not_found)", "checkout-daily"),
            PlanWarning("the list of schedules is not whole: a cursor came twice"),
        ),
        refusals=(
            Refusal("removals", "3 of 4 active schedules in scope would stop firing", "--allow-archive 3", ("a", "b")),
            Refusal("protected", "'Nightly audit' is protected", "edit `protect:` in the project file"),
        ),
    )


def hostile(words: str) -> Plan:
    """Return a plan that has these words wherever a plan can hold foreign ones."""
    odd = replace(BASE, title=words, prompt=f"{words}\n{BASE.prompt}\n{words}", agent=words, model_id=words)
    other = replace(BASE, title=f"{words}!", timezone=words, frequency=words)
    return plan_of(
        create(words, odd, prompt=words, agent=words, frequency=words),
        replace(update(words, BASE, odd), id=words),
        update("key", other, replace(odd, timezone="UTC")),
        replace(archive(Cause.UNDECLARED, odd), id=words),
        host=Host(words, words, words, words, words, is_sandbox=True),
        policy=Policy("report", (words,), words, (words,)),
        targets=(words,),
        blocked=(Blocked(words, words, words, words, (words,)),),
        undeclared=(UndeclaredSchedule(words, words, is_firing=True, note=words),),
        warnings=(PlanWarning(words, words), PlanWarning(words)),
        refusals=(Refusal(words, words, words, (words,)),),
    )


def large(count: int) -> Plan:
    """Return a plan of many changes, half of them creates, over many cadences."""
    changes = []
    for number in range(count):
        before = replace(BASE, title=f"Schedule {number}", hours=(number % 24,), minutes=(number % 60,))
        after = replace(before, hours=((number + 1) % 24,), prompt=f"{before.prompt}\nAnd number {number}.")
        key = f"schedule-{number}"
        changes.append(create(key, after) if number % 2 else update(key, before, after, number=number))
    return plan_of(*changes)
