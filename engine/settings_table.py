"""The table of settings: what each is called, what it takes, and what it is for."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.address import TAKES, checked_address

REGIONS = ("us", "eu", "au")
MOST_DAYS = 36_500
ALERT_FORMS = ("auto", "json", "slack")
_REVISION = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.[a-z0-9]{1,20})?")


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table: a setting that is no secret.

    `read` takes what YAML or the environment gives, and raises ValueError for what it does not take;
    `takes` completes the sentence "... takes".
    """

    name: str
    attribute: str
    default: Any
    takes: str
    help: str
    schema: Mapping[str, Any]
    read: Callable[[Any], Any]

    @property
    def variable(self) -> str:
        """The variable of the environment that goes before the file."""
        return self.name.replace(".", "_").upper() if "." in self.name else f"ENGINE_{self.name.upper()}"


def _region(value: Any) -> str:
    if value not in REGIONS:
        raise ValueError
    return str(value)


def _url(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return checked_address(value)


def _revision(value: Any) -> str:
    found = _REVISION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError
    date.fromisoformat(found[1])
    return str(value)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError
    return float(value)


def _path(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError
    return value


def _form(value: Any) -> str:
    if value not in ALERT_FORMS:
        raise ValueError
    return str(value)


def _days(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_DAYS:
        raise ValueError
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _host(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9.:_-]{1,255}", value):
        raise ValueError
    return value


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 65_535:
        raise ValueError
    if value != int(value):
        raise ValueError
    return int(value)


def _hours(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 24 * 365:
        raise ValueError
    return float(value)


_TEXT = {"type": "string"}
_DAYS = {"type": "number", "minimum": 0, "maximum": MOST_DAYS}
SETTINGS = {
    row.name: row
    for row in (
        Setting(
            "intercom.region", "intercom_region", "us", "us, eu or au",
            "Where your Intercom workspace is hosted.",
            {"enum": list(REGIONS)}, _region,
        ),
        Setting(
            "intercom.url", "intercom_url", "", TAKES,
            "Another address than that of the region: for a stand-in.",
            _TEXT, _url,
        ),
        Setting(
            "klaviyo.revision", "klaviyo_revision", "2026-07-15", "a date such as 2026-07-15",
            "The revision of Klaviyo's API that requests ask for.",
            {**_TEXT, "pattern": f"^{_REVISION.pattern}$"}, _revision,
        ),
        Setting(
            "klaviyo.url", "klaviyo_url", "", TAKES,
            "Another address than Klaviyo's own: for a stand-in.",
            _TEXT, _url,
        ),
        Setting(
            "klaviyo.rate_share", "rate_share", 0.8, "a number over 0, up to 1",
            "How much of the account's rate limits the engine may use, all of them being 1.",
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, _share,
        ),
        Setting(
            "klaviyo.late_after_hours", "late_after_hours", 24.0, "a number of hours, over 0",
            "An event that leaves later than this after it happened starts no flow.",
            {"type": "number", "exclusiveMinimum": 0, "maximum": 8760}, _hours,
        ),
        Setting(
            "serve.host", "serve_host", "127.0.0.1", "an address of this machine",
            "Where `serve` listens: for other machines, 0.0.0.0.",
            _TEXT, _host,
        ),
        Setting(
            "serve.port", "serve_port", 8400, "a number from 0 to 65535",
            "The port of `serve`; 0 is any that is free.",
            {"type": "integer", "minimum": 0, "maximum": 65535}, _port,
        ),
        Setting(
            "ledger.file", "ledger_file", "ledger.db", "a path",
            "The file of the ledger, on a disk of this machine; it holds customers' data.",
            _TEXT, _path,
        ),
        *(
            Setting(f"ledger.{name}", name, usual, f"a number from 0 to {MOST_DAYS}", text, _DAYS, _days)
            for name, usual, text in (
                ("keep_days", 7.0, "How many days things are kept after all that came of them is settled."),
                ("keep_dead_days", 30.0, "How many days dead events are kept, for `replay`."),
                ("wait_days", 7.0, "How many days an event waits for its contact to get an address."),
            )
        ),
        Setting(
            "alert_format", "alert_format", "auto", "auto, json or slack",
            "The form of alerts: auto is Slack's where ALERT_URL is Slack's, and JSON elsewhere.",
            {"enum": list(ALERT_FORMS)}, _form,
        ),
        Setting(
            "trust_env", "trust_env", False, "true or false",
            "Whether the environment's proxies and certificates count: HTTPS_PROXY, REQUESTS_CA_BUNDLE.",
            {"type": "boolean"}, _truth,
        ),
    )
}  # fmt: skip
SECTIONS = tuple(dict.fromkeys(name.partition(".")[0] for name in SETTINGS if "." in name))
TOP = tuple(dict.fromkeys(name.partition(".")[0] for name in SETTINGS))
"""What a file of settings may begin with."""
