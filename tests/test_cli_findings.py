"""Findings as their user meets them: beside the change or one to a line, in any screen, and as exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from command_line import CommandLine, schedules, with_fixed_folder
from golden_files import GOLDEN, assert_golden
from project_files import project_text
from test_findings import SECRET

from halo_iac.findings import RULES

AT_NINE: Final = '    frequency: daily\n    at: "09:00"\n'


def entry(key: str, *lines: str, cadence: str = AT_NINE, agent: str = "checkout") -> str:
    """Return an entry of a project file that nothing is odd about, but for these lines."""
    return f"  {key}:\n    title: Review {key}\n    agent: {agent}\n{cadence}" + "".join(
        f"    {line}\n" for line in lines
    )


def crowded_project() -> str:
    """Return twelve entries that fire on Mondays at nine, no two of one agent and cadence."""
    weekly = '    frequency: weekly\n    days_of_week: {}\n    at: "09:00"\n    lookback: {}\n'.format
    cadences = (AT_NINE, weekly("mon", "7d"), weekly("[mon, thu]", "4d"), weekly("[mon, fri]", "4d"))
    agents = ("checkout", "research", "support-bot")
    return project_text(
        *(
            entry(f"{agent}-{number}", cadence=cadence, agent=agent)
            for agent in agents
            for number, cadence in enumerate(cadences, 1)
        )
    )


ODD: Final = {
    "coverage-gap": project_text(
        entry("twice", cadence="    frequency: weekly\n    days_of_week: [mon, thu]\n    hours: 9\n"),
        entry("fine", agent="research"),
    ),
    "coverage-gap-dst": project_text(
        entry("one", agent="research"), entry("two"), defaults="{timezone: America/Los_Angeles, lookback_hours: 24}"
    ),
    "paid-twice": project_text(entry("daily", "lookback: 4d")),
    "missing-day": project_text(
        entry("monthly", "lookback: 61d", cadence="    frequency: monthly\n    days_of_month: 31\n    hours: 9\n")
    ),
    "crowded-minute": crowded_project(),
    "declared-twice": project_text(entry("first", agent="shop"), entry("second"), agents="{shop: checkout}"),
    "unfinished-prompt": project_text(entry("daily", "prompt: |", "  Review the traces", "  of ${AGENT}.")),
    "credential-in-prompt": project_text(entry("daily", "prompt: |", f"  Log in with {SECRET}.", "  What is wrong?")),
    "cut-by-comment": project_text(entry("daily", "prompt: Look at issue #12")),
    "folded-list": project_text(entry("daily", "prompt: >", "  Look at:", "  - errors", "  - slow calls")),
    "special-glob": project_text(entry("daily"), protect='["Review d*", "[a-z]*", "Review ?aily*"]').replace(
        "Review daily", "Review daily [a-z]"
    ),
    "too-many-runs": project_text(
        entry("daily"),
        entry("hourly", "lookback_hours: 1", cadence="    frequency: hourly\n", agent="research"),
        max_runs_per_month="500",
    ),
}
"""What makes each rule that needs no clock find something, and no other rule."""

TODAY: Final = {"skipped-fire": ("15:00", "09:00"), "doubled-fire": ("09:00", "15:00")}
"""At what time something fires and then is to; it is noon."""

NO_COLOUR: Final = {"NO_COLOR": "1"}


def every_screen(halo: CommandLine, folder: Path, *argv: str) -> str:
    """Return what a command writes on every screen, under a heading each."""
    texts = {"in a pipe": halo(*argv).text}
    with pytest.MonkeyPatch.context() as patch:
        for screen, columns in (("narrow", "40"), ("wide", "200")):
            patch.setenv("COLUMNS", columns)
            texts[f"on a {screen} terminal"] = halo(*argv, is_terminal=True, **NO_COLOUR).text
    texts["on a terminal with colours"] = halo(*argv, is_terminal=True).text
    texts["where only ASCII can be shown"] = halo(*argv, encoding="ascii").text
    parts = [f"# halo {argv[0]}, {screen}\n{text}" for screen, text in texts.items()]
    return with_fixed_folder("\n".join(parts), folder)


def move_fires(halo: CommandLine, folder: Path, rule: str, **policy: str) -> None:
    """Leave a project whose change applied now is odd."""
    before, after = TODAY[rule]
    path = folder / "halo.yaml"
    path.write_text(project_text(entry("daily"), **policy).replace("09:00", before))
    assert halo("apply", "--sandbox", "--yes").code == 0
    path.write_text(path.read_text().replace(before, after))


# What is shown ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ODD)
def test_a_finding_is_shown_by_validate_and_beside_its_change(halo: CommandLine, folder: Path, rule: str) -> None:
    on = "" if rule != "coverage-gap-dst" else f"findings: {{{rule}: warning}}\n"
    (folder / "halo.yaml").write_text(on + ODD[rule])
    texts = [
        every_screen(halo, folder, "validate"),
        every_screen(halo, folder, "plan", "--sandbox"),
    ]
    assert_golden(f"findings/{rule}.txt", "\n".join(texts))
    assert {finding["rule"] for finding in halo("validate", "--json").json["findings"]} == {rule}


@pytest.mark.parametrize("rule", TODAY)
def test_a_finding_that_needs_a_clock_is_shown_only_by_plan(halo: CommandLine, folder: Path, rule: str) -> None:
    move_fires(halo, folder, rule)
    assert_golden(f"findings/{rule}.txt", without_ids(halo, every_screen(halo, folder, "plan", "--sandbox")))
    assert halo("validate").out == "halo.yaml: 1 schedule, no problems\n"


def test_an_unused_protect_glob_is_reported_by_plan_but_not_by_validate(halo: CommandLine, folder: Path) -> None:
    globs = '["Review d*", "Review dayly", "Nightly *"]'
    (folder / "halo.yaml").write_text(project_text(entry("daily"), protect=globs))
    assert_golden("findings/unused-glob.txt", every_screen(halo, folder, "plan", "--sandbox"))
    assert halo("validate").out == "halo.yaml: 1 schedule, no problems\n"
    assert halo("apply", "--sandbox", "--yes").code == 0
    (folder / "halo.yaml").write_text(project_text(protect=globs))
    findings = halo("plan", "--sandbox", "--json").json["findings"]
    assert [(finding["line"], finding["column"], finding["message"]) for finding in findings] == [
        (2, 24, "'Review dayly' in `protect` matches no declared or existing title"),
        (2, 40, "'Nightly *' in `protect` matches no declared or existing title"),
    ]


@pytest.mark.parametrize("reason", ["contains `?`", "matches no declared"])
def test_a_glob_is_reported_at_its_source(halo: CommandLine, folder: Path, reason: str) -> None:
    glob = "Review d?ily" if "?" in reason else "Nightly *"
    for written, argv, env, where in (
        ((), ["--protect", glob], {}, "--protect"),
        ((), [], {"HALO_PROTECT": f"Review*\n {glob}\n"}, "HALO_PROTECT"),
        ((), ["--protect", glob], {"HALO_PROTECT": glob}, "--protect"),
        ((glob,), ["--protect", glob], {"HALO_PROTECT": glob}, "`protect`"),
    ):
        (folder / "halo.yaml").write_text(
            project_text(entry("daily"), **({"protect": str([*written])} if written else {}))
        )
        found = halo("plan", "--sandbox", "--json", *argv, **env).json["findings"]
        findings = [finding["message"] for finding in found if reason in finding["message"]]
        assert [message.startswith(f"{glob!r} in {where} {reason}") for message in findings] == [True]


def without_ids(halo: CommandLine, text: str) -> str:
    for each in schedules(halo):
        text = text.replace(each["id"], "5c000000-0000-4000-8000-000000000001")
    return text


def test_every_rule_has_a_golden_file_and_no_golden_file_is_of_another() -> None:
    rules = {rule.name for rule in RULES}
    assert {*ODD, *TODAY, "unused-glob"} == rules
    assert {path.stem for path in (GOLDEN / "findings").iterdir()} == rules


def test_as_json_findings_stand_beside_the_problems_and_in_the_plan(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(ODD["paid-twice"])
    finding = {
        "rule": "paid-twice",
        "severity": "warning",
        "message": "it looks back 4 days, and its closest fires are 24 hours apart: "
        "traces are analysed, and paid for, up to 4 times",
        "hint": "set `lookback: 1d`",
        "key": "daily",
        "path": "halo.yaml",
        "line": 8,
        "column": 5,
    }
    assert halo("validate", "--json").json == {"problems": [], "findings": [finding]}
    assert halo("plan", "--sandbox", "--json").json["findings"] == [finding]
    assert halo("apply", "--sandbox", "--json", "--yes").json["plan"]["findings"] == [finding]


def test_a_plan_that_is_saved_holds_nothing_from_the_clock(halo: CommandLine, folder: Path) -> None:
    move_fires(halo, folder, "skipped-fire", findings="{skipped-fire: error}")
    planned = halo("plan", "--sandbox", "--out", "plan.json")
    assert (planned.code, "error: skipped-fire" in planned.out) == (1, True)
    assert planned.err == "Saved the plan to plan.json, but `halo apply` refuses it.\n"
    assert json.loads((folder / "plan.json").read_text())["findings"] == []
    as_json = halo("plan", "--sandbox", "--json")
    assert as_json.out == (folder / "plan.json").read_text()
    assert as_json.error == {
        "code": "finding",
        "message": "skipped-fire: halo.yaml:8: if applied now, the change skips a run today: 09:00 has passed, and the "
        "run at 15:00 (UTC) is dropped",
        "hint": "apply the change after 15:00, or start the run by hand with `halo schedule fire KEY`",
        "exit_code": 1,
    }


def test_warnings_of_entries_without_a_change_are_counted_in_one_line(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(ODD["paid-twice"])
    assert halo("apply", "--sandbox", "--yes").code == 0
    (folder / "halo.yaml").write_text(ODD["paid-twice"] + entry("new", "lookback: 3d", agent="research"))
    out = halo("plan", "--sandbox").out
    assert out.count("paid-twice") == 1
    assert "Findings\n  1 warning of entries without a change; `halo validate` lists it\n" in out
    assert out.endswith(" 2 findings.\n")


def test_with_targets_other_entries_are_left_out(halo: CommandLine, folder: Path) -> None:
    fine = entry("fine", agent="research")
    (folder / "halo.yaml").write_text(ODD["credential-in-prompt"] + fine)
    assert halo("plan", "--sandbox").code == 1
    planned = halo("plan", "--sandbox", "--target", "fine")
    assert (planned.code, "Findings" in planned.out) == (0, False)
    assert halo("apply", "--sandbox", "--yes", "--target", "fine").code == 0


# Severity error fails the command -----------------------------------------------------------------------------------

COMMANDS: Final = {
    "validate": ("validate",),
    "validate as JSON": ("validate", "--json"),
    "plan": ("plan", "--sandbox"),
    "plan as JSON": ("plan", "--sandbox", "--json"),
    "plan for changes": ("plan", "--sandbox", "--detailed-exitcode"),
    "apply": ("apply", "--sandbox", "--yes"),
    "apply as JSON": ("apply", "--sandbox", "--yes", "--json"),
}


@pytest.mark.parametrize(("severity", "fails"), [("error", True), ("warning", False), ("off", False)])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("rule", ODD)
def test_an_error_fails_the_command_and_nothing_is_written(
    halo: CommandLine, folder: Path, rule: str, command: str, severity: str, *, fails: bool
) -> None:
    (folder / "halo.yaml").write_text(f"findings: {{{rule}: {severity}}}\n{ODD[rule]}")
    ended = halo(*COMMANDS[command])
    assert ended.code == (1 if fails else 2 if command == "plan for changes" else 0)
    if command.startswith("apply"):
        written = schedules(halo)
        assert bool(written) != fails


@pytest.mark.parametrize(("severity", "code"), [("error", 1), ("warning", 0), ("off", 0)])
@pytest.mark.parametrize("rule", TODAY)
def test_a_finding_that_needs_a_clock_stops_apply(
    halo: CommandLine, folder: Path, rule: str, severity: str, code: int
) -> None:
    move_fires(halo, folder, rule, findings=f"{{{rule}: {severity}}}")
    ended = [halo(command, "--sandbox", *more).code for command, *more in (("plan",), ("plan", "--json"))]
    assert ended == [code, code]
    assert halo("apply", "--sandbox", "--yes").code == code
    (remote,) = schedules(halo)
    assert (f"{remote['hours'][0]:02}:00" == TODAY[rule][1]) == (code == 0)


def test_an_error_of_a_rule_fails_a_plan_without_changes(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(ODD["paid-twice"])
    assert halo("apply", "--sandbox", "--yes").code == 0
    (folder / "halo.yaml").write_text("findings: {paid-twice: error}\n" + ODD["paid-twice"])
    assert halo("plan", "--sandbox").code == 1
    ended = halo("apply", "--sandbox")
    assert ended.code == 1
    assert ended.err == (
        "error: a finding above is an error\n"
        "hint: nothing was changed; fix each finding, or set its rule to `warning` under `findings:`\n"
    )


def test_an_error_that_no_rule_reports_suggests_no_setting(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(ODD["paid-twice"])
    assert halo("apply", "--sandbox", "--yes").code == 0
    (folder / "halo.yaml").write_text("version: 1\nundeclared: error\nschedules: {}\n")
    ended = halo("apply", "--sandbox", "--yes")
    assert (ended.code, ended.err) == (
        1,
        "error: a finding above is an error\nhint: nothing was changed; fix each finding\n",
    )


def test_as_json_the_error_says_what_was_found(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("findings: {paid-twice: error}\n" + ODD["paid-twice"])
    ended = halo("apply", "--sandbox", "--json", "--yes")
    assert (ended.code, ended.json["summary"]) == (1, None)
    assert ended.error["code"] == "finding"
    assert ended.error["message"].startswith("paid-twice: it looks back 4 days")


# What is redacted ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_a_credential_in_a_prompt_is_never_shown(halo: CommandLine, folder: Path, severity: str) -> None:
    switched = f"findings: {{credential-in-prompt: {severity}}}\n{ODD['credential-in-prompt']}"
    (folder / "halo.yaml").write_text(switched)
    for command in COMMANDS.values():
        ended = halo(*command)
        assert SECRET not in ended.text, command
        assert "credential-in-prompt" in ended.text, command
    (folder / "halo.yaml").write_text(ODD["credential-in-prompt"].replace(SECRET, "the key that you have"))
    ended = halo("plan", "--sandbox")
    assert (ended.code, SECRET in ended.text) == (0, False)


def test_a_saved_plan_has_the_whole_prompt_and_can_be_applied(halo: CommandLine, folder: Path) -> None:
    switched = f"findings: {{credential-in-prompt: warning}}\n{ODD['credential-in-prompt']}"
    (folder / "halo.yaml").write_text(switched)
    assert halo("plan", "--sandbox", "--out", "plan.json").code == 0
    assert SECRET in (folder / "plan.json").read_text()
    ended = halo("apply", "plan.json", "--sandbox", "--yes")
    assert (ended.code, SECRET in ended.text) == (0, False)


def test_hiding_a_number_leaves_documents_and_the_way_back_readable(halo: CommandLine, folder: Path) -> None:
    numbered = entry("numbered", "span_limit: 100000", 'prompt: "The access token: 100000 budget"')
    fine = entry("fine", "span_limit: 100000", agent="research")
    (folder / "halo.yaml").write_text(project_text(numbered, fine, findings="{credential-in-prompt: warning}"))
    changes = {each["key"]: each["after"] for each in halo("plan", "--sandbox", "--json").json["changes"]}
    assert (changes["numbered"]["prompt"], changes["numbered"]["span_limit"]) == (
        "The access token: *** budget",
        100000,
    )
    assert halo("apply", "--sandbox", "--yes", "--receipt", "receipt.jsonl").code == 0
    undone = halo("undo", "receipt.jsonl", "--sandbox", "--yes", "--json").json
    assert [each["key"] for each in undone["plan"]["blocked"]] == ["numbered"]
    assert [(each["key"], each["status"]) for each in undone["summary"]["outcomes"]] == [("fine", "done")]


def test_a_prompt_is_shown_unchanged_if_the_credential_rule_is_off(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(f"findings: {{credential-in-prompt: off}}\n{ODD['credential-in-prompt']}")
    assert SECRET in halo("plan", "--sandbox").out
