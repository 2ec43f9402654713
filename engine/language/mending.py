"""A line that is no YAML: what is wrong with it, and how to read on without it."""

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import yaml

from engine.issues import Issue
from engine.language.document import Document
from engine.language.indentation import indented, misplaced

BROKEN = "\ue000could not be read\ue001"
"""What stands for a value that could not be read, so that the rest of the file can be."""

UNREADABLE = (yaml.YAMLError, ValueError, OverflowError)
"""What PyYAML raises; the last two for numbers in escapes and directives, without a place."""

_MISPLACED = "this line is not what is expected here"
_IN_QUOTES = 'put the whole value in quotes: "..."'
_CHOICE = "to choose, write a template: \"{{ 'yes' if open else 'no' }}\""
_TYPED = re.compile(r"(\{\{.*\}\})\s+as\s+(\w+)")
_KEY = re.compile(
    r"""(\s*(?:-\ +)*(?:"[^"]*"|'[^']*'|[^\s'"\[\]{}&*!|>%@`\#-][^\#:]*?)\s*:)(?=\s)\s*""", re.VERBOSE
)
_LONGEST_KEY = 300
_GLUED_COLON = re.compile(r"(?!.*:(?:\s|$)).*?\w(:)(?=\S)")
_GLUED_DASH = re.compile(r"\s*(-)(?!--)(?=\S)")
_OWN = "[]{}*&!|>%@`,?"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line, and how much has to go: its value, or all that stands under it.

    `indent` is where the line should stand instead, if that is known.
    """

    issue: Issue
    line: int
    whole_section: bool = False
    indent: int | None = None


def mended(text: str, fault: Fault) -> str:
    """The text with the fault taken out, so that the rest can be read; or unchanged.

    Where one line stands wrongly, those after it only seem to: all goes up to the next line that is not
    indented, unless it is known where the line should stand.
    """
    lines = text.split("\n")
    at = fault.line
    if at >= len(lines):
        return text
    old = lines[at]
    if fault.indent is not None:
        lines[at:] = indented(lines[at:], fault.indent)
    elif fault.whole_section and old.strip():
        end = next((below for below in range(at + 1, len(lines)) if lines[below][:1].strip()), len(lines))
        lines[at:end] = [""] * (end - at)
    else:
        lines[at] = _without_value(old)
    return "\n".join(lines)


def _without_value(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    key = _KEY.match(line[:_LONGEST_KEY])
    return f"{key.group(1)} {BROKEN}" if key and BROKEN not in line and "\t" not in indent else ""


def has_lost_lines(document: Document) -> bool:
    """Whether lines were taken out of a file of which not even the key is known."""
    kept = document.text.split("\n")
    return any(
        line != shown and BROKEN not in line for line, shown in zip(kept, document.shown, strict=False)
    )


def fault_of(error: Exception, document: Document, last: yaml.ScalarEvent | None) -> Fault:
    """What is wrong, in our own words. *last* is the last value that was read."""
    if isinstance(error, yaml.reader.ReaderError):
        place = document.place_of(error.position)
        message = "YAML forbids this control character"
        return Fault(Issue("bad-encoding", message, place, "delete it"), place.line - 1)
    problem, context = (str(getattr(error, name, None) or "") for name in ("problem", "context"))
    mark: Any = getattr(error, "problem_mark", None)
    opened: Any = getattr(error, "context_mark", None) or mark
    line, column = document.position(mark.index) if mark else _odd_number(document)
    begun = document.position(opened.index) if opened else (line, column)
    shown = document.text.split("\n")[line]

    def fault(code: str, message: str, hint: str, at: tuple[int, int] = (line, column)) -> Fault:
        return Fault(Issue(code, message, document.place(*at), hint), at[0], code == "bad-indentation")

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
            hint = _quoted_template(shown[start[1] :])
            return fault("quote-the-template", "the template stands without quotes", hint, start)
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
        is_choice = re.search(r"\s\?\s", shown[start[1] : column])
        hint = _CHOICE if is_choice else "put the whole value in quotes"
        return fault("colon-in-text", "a colon and a space start a new key here", hint)
    if "could not find expected ':'" in problem:
        message = "a key is expected here, and a colon and a space after it"
        return fault("bad-yaml", message, "write `name: value`", begun)
    if "expected ',' or" in problem:
        hint = "close it, or put the whole value in quotes"
        return fault("bad-yaml", "this bracket is never closed", hint, begun)
    if any(words in problem for words in ("mapping values are", "expected <block end>", "<document start>")):
        return _misplaced(document, line)
    return fault("bad-yaml", "YAML cannot be read on from here", "is a quote or a bracket missing before it?")


def _quoted_template(value: str) -> str:
    """A template that stands without quotes, as it is to be written: in a block where a type follows it."""
    value = value.split(" #")[0].rstrip()
    typed = _TYPED.fullmatch(value)
    mark = "'" if '"' in value else '"'
    if mark in value:
        return _IN_QUOTES
    if typed:
        return f"write a block with two lines: template: {mark}{typed[1]}{mark} and as: {typed[2]}"
    return f"put the whole value in quotes: {mark}{value}{mark}"


def _misplaced(document: Document, line: int) -> Fault:
    """A line that is no part of what stands above it: indented wrongly, or not what is expected there."""
    found = misplaced(document.text, line)
    lines = document.text.split("\n")
    if found:
        place = document.place(found.line, _indent(lines[found.line]))
        issue = Issue("bad-indentation", found.how, place, "indent it like its siblings")
        return Fault(issue, found.line, True, found.indent)
    before = [at for at in range(line - 1, -1, -1) if _is_written(lines[at])]
    glued = [(at, match) for at in before[:1] if (match := _GLUED_COLON.match(lines[at]))]
    alike = takewhile(lambda at: _indent(lines[at]) == _indent(lines[line]), before)
    glued += [(at, match) for at in alike if (match := _GLUED_DASH.match(lines[at]))]
    for at, match in glued[:1]:
        sign, hint = ("dash", "- value") if match[1] == "-" else ("colon", "name: value")
        message = f"a space is missing after this {sign}"
        place = document.place(at, match.start(1))
        return Fault(Issue("bad-yaml", message, place, f"write `{hint}`"), at)
    hint = "a map has lines of `name: value`, a list lines of `- value`"
    return Fault(Issue("bad-yaml", _MISPLACED, document.place(line, _indent(lines[line])), hint), line, True)


def _is_written(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


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
