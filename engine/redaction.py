"""Text of others, made fit for a message: what we sent, and what looks like a person, is not in it."""

import re
from collections.abc import Iterable
from typing import Any

_EMAIL = re.compile(r"[^\s@'\"<>,;:()]+@[^\s@'\"<>,;:()]+")
_NUMBER = re.compile(r"\+?\d[\d .()/-]{4,}\d")
_HIDDEN = "..."
_SHORT = 3
"""So short a text is meant only where it is a word of its own."""
LONGEST = 300


def masked(text: str, sent: Any = None) -> str:
    """The text without e-mail addresses, long numbers, and every value in *sent* (a JSON value); one line.

    Klaviyo's refusals may repeat what they refuse.
    """
    for value in sorted(set(_texts(sent)), key=len, reverse=True):
        edge = r"\b" if len(value) <= _SHORT else ""
        if value.strip() and value.lower() in text.lower():
            text = re.sub(edge + re.escape(value) + edge, _HIDDEN, text, flags=re.IGNORECASE)
    text = _NUMBER.sub(_HIDDEN, _EMAIL.sub(_HIDDEN, text))
    plain = "".join(one if one.isprintable() else " " for one in text)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 3] + _HIDDEN


def _texts(value: Any) -> Iterable[str]:
    """Every text, and every number as text, inside a JSON value."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            yield one
        elif isinstance(one, int | float) and not isinstance(one, bool):
            yield str(one)
