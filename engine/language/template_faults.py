"""What is wrong with a template, in our words and at the right character."""

import re

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from engine.issues import did_you_mean
from engine.language.faults import TextFault
from engine.language.filters import FILTERS, TESTS
from engine.language.path_faults import odd_mark

_IN_BRACKETS = "in a template, a name with spaces stands in brackets: custom_attributes['Refund amount']"
OF_PATHS = "give the path a name under `let:`, and use that name here"
_CLOCK = "a spec has no clock: the time of the notification is event.created_at"
_CHANCE = "a spec knows no chance: the same notification must make the same event"
_CHOICE = "to choose: {{ 'yes' if open else 'no' }}"
_JOINED = "`~` joins texts: {{ title ~ ', ' ~ state }}"
_SIGNS = "calculate with signs: {{ (closed - opened) / 60 }}"
_DATES = "a type makes dates: a path with `as date`, or a block with `template:` and `as: datetime`"
INSTEAD = {
    **dict.fromkeys(("now", "utcnow", "today", "strftime"), _CLOCK),
    **dict.fromkeys(("random", "uuid", "shuffle"), _CHANCE),
    **dict.fromkeys(("date", "datetime", "strptime"), _DATES),
    **dict.fromkeys(("if", "iif", "ifelse", "ifs", "case", "switch", "choose"), _CHOICE),
    **dict.fromkeys(("coalesce", "ifnull", "nvl", "isnull"), "the first that has a value: {{ a or b }}"),
    **dict.fromkeys(("append", "prepend", "concat", "concatenate"), _JOINED),
    **dict.fromkeys(("plus", "minus", "times", "divided_by", "modulo"), _SIGNS),
    **dict.fromkeys(("upcase", "uppercase"), "did you mean {{ title | upper }}?"),
    **dict.fromkeys(("downcase", "lowercase"), "did you mean {{ title | lower }}?"),
    **dict.fromkeys(("size", "len"), "write it as a filter: {{ tags.tags | length }}"),
    "get": "a key is read with a dot or in brackets: a.b, a['b c']",
    "split": "`as first_name` and `as last_name` take a name apart; nothing else is taken apart",
    "strip": "write it as a filter: {{ title | trim }}",
    **{name: f"write it as a filter: {{{{ title | {name} }}}}" for name in ("lower", "upper", "capitalize")},
    "replace": "write it as a filter: {{ title | replace('a', 'b') }}",
    **{
        name: f"write it as a filter: {{{{ tags.tags | {name} }}}}"
        for name in ("first", "last", "count", "length")
    },
    "where": "choose by a key: {{ tags.tags | selectattr('name', 'eq', 'vip') | list }}",
    "strip_html": "did you mean {{ source.body | striptags }}?",
    "str": "print it: {{ id }} in a text is text already",
}
"""What to write instead of what people look for."""


def syntax_fault(text: str, error: TemplateSyntaxError) -> TextFault:
    """A fault of Jinja's in our words; the environment gives it a character for a line."""
    message = error.message or ""
    at = min(error.lineno or 0, len(text))
    for start in re.finditer(r"\{[{%#]", text):
        closing = {"{{": "}}", "{%": "%}", "{#": "#}"}[start.group()]
        end = text.find(closing, start.end())
        if end < 0 or -1 < text.find(start.group(), start.end()) < end:
            hint = f"end it with {closing}"
            return TextFault("bad-template", f"`{start.group()}` is never closed", start.start(), hint)
    character = re.search(r"unexpected char (?s:.+) at (\d+)", message)
    if character:
        at = int(character.group(1))
        if text[at - 1 : at + 1] == "[?":
            return TextFault("path-in-template", "only paths know these brackets", at - 1, OF_PATHS)
        sign = "!" if text[at : at + 1] == "!" else text[at : at + 2]
        if sign in _OPERATORS:
            return _other_operator(sign, at)
        quote = text[at : at + 1] in ("'", '"')
        what = "this quote is never closed" if quote else f"`{text[at : at + 1]}` means nothing in a template"
        hint = odd_mark(text, at, "{{ a or b }}") or (_CHOICE if text[at : at + 1] == "?" else "")
        return TextFault("bad-template", what, at, hint)
    block = re.search(r"needs to be closed is '(\w+)'", message)
    if block and "Unexpected end" in message:
        name = block.group(1)
        opened = [found.start() for found in re.finditer(rf"\{{%[-+]?\s*{name}", text)]
        hint = f"end it with {{% end{name} %}}"
        return TextFault("bad-template", f"this `{name}` is never closed", opened[-1] if opened else 0, hint)
    tag = re.search(r"unknown tag '([^']*)'", message)
    if tag:
        return _unknown_tag(tag.group(1), at)
    if "expected name or number" in message:
        dot = text.rfind(".", 0, at + 1)
        return TextFault("bad-template", "a name is expected after the dot", max(dot, 0), _IN_BRACKETS)
    if text[at - 1 : at + 1] == "||":
        return _other_operator("||", at - 1)
    if text[at - 1 : at + 1] == "[*":
        return TextFault("path-in-template", "only paths know these brackets", at - 1, OF_PATHS)
    if re.match(r"unexpected '[)\]}]'", message):
        at = _odd_bracket(text)
    operator = re.search(r"\{[{%][-+]?\s*(and|or|in|is)\s+$", text[:at])
    if operator:  # Jinja takes it for a name, and stumbles over what follows
        at = operator.start(1)
    rest = text[at:]
    if not rest or rest.startswith(("}}", "%}", "-}}", "-%}", "+%}")):
        return TextFault("bad-template", "the expression ends where something is expected", at)
    if rest.startswith("as "):
        hint = "`as` stands outside: write a block with two lines, template: ... and as: ..."
        return TextFault("bad-template", "`as` is not expected here", at, hint)
    if rest.startswith(":") and "|" in text[:at]:
        return TextFault("bad-template", "`:` is not expected here", at, _given_in_brackets(text, at))
    if rest.startswith("="):
        return TextFault("bad-template", "`=` alone means nothing in a template", at, "`==` compares")
    if rest.startswith(("?", ";", "then ", "when ")):
        return TextFault("bad-template", f"`{rest.split()[0]}` is not expected here", at, _CHOICE)
    word = re.match(r"\w+|\W", rest)
    hint = _IN_BRACKETS if re.search(r"\.\w+\s+$", text[:at]) else ""
    return TextFault("bad-template", f"`{word.group() if word else rest[0]}` is not expected here", at, hint)


_OF_KEYS = ("map", "sum", "sort", "unique")


def _given_in_brackets(text: str, at: int) -> str:
    """How what stands after Liquid's colon is given to a filter."""
    name = re.search(r"(\w*)\s*$", text[:at]).group(1)  # type: ignore[union-attr]  # it matches nothing, too
    given = re.match(r":\s*([^|}%]{1,80})", text[at:])
    if name not in FILTERS or not given:
        return INSTEAD.get(name, "what a filter takes stands in brackets: {{ title | truncate(20) }}")
    attribute = "attribute=" if name in _OF_KEYS else ""
    return f"what a filter takes stands in brackets: {name}({attribute}{given.group(1).strip()})"


_OPERATORS = {"||": "or", "&&": "and", "!": "not"}


def _other_operator(sign: str, at: int) -> TextFault:
    word = _OPERATORS[sign]
    return TextFault("path-in-template", f"`{sign}` is for paths", at, f"in a template write `{word}`")


def _odd_bracket(text: str) -> int:
    """The first closing bracket that closes nothing, or something else; of which Jinja tells the line."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    opened: list[str] = []
    for match in re.finditer(r"\{[{%]|'[^']*'|\"[^\"]*\"|[}%]\}|[(){}\[\]]", text):
        mark = match.group()
        if mark in ("{{", "{%"):
            opened = []
        elif mark in pairs:
            opened.append(pairs[mark])
        elif mark in pairs.values() and opened and opened[-1] == mark:
            opened.pop()
        elif mark in pairs.values() or (mark in ("}}", "%}") and opened):
            return match.start()
    return 0


def _unknown_tag(name: str, at: int) -> TextFault:
    if name in ("else", "elif", "endif"):
        return TextFault("bad-template", f"there is no `if` before this `{name}`", at)
    if name == "endfor":
        return TextFault("bad-template", "there is no `for` before this `endfor`", at)
    hint = "{% if %} and {% for %} are"
    return TextFault("bad-template", f"there is no `{name}` in templates", at, hint)


def unknown_fault(node: nodes.Filter | nodes.Test, text: str) -> TextFault:
    """A filter or a test that templates do not have."""
    what, known = ("filter", FILTERS) if isinstance(node, nodes.Filter) else ("test", TESTS)
    message = f"templates have no {what} `{node.name}`{did_you_mean(node.name, known)}"
    place = max(text.find(node.name, node.lineno), 0)
    return TextFault("bad-template", message, place, INSTEAD.get(node.name, ""))
