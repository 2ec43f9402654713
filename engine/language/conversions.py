"""The types that `as` knows: one table for conversion, hints and the docs page.

A conversion returns the value, or None where the type calls it empty, or raises Refused. Nothing is
guessed: what a type does not know for certain, it refuses, and the field is left out.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from engine.language.faults import Refused

FIRST_MILLISECONDS = 10**11
"""Numbers from here on are milliseconds since 1970, not seconds: in seconds, this is the year 5138."""

LARGEST_NUMBER = 10**18
"""Numbers from here on are refused: no destination keeps them exactly, and Python may not print them."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_PHONE = re.compile(r"\+[0-9 ().\u00a0/-]{5,40}")
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
)


@dataclass(frozen=True, slots=True)
class Type:
    """One row of the table: what `as NAME` makes of a value, and what Klaviyo stores."""

    name: str
    convert: Callable[[Any], Any]
    klaviyo: str
    help: str
    example: tuple[Any, Any]


def moment(value: Any) -> datetime:
    """A time from epoch seconds, numeric text or ISO text with a zone; UTC, to the second.

    Raises Refused for milliseconds, for text without a zone, and for what is no time at all.
    """
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return _from_iso(text)
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise Refused("no time: epoch seconds or ISO text is")
    if abs(value) >= FIRST_MILLISECONDS:
        raise Refused("a time in milliseconds, not in seconds")
    try:
        return datetime.fromtimestamp(math.floor(value), UTC)
    except (OverflowError, OSError, ValueError):
        raise Refused("no time between the years 1 and 9999") from None


def _from_iso(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("no time: epoch seconds or ISO text is") from None
    if found.tzinfo is None:
        raise Refused("a time without a time zone")
    try:
        return found.astimezone(UTC).replace(microsecond=0)
    except (OverflowError, ValueError):
        raise Refused("no time between the years 1 and 9999") from None


def iso(time: datetime) -> str:
    """`2026-08-31T10:00:00Z`: UTC, to the second, the same on every platform."""
    return f"{time.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    raise Refused("a list or an object, not text")


def number_text(number: int | float) -> str:
    """A number as JSON writes it. Raises Refused where it is too large to be printed."""
    if isinstance(number, int) and abs(number) >= 10**300:
        raise Refused("too large a number")
    if isinstance(number, float) and number.is_integer() and abs(number) < 10**15:
        return str(int(number))  # JSON knows no difference between 4 and 4.0
    return repr(number)


def _string(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise Refused(f"no {what}, but {_kind(value)}")
    return value.strip()


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def _plain_text(value: Any) -> str | None:
    text = _text(value)
    if text is None or "<" not in text:
        return text
    # Imported here: most mappings send no text that people wrote.
    from engine.language.html import is_html, text_of

    return (text_of(text) or None) if is_html(text) else text


def _integer(value: Any) -> int | None:
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if not _INTEGER.fullmatch(text):
            raise Refused("no whole number")
        return int(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"no whole number, but {_kind(value)}")
    if isinstance(value, float) and not value.is_integer():
        raise Refused("no whole number")
    if abs(value) >= LARGEST_NUMBER:
        raise Refused("too large a number")
    return int(value)


def _number(value: Any) -> int | float | None:
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if _INTEGER.fullmatch(text):
            return int(text)
        if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            raise Refused("no number")
        return float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"no number, but {_kind(value)}")
    if value != value or abs(value) >= LARGEST_NUMBER:
        raise Refused("too large a number")
    return value


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not value.strip():
            return None
        known = {"true": True, "false": False}.get(value.strip().lower())
        if known is not None:
            return known
    raise Refused("neither true nor false")


def _blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _datetime(value: Any) -> str | None:
    return None if _blank(value) else iso(moment(value))


def _date(value: Any) -> str | None:
    if _blank(value):
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
        try:
            return date.fromisoformat(value.strip()).isoformat()
        except ValueError:
            raise Refused("no day of the calendar") from None
    return moment(value).date().isoformat()


def _email(value: Any) -> str | None:
    text = _string(value, "e-mail address").lower()
    if not text:
        return None
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise Refused("no e-mail address")
    return text


def _phone(value: Any) -> str | None:
    text = _string(value, "phone number")
    if not text:
        return None
    if not _PHONE.fullmatch(text):
        raise Refused("no phone number with a country code, such as +46701234567")
    # Imported here: the library is large, and most runs meet no phone number.
    import phonenumbers

    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise Refused("no phone number with a country code, such as +46701234567") from None
    if not phonenumbers.is_valid_number(number):
        raise Refused("no phone number that exists")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _first_name(value: Any) -> str | None:
    words = _string(value, "name").split()
    return words[0] if words else None


def _last_name(value: Any) -> str | None:
    return " ".join(_string(value, "name").split()[1:]) or None


def _url(value: Any) -> str | None:
    text = _string(value, "address of a page")
    if not text:
        return None
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid or any(c.isspace() or not c.isprintable() for c in text):
        raise Refused("no address that starts with http:// or https://")
    return text


def _list(value: Any) -> list[Any] | None:
    if _blank(value):
        return None
    elements = value if isinstance(value, list) else [value]
    kept = [element for element in elements if element is not None and not _blank(element)]
    if any(isinstance(element, list | dict) for element in kept):
        raise Refused("no flat list: it holds objects or lists")
    return kept


def _table(*rows: Type) -> dict[str, Type]:
    return {row.name: row for row in rows}


TYPES = _table(
    Type(
        "text", _text, "text",
        "text as it is; a number or a boolean as it is written; blank is no value",
        (4821, "4821"),
    ),
    Type(
        "plain_text", _plain_text, "text",
        "text without HTML, with its line breaks; blank is no value",
        ("<p>Hi &amp; bye</p>", "Hi & bye"),
    ),
    Type("integer", _integer, "number", "a whole number, also from text", ("12", 12)),
    Type("number", _number, "number", "a number, also from text", ("49.90", 49.9)),
    Type("boolean", _boolean, "boolean", "true or false, also from text", ("true", True)),
    Type(
        "datetime", _datetime, "date",
        "a time from epoch seconds, numeric text or ISO text with a zone; in UTC, to the second;"
        " milliseconds are refused",
        (1788170400, "2026-08-31T10:00:00Z"),
    ),
    Type("date", _date, "date", "the day of a time, in UTC; an ISO day as it is", (1788170400, "2026-08-31")),
    Type(
        "email", _email, "text",
        "an e-mail address, trimmed and in lower case",
        (" Mara@Example.com ", "mara@example.com"),
    ),
    Type(
        "phone", _phone, "text",
        "a phone number that exists, in the form E.164; it needs its country code",
        ("+46 70 123 45 67", "+46701234567"),
    ),
    Type("first_name", _first_name, "text", "the first word of a name", ("Mara Maria Lindqvist", "Mara")),
    Type(
        "last_name", _last_name, "text",
        "all but the first word of a name",
        ("Mara Maria Lindqvist", "Maria Lindqvist"),
    ),
    Type(
        "url", _url, "text",
        "an address that starts with http:// or https://",
        ("https://example.com/a.png", "https://example.com/a.png"),
    ),
    Type(
        "list", _list, "list",
        "a flat list, without what is blank; one value becomes a list of one",
        ("vip", ["vip"]),
    ),
)  # fmt: skip


def number_or_none(value: Any) -> int | float | None:
    """The number that a value is, or is the text of; None for everything else."""
    try:
        return _number(value)
    except Refused:
        return None
