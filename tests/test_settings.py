"""The settings: all faults at once, the environment before the file, and never a secret in what is said."""

import copy
import dataclasses
import json
import pickle
import traceback
from pathlib import Path

import jsonschema
import pytest

from engine.address import TAKES
from engine.errors import SettingsError
from engine.issues import Issue, render
from engine.klaviyo.rest import REVISION
from engine.secrets import SECRETS, Secret, without_secrets
from engine.settings import Settings, read_settings, settings_file
from engine.settings_table import SETTINGS
from tests.canaries import Watch
from tests.support import ROOT

TOKEN = "dG9rOmNhbmFyeV90b2tlbl9vZl9pbnRlcmNvbTox="
SECRET = "canary1b-77aa-4c1e-9d6f-client5ecret"
OLDER = "canary2b-77aa-4c1e-9d6f-client5ecret"
KEY = "pk_canary3456789abcdef0123456789abcdef"
ALERTS = "https://hooks.slack.com/services/T0/canary5/hunter2"
OAUTH = "canary4eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0NTY3ODkwIn0.sflKxwRJSMeKKF2QT4fwpM"
CANARIES = (TOKEN, SECRET, OLDER, KEY, OAUTH, ALERTS, "canary", "hunter2")
SCHEMA = json.loads((ROOT / "schemas" / "engine.schema.json").read_text(encoding="utf-8"))


def written(text: str | bytes, folder: Path, name: str = "engine.yaml") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def faults(file: Path | None, environment: dict[str, str]) -> tuple[Issue, ...]:
    """What is told of some settings. No secret is in any of it, whatever the way to print it."""
    with pytest.raises(SettingsError) as raised:
        read_settings(file, environment)
    error = raised.value
    told = ["".join(traceback.format_exception(error)), repr(error), *map(repr, error.issues)]
    told += [render(issue) + json.dumps(issue.as_json()) + repr(issue.place) for issue in error.issues]
    told += [issue.place.text for issue in error.issues if issue.place]
    printed = "\n".join(told)
    assert not [canary for canary in CANARIES if canary in printed], printed
    assert error.__context__ is None
    return error.issues


def shown(issues: tuple[Issue, ...], folder: Path) -> list[str]:
    return [render(issue).replace(f"{folder}/", "") for issue in issues]


# What is read


def test_without_anything_all_is_as_usual() -> None:
    assert read_settings(None, {}) == Settings()
    made = Settings()
    assert (made.intercom_token, made.intercom_secrets, made.klaviyo_key, made.klaviyo_token) == (
        "",
        (),
        "",
        "",
    )
    assert (made.intercom_region, made.intercom_url, made.klaviyo_url) == ("us", "", "")
    assert (made.klaviyo_revision, made.rate_share, made.trust_env) == (REVISION, 0.8, False)
    assert (made.ledger_file, made.keep_days, made.keep_dead_days, made.wait_days) == ("ledger.db", 7, 30, 7)


def test_what_is_usual_is_said_once() -> None:
    usual = {field.name: field.default for field in dataclasses.fields(Settings)}
    assert {row.attribute: row.default for row in SETTINGS.values()}.items() <= usual.items()
    # The client secret and the one before it are one field, and tokens of further workspaces are another.
    assert len(usual) == len(SETTINGS) + len(SECRETS)


def test_the_file_and_the_environment_are_read(tmp_path: Path) -> None:
    file = written(
        "# yaml-language-server: $schema=schemas/engine.schema.json\n"
        "intercom:\n  region: eu\n  url: http://127.0.0.1:8080/\n"
        "klaviyo:\n  revision: 2026-10-15.pre\n  url: https://Stand-In.example\n  rate_share: 1\n"
        "ledger: { file: /var/lib/relay/ledger.db, keep_days: 3, keep_dead_days: 60, wait_days: 0.5 }\n"
        "trust_env: true\n",
        tmp_path,
    )
    environment = {
        "INTERCOM_TOKEN": TOKEN,
        "INTERCOM_CLIENT_SECRET": SECRET,
        "INTERCOM_CLIENT_SECRET_PREVIOUS": OLDER,
        "KLAVIYO_API_KEY": KEY,
        "PATH": "/bin",
    }
    assert read_settings(file, environment) == Settings(
        intercom_token=Secret(TOKEN),
        intercom_secrets=(Secret(SECRET), Secret(OLDER)),
        intercom_region="eu",
        intercom_url="http://127.0.0.1:8080",
        klaviyo_key=Secret(KEY),
        klaviyo_revision="2026-10-15.pre",
        klaviyo_url="https://stand-in.example",
        rate_share=1.0,
        ledger_file="/var/lib/relay/ledger.db",
        keep_days=3.0,
        keep_dead_days=60.0,
        wait_days=0.5,
        trust_env=True,
    )


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = written(
        "intercom: { region: eu, url: 'https://one.example' }\n"
        "klaviyo: { revision: '2026-07-15', url: 'https://two.example', rate_share: 0.5 }\ntrust_env: true\n"
        "serve: { host: 0.0.0.0, port: 1 }\n"
        "ledger: { file: one.db, keep_days: 1, keep_dead_days: 2, wait_days: 3 }\nalert_format: json\n",
        tmp_path,
    )
    environment = {
        "INTERCOM_REGION": "au",
        "INTERCOM_URL": "https://three.example",
        "KLAVIYO_REVISION": "2026-10-15",
        "KLAVIYO_URL": "https://four.example",
        "KLAVIYO_RATE_SHARE": ".25",
        "KLAVIYO_LATE_AFTER_HOURS": "48",
        "SERVE_HOST": "::1",
        "SERVE_PORT": "8080",
        "LEDGER_FILE": "/var/lib/relay/ledger.db",
        "ENGINE_ALERT_FORMAT": "slack",
        "LEDGER_KEEP_DAYS": "0",
        "LEDGER_KEEP_DEAD_DAYS": "90",
        "LEDGER_WAIT_DAYS": "14",
        "ENGINE_TRUST_ENV": "false",
    }
    made = read_settings(file, environment)
    assert made == read_settings(None, environment)
    assert (made.intercom_region, made.intercom_url) == ("au", "https://three.example")
    assert (made.klaviyo_revision, made.klaviyo_url) == ("2026-10-15", "https://four.example")
    assert (made.rate_share, made.trust_env, made.late_after_hours) == (0.25, False, 48)
    assert (made.serve_host, made.serve_port) == ("::1", 8080)
    assert (made.ledger_file, made.alert_format) == ("/var/lib/relay/ledger.db", "slack")
    assert (made.keep_days, made.keep_dead_days, made.wait_days) == (0, 90, 14)
    assert {row.variable for row in SETTINGS.values()} == set(environment)


@pytest.mark.parametrize(
    "text", ["", "\n# nothing\n", "intercom:\nklaviyo:\n", "intercom: {}\n", "\ufeff", "---\n"]
)
def test_a_file_with_nothing_in_it_changes_nothing(text: str, tmp_path: Path) -> None:
    assert read_settings(written(text, tmp_path), {}) == Settings()


def test_the_file_is_the_one_given_or_that_of_the_folder_or_none(tmp_path: Path) -> None:
    assert settings_file(folder=tmp_path) is None
    assert settings_file("other.yaml", tmp_path) == Path("other.yaml")
    (tmp_path / "engine.yaml").mkdir()
    assert settings_file(folder=tmp_path) is None
    (tmp_path / "engine.yaml").rmdir()
    file = written("", tmp_path)
    assert settings_file(folder=tmp_path) == file
    assert settings_file(tmp_path / "other.yaml", tmp_path) == tmp_path / "other.yaml"


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no file .*engine\.yaml"):
        read_settings(tmp_path / "engine.yaml", {})
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path, {})


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_may_stand_in_a_file_of_its_own(name: str, end: str, tmp_path: Path) -> None:
    value = {"INTERCOM_TOKEN": TOKEN, "KLAVIYO_API_KEY": KEY, "ALERT_URL": ALERTS}.get(name, SECRET)
    environment = {f"{name}_FILE": str(written(value + end, tmp_path, "secret"))}
    if name.endswith("PREVIOUS"):
        environment["INTERCOM_CLIENT_SECRET"] = OLDER
    made = read_settings(None, environment)
    held = (made.intercom_token, made.klaviyo_key, made.klaviyo_token, made.alert_url)
    assert value in (*held, *made.intercom_secrets)


# Faults of the file


ONE_OF_ALL = ", ".join(dict.fromkeys(name.partition(".")[0] for name in SETTINGS))
ONE_OF_INTERCOM = ", ".join(name for name in SETTINGS if name.startswith("intercom."))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "intercom:\n  reigon: eu\n",
            'engine.yaml:2:3  unknown-setting  there is no setting "intercom.reigon"; did you mean '
            '"intercom.region"?\n'
            f"    reigon: eu\n    ^\n    hint: the settings: {ONE_OF_INTERCOM}",
        ),
        (
            "region: eu\n",
            'engine.yaml:1:1  unknown-setting  there is no setting "region"; did you mean '
            '"intercom.region"?\n'
            f"    region: eu\n    ^\n    hint: the settings: {ONE_OF_ALL}",
        ),
        (
            "KLAVIYO_RATE_SHARE: 0.5\n",
            'engine.yaml:1:1  unknown-setting  there is no setting "KLAVIYO_RATE_SHARE"; did you mean '
            f'"klaviyo.rate_share"?\n    KLAVIYO_RATE_SHARE: 0.5\n    ^\n    hint: the settings: '
            f"{ONE_OF_ALL}",
        ),
        (
            "web: { port: 1 }\n",
            'engine.yaml:1:1  unknown-setting  there is no setting "web"\n'
            f"    web: {{ port: 1 }}\n    ^\n    hint: the settings: {ONE_OF_ALL}",
        ),
        (
            "intercom:\n  region: EU\n",
            'engine.yaml:2:11  bad-setting  intercom.region takes us, eu or au; did you mean "eu"?\n'
            "    region: EU\n            ^",
        ),
        (
            "klaviyo:\n  rate_share: '0.8'\n",
            "engine.yaml:2:15  bad-setting  klaviyo.rate_share takes a number over 0, up to 1\n"
            "    rate_share: '0.8'\n                ^\n    hint: write it without quotes",
        ),
        (
            "trust_env: yes\n",
            "engine.yaml:1:12  bad-setting  trust_env takes true or false\n    trust_env: yes\n            "
            "   ^",
        ),
        (
            "intercom: eu\n",
            "engine.yaml:1:11  bad-setting  settings are lines of `name: value`\n    intercom: eu\n        "
            "      ^",
        ),
        (
            "- intercom\n",
            "engine.yaml:1:1  bad-setting  settings are lines of `name: value`\n    - intercom\n    ^",
        ),
        (
            "intercom:\n  region: us\n  region: eu\n",
            'engine.yaml:3:3  duplicate-key  "region" stands twice; first in line 2\n'
            "    region: eu\n    ^\n    hint: keep one of them",
        ),
        (
            "intercom: &one\n  region: us\n",
            "engine.yaml:1:11  not-supported  `&name` is a YAML anchor, which is not used here\n"
            "    intercom: &one\n              ^",
        ),
        (
            f"intercom:\n  token: {TOKEN}\n",
            'engine.yaml:2:3  secret-in-file  "intercom.token" holds a secret, and none stands in a file '
            "of settings\n"
            "    token: ***\n    ^\n    hint: set it in the environment, as INTERCOM_TOKEN; anyone may "
            "read this file",
        ),
        (
            f"klaviyo:\n  api_key: {KEY}\n",
            'engine.yaml:2:3  secret-in-file  "klaviyo.api_key" holds a secret, and none stands in a file '
            "of settings\n"
            "    api_key: ***\n    ^\n    hint: set it in the environment, as KLAVIYO_API_KEY; anyone may "
            "read this file",
        ),
        (
            "klaviyo:\n  url: https://user:hunter2@a.klaviyo.com\n",
            f"engine.yaml:2:8  bad-setting  klaviyo.url takes {TAKES}\n    url: "
            f"https://***@a.klaviyo.com\n         ^",
        ),
    ],
)
def test_a_fault_of_the_file_is_told_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    assert shown(faults(written(text, tmp_path), {}), tmp_path) == [told]


BAD_VALUES = {
    "intercom.region": ["de", "1", "", "[us]", "{ us: eu }", "true", "'us '"],
    "intercom.url": ["http://a.klaviyo.com", "127.1", "1", "", "'https://a.klaviyo.com/api'", "[]"],
    "klaviyo.revision": [
        "2026",
        "15.07.2026",
        "'2026-13-01'",
        "2026-02-30",
        "'2026-07-15\\n'",
        "2026-07-15x",
        "",
    ],
    "klaviyo.url": ["http://0x7f.1", "ftp://a.klaviyo.com", "https://a.klaviyo.com?x", "false"],
    "klaviyo.rate_share": ["0", "-0.5", "1.01", "80", "'1'", "true", ".nan", "1e400", "[]", ""],
    "klaviyo.late_after_hours": ["0", "-1", "8761", "'24'", "1d", ""],
    "serve.host": ["", "1", "'a b'", "http://here", "[]"],
    "serve.port": ["-1", "65536", "1.5", "'80'", "", "true"],
    "alert_format": ["teams", "JSON", "", "1", "[]"],
    "ledger.file": ["''", "[]", "7", "true", '"a\\0b"'],
    "ledger.keep_days": ["-1", "many", "true", "36501", "'7'"],
    "trust_env": ["no", "on", "1", "'true'", "", "[]", "{}"],
}


@pytest.mark.parametrize(("name", "value"), [(name, one) for name in BAD_VALUES for one in BAD_VALUES[name]])
def test_a_value_that_is_not_taken_is_one_fault(name: str, value: str, tmp_path: Path) -> None:
    section, _, key = name.rpartition(".")
    text = f"{section}:\n  {key}: {value}\n" if section else f"{key}: {value}\n"
    [issue] = faults(written(text, tmp_path), {})
    assert issue.place
    assert issue.code in ("bad-setting", "wrong-kind")
    assert issue.code == "wrong-kind" or issue.message.startswith(f"{name} takes {SETTINGS[name].takes}")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    file = written(
        "intercom:\n  region: de\n  tokn: 1\nklaviyo:\n  rate_share: 80\n  rate_share: 1\n  key: "
        "x\ntrust_env: maybe\n",
        tmp_path,
    )
    environment = {
        "INTERCOM_REGION": "fr",
        "KLAVIYO_API_KEY": "",
        "INTERCOM_TOKEN_FILE": str(tmp_path / "none"),
    }
    issues = faults(file, environment)
    assert [(issue.code, issue.place.line if issue.place else 0) for issue in issues] == [
        ("duplicate-key", 6),
        ("bad-setting", 2),
        ("unknown-setting", 3),
        ("bad-setting", 5),
        ("secret-in-file", 7),
        ("bad-setting", 8),
        ("bad-setting", 0),
        ("bad-secret", 0),
        ("bad-secret", 0),
    ]
    with pytest.raises(SettingsError, match="9 faults in the settings"):
        read_settings(file, environment)


@pytest.mark.parametrize(
    "text",
    [
        f"intercom:\n  token: {TOKEN}\n",
        f"intercom:\n  client_secret: '{SECRET}'\n",
        f"intercom: {{ token: {TOKEN}, region: de }}\n",
        f"INTERCOM_TOKEN: {TOKEN}\n",
        f"KLAVIYO_API_KEY={KEY}\n",
        f"KLAVIYO_API_KEY: {KEY}\nKLAVIYO_API_KEY: {KEY}\n",
        f"klaviyo:\n  key: {KEY}\n",
        f"klaviyo:\n  private-key:\n    - {KEY}\n",
        f"klaviyo:\n  access_token: |\n    {OAUTH}\n",
        f"klaviyo:\n  token: *{OAUTH}\n",
        f"klaviyo:\n  token: !{OAUTH} x\n",
        "klaviyo:\n  password: hunter2\n",
        f"klaviyo:\n  url: {KEY}\n",
        f"alert_url: {ALERTS}\n",
        "alert_url: 'https://a.example/hunter2'\n",
        f"alert_format: {ALERTS}\n",
        f"klaviyo:\n  revision: {KEY}\n",
        f"intercom:\n  region: {TOKEN}\n",
        f"intercom:\n  region: [{SECRET}]\n",
        f"intercom: {KEY}\n",
        f"{KEY}\n",
        f"{KEY}: eu\n",
        f"intercom:\n  {KEY}: eu\n",
        f"- {KEY}\n",
        f'klaviyo:\n  key: "{KEY}\n',
        f"klaviyo:\n  key: {KEY}: {KEY}\n",
        f"klaviyo:\n  key:{KEY}\n",
        f"klaviyo:\n   key: {KEY}\n  other: {SECRET}\n",
        f"klaviyo:\n  key: @{KEY}\n",
        f"klaviyo:\n\tkey: {KEY}\n",
        f"klaviyo:\n  key: {{{{ {KEY} }}}}\n",
        f"klaviyo:\n  ? [{KEY}]\n  : x\n",
        f"klaviyo:\n  key: {KEY}\x07\n",
        f"klaviyo:\n  key: {KEY}\xff\n",
        f"klaviyo:\n  url: https://{KEY}:@a.klaviyo.com\n",
        "klaviyo:\n  url: 'https://user:hunter2@a.klaviyo.com'\n",
        f"klaviyo:\n  url: https://a.klaviyo.com/?api_key={KEY}\n",
        f"klaviyo:\n  rate_share: 80  # {KEY}\n",
        f"<<: {KEY}\n",
        f"a: 1\n---\n{KEY}: 2\n",
    ],
)
def test_a_secret_in_the_file_is_a_fault_and_is_never_shown(text: str, tmp_path: Path, watch: Watch) -> None:
    for raw in (text.encode(), text.encode("latin-1")):
        assert faults(written(raw, tmp_path), {})
    watch.caught.clear()  # the reader of YAML words faults, which are masked then: `faults` looks at these


@pytest.mark.parametrize(
    "line", [f"intercom: {{ region: {KEY} }}", f"intercom: {{ url: {TOKEN} }}", f"{KEY}: 1"]
)
def test_a_key_is_known_by_its_beginning_wherever_it_stands(line: str, tmp_path: Path) -> None:
    assert [issue.code for issue in faults(written(line, tmp_path), {})] == ["secret-in-file"]


def test_lines_are_shown_without_what_may_be_secret() -> None:
    for line in ("region: eu", "rate_share: 0.8", "url: http://127.0.0.1:8080", "revision: 2026-07-15.pre"):
        assert without_secrets(line) == line
    for canary in (TOKEN, SECRET, KEY, OAUTH):
        assert "canary" not in without_secrets(f"x: {canary} y")
    assert without_secrets("token: a b # c") == "token: ***"


# Faults of the environment


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"INTERCOM_REGION": "EU"}, 'bad-setting  INTERCOM_REGION takes us, eu or au; did you mean "eu"?'),
        ({"INTERCOM_REGION": ""}, "bad-setting  INTERCOM_REGION is set and is empty"),
        ({"INTERCOM_REGION": TOKEN}, "bad-setting  INTERCOM_REGION takes us, eu or au"),
        ({"KLAVIYO_REVISION": "latest"}, "bad-setting  KLAVIYO_REVISION takes a date such as 2026-07-15"),
        ({"KLAVIYO_RATE_SHARE": "0"}, "bad-setting  KLAVIYO_RATE_SHARE takes a number over 0, up to 1"),
        ({"KLAVIYO_RATE_SHARE": "80%"}, "bad-setting  KLAVIYO_RATE_SHARE takes a number over 0, up to 1"),
        ({"KLAVIYO_RATE_SHARE": "nan"}, "bad-setting  KLAVIYO_RATE_SHARE takes a number over 0, up to 1"),
        ({"ENGINE_TRUST_ENV": "1"}, "bad-setting  ENGINE_TRUST_ENV takes true or false"),
        ({"KLAVIYO_URL": f"https://{KEY}@a.klaviyo.com"}, f"bad-setting  KLAVIYO_URL takes {TAKES}"),
        (
            {"INTERCOM_TOKEN": TOKEN, "INTERCOM_TOKEN_FILE": "/run/secrets/token"},
            "set-twice  INTERCOM_TOKEN and INTERCOM_TOKEN_FILE are both set",
        ),
        (
            {"KLAVIYO_API_KEY": KEY, "KLAVIYO_ACCESS_TOKEN": OAUTH},
            "set-twice  KLAVIYO_API_KEY and KLAVIYO_ACCESS_TOKEN are both set",
        ),
        (
            {"INTERCOM_CLIENT_SECRET_PREVIOUS": SECRET},
            "missing-setting  INTERCOM_CLIENT_SECRET_PREVIOUS is set, and INTERCOM_CLIENT_SECRET is not",
        ),
        *(
            ({"ALERT_URL": url}, "bad-secret  ALERT_URL is set and holds no address that can be posted to")
            for url in (
                "http://hooks.example/canary",
                "https://u:canary@hooks.example/",
                "https://10.0.0.1/canary",
                "https://hooks.example/#canary",
                "hooks.example/canary",
                "https:///canary",
                "file:///canary",
                "https://hooks.example\\canary",
                f"https://hooks.example/{'canary' * 300}",
            )
        ),
        (
            {"KLAVIYO_API_KEY": "Ab1Cd2"},
            "bad-secret  KLAVIYO_API_KEY is set and holds the public key of the account",
        ),
        (
            {"INTERCOM_TOKEN": KEY},
            "bad-secret  INTERCOM_TOKEN is set and holds what looks like a private API key of Klaviyo, "
            "which starts with pk_",
        ),
        (
            {"KLAVIYO_API_KEY": TOKEN},
            "bad-secret  KLAVIYO_API_KEY is set and holds what looks like the access token of your "
            "Intercom app, "
            "which looks up names",
        ),
    ],
)
def test_a_fault_of_the_environment_is_told_by_its_variable(environment: dict[str, str], told: str) -> None:
    [issue] = faults(None, environment)
    assert str(issue) == told
    assert issue.field in (*SETTINGS, *SECRETS)


BAD_SECRETS = {
    "": "is empty",
    "{}\n": "holds white space",
    "\n{}": "holds white space",
    " {}": "holds white space",
    "{} ": "holds white space",
    "{}\t": "holds white space",
    "Bearer {}": "holds white space",
    "{0}\n{0}": "holds white space",
    "{}\u00a0": "holds white space",
    "{}\u2028": "holds white space",
    '"{}"': "holds quotes around the value",
    "'{}'": "holds quotes around the value",
    "{}\u20ac": "holds a character that no key has",
    "\ufeff{}": "holds a character that no key has",
    "{}\x07": "holds a character that no key has",
    "{}\udcff": "holds a character that no key has",
    "{}\u200b": "holds a character that no key has",
    "{}" * 200: "holds over 4,000 characters, which no key has",
}


@pytest.mark.parametrize("name", ["INTERCOM_TOKEN", "INTERCOM_CLIENT_SECRET", "KLAVIYO_API_KEY"])
@pytest.mark.parametrize("value", BAD_SECRETS)
def test_a_secret_that_cannot_be_one_is_refused_and_not_shown(name: str, value: str, tmp_path: Path) -> None:
    text = value.format(*[SECRET] * 200)
    [issue] = faults(None, {name: text})
    assert str(issue) == f"bad-secret  {name} is set and {BAD_SECRETS[value]}"
    held = written(text.encode("utf-8", "surrogateescape") + b"\n", tmp_path, "secret")
    [issue] = faults(None, {f"{name}_FILE": str(held)})
    assert str(issue).startswith(f"bad-secret  the file that {name}_FILE names ")


def test_a_file_that_anyone_may_change_is_not_taken(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o644)
    assert read_settings(None, {"KLAVIYO_API_KEY_FILE": str(file)}).klaviyo_key == KEY
    file.chmod(0o666)
    [issue] = faults(None, {"KLAVIYO_API_KEY_FILE": str(file)})
    assert "can be changed by anyone" in issue.message


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "is a folder"),
        (".", "is a folder"),
        ("/dev/zero", "cannot be read"),
        ("no/such/file", "is not there"),
        (KEY, "is not there"),
        ("\0", "is not there"),
        ("x" * 5000, "cannot be read"),
        (f"~/{SECRET}", "is not there"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_named(path: str, why: str) -> None:
    [issue] = faults(None, {"KLAVIYO_API_KEY_FILE": path})
    assert str(issue) == f"bad-secret  the file that KLAVIYO_API_KEY_FILE names {why}"


def test_what_a_command_needs_is_asked_for_with_all_other_faults() -> None:
    needed = ("INTERCOM_TOKEN", "KLAVIYO_API_KEY")
    with pytest.raises(SettingsError) as raised:
        read_settings(None, {"INTERCOM_REGION": "europe", "KLAVIYO_API_KEY": "KLAVIYO_API_KEY=pk_x"}, needed)
    assert [issue.code for issue in raised.value.issues] == ["bad-setting", "bad-secret", "missing-setting"]


@pytest.mark.parametrize("text", ["hello_world_abc", "KLAVIYO_API_KEY=pk_x", "INTERCOM_TOKEN=x"])
def test_a_key_of_klaviyo_begins_as_one(text: str) -> None:
    [issue] = faults(None, {"KLAVIYO_API_KEY": text})
    assert issue.code == "bad-secret"
    assert text not in str(issue)


# What is needed


def test_what_a_command_needs_and_lacks_is_told_all_at_once() -> None:
    with pytest.raises(SettingsError, match="3 settings are missing") as raised:
        Settings().need("INTERCOM_TOKEN", "INTERCOM_CLIENT_SECRET", "KLAVIYO_API_KEY")
    assert [render(issue) for issue in raised.value.issues] == [
        "missing-setting  INTERCOM_TOKEN is not set\n    hint: it is the access token of your Intercom "
        "app, which "
        "looks up names: set it in the environment, or INTERCOM_TOKEN_FILE to a file that holds it",
        "missing-setting  INTERCOM_CLIENT_SECRET is not set\n    hint: it is the client secret of your "
        "Intercom app, "
        "which signs webhooks: set it in the environment, or INTERCOM_CLIENT_SECRET_FILE to a file that "
        "holds it",
        "missing-setting  neither KLAVIYO_API_KEY nor KLAVIYO_ACCESS_TOKEN is set\n    hint: it is a "
        "private API key "
        "of Klaviyo, which starts with pk_: set it in the environment, or KLAVIYO_API_KEY_FILE to a file "
        "that holds it",
    ]
    with pytest.raises(SettingsError, match="a setting that is needed is missing"):
        read_settings(None, {"INTERCOM_TOKEN": TOKEN}).need("INTERCOM_TOKEN", "KLAVIYO_ACCESS_TOKEN")


def test_what_is_set_is_enough() -> None:
    every = {"INTERCOM_TOKEN": TOKEN, "INTERCOM_CLIENT_SECRET": SECRET}
    for klaviyo in ({"KLAVIYO_API_KEY": KEY}, {"KLAVIYO_ACCESS_TOKEN": OAUTH}):
        settings = read_settings(None, every | klaviyo)
        settings.need(*every, "KLAVIYO_API_KEY")
        settings.need("KLAVIYO_ACCESS_TOKEN")
        settings.need()


# Secrets that are held


def test_held_secrets_are_sent_and_not_shown() -> None:
    environment = {
        "INTERCOM_TOKEN": TOKEN,
        "INTERCOM_CLIENT_SECRET": SECRET,
        "INTERCOM_CLIENT_SECRET_PREVIOUS": OLDER,
        "KLAVIYO_API_KEY": KEY,
    }
    settings = read_settings(None, environment)
    assert f"Bearer {settings.intercom_token}" == f"Bearer {TOKEN}"
    assert settings.intercom_secrets[0].encode() == SECRET.encode()
    printed = [repr(settings), str(settings), f"{settings}", repr(dataclasses.asdict(settings))]
    printed += [
        repr(copy.deepcopy(settings)),
        repr(copy.copy(settings.klaviyo_key)),
        f"{settings.klaviyo_key!r}",
    ]
    printed += [repr(dataclasses.replace(settings, trust_env=True)), repr(vars(Exception(settings)))]
    assert not [canary for canary in CANARIES if canary in "".join(printed)]
    assert dataclasses.asdict(settings)["klaviyo_key"] == KEY
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="a secret is not written down"):
            pickle.dumps(settings.klaviyo_key, protocol)
        with pytest.raises(TypeError):
            pickle.dumps(settings, protocol)


def test_the_settings_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().trust_env = True


# What editors and the page know


def test_the_schema_takes_what_the_reader_takes_and_knows_every_setting(tmp_path: Path) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    good = {
        "intercom": {"region": "eu", "url": "https://a.example"},
        "klaviyo": {"revision": "2026-10-15.pre", "url": "http://localhost:1", "rate_share": 0.5},
        "ledger": {"file": "ledger.db"},
        "alert_format": "slack",
        "trust_env": True,
    }
    jsonschema.validate(good, SCHEMA, jsonschema.Draft7Validator)
    assert read_settings(written(json.dumps(good), tmp_path), {}).intercom_region == "eu"
    top = SCHEMA["properties"]
    known = {f"{name}.{key}" for name in top for key in top[name].get("properties", ())}
    assert known | {name for name in top if "properties" not in top[name]} == set(SETTINGS)


@pytest.mark.parametrize(
    "bad",
    [
        {"reigon": "eu"},
        {"intercom": {"reigon": "eu"}},
        {"intercom": {"region": "EU"}},
        {"klaviyo": {"rate_share": 0}},
        {"klaviyo": {"rate_share": "0.8"}},
        {"klaviyo": {"revision": "latest"}},
        {"klaviyo": {"api_key": "x"}},
        {"alert_format": "teams"},
        {"trust_env": "yes"},
        ["intercom"],
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(bad: object, tmp_path: Path) -> None:
    assert not jsonschema.Draft7Validator(SCHEMA).is_valid(bad)
    assert faults(written(json.dumps(bad), tmp_path), {})


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    example = page.partition("```yaml no-check\n")[2].partition("```")[0]
    made = read_settings(written(example, tmp_path), {})
    assert (made.intercom_region, made.rate_share) == ("eu", 0.5)
    for name in (*SECRETS, *SETTINGS, *(row.variable for row in SETTINGS.values())):
        assert f"| `{name}` |" in page
