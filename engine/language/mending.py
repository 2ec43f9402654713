"""A line that is no YAML: what is wrong with it, and how to read on without it."""

import re
from typing import Any

import yaml

from engine.issues import Issue
from engine.language.document import Document

BROKEN = "\ue000"
"""What stands for a value that could not be read, so that the rest of the file can be."""

_IN_QUOTES = 'put the whole value in quotes: "..."'


def without_line(text: str, line: int) -> str:
    """The text with the value of one line taken out, so that the rest can be read; or unchanged."""
    lines = text.split("\n")
    if line >= len(lines):
        return text
    old = lines[line]
    indent = old[: len(old) - len(old.lstrip())]
    key = _KEY.match(old)
    if key and BROKEN not in old and "\t" not in indent:
        lines[line] = f"{key.group(1)} {BROKEN}"
    elif old.strip():
        lines[line] = ""
    return "\n".join(lines)


_KEY = re.compile(
    r"""(\s*(?:-\ +)*(?:"[^"]*"|'[^']*'|[^\s'"\[\]{}&*!|>%@`\#-][^\#:]*?)\s*:)(?=\s)\s*""", re.VERBOSE
)
_OWN = "[]{}*&!|>%@`,?"


def _marks(event: yaml.ScalarEvent | None) -> tuple[Any, Any]:
    return (event.start_mark, event.end_mark) if event else (None, None)


def fault_of(error: yaml.YAMLError, document: Document, last_quoted: yaml.ScalarEvent | None) -> Issue:
    """What is wrong, in our own words; its line has to go to read on."""
    if isinstance(error, yaml.reader.ReaderError):
        place = document.place_of(error.position)
        return Issue("bad-encoding", "YAML forbids this control character", place, "delete it")
    problem, context = (str(getattr(error, name, None) or "") for name in ("problem", "context"))
    mark: Any = getattr(error, "problem_mark", None)
    opened: Any = getattr(error, "context_mark", None) or mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    shown = document.lines[line] if line < len(document.lines) else ""

    def fault(code: str, message: str, hint: str, at: tuple[int, int] = (line, column)) -> Issue:
        return Issue(code, message, document.place(*at), hint)

    begun, ended = _marks(last_quoted)
    if ended and begun.line < ended.line == line:
        start = (begun.line, begun.column)
        return fault("open-quote", "this quote is never closed", "close it in the same line", start)
    if "quoted scalar" in context:
        if "escape" in problem or "hexadecimal" in problem:
            message = "a backslash in double quotes starts an escape that YAML does not know"
            return fault("bad-yaml", message, "use single quotes, in which a backslash is itself")
        start = (opened.line, opened.column)
        return fault("open-quote", "this quote is never closed", "close it in the same line", start)
    value = _KEY.match(shown)
    start = (line, value.end()) if value else (line, column)
    first = shown[start[1] : start[1] + 1]
    if value and column >= start[1]:
        if shown.startswith("{{", start[1]):
            return fault("quote-the-template", "the template stands without quotes", _IN_QUOTES, start)
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
    if "mapping values are not allowed" in problem:
        if ": " in shown[:column]:
            message = "a colon and a space start a new key here"
            return fault("colon-in-text", message, "put the whole value in quotes")
        message = "this line is indented deeper than the value above it allows"
        return fault("bad-indentation", message, "indent it like its siblings")
    if "could not find expected ':'" in problem:
        message = "a key is expected here, and a colon and a space after it"
        return fault("bad-yaml", message, "write `name: value`", (opened.line, opened.column))
    if "expected ',' or" in problem:
        hint = "close it, or put the whole value in quotes"
        return fault("bad-yaml", "this bracket is never closed", hint, (opened.line, opened.column))
    if "expected <block end>" in problem:
        message = "this line is indented like none of the lines above it"
        return fault("bad-indentation", message, "indent it like its siblings")
    return fault("bad-yaml", "YAML cannot be read on from here", "is a quote or a bracket missing before it?")
