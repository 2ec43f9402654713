"""HTML -> the text that a person would read.

The standard library's parser takes quadratic time on tags that are never closed, which a customer can
write; tags of messages need no more than what stands here, which is linear.
"""

import re
from html import unescape

from engine.language.catalogue import words
from engine.language.faults import Refused

LONGEST = 400_000
"""Characters that are looked through: four times what Klaviyo takes as one text."""

_NAMES = """
a abbr article b blockquote body br button caption center code dd del div dl dt em figcaption figure font
footer h1 h2 h3 h4 h5 h6 head header hr html i iframe img ins label li link main meta ol p pre q s script
section small span strike strong style sub sup table tbody td tfoot th thead title tr u ul video
"""
_BREAKS = words("br p div li ul ol dl dt dd tr table h1 h2 h3 h4 h5 h6 blockquote pre hr section article")
_HIDDEN = frozenset(("script", "style", "title"))

_NAME = "(" + "|".join(sorted(words(_NAMES), key=len, reverse=True)) + ")"
_TAG = re.compile(rf"<(?=/?[a-z])(/?){_NAME}(?![\w@-])[^<>]*>", re.IGNORECASE)
# Plain text may hold angle brackets too: only a tag with attributes as HTML has them makes it HTML.
_SURE = re.compile(
    rf"""<(?=/?[a-z])/?{_NAME}(?:\s+[a-z][a-z:_-]*(?:\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))?)*\s*/?>""",
    re.IGNORECASE,
)

_HUGE_NUMBER = re.compile(r"&#[0-9]{1000,};?")
"""A character's number that Python would not read."""


def is_html(text: str) -> bool:
    """Whether a text holds a tag of HTML; angle brackets alone do not make it HTML."""
    return _SURE.search(text, 0, LONGEST) is not None


def text_of(html: str) -> str:
    """The text of HTML with its line breaks, without tags, comments, scripts and styles.

    Raises Refused for what is far longer than any text that can be sent.
    """
    if len(html) > LONGEST:
        raise Refused("too long a text")
    parts: list[str] = []
    hidden = ""
    at = 0
    html = _without_comments(html)
    for tag in _TAG.finditer(html):
        closes, name = bool(tag.group(1)), tag.group(2).lower()
        if hidden:
            if closes and name == hidden:
                hidden, at = "", tag.end()
            continue
        parts.append(_flat(html[at : tag.start()]))
        at = tag.end()
        if name in _HIDDEN and not closes:
            hidden = name
        elif name in _BREAKS and not (closes and name == "br"):
            parts.append("\n")
    if not hidden:
        parts.append(_flat(html[at:]))
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _flat(text: str) -> str:
    """Text between tags: its own line breaks are spaces."""
    return re.sub(r"\s", " ", unescape(_HUGE_NUMBER.sub("\ufffd", text))) if text else text


def _without_comments(html: str) -> str:
    first, *rest = html.split("<!--")
    kept = [first]
    for part in rest:
        _, end, after = part.partition("-->")
        if end:
            kept.append(after)
    return "".join(kept)
