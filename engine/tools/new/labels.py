"""Names of properties made from the keys of a payload: `waiting_since` becomes `Waiting Since`."""

import re
from collections.abc import Container, Iterator, Sequence

from engine.tools.new.occurrence import PART

LONGEST = 80
_WORD = re.compile(r"[^\W_]+")
_SMALL = ("a", "an", "and", "by", "for", "from", "of", "or", "the", "to", "with")
_SPELT = {
    "ai": "AI", "api": "API", "id": "ID", "ios": "iOS", "os": "OS", "sdk": "SDK", "sla": "SLA", "sms": "SMS",
    "url": "URL", "utm": "UTM",
}  # fmt: skip
_SILENT = ("statistics", "sla_applied")
"""Objects whose name adds nothing to that of a key in them."""
_AROUND = ("event", "data", "item")


def label_of(steps: Sequence[str], noun: str, taken: Container[str]) -> str:
    """A name for a place that is not among the *taken* ones (in lower case); nothing where there is none.

    *noun* is what the object is called: its own id is named after it.
    """
    return next((label for label in _labels(steps, noun) if label and label.casefold() not in taken), "")


def _labels(steps: Sequence[str], noun: str) -> Iterator[str]:
    """Names from the short one to the one that tells the whole way."""
    own = tuple(steps[len(_AROUND) :] if tuple(steps[: len(_AROUND)]) == _AROUND else steps)
    if own == ("id",):
        own = (noun, "id")
    if own[-1] == "total_count":
        own = (*own[:-1], "count")
    parents = [step for step in own[:-1] if step not in _SILENT]
    yield _joined([*parents[-1:], own[-1]])
    if PART in own:
        yield _joined([PART, own[-1]])
    yield _joined(own)


def _joined(keys: Sequence[str]) -> str:
    """The words of keys, those once with which one ends and the next begins."""
    words: list[str] = []
    for key in keys:
        more = words_of(key)
        shared = max((n for n in range(len(more) + 1) if words[len(words) - n :] == more[:n]), default=0)
        words += more[shared:]
    label = " ".join(words)[:LONGEST].strip()
    return label if label.startswith(tuple(_SPELT.values())) else label[:1].upper() + label[1:]


def words_of(key: str) -> list[str]:
    """The words of a key as a name writes them."""
    return [_spelt(word) for word in _WORD.findall(key)]


def _spelt(word: str) -> str:
    lower = word.lower()
    if lower in _SPELT:
        return _SPELT[lower]
    return lower if lower in _SMALL else word[:1].upper() + word[1:]
