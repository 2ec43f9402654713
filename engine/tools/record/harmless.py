"""What of a payload tells of nobody, and stays: words and numbers that Intercom documents.

All else is made new, so that what nobody has thought of does not stay.
"""

import re
from typing import Any

from engine.language.catalogue import TOPICS, words
from engine.language.conversions import moment
from engine.language.faults import Refused
from engine.language.payloads import TABLES, Shape, lines_of

_LONGEST_TOPIC = 60
_TOPIC = re.compile(r"[a-z_]+(?:\.[a-z_]+){0,5}")
_VERSION = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,6}){0,4}")
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2})?")
_FORMS = {
    "content_type": re.compile(r"(?:application|audio|image|text|video)/[a-z0-9.+-]{1,40}"),
    "browser": re.compile(
        r"chrome|chromium|edge|firefox|ie|opera|safari|samsung|brave",
        re.IGNORECASE,
    ),
    "os": re.compile(
        r"(?:OS X|macOS|iOS|iPadOS|Android|Windows|Linux|Ubuntu|Chrome ?OS)[ 0-9._]{0,16}", re.IGNORECASE
    ),
    "language_override": _LANGUAGE,
    "browser_language": _LANGUAGE,
    "locale": _LANGUAGE,
}
"""Texts without a list of values, by their key: only in this form they stay."""


def _words() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for table in TABLES:
        for path, _, _, values in lines_of(table):
            key = path.rpartition(".")[2].removesuffix("[]")
            found.setdefault(key, set()).update(value.strip() for value in values.split(","))
    return {key: frozenset(values - {"", "..."}) for key, values in found.items()}


_WORDS = _words()
"""Intercom's own words by the key at which they stand."""
_VOCABULARY = frozenset(
    part
    for known in (*_WORDS.values(), _WORDS, *TOPICS.values())
    for word in known
    for part in re.split("[._]", word)
)
"""The parts of all these words, of keys and of topics: Intercom makes new words of them."""
_TIMES = frozenset(
    path.rpartition(".")[2] for table in TABLES for path, kind, *_ in lines_of(table) if kind == "time"
)
"""Keys of times, which decide what becomes of an object that nobody has documented."""
_BOOLEANS = words("true false")


def is_harmless(key: str, value: Any, shape: Shape, is_own: bool) -> bool:
    """Whether a text or a number tells of nobody.

    *shape* is what is documented of its place; *is_own* says that it lies in attributes of the workspace,
    where only Intercom's words do.
    """
    if isinstance(value, str):
        text = value.strip()
        if not text or text.lower() in _BOOLEANS or text in _WORDS.get(key, ()):
            return True
        return not is_own and _is_known_text(key, text, shape)
    is_time = key in _TIMES and not shape.is_known and not is_own and _is_time(value)
    return is_time or shape.type in ("integer", "number", "time")


def _is_known_text(key: str, text: str, shape: Shape) -> bool:
    if shape.type == "time":
        return _is_time(text)
    if not shape.is_known:
        return key in _TIMES and _is_time(text)
    if key == "type" or shape.is_open:
        return all(part in _VOCABULARY for part in re.split("[._]", text))
    if key.endswith("_version"):
        return bool(_VERSION.fullmatch(text))
    return key in _FORMS and bool(_FORMS[key].fullmatch(text))


def is_topic(text: str) -> bool:
    """Whether it has the form of a topic."""
    return len(text) <= _LONGEST_TOPIC and bool(_TOPIC.fullmatch(text))


def _is_time(value: Any) -> bool:
    try:
        moment(value)
    except Refused:
        return False
    return True
