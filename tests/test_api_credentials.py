"""Key, base URL, team and project: the documented orders, and values that are refused without being shown."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from halo_iac.api.auth import Setting, Settings, resolve_project, resolve_settings
from halo_iac.api.inf_config import read_inf_config
from halo_iac.api.secret import Secret
from halo_iac.api.urls import is_loopback
from halo_iac.errors import SettingsError
from halo_iac.render.json import document
from halo_iac.render.markdown.escape import code, html_code, message, prose
from halo_iac.render.style import PLAIN, Style
from halo_iac.render.yaml import mapping_text
from halo_iac.text import escape_control

CANARY = "sk-inference-canary-0123456789"
EVERYTHING = {
    "apiKey": "sk-inference-file",
    "sessionToken": "session-file",
    "apiUrl": "https://file.example/",
    "activeProjectId": "project-file",
    "activeTeamId": "team-file",
    "somethingNew": {"ignored": True},
}


def home_with(home: Path, config: object) -> Path:
    (home / ".inf").mkdir(exist_ok=True)
    (home / ".inf" / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return home


def refused(env: dict[str, str], home: Path, **options: object) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        resolve_settings(env, home=home, **options)  # type: ignore[arg-type]
    assert CANARY not in f"{caught.value!r} {caught.value} {caught.value.hint}"
    assert caught.value.hint
    return caught.value


# --- orders --------------------------------------------------------------------------------------------------------


def test_the_default_url_is_used_without_settings(tmp_path: Path) -> None:
    expected = Settings(None, Setting("https://relay.inference.net", "default"), None, None)
    assert resolve_settings({}, home=tmp_path) == expected


def test_the_config_file_of_inf_is_enough(tmp_path: Path) -> None:
    assert resolve_settings({}, home=home_with(tmp_path, EVERYTHING)) == Settings(
        Setting(Secret("sk-inference-file"), "~/.inf/config.json (apiKey)"),
        Setting("https://file.example", "~/.inf/config.json (apiUrl)"),
        Setting("team-file", "~/.inf/config.json (activeTeamId)"),
        Setting("project-file", "~/.inf/config.json (activeProjectId)"),
    )


def test_the_environment_comes_before_the_config_file(tmp_path: Path) -> None:
    env = {
        "INF_API_KEY": f" {CANARY}\n",
        "INF_API_URL": "http://localhost:8080/",
        "INF_TEAM_ID": "team-env",
        "INF_PROJECT_ID": "project-env",
    }
    assert resolve_settings(env, home=home_with(tmp_path, EVERYTHING)) == Settings(
        Setting(Secret(CANARY), "INF_API_KEY"),
        Setting("http://localhost:8080", "INF_API_URL"),
        Setting("team-env", "INF_TEAM_ID"),
        Setting("project-env", "INF_PROJECT_ID"),
    )


def test_flags_come_first(tmp_path: Path) -> None:
    env = {"INF_TEAM_ID": "team-env", "INF_PROJECT_ID": "project-env"}
    settings = resolve_settings(env, home=tmp_path, project_flag="project-flag", team_flag="team-flag")
    assert (settings.project, settings.team) == (Setting("project-flag", "--project"), Setting("team-flag", "--team"))


def test_a_session_token_is_used_without_a_key(tmp_path: Path) -> None:
    settings = resolve_settings({}, home=home_with(tmp_path, {"apiKey": None, "sessionToken": "session"}))
    assert settings.key == Setting(Secret("session"), "~/.inf/config.json (sessionToken)")


@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_empty_variables_count_as_unset(tmp_path: Path, empty: str) -> None:
    names = ("INF_API_KEY", "INF_API_URL", "INF_TEAM_ID", "INF_PROJECT_ID", "INF_CONFIG_DIR")
    home = home_with(tmp_path, EVERYTHING)
    assert resolve_settings(dict.fromkeys(names, empty), home=home) == resolve_settings({}, home=home)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_config_file_may_begin_with_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    home = home_with(tmp_path, {})
    (home / ".inf" / "config.json").write_bytes(json.dumps({"apiKey": CANARY}).encode(encoding))
    assert resolve_settings({}, home=home).key == Setting(Secret(CANARY), "~/.inf/config.json (apiKey)")


@pytest.mark.parametrize("written", ['"{}"', "'{}'", ' "{}"\n', '" {} "'])
@pytest.mark.parametrize("name", ["INF_API_KEY", "INF_API_URL", "INF_PROJECT_ID", "INF_TEAM_ID"])
def test_a_variable_may_come_with_the_quotes_of_an_env_file(tmp_path: Path, name: str, written: str) -> None:
    value = {"INF_API_KEY": CANARY, "INF_API_URL": "https://halo.example"}.get(name, "one")
    assert resolve_settings({name: written.format(value)}, home=tmp_path) == resolve_settings(
        {name: value}, home=tmp_path
    )


@pytest.mark.parametrize("written", ['""', "''", '" "'])
def test_a_variable_of_quotes_alone_counts_as_unset(tmp_path: Path, written: str) -> None:
    assert resolve_settings({"INF_API_KEY": written}, home=tmp_path).key is None


def test_another_config_folder_is_used_and_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"apiKey": "sk-inference-there"}')
    settings = resolve_settings({"INF_CONFIG_DIR": str(tmp_path)}, home=tmp_path / "nowhere")
    assert settings.key == Setting(Secret("sk-inference-there"), f"{tmp_path / 'config.json'} (apiKey)")


def test_without_a_key_the_message_says_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no API key") as caught:
        resolve_settings({}, home=tmp_path).required_key()
    assert "INF_API_KEY" in (caught.value.hint or "")


@pytest.mark.parametrize("config", [EVERYTHING, {"apiUrl": "https://file.example"}])
def test_a_config_file_of_the_checkout_goes_with_its_own_key_only(tmp_path: Path, config: object) -> None:
    home = home_with(tmp_path, config)
    at = {"INF_CONFIG_DIR": str(home / ".inf")}
    own = resolve_settings(at, home=home, checkouts=lambda: (tmp_path,))
    assert own == resolve_settings(at, home=home)
    error = refused({**at, "INF_API_KEY": CANARY}, home, checkouts=lambda: (tmp_path,))
    assert str(error) == (
        f"{home}/.inf/config.json (apiUrl) is not used with the key from INF_API_KEY: "
        f"it lies in the checkout {tmp_path}"
    )
    unused = {"INF_API_URL": "https://a.example", "INF_TEAM_ID": "t", "INF_PROJECT_ID": "p"}
    assert (
        resolve_settings({**at, **unused, "INF_API_KEY": CANARY}, home=home, checkouts=lambda: (tmp_path,)).key
        is not None
    )
    assert refused({}, home, checkouts=lambda: (tmp_path,)).message.startswith("~/.inf/config.json is not used: ")
    assert resolve_settings({}, home=home, checkouts=lambda: (home / "below",)) == resolve_settings({}, home=home)


# --- project -------------------------------------------------------------------------------------------------------

DECLARED = Setting("declared", "halo.yaml:2")


def test_the_project_file_comes_before_the_config_file(tmp_path: Path) -> None:
    settings = resolve_settings({}, home=home_with(tmp_path, EVERYTHING), declared=DECLARED)
    assert settings.project == DECLARED


def test_a_variable_that_says_the_same_as_the_file_is_fine(tmp_path: Path) -> None:
    assert resolve_settings({"INF_PROJECT_ID": "declared"}, home=tmp_path, declared=DECLARED).project == DECLARED


def test_a_variable_that_differs_from_the_file_is_an_error(tmp_path: Path) -> None:
    error = refused({"INF_PROJECT_ID": "other"}, tmp_path, declared=DECLARED)
    assert str(error) == "two projects are named: declared in halo.yaml:2 and other in INF_PROJECT_ID"


def test_the_project_flag_overrides_a_variable_that_differs_from_the_file(tmp_path: Path) -> None:
    settings = resolve_settings({"INF_PROJECT_ID": "other"}, home=tmp_path, declared=DECLARED, project_flag="flag")
    assert settings.project == Setting("flag", "--project")


def test_the_project_alone_can_be_resolved_once_the_file_is_parsed(tmp_path: Path) -> None:
    config = read_inf_config({}, home_with(tmp_path, EVERYTHING))
    assert resolve_project({}, config, declared=DECLARED) == DECLARED
    assert resolve_project({}, config) == Setting("project-file", "~/.inf/config.json (activeProjectId)")


@pytest.mark.parametrize("flag", ["project_flag", "team_flag"])
def test_an_empty_flag_is_refused_rather_than_ignored(tmp_path: Path, flag: str) -> None:
    assert "is empty" in str(refused({"INF_PROJECT_ID": "p"}, tmp_path, **{flag: " "}))


# --- keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "flaw"),
    [
        (f"“{CANARY}”", "a typographic quote"),
        (f"{CANARY}\n{CANARY}", "a line break"),
        (f"{CANARY} {CANARY}", "a space"),
        (f"{CANARY}\x00", "a character that is not printable ASCII"),
        (f"{CANARY}é", "a character that is not printable ASCII"),
        (f"{CANARY}\u200b", "a character that is not printable ASCII"),
        (f'"{CANARY}', "a quote at its beginning or end"),
        (f"{CANARY}'", "a quote at its beginning or end"),
        (f"'{CANARY}\"", "a quote at its beginning or end"),
        (f"`{CANARY}`", "a quote at its beginning or end"),
        (f'"\'{CANARY}"', "a quote at its beginning or end"),
        ('"', "a quote at its beginning or end"),
        (f"INF_API_KEY={CANARY}", "more than the value"),
        (f'INF_API_KEY="{CANARY}"', "more than the value"),
        (f"export INF_API_KEY={CANARY}", "more than the value"),
        (f"$env:INF_API_KEY = {CANARY}", "more than the value"),
        (f"Bearer {CANARY}", "more than the value"),
        (f"authorization:{CANARY}", "more than the value"),
    ],
)
def test_a_key_no_header_can_carry_is_refused_without_being_shown(tmp_path: Path, key: str, flaw: str) -> None:
    assert str(refused({"INF_API_KEY": key}, tmp_path)) == f"the API key from INF_API_KEY contains {flaw}"
    in_file = refused({}, home_with(tmp_path, {"apiKey": key}))
    assert str(in_file) == f"the API key from ~/.inf/config.json (apiKey) contains {flaw}"


@pytest.mark.parametrize("key", ["dGVzdA==", "AB_CD==", "AB_CD=", "a_b=c", "o'neil", "sk-BEARER", "eyJ.A_B.c-d"])
def test_any_other_key_is_used_as_it_is(tmp_path: Path, key: str) -> None:
    assert resolve_settings({"INF_API_KEY": key}, home=tmp_path).key == Setting(Secret(key), "INF_API_KEY")
    assert resolve_settings({"INF_API_KEY": f"'{key}'"}, home=tmp_path).key == Setting(Secret(key), "INF_API_KEY")


def test_a_team_no_header_can_carry_is_refused(tmp_path: Path) -> None:
    assert str(refused({"INF_TEAM_ID": "a b"}, tmp_path)) == "the team id from INF_TEAM_ID contains a space"


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(CANARY)
    setting = Setting(secret, "INF_API_KEY")
    assert f"{secret} {secret!r} {secret!s} {setting} {[secret]}" == (
        "*** *** *** Setting(value=***, origin='INF_API_KEY') [***]"
    )
    assert secret.reveal() == CANARY
    assert secret.hide_in(f"<{CANARY}> {CANARY}") == "<***> ***"
    assert Secret("").hide_in("text") == "text"
    assert (secret == Secret(CANARY), secret == CANARY, hash(secret) == hash(Secret(CANARY))) == (True, False, True)


ODD = 'sk-"inference\\\\0##[canary]\'%<&9"'
"""A key with everything in it that some format escapes; all of it may be in a header."""


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        json.dumps(ODD),
        document([ODD]),
        document([f"#{ODD}#"]),
        mapping_text({"key": ODD}),
        mapping_text({"key": f"# {ODD}"}),
        mapping_text({"key": f"{ODD}\x7f"}),
        html.escape(ODD),
        quote(ODD),
        escape_control(ODD),
        escape_control(f"::{ODD}"),
    ],
)
def test_a_key_is_hidden_however_a_format_has_escaped_it(written: str) -> None:
    hidden = Secret(ODD).hide_in(f"before {written} after")
    assert "***" in hidden
    assert not {"inference", "canary"}.intersection(re.findall("[a-z]+", hidden))
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")


@pytest.mark.parametrize("draw", [code, html_code, prose, message])
def test_a_key_is_hidden_in_markdown_where_its_signs_are_broken_apart(draw: Callable[[str, Style], str]) -> None:
    key = "sk_live:abc@def.www.ghi|100%25<x>*"
    hidden = Secret(key).hide_in(draw(f"before {key} after", PLAIN))
    assert "***" in hidden
    assert not {"live", "abc", "ghi"}.intersection(re.findall("[a-z]+", hidden))


@pytest.mark.parametrize("shown", [8, 9, 14, 20, len(ODD) - 1])
@pytest.mark.parametrize("ellipsis", ["…", "...", r"\u2026"])
def test_the_beginning_of_a_key_that_was_cut_off_is_hidden(shown: int, ellipsis: str) -> None:
    secret = Secret(ODD)
    for written in (ODD[:shown], json.dumps(ODD[:shown])[1:-1]):
        assert (
            secret.hide_in(f"a… {written}{ellipsis} {written}{ellipsis} z...") == f"a… ***{ellipsis} ***{ellipsis} z..."
        )


@pytest.mark.parametrize("written", [repr(ODD), json.dumps(repr(ODD)), json.dumps(json.dumps(ODD)), quote(ODD).lower()])
def test_a_key_is_hidden_however_often_it_was_quoted(written: str) -> None:
    assert re.fullmatch(r"[\"'\\]*\*{3}[\"'\\]*", Secret(ODD).hide_in(written))


@pytest.mark.parametrize("text", ["sk-", "sk-infe…", "sk-inference", "sk-inference\\\\0##[canary]'%<&9", "canary", ""])
def test_text_that_resembles_a_key_is_not_redacted(text: str) -> None:
    assert Secret(ODD).hide_in(text) == text


def test_a_document_stays_one_when_its_keys_are_hidden() -> None:
    texts = [ODD, f"a {ODD} b", f"\\{ODD}", f"##{ODD}##"]
    assert json.loads(Secret(ODD).hide_in(document(texts))) == ["***", "a *** b", "\\***", "##***##"]


def test_the_config_shows_none_of_its_values(tmp_path: Path) -> None:
    config = read_inf_config({}, home_with(tmp_path, {"apiKey": CANARY}))
    assert repr(config) == "InfConfig(label='~/.inf/config.json')"


# --- base URL ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://relay.inference.net", "https://relay.inference.net"),
        ("HTTPS://Relay.Inference.Net:8443/Prefix/", "https://relay.inference.net:8443/Prefix"),
        ("https://relay.inference.net///", "https://relay.inference.net"),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost", "http://localhost"),
        ("http://LOCALHOST:80", "http://localhost:80"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        ("http://127.255.255.254", "http://127.255.255.254"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_https_and_literal_loopback_are_allowed(tmp_path: Path, text: str, url: str) -> None:
    assert resolve_settings({"INF_API_URL": text}, home=tmp_path).base_url == Setting(url, "INF_API_URL")


@pytest.mark.parametrize(
    "text",
    [
        "relay.inference.net",
        "ftp://relay.inference.net",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https:relay.inference.net",
        "https://user@relay.inference.net",
        f"https://user:{CANARY}@relay.inference.net",
        "https://relay.inference.net?x=1",
        "https://relay.inference.net/?",
        "https://relay.inference.net#",
        f"https://relay.inference.net/#{CANARY}",
        "https://relay.inference.net:0",
        "https://relay.inference.net:99999",
        "https://relay.inference.net:port",
        "https://relay..inference.net",
        f"https://{'a' * 64}.net",
        "https://-a.net",
        "https://a b.net",
        "https://a\tb.net",
        "https://a\nb.net",
        "https://ünicode.net",
        "https:\\\\relay.inference.net",
        "https://relay.inference.net\\@evil.example",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://[127.0.0.1]",
        "https://[::1]junk:443",
        "https://009.0.0.1",
        "https://1.2.3",
        "https://2130706433",
        "http://[::1].evil.example",
        "http://relay.inference.net",
        "http://127.1",
        "http://0x7f000001",
        "http://2130706433",
        "http://0.0.0.0",
        "http://[::ffff:127.0.0.1]",
        "http://localhost.",
        "http://localhost.example",
        "http://127.0.0.1.example",
        CANARY,
    ],
)
def test_every_other_address_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    error = refused({"INF_API_URL": text}, tmp_path)
    assert str(error).startswith("the base URL from INF_API_URL ")
    assert "http" not in str(error).replace("https:// address", "")


def test_loopback_is_what_is_written_as_such() -> None:
    urls = (
        "http://localhost:1",
        "https://127.0.0.2",
        "https://[::1]/x",
        "https://relay.inference.net",
        "https://10.0.0.1",
    )
    assert [is_loopback(url) for url in urls] == [True, True, True, False, False]


# --- the config file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "~/.inf/config.json is not valid JSON"),
        (f'{{"apiKey": "{CANARY}"', "~/.inf/config.json is not valid JSON"),
        (f'["{CANARY}"]', "~/.inf/config.json does not hold a JSON object"),
        ('{"apiKey": 7}', "~/.inf/config.json: apiKey is not a string"),
        ('{"activeProjectId": ["p"]}', "~/.inf/config.json: activeProjectId is not a string"),
        ('{"apiUrl": false}', "~/.inf/config.json: apiUrl is not a string"),
        ('{"a": "' + "x" * 1024 * 1024 + '"}', "~/.inf/config.json is larger than 1 MiB"),
    ],
)
def test_an_invalid_config_file_is_named_but_not_quoted(tmp_path: Path, content: str, message: str) -> None:
    assert str(refused({}, home_with(tmp_path, content))) == message


def test_a_folder_in_the_place_of_the_config_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".inf" / "config.json").mkdir(parents=True)
    assert str(refused({}, tmp_path)) == "~/.inf/config.json cannot be read: is a directory"


def test_a_file_in_the_place_of_the_config_folder_is_no_config(tmp_path: Path) -> None:
    (tmp_path / ".inf").write_text("")
    assert resolve_settings({}, home=tmp_path).key is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_config_file_is_an_error(tmp_path: Path) -> None:
    (home_with(tmp_path, EVERYTHING) / ".inf" / "config.json").chmod(0)
    assert str(refused({}, tmp_path)) == "~/.inf/config.json cannot be read: permission denied"


def test_a_config_folder_that_is_no_path_is_an_error(tmp_path: Path) -> None:
    assert str(refused({"INF_CONFIG_DIR": "a\0b"}, tmp_path)) == "INF_CONFIG_DIR is not a path"
