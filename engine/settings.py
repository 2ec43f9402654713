"""The settings: a file for what may be read by anyone, the environment for secrets, and over the file.

One table says what there is. The reader, the schema for editors and docs/settings.md are made from it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.errors import SettingsError
from engine.issues import Issue, Place, counted, did_you_mean
from engine.language.source import Limits, Node, read
from engine.secrets import (
    INSTEAD,
    SECRETS,
    Say,
    Secret,
    looks_like_secret,
    missing,
    read_secrets,
    read_workspace_tokens,
    speaks_of_secret,
    without_secrets,
)
from engine.settings_table import SECTIONS, SETTINGS, TOP, Setting

FILE = "engine.yaml"
_LIMITS = Limits(file_bytes=64 * 1024, depth=8, nodes=500)
_NUMBER = re.compile(r"[0-9]*\.?[0-9]+")
_LINES = "settings are lines of `name: value`"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set. A secret that is not set is empty, and so is an address that is the usual one."""

    intercom_token: Secret = field(default=Secret(), repr=False)
    intercom_secrets: tuple[Secret, ...] = field(default=(), repr=False)
    workspace_tokens: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    intercom_region: str = "us"
    intercom_url: str = ""
    klaviyo_key: Secret = field(default=Secret(), repr=False)
    klaviyo_token: Secret = field(default=Secret(), repr=False)
    klaviyo_revision: str = "2026-07-15"
    klaviyo_url: str = ""
    rate_share: float = 0.8
    late_after_hours: float = 24.0
    serve_host: str = "127.0.0.1"
    serve_port: int = 8400
    ledger_file: str = "ledger.db"
    alert_url: Secret = field(default=Secret(), repr=False)
    alert_format: str = "auto"
    keep_days: float = 7.0
    keep_dead_days: float = 30.0
    wait_days: float = 7.0
    trust_env: bool = False

    def need(self, *names: str) -> None:
        """Raise SettingsError where one of these secrets is not set, with an issue for each.

        A key of Klaviyo's and a token of its OAuth stand for each other.
        """
        held = {
            "INTERCOM_TOKEN": self.intercom_token,
            "INTERCOM_CLIENT_SECRET": self.intercom_secrets,
            "KLAVIYO_API_KEY": self.klaviyo_key,
            "KLAVIYO_ACCESS_TOKEN": self.klaviyo_token,
            "ALERT_URL": self.alert_url,
        }
        lacking = [name for name in names if not held[name] and not held.get(INSTEAD.get(name, ""))]
        if lacking:
            what = "a setting that is needed is" if len(lacking) == 1 else f"{len(lacking)} settings are"
            raise SettingsError(f"{what} missing", [missing(name) for name in lacking])


def settings_file(given: str | Path | None = None, folder: Path = Path()) -> Path | None:
    """The file that is given, or else the folder's `engine.yaml`, or else none."""
    if given is not None:
        return Path(given)
    return folder / FILE if (folder / FILE).is_file() else None


def read_settings(
    file: Path | None, environment: Mapping[str, str], needed: Collection[str] = ()
) -> Settings:
    """The settings of a file and, going before it, of the environment.

    *needed* are secrets that must be set, as in `Settings.need`. Raises SettingsError with every fault of
    both, and what is missing; no issue shows a secret.
    """
    issues: list[Issue] = []
    found = _in_file(file, issues.append) if file else {}
    found |= _in_environment(environment, issues.append)
    secrets = read_secrets(environment, issues.append)
    tokens = read_workspace_tokens(environment, issues.append)
    faulty = {issue.field for issue in issues}
    for name in needed:
        if not secrets[name] and not secrets.get(INSTEAD.get(name, "")) and name not in faulty:
            issues.append(missing(name))
    if issues:
        raise SettingsError(f"{counted(len(issues), 'fault')} in the settings", issues)
    both = (secrets["INTERCOM_CLIENT_SECRET"], secrets["INTERCOM_CLIENT_SECRET_PREVIOUS"])
    return Settings(
        intercom_token=secrets["INTERCOM_TOKEN"],
        workspace_tokens=tokens,
        intercom_secrets=tuple(secret for secret in both if secret),
        klaviyo_key=secrets["KLAVIYO_API_KEY"],
        klaviyo_token=secrets["KLAVIYO_ACCESS_TOKEN"],
        alert_url=secrets["ALERT_URL"],
        **found,
    )


def _in_environment(environment: Mapping[str, str], say: Say) -> dict[str, Any]:
    found = {}
    for row in SETTINGS.values():
        text = environment.get(row.variable)
        if text is None:
            continue
        try:
            found[row.attribute] = row.read(_plain(text))
        except ValueError:
            fault = (
                f"takes {row.takes}{did_you_mean(text.lower(), _words(row))}"
                if text
                else "is set and is empty"
            )
            say(Issue("bad-setting", f"{row.variable} {fault}", field=row.name))
    return found


def _plain(text: str) -> Any:
    """A text of the environment as YAML would read it."""
    if _NUMBER.fullmatch(text):
        return float(text)
    return {"true": True, "false": False}.get(text, text)


def _words(row: Setting) -> list[str]:
    return list(row.schema.get("enum", ()))


# The file


def _in_file(file: Path, say: Say) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_LIMITS.file_bytes + 1)
    except FileNotFoundError:
        raise SettingsError(f"there is no file {file}") from None
    except (OSError, ValueError):
        raise SettingsError(f"{file} cannot be read") from None
    root, faults = read(raw, str(file), _LIMITS)
    for issue in faults:
        if issue.severity == "error":
            say(_in_our_words(issue))
    found: dict[str, Any] = {}
    if root is not None and not root.broken:
        _read_lines(root, "", found, lambda issue: say(_hidden(issue)))
    return found


def _read_lines(node: Node, section: str, found: dict[str, Any], say: Say) -> None:
    if node.kind != "map":
        if node.value is not None or node.kind == "list":
            say(Issue("bad-setting", _LINES, node.place, field=section))
        return
    for key, place, below in node.items():
        name = f"{section}.{key}" if section else key
        if _holds_secret(name, below):
            say(_secret_in_file(name, place))
        elif name in SECTIONS and not below.broken:
            _read_lines(below, name, found, say)
        elif name in SETTINGS:
            _read_value(SETTINGS[name], below, found, say)
        elif name not in SECTIONS:
            say(_unknown(name, place))


def _read_value(row: Setting, node: Node, found: dict[str, Any], say: Say) -> None:
    if node.broken:
        return
    try:
        found[row.attribute] = row.read(node.value)
    except ValueError:
        text = node.value if node.is_text else ""
        hint = "write it without quotes" if node.is_text and not node.is_plain and _takes(row, text) else ""
        message = f"{row.name} takes {row.takes}{did_you_mean(text.lower(), _words(row))}"
        say(Issue("bad-setting", message, node.place, hint, row.name))


def _takes(row: Setting, text: str) -> bool:
    """Whether a setting takes what stands in quotes, without them."""
    try:
        row.read(_plain(text))
    except ValueError:
        return False
    return True


def _unknown(name: str, place: Place) -> Issue:
    """That there is no such setting; it may be one of another section, or written as its variable."""
    rows = SETTINGS.values()
    meant = [row.name for row in rows if name in (row.variable, row.name.rpartition(".")[2])]
    near = f'; did you mean "{meant[0]}"?' if meant else did_you_mean(name, [*SETTINGS, *SECTIONS])
    section = name.partition(".")[0]
    near_ones = [row for row in SETTINGS if row.startswith(f"{section}.")]
    hint = f"the settings: {', '.join(near_ones or TOP)}"
    shown = without_secrets(name)
    return Issue("unknown-setting", f'there is no setting "{shown}"{near}', place, hint, shown)


def _holds_secret(name: str, node: Node) -> bool:
    if name not in SETTINGS and name not in SECTIONS and speaks_of_secret(name):
        return True
    return looks_like_secret(name) or (node.is_text and looks_like_secret(node.value))


def _secret_in_file(name: str, place: Place) -> Issue:
    """That a secret stands in the file, and where it belongs."""
    asked = name.upper().replace(".", "_").removesuffix("_FILE")
    service = asked.partition("_")[0]
    homes = [one for one in SECRETS if one == asked] or [one for one in SECRETS if one.startswith(service)]
    hint = f"set it in the environment, as {' or '.join(homes or SECRETS)}; anyone may read this file"
    shown = without_secrets(name)
    message = f'"{shown}" holds a secret, and none stands in a file of settings'
    return Issue("secret-in-file", message, place, hint, shown)


def _in_our_words(issue: Issue) -> Issue:
    """A fault of YAML, told of a file that is no spec."""
    hint = "" if issue.code == "not-supported" else without_secrets(issue.hint)
    message = without_secrets(issue.message.replace("which specs do not use", "which is not used here"))
    return _hidden(replace(issue, message=message, hint=hint))


def _hidden(issue: Issue) -> Issue:
    """The issue with a line of the file that shows no secret."""
    if not issue.place:
        return issue
    return replace(issue, place=replace(issue.place, text=without_secrets(issue.place.text)))
