"""Keys and tokens: where they come from, and that they are not printed."""

import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.address import checked_target
from engine.issues import Issue

Say = Callable[[Issue], None]

LONGEST = 4000
_HIDDEN = "***"
_SPEAKS_OF_ONE = re.compile("token|secret|key|passw|credential|auth|alert.?url", re.IGNORECASE)
_AFTER_SUCH_A_NAME = re.compile(rf"""((?:{_SPEAKS_OF_ONE.pattern})\w*["'`]?\s*[:=]\s*)\S.*""", re.IGNORECASE)
_LIKE_ONE = re.compile(r"(?<=//)[^/\s@]*(?=@)|pk_[A-Za-z0-9]{6,}|[A-Za-z0-9_+/=-]{20,}")
_PUBLIC_KEY = re.compile("[A-Za-z0-9]{6}")
_BEGINNINGS = {"pk_": "KLAVIYO_API_KEY", "dG9r": "INTERCOM_TOKEN"}
"""How some begin, and which they are."""
_OF_WORKSPACE = re.compile(r"INTERCOM_TOKEN_([A-Z0-9]{2,40})(?:_FILE)?")
_ASSIGNED = re.compile(r"[A-Z][A-Z_]{3,60}=")
"""A line of a file of variables."""


class Secret(str):
    """A key or token: shows as `***` in what is printed for people who look for a fault, and is not pickled.

    `str()`, formatting and JSON give it away, since that is how it is sent.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{_HIDDEN}'" if self else "''"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("a secret is not written down")

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: Any) -> "Secret":
        return self


@dataclass(frozen=True, slots=True)
class SecretSetting:
    """A row of the table: a variable of the environment, and what it holds."""

    variable: str
    help: str

    @property
    def file_variable(self) -> str:
        """The variable that may name a file instead."""
        return f"{self.variable}_FILE"

    def is_in(self, environment: Mapping[str, str]) -> bool:
        """Whether either variable is there, whatever it holds."""
        return self.variable in environment or self.file_variable in environment


SECRETS = {
    row.variable: row
    for row in (
        SecretSetting("INTERCOM_TOKEN", "the access token of your Intercom app, which looks up names"),
        SecretSetting(
            "INTERCOM_CLIENT_SECRET", "the client secret of your Intercom app, which signs webhooks"
        ),
        SecretSetting("INTERCOM_CLIENT_SECRET_PREVIOUS", "the one before it, while you replace it"),
        SecretSetting("KLAVIYO_API_KEY", "a private API key of Klaviyo, which starts with pk_"),
        SecretSetting("KLAVIYO_ACCESS_TOKEN", "an access token of Klaviyo's OAuth, instead of the key"),
        SecretSetting("ALERT_URL", "the address that alerts are posted to, such as a webhook of Slack's"),
    )
}
MAY_BE_EMPTY = ("INTERCOM_CLIENT_SECRET_PREVIOUS",)
"""Secrets that come and go while it runs: their files are there before and after."""
INSTEAD = {"KLAVIYO_API_KEY": "KLAVIYO_ACCESS_TOKEN", "KLAVIYO_ACCESS_TOKEN": "KLAVIYO_API_KEY"}
"""What does the same: one of the two is set."""


def read_secrets(environment: Mapping[str, str], say: Say) -> dict[str, Secret]:
    """Every secret by its variable: empty where none is set, and where one is told to be faulty."""
    found = {name: _read(row, environment, say) for name, row in SECRETS.items()}
    is_set = {name: row.is_in(environment) for name, row in SECRETS.items()}
    if is_set["KLAVIYO_API_KEY"] and is_set["KLAVIYO_ACCESS_TOKEN"]:
        message = "KLAVIYO_API_KEY and KLAVIYO_ACCESS_TOKEN are both set"
        say(Issue("set-twice", message, hint="keep the one that is meant", field="KLAVIYO_API_KEY"))
    if is_set["INTERCOM_CLIENT_SECRET_PREVIOUS"] and not is_set["INTERCOM_CLIENT_SECRET"]:
        message = "INTERCOM_CLIENT_SECRET_PREVIOUS is set, and INTERCOM_CLIENT_SECRET is not"
        hint = "the one that Intercom shows now goes into INTERCOM_CLIENT_SECRET"
        say(Issue("missing-setting", message, hint=hint, field="INTERCOM_CLIENT_SECRET"))
    return found


def read_workspace_tokens(environment: Mapping[str, str], say: Say) -> dict[str, Secret]:
    """Tokens of further workspaces, by app id in lower case: `INTERCOM_TOKEN_HX7Q2M9D`, or its `_FILE`."""
    found: dict[str, Secret] = {}
    for name in sorted(environment):
        match = _OF_WORKSPACE.fullmatch(name)
        if match and match[1] != "FILE":
            row = SecretSetting(f"INTERCOM_TOKEN_{match[1]}", "the access token of another workspace")
            found[match[1].lower()] = _read(row, environment, say)
    return {app_id: token for app_id, token in found.items() if token}


def missing(name: str) -> Issue:
    """That a secret is needed which is not set, and where it comes from."""
    row, other = SECRETS[name], INSTEAD.get(name)
    message = f"neither {name} nor {other} is set" if other else f"{name} is not set"
    hint = f"it is {row.help}: set it in the environment, or {row.file_variable} to a file that holds it"
    return Issue("missing-setting", message, hint=hint, field=name)


def _read(row: SecretSetting, environment: Mapping[str, str], say: Say) -> Secret:
    def refuse(code: str, message: str, hint: str = "") -> Secret:
        say(Issue(code, message, hint=hint, field=row.variable))
        return Secret()

    if not row.is_in(environment):
        return Secret()
    if row.variable in environment and row.file_variable in environment:
        return refuse("set-twice", f"{row.variable} and {row.file_variable} are both set", "keep one of them")
    if row.variable in environment:
        source, text = f"{row.variable} is set and", environment[row.variable]
    else:
        source = f"the file that {row.file_variable} names"
        held = _held(environment[row.file_variable])
        if held is None:
            hint = "it takes the path of a file; the secret itself goes into the file"
            return refuse("bad-secret", f"{source} {_unread(environment[row.file_variable])}", hint)
        if _is_open(environment[row.file_variable]):
            return refuse(
                "bad-secret", f"{source} can be changed by anyone", "chmod o-w takes that right away"
            )
        text = held
        if not text and row.variable in MAY_BE_EMPTY:
            return Secret()
    what, hint = _fault(row.variable, text)
    return refuse("bad-secret", f"{source} {what}", hint) if what else Secret(text)


def _held(path: str) -> str | None:
    """What a file holds, without the one line break at its end; None where it cannot be read."""
    try:
        if not Path(path).is_file():
            return None
        with Path(path).open("rb") as file:
            text = file.read(LONGEST + 3).decode("latin-1")
    except (OSError, ValueError):
        return None
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def _unread(path: str) -> str:
    """Why a file cannot be read. Its path is not named: it may be the secret, in the wrong variable."""
    with suppress(OSError, ValueError):
        if Path(path).is_dir():
            return "is a folder"
        if not Path(path).exists():
            return "is not there"
    return "cannot be read"


def _is_open(path: str) -> bool:
    """Whether anyone may write to a file. Everyone may read those that Docker and Kubernetes mount."""
    return bool(Path(path).stat().st_mode & stat.S_IWOTH)


def _fault(name: str, text: str) -> tuple[str, str]:
    """What is wrong with a secret, and what to do; nothing where all is well. Repeats none of it."""
    belongs = next((home for begin, home in _BEGINNINGS.items() if text.startswith(begin)), name)
    if not text:
        return "is empty", "leave it out, or give it its value"
    if len(text) > LONGEST:
        return f"holds over {LONGEST:,} characters, which no key has", ""
    if text[0] in "\"'" and text[-1] == text[0]:
        return "holds quotes around the value", "write it without them"
    if any(one.isspace() for one in text):
        return "holds white space", "it is one word, without a line break, a space or `Bearer` around it"
    if not all("!" <= one <= "~" for one in text):
        return "holds a character that no key has", "copy it again"
    if _ASSIGNED.match(text):
        return "holds a name and a `=`", "only what stands behind the `=` is the secret"
    if name == "KLAVIYO_API_KEY" and _PUBLIC_KEY.fullmatch(text):
        return "holds the public key of the account", "create a private key, which starts with pk_"
    if belongs != name:
        return f"holds what looks like {SECRETS[belongs].help}", f"that goes into {belongs}"
    if name == "KLAVIYO_API_KEY" and not text.startswith("pk_"):
        return "holds no private key", "a private key starts with pk_"
    if name == "ALERT_URL" and not _is_target(text):
        return "holds no address that can be posted to", "it begins with https://, or http://localhost"
    return "", ""


def _is_target(text: str) -> bool:
    with suppress(ValueError):
        return bool(checked_target(text))
    return False


def speaks_of_secret(name: str) -> bool:
    """Whether the name of a setting is that of a key, a token, a password."""
    return bool(_SPEAKS_OF_ONE.search(name))


def looks_like_secret(text: str) -> bool:
    """Whether a text begins as keys do."""
    return text.startswith(tuple(_BEGINNINGS))


def without_secrets(text: str) -> str:
    """The text with `***` for what may be a secret: to be shown to people who look for a fault."""
    return _LIKE_ONE.sub(_HIDDEN, _AFTER_SUCH_A_NAME.sub(rf"\1{_HIDDEN}", text))
