"""A text as a scalar of YAML: without quotes where every reader takes it for the same text."""

import re

from engine.language.source import AMBIGUOUS, read

_INDICATORS = "-?:,[]{}#&*!|>'\"%@`=<"
"""What has a meaning of its own, for one reader or another, where a scalar starts."""
_OF_BRACKETS = re.compile(r"[,:\[\]{}]")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}.*", re.DOTALL)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def written(text: str, *, within: bool = False, is_key: bool = False, was_plain: bool = False) -> str:
    """The text as it stands in a file. *within*: between brackets.

    What stood without quotes stays so where it still reads as the same text.
    """
    if (was_plain or _is_plain_anywhere(text, within)) and _reads_as(text, within, is_key):
        return text
    return quoted(text)


def _is_plain_anywhere(text: str, within: bool) -> bool:
    """Whether no YAML reader makes anything but this text of it, as far as that hangs on its characters."""
    if not text.isprintable() or text[:1] in _INDICATORS:
        return False
    if AMBIGUOUS.fullmatch(text) or _DATE.fullmatch(text):
        return False
    return not (within and _OF_BRACKETS.search(text))


def _reads_as(text: str, within: bool, is_key: bool) -> bool:
    """Whether our own reader makes this text of it, as a key or as a value."""
    line = f"{text}: x" if is_key else f"x: {text}"
    root, issues = read((f"x: {{ {line} }}" if within else line).encode("utf-8", "replace"), "")
    found = root.get("x") if root is not None and within else root
    if found is None or any(issue.severity == "error" for issue in issues):
        return False
    return bool(found.data() == ({text: "x"} if is_key else {"x": text}))


def quoted(text: str) -> str:
    """The text in double quotes; in single ones where that takes fewer escapes."""
    doubles, singles = text.count('"') + text.count("\\"), text.count("'")
    if text.isprintable() and singles < doubles:
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if character.isprintable():
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
