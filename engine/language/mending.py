"""A line that is no YAML: what is wrong with it, and how to read on without it."""

import re
from typing import Any

import yaml

from engine.issues import Issue
from engine.language.document import Document

BROKEN = "\ue000could not be read\ue001"
"""What stands for a value that could not be read, so that the rest of the file can be."""

UNREADABLE = (yaml.YAMLError, ValueError, OverflowError)
"""What PyYAML raises; the last two for numbers in escapes and directives, without a place."""

MISPLACED = "this line is not what is expected here"
_IN_QUOTES = 'put the whole value in quotes: "..."'
_KEY = re.compile(
    r"""(\s*(?:-\ +)*(?:"[^"]*"|'[^']*'|[^\s'"\[\]{}&*!|>%@`\#-][^\#:]*?)\s*:)(?=\s)\s*""", re.VERBOSE
)
_LONGEST_KEY = 300
_OWN = "[]{}*&!|>%@`,?"


def without_line(text: str, line: int, *, section: bool = False) -> str:
    """The text with the value of one line taken out, so that the rest can be read; or unchanged.

    With *section* all goes up to the next line that is not indented: where one line stands wrongly,
    those after it only seem to.
    """
    lines = text.split("\n")
    if line >= len(lines):
        return text
    old = lines[line]
    if section and old.strip():
        end = next((at for at in range(line + 1, len(lines)) if lines[at][:1].strip()), len(lines))
        lines[line:end] = [""] * (end - line)
        return "\n".join(lines)
    indent = old[: len(old) - len(old.lstrip())]
    key = _KEY.match(old[:_LONGEST_KEY])
    if key and BROKEN not in old and "\t" not in indent:
        lines[line] = f"{key.group(1)} {BROKEN}"
    elif old.strip():
        lines[line] = ""
    return "\n".join(lines)


def fault_of(error: Exception, document: Document, last: yaml.ScalarEvent | None) -> Issue:
    """What is wrong, in our own words; its line has to go to read on. *last* is the last value read."""
    if isinstance(error, yaml.reader.ReaderError):
        return Issue(
            "bad-encoding",
            "YAML forbids this control character",
            document.place_of(error.position),
            "delete it",
        )
    problem, context = (str(getattr(error, name, None) or "") for name in ("problem", "context"))
    mark: Any = getattr(error, "problem_mark", None)
    opened: Any = getattr(error, "context_mark", None) or mark
    line, column = document.position(mark.index) if mark else _odd_number(document)
    begun = document.position(opened.index) if opened else (line, column)
    shown = document.text.split("\n")[line]

    def fault(code: str, message: str, hint: str, at: tuple[int, int] = (line, column)) -> Issue:
        return Issue(code, message, document.place(*at), hint)

    if not mark:
        return fault("bad-yaml", "there is no character with this number", "write the character itself")
    start, end = _span(last, document)
    if last is not None and last.style in ("'", '"') and start[0] < end[0] == line:
        return fault("open-quote", "this quote is never closed", "close it in the same line", start)
    if "quoted scalar" in context:
        if "escape" in problem or "hexadecimal" in problem:
            message = "a backslash in double quotes starts an escape that YAML does not know"
            slash = max(shown.rfind("\\", 0, column + 1), 0)
            return fault(
                "bad-yaml", message, "use single quotes, in which a backslash is itself", (line, slash)
            )
        return fault("open-quote", "this quote is never closed", "close it in the same line", begun)
    value = _KEY.match(shown[:_LONGEST_KEY])
    start = (line, value.end()) if value else (line, column)
    first = shown[start[1] : start[1] + 1]
    if value and column >= start[1]:
        if shown.startswith(("{{", "{%"), start[1]):
            return fault("quote-the-template", "the template stands without quotes", _IN_QUOTES, start)
        if first in ("[", "{") and "flow" in context and not shown.startswith("[?", start[1]):
            hint = "compare its commas, colons and brackets; a path stands in quotes as a whole"
            return fault("bad-yaml", "what stands in these brackets cannot be read", hint, start)
        if first and first in _OWN:
            message = f"YAML keeps {first} at the start of a value for itself"
            return fault("path-in-quotes", message, _IN_QUOTES, start)
        if first in ("'", '"') and "expected <block end>" in problem:
            hint = "put the whole value between one pair of quotes"
            return fault("bad-yaml", "something follows the closing quote", hint)
    if "cannot start any token" in problem:
        if shown[column : column + 1] == "\t":
            return fault("bad-indentation", "a tab stands where spaces are expected", "indent with spaces")
        return fault("path-in-quotes", f"YAML keeps {shown[column : column + 1]} for itself here", _IN_QUOTES)
    if "mapping values are not allowed" in problem and ": " in shown[:column]:
        return fault(
            "colon-in-text", "a colon and a space start a new key here", "put the whole value in quotes"
        )
    if "could not find expected ':'" in problem:
        message = "a key is expected here, and a colon and a space after it"
        return fault("bad-yaml", message, "write `name: value`", begun)
    if "expected ',' or" in problem:
        hint = "close it, or put the whole value in quotes"
        return fault("bad-yaml", "this bracket is never closed", hint, begun)
    if "mapping values are not allowed" in problem or "expected <block end>" in problem:
        return _misplaced(document, line)
    return fault("bad-yaml", "YAML cannot be read on from here", "is a quote or a bracket missing before it?")


def _misplaced(document: Document, line: int) -> Issue:
    """A line that is no part of what stands above it: indented wrongly, or not what is expected there."""
    lines = document.text.split("\n")[: line + 1]
    indents = [len(text) - len(text.lstrip()) for text in lines]
    above = [at for at in range(line) if lines[at].strip() and not lines[at].lstrip().startswith("#")]
    indent = indents[line]
    if above and indent <= indents[above[-1]] and any(indents[at] == indent for at in above):
        before = above[-1]
        glued = re.search(r"\w:(?=\S)", lines[before])
        if glued and not re.search(r":(\s|$)", lines[before]):
            place = document.place(before, glued.start() + 1)
            return Issue("bad-yaml", "a space is missing after this colon", place, "write `name: value`")
    elif above:
        hint = "indent it like its siblings"
        deeper = indent > indents[above[-1]]
        message = "deeper than the value above it allows" if deeper else "like none of the lines above it"
        return Issue(
            "bad-indentation", f"this line is indented {message}", document.place(line, indent), hint
        )
    return Issue(
        "bad-yaml",
        MISPLACED,
        document.place(line, indent),
        "a map has lines of `name: value`, a list lines of `- value`",
    )


def _span(event: yaml.ScalarEvent | None, document: Document) -> tuple[tuple[int, int], tuple[int, int]]:
    if event is None:
        return (0, 0), (0, 0)
    begun: Any = event.start_mark
    ended: Any = event.end_mark
    return document.position(begun.index), document.position(ended.index)


def _odd_number(document: Document) -> tuple[int, int]:
    """Where the number stands that no character has, or the number of a directive."""
    for found in re.finditer(r"\\U([0-9a-fA-F]{8})|^%YAML", document.text, re.MULTILINE):
        if found.group(1) is None or int(found.group(1), 16) > 0x10FFFF:
            return document.position(found.start())
    return 0, 0
