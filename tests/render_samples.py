"""Plans to render: one with every section, a hostile one, and a very large one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import strategies

from halo_iac.errors import Problem
from halo_iac.model import schedule as defaults
from halo_iac.model.apply_result import Event, Status, Summary
from halo_iac.model.finding import Finding, Severity
from halo_iac.model.plan import (
    Action,
    AgentName,
    Attribution,
    Base,
    Blocked,
    Cause,
    Change,
    FieldChange,
    GuardViolation,
    PausedSchedule,
    Plan,
    PlanWarning,
    Policy,
    RunRate,
    UndeclaredSchedule,
)
from halo_iac.model.remote import PlatformTarget
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
    "@everyone and @acme/payments",
    "#12, GH-12, acme/halo#1 and 0123456789abcdef0123456789abcdef01234567",
    "https://example.com www.example.com someone@example.com <https://example.com>",
    "[link](javascript:alert(1)) ![image](x) [^1] [ref]: y",
    "a | b \\| c\n| --- | --- |\n| d | e |",
    "- [ ] task\n1. one\n> quote\n===\n# heading",
    "*a* _b_ ~~c~~ :tada: $d$ `e` \\* &#64;everyone &lt;b&gt;",
    "</code></summary></details>\n\n````\n</details>\n~~~~\n<!--",
    "<!-- halo-plan: 0123456789abcdef -->",
    "file=/etc/passwd,line=1::100%25 %0A::error::",
    "##teamcity[buildStatus status='SUCCESS' text='gotcha']",
    "text ##TeamCity[importData] ####vso[x] ##build-tool.cmd[y]",
    "--- a group at Buildkite\n+++ another\n~~~ a third\n^^^ +++",
    "travis_fold:start:x travis_time:end:x",
    "section_start:1560896352:x\r\x1b[0Ksection_end:1560896353:x\r\x1b[0K",
    "lone \udc80 surrogate",
)

NASTY = (
    "</details><script>alert(1)</script>",
    "`" * 10,
    "@everyone, see #12",
    "::error::gotcha",
    "##vso[task.setvariable variable=x]y",
    "\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    "a | b\n| --- | --- |",
)
"""Those that the golden files show, one a change."""

BASE = replace(
    strategies.BASE,
    title="Daily checkout review",
    agent=AGENT,
    timezone="America/Los_Angeles",
    prompt="Look at failed payments.\nName the three most costly errors.\nCite trace ids.",
    enabled=True,
)
HOST = PlatformTarget(
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
        runs_per_month=RunRate(91.31, 121.75 if changes else 91.31),
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
        paused=(
            PausedSchedule("digest-2", schedule_id(10), "Digest", None, "add `enabled: true` to it", "halo.yaml:50"),
            PausedSchedule("lost", schedule_id(11), "Lost", "agent_not_found", "give it another `agent:`", "a.yaml:3"),
        ),
        undeclared=(
            UndeclaredSchedule(schedule_id(7), "Made by hand", is_firing=True),
            UndeclaredSchedule(schedule_id(8), "Paused one", is_firing=False, note="unknown frequency 'lunar'"),
        ),
        warnings=(
            PlanWarning("agent 6f1e2a9c has no traces in the last 90 days and no schedule yet", "checkout-daily"),
            PlanWarning("the list of schedules is incomplete: a cursor came twice"),
        ),
        refusals=(
            GuardViolation(
                "removals", "3 of 4 active schedules in scope would stop firing", "--allow-archive 3", ("a", "b")
            ),
            GuardViolation("protected", "'Nightly audit' is protected", "edit `protect:` in the project file"),
        ),
    )


def reviewed_plan() -> Plan:
    """Return the same as it is looked at in a pull request: each entry with its place, findings, and a base."""
    plan = every_section()
    shares = (
        Attribution.BRANCH,
        Attribution.BRANCH_AND_DRIFT,
        Attribution.BRANCH,
        Attribution.INHERITED,
        Attribution.DRIFT,
        Attribution.BRANCH,
        Attribution.DRIFT,
    )
    return replace(
        plan,
        changes=tuple(
            replace(change, origin=f"schedules/team.yaml:{10 * line}" if change.key else "", share=share)
            for line, (change, share) in enumerate(zip(plan.changes, shares, strict=True), 1)
        ),
        findings=(
            finding("coverage", "checkout-daily", 12, Severity.ERROR, hint="set `lookback: 4d`"),
            finding("collision", "digest", 41, message="it fires in the same minute as `refund-watch`"),
            finding("budget", None, 3, message="122 runs a month, more than the 100 of `max_runs_per_month`"),
        ),
        base=Base("origin/main", "8455715f0e3c9a1b2d4e6f8091a3b5c7d9e0f123"),
    )


def finding(
    rule: str,
    key: str | None,
    line: int,
    severity: Severity = Severity.WARNING,
    *,
    message: str = "72 of every 96 hours are looked at by no run",
    hint: str | None = None,
) -> Finding:
    return Finding(rule, severity, message, hint, key, "schedules/team.yaml", line, 5)


def nasty_plan() -> Plan:
    """Return a plan whose titles, prompts, keys and reasons each try something."""
    changes = [
        replace(
            update(f"key {words}", BASE, replace(BASE, title=words, prompt=f"{BASE.prompt}\n{words}"), number=number),
            origin=f"halo.yaml:{number}",
        )
        for number, words in enumerate(NASTY, 1)
    ]
    return plan_of(
        *changes,
        blocked=tuple(Blocked(words, f"no agent is called `{words}`", origin="halo.yaml:90") for words in NASTY),
        paused=tuple(PausedSchedule(words, words, words, words, f"resume {words}") for words in NASTY),
        undeclared=tuple(UndeclaredSchedule(words, words, is_firing=True) for words in NASTY),
        warnings=tuple(PlanWarning(words) for words in NASTY),
    )


def hostile_plan(words: str) -> Plan:
    """Return a plan that has these words wherever a plan can hold foreign ones."""
    odd = replace(BASE, title=words, prompt=f"{words}\n{BASE.prompt}\n{words}", agent=words, model_id=words)
    other = replace(BASE, title=f"{words}!", timezone=words, frequency=words)
    return plan_of(
        replace(create(words, odd, prompt=words, agent=words, frequency=words), origin=f"{words}:3"),
        replace(update(words, BASE, odd), id=words, origin=words),
        update("key", other, replace(odd, timezone="UTC")),
        replace(archive(Cause.UNDECLARED, odd), id=words),
        host=PlatformTarget(words, words, words, words, words, is_sandbox=True),
        policy=Policy("report", (words,), words, (words,)),
        targets=(words,),
        blocked=(Blocked(words, words, words, words, (words,)),),
        paused=(PausedSchedule(words, words, words, words, words, words),),
        undeclared=(UndeclaredSchedule(words, words, is_firing=True, note=words),),
        warnings=(PlanWarning(words, words), PlanWarning(words)),
        refusals=(GuardViolation(words, words, words, (words,)), GuardViolation(words, words, words, withholds=True)),
        agents=(AgentName(words, words),),
        findings=(
            Finding(words, Severity.ERROR, words, words, words, words, 1, 1),
            Finding(words, Severity.WARNING, words, None, None, words, 1, 1),
        ),
        base=Base(words, words),
    )


def large_plan(count: int) -> Plan:
    """Return a plan of many changes, half of them creates, over many cadences."""
    changes = []
    for number in range(count):
        before = replace(BASE, title=f"Schedule {number}", hours=(number % 24,), minutes=(number % 60,))
        after = replace(before, hours=((number + 1) % 24,), prompt=f"{before.prompt}\nAnd number {number}.")
        key = f"schedule-{number}"
        changes.append(create(key, after) if number % 2 else update(key, before, after, number=number))
    return plan_of(*changes)


def a_run(plan: Plan, words: str = "HTTP 500\nno reason given") -> Summary:
    """Return how an interrupted run of the plan may have ended: every way, in turn."""
    ends = (Status.DONE, Status.ALREADY, Status.FAILED, Status.CONFLICT, Status.UNKNOWN, Status.NOT_STARTED)
    events = (
        Event(change, ends[index % len(ends)], schedule_id(index), words, words)
        for index, change in enumerate(plan.changes)
    )
    return Summary(tuple(events), is_interrupted=True)


def nasty_problems() -> list[Problem]:
    """Return problems whose files and messages each try something."""
    return [
        Problem(f"{words}.yaml", line, 5, f"unknown key `{words}`", f"did you mean `{words}`?")
        for line, words in enumerate(NASTY, 1)
    ]
