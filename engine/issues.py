"""Issues: what a person should know, where it is written, and what to do about it."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning"]

LONGEST_TEXT = 350
"""Characters of a message and of a hint: what repeats a name may repeat a very long one."""
LONGEST_WORD = 100
"""Words longer than this are like no other."""
WIDEST_LINE = 100
"""Characters of a source line that are shown under a message; longer lines are cut around the caret."""


class Kind(NamedTuple):
    """One row of the table of codes."""

    severity: Severity
    means: str


CODES: dict[str, Kind] = {
    # The file as YAML
    "too-large": Kind("error", "the file is larger, deeper or longer than a spec may be"),
    "too-slow": Kind("error", "reading the file takes longer than any spec that a person writes"),
    "bad-encoding": Kind("error", "the file is not UTF-8 text, or holds a character that YAML forbids"),
    "bad-yaml": Kind("error", "the line cannot be read as YAML"),
    "bad-indentation": Kind("error", "the line is indented in a way that fits no line above it"),
    "colon-in-text": Kind("error", "an unquoted text holds a colon and a space, which starts a new key"),
    "open-quote": Kind("error", "a quote is opened and never closed"),
    "quote-the-template": Kind("error", "a value that starts with {{ stands without quotes"),
    "path-in-quotes": Kind("error", "a path starts with a character that YAML reads as its own"),
    "not-supported": Kind(
        "error", "YAML's anchors, aliases, tags, merge keys and second documents are refused"
    ),
    "duplicate-key": Kind("error", "a key stands twice"),
    "key-not-text": Kind("error", "a key is not text"),
    "ambiguous-value": Kind("warning", "other YAML readers make something else of this unquoted value"),
    # The spec
    "not-a-spec": Kind("error", "the file is not a mapping, a profile or a shared file"),
    "unknown-key": Kind("error", "the language has no such key here"),
    "missing-key": Kind("error", "a key that is needed is not there"),
    "wrong-kind": Kind("error", "the value is not of the kind that its key takes"),
    "empty-value": Kind("error", "a value is expected and none is written"),
    "unknown-type": Kind("error", "there is no such type after `as`"),
    "as-after-template": Kind("error", "`as` after a template on one line would be text"),
    "unknown-shared": Kind("error", "`use` names a file that is not in shared/"),
    "unknown-property": Kind("error", "`without` names a property that nothing brings"),
    "unknown-table": Kind("error", "look-ups know contact, admin, team, tag and company"),
    "unknown-topic": Kind("warning", "Intercom documents no such topic"),
    "bad-path": Kind("error", "the path cannot be read as JMESPath"),
    "bad-template": Kind("error", "the template cannot be read, or uses what templates may not"),
    "bad-condition": Kind("error", "the condition is none that `when` knows"),
    "bad-name": Kind("error", "the name cannot be used in a path"),
    "name-taken": Kind("error", "a name hides another one"),
    "circle": Kind("error", "names need each other in a circle"),
    # What is written as it should be, and cannot be meant
    "yaml-habit": Kind("error", "unquoted, what other YAML readers know is neither a value nor a path here"),
    "text-cut-by-hash": Kind("error", "` #` starts a comment, and the rest of the text is lost"),
    "bare-literal": Kind("error", "true, false and null are names in a path, unless between backticks"),
    "bare-number": Kind("error", "a number in a path stands between backticks"),
    "text-in-double-quotes": Kind("error", "in a path, double quotes make a name; text takes single ones"),
    "path-in-template": Kind("error", "a template holds brackets that only paths know"),
    "unknown-path": Kind("warning", "the payload of this topic has nothing there"),
    "never-a-value": Kind("warning", "nothing can be made of what can stand there"),
    "never-true": Kind("warning", "the payload never has the value that is asked for"),
    "always-true": Kind("warning", "the condition holds whatever the payload brings"),
    "unused-name": Kind("warning", "nothing uses the name"),
    "unstable-id": Kind("error", "one event would get two ids"),
    "weak-id": Kind("warning", "two events could get the same id"),
    "unknown-fixture": Kind("warning", "a test is given a fixture that is not there"),
    "other-topic": Kind("warning", "what a spec takes in, or a test is given, is not of the spec's topics"),
    # Klaviyo's side
    "name-too-long": Kind("error", "Klaviyo takes metric names under 128 characters"),
    "no-identifier": Kind("error", "Klaviyo takes no event without a person"),
    "reserved-name": Kind("warning", "Klaviyo keeps names that start with $ for itself"),
    "same-but-case": Kind("warning", "two names differ only in upper and lower case"),
    "one-event-twice": Kind("warning", "two specs make one event of one notification"),
    "too-many-properties": Kind("error", "Klaviyo takes 400 properties an event"),
    # One notification
    "refused": Kind("warning", "the type refuses the value, so the field is left out"),
    "failed": Kind("warning", "the path or the template cannot be worked out for this notification"),
    "no-record": Kind("warning", "Intercom has no record of this id, so what needs it has no value"),
    "over-limit": Kind("warning", "the value is over one of Klaviyo's limits, so the field is left out"),
    "not-accepted": Kind(
        "warning", "Klaviyo would refuse the event for this value, so the field is left out"
    ),
    "phone-only": Kind("warning", "Klaviyo drops such events in accounts without SMS"),
    # Sending
    "partial": Kind(
        "warning", "Intercom could not be asked for a name in time, so the event goes without it"
    ),
    "refused-field": Kind("warning", "Klaviyo has refused this field, and taken the event without it"),
    # The settings
    "unknown-setting": Kind("error", "there is no such setting"),
    "bad-setting": Kind("error", "the setting does not take this value"),
    "missing-setting": Kind("error", "a setting that is needed is not there"),
    "set-twice": Kind("error", "two settings are set that stand for the same"),
    "bad-secret": Kind("error", "a key or token cannot be used as it is set"),
    "secret-in-file": Kind("error", "a key or token stands in a file of settings"),
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A character in a file: line and column from 1, and the text of the line for the caret.

    `end` is the column after what is meant, in the same line.
    """

    file: str
    line: int
    column: int
    text: str = field(default="", compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Issue:
    """Something a person should know: never with a customer's value in it."""

    code: str
    message: str
    place: Place | None = None
    hint: str = ""
    field: str = ""
    """The property or profile field that it costs, such as `properties.Title`, or the setting; or nothing."""

    def __post_init__(self) -> None:
        for name in ("message", "hint"):
            text: str = getattr(self, name)
            if len(text) > LONGEST_TEXT:
                object.__setattr__(self, name, f"{text[: LONGEST_TEXT - 4]} ...")

    @property
    def severity(self) -> Severity:
        """`error` or `warning`, by its code."""
        return CODES[self.code].severity

    def __str__(self) -> str:
        where = f"{self.place}  " if self.place else ""
        return f"{where}{self.code}  {self.message}"

    def as_json(self) -> dict[str, Any]:
        """The issue for machines; keys without a value are left out."""
        place = self.place
        row: dict[str, Any] = {"code": self.code, "severity": self.severity, "message": self.message}
        if place:
            end = max(place.end, place.column + 1)
            row |= {"file": place.file, "line": place.line, "column": place.column, "end": end}
        if self.hint:
            row["hint"] = self.hint
        if self.field:
            row["field"] = self.field
        return row


def render(issue: Issue) -> str:
    """The issue for people: one line, the line of the file with a caret, and the hint."""
    lines = [str(issue)]
    if issue.place:
        lines += ["    " + line for line in caret_lines(issue.place)]
    if issue.hint:
        lines.append(f"    hint: {issue.hint}")
    return "\n".join(lines)


def caret_lines(place: Place, widest: int = WIDEST_LINE) -> tuple[str, ...]:
    """The line of the file, and the caret under its character; nothing for a place without a text."""
    if not place.text.strip():
        return ()
    text = place.text.rstrip()
    indent = len(text) - len(text.lstrip())
    at = place.column - 1
    start = min(indent, at)
    if at - start > widest - 20:
        start = at - widest // 2
    shown = text[start : start + widest]
    pad = "".join("\t" if c == "\t" else " " * _cells(c) for c in text[start:at].ljust(at - start))
    return shown, pad + "^"


def _cells(character: str) -> int:
    """Columns that a terminal gives to a character."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "title"?`, or nothing where no known word is near."""
    near = nearest(word, known)
    return f'; did you mean "{near}"?' if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like a word; nothing where none is near."""
    # Imported here: it is for faults only.
    from difflib import get_close_matches

    if len(word) > LONGEST_WORD:
        return ""
    near = (other for other in known if len(other) <= LONGEST_WORD)
    return next(iter(get_close_matches(word, near, n=1, cutoff=0.6)), "")


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`, `2 properties`."""
    if number == 1:
        return f"{number:,} {noun}"
    is_like_property = noun.endswith("y") and noun[-2:-1] not in "aeiou"
    return f"{number:,} {noun[:-1]}ies" if is_like_property else f"{number:,} {noun}s"


def lasting(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `25 hours`, `3 days`: how long something takes, for people."""
    for noun, length, most in (("second", 1, 100), ("minute", 60, 100), ("hour", 3_600, 48)):
        if seconds < length * most:
            return counted(round(max(0.0, seconds) / length), noun)
    return counted(round(seconds / 86_400), "day")
