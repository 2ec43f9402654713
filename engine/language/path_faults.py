"""What is wrong with a path, in our words and at the right character."""

import json
import re

from jmespath import exceptions

from engine.language.faults import TextFault

STRINGS = re.compile(
    r"'(?:[^'\\]|\\.)*(?:'|\\?\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\\?\Z)|`(?:[^`\\]|\\.)*(?:`|\\?\Z)", re.DOTALL
)
"""Texts, quoted names and literals, up to the end where they are never closed: no part of the path."""

_JOINED = 'text with values in it is a template: "Ticket #{{ id }} - {{ title }}"'
_CHOICE = "to choose, write a template: \"{{ 'yes' if open else 'no' }}\""
_FIRST_OF = "the first of two that has a value: a || b"
_CLOCK = "a spec has no clock: the time of the notification is event.created_at"
INSTEAD = {
    **dict.fromkeys(("count", "size", "len"), "write length(tags.tags)"),
    **dict.fromkeys(("if", "iif", "ifelse", "ifs", "case", "switch", "choose"), _CHOICE),
    **dict.fromkeys(("coalesce", "ifnull", "nvl", "isnull", "default", "first_of"), _FIRST_OF),
    **dict.fromkeys(("concat", "concatenate", "format"), _JOINED),
    **dict.fromkeys(("now", "today", "date_now"), _CLOCK),
    **dict.fromkeys(("date", "datetime", "timestamp"), "a type makes dates: created_at as datetime"),
    **dict.fromkeys(("int", "integer", "parseint"), "a type makes numbers: path as integer"),
    **dict.fromkeys(("number", "float", "parsefloat"), "a type makes numbers: path as number"),
    **dict.fromkeys(("str", "string", "text"), "a type makes text: path as text"),
    **dict.fromkeys(("includes", "in", "has", "any"), "write contains(tags.tags[].name, 'vip')"),
    **dict.fromkeys(("filter", "where", "find"), "brackets choose from a list: tags.tags[?name == 'vip']"),
    **{
        name: f'a template does: "{{{{ title | {name} }}}}"'
        for name in ("lower", "upper", "capitalize", "trim", "replace", "round", "truncate", "unique")
    },
    "first": "the first element: tags.tags[0]",
    "last": "the last element: tags.tags[-1]",
    "and": "write a && b",
    "or": "write a || b",
    "not": "write !a",
}
"""What to write instead of functions that other languages have, by their names in lower case."""


def lexer_fault(text: str, error: exceptions.LexerError) -> TextFault:
    """A character, a quote or a literal that means nothing in a path."""
    at = error.lexer_position
    if "nclosed" in error.message:
        return _odd_quote(text, at)
    character = text[at : at + 1]
    if character == "=":
        hint = "`==` compares" if text[:at].strip() else "leave out the `=`"
        return TextFault("bad-path", "`=` alone means nothing in a path", at, hint)
    if character in "+-" and re.search(r"['\"{]", text):
        return TextFault("bad-path", "a path joins no texts", at, _JOINED)
    if character == "-" and re.search(r"\w-\w", text[max(at - 1, 0) : at + 2]):
        hint = "a name with a dash stands in double quotes; to subtract, use a template: {{ a - b }}"
        return TextFault("bad-path", "`-` means nothing in a path", at, hint)
    if character in "+-*/":
        return TextFault("bad-path", "a path does not calculate", at, "a template does: {{ a / b }}")
    if "Bad token" in str(error) or "literal" in error.message.lower():
        return TextFault(
            "bad-path", "between backticks stands JSON, and this is none", at, "text: 'in single quotes'"
        )
    hint = f'such a name stands in double quotes: "{character}..."' if character.isalpha() else ""
    if text[at : at + 2] == "${":
        hint = _INSTEAD_OF["{"]
    elif character in "#;?%~\u201c\u201d\u2019" and not hint:
        hint = f"meant as text? write {{ value: {json.dumps(text, ensure_ascii=False)} }}"
        hint = odd_mark(text, at, "a || b") or (_CHOICE if character in "?;" else hint)
    return TextFault("bad-path", f"`{character}` means nothing in a path", at, hint)


def odd_mark(text: str, at: int, first_of: str) -> str:
    """What to write instead of JavaScript's `??` and `?.`; *first_of* is how the first of two is written."""
    if text.startswith("??", at):
        return f"the first of two that has a value: {first_of}"
    return "a dot is enough: of what is not there, nothing is found" if text.startswith("?.", at) else ""


def _odd_quote(text: str, last: int) -> TextFault:
    """The quote that has no partner: not the *last*, where one before it stands against a word.

    Where one is lost, every text after it is taken for what stands between the texts.
    """
    for quoted in STRINGS.finditer(text):
        name = _name(text[quoted.start()])
        if re.match(r"\w", text[quoted.end() : quoted.end() + 1]):
            return TextFault("bad-path", f"this {name} is never closed", quoted.start())
        if re.match(r"\w", text[max(quoted.start() - 1, 0) : quoted.start()]):
            return TextFault("bad-path", f"this {name} closes nothing", quoted.start())
    return TextFault("bad-path", f"this {_name(text[last : last + 1])} is never closed", last)


_INSTEAD_OF = {
    "{": 'a template has two braces, and stands in quotes: "{{ title }}"',
    ",": 'several values are a list, in quotes: "[a, b]"',
}


def _second_name(text: str) -> str:
    """What to write where two words stand side by side."""
    text = " ".join(text.split())
    if re.search(r"\s+as\s+\w+\s*$", text):
        return "a value takes one type"
    if re.search(r"\s+(?:AS|As)\s+\w+\s*$", text):
        return "`as` is written in lower case"
    if text.startswith("not "):
        return f'write it with `!`, in quotes: "!{text[4:]}"'
    if re.match(r"\s*if\s", text) or re.search(r"\s(?:if|then|else|and|or|is|in|not)\s", text):
        return "words like if, and, or belong into a template: \"{{ 'a' if open else 'b' }}\""
    if len(text) < 80 and re.fullmatch(r"[\w\s,!?'-]+", text):
        return f"meant as text? write {{ value: {text} }}"
    named = re.fullmatch(r"([\w.]+)\.(\w+(?: \w+)+)", text)
    example = f'{named.group(1)}."{named.group(2)}"' if named else 'custom_attributes."Refund amount"'
    return f"a name with spaces stands in double quotes: {example}"


def _named_in_brackets(text: str, before: str, at: int) -> str:
    """How a key is written that stands in brackets."""
    key = text[at:].partition("]")[0].strip().strip("'\"")
    return f'a name with spaces stands in double quotes, after a dot: {before[:-1]}."{key}"'


def _name(quote: str) -> str:
    return {"'": "single quote", '"': "double quote", "`": "backtick"}.get(quote, "quote")


def parser_fault(text: str, error: exceptions.JMESPathError) -> TextFault:
    """A word or a sign where another is expected, or none."""
    at = getattr(error, "lex_position", None)
    at = len(text) if at is None else min(at, len(text))
    token = str(getattr(error, "token_type", "") or "").lower()
    before = text[:at].rstrip()
    if at >= len(text.rstrip()):
        opened = _open_bracket(text)
        if opened is not None:
            return TextFault("bad-path", f"this {text[opened]} is never closed", opened)
        if before.endswith("."):
            return TextFault("bad-path", "a name is expected after the dot", max(len(before) - 1, 0))
        return TextFault("bad-path", "the path ends where something is expected", max(len(before) - 1, 0))
    if before.endswith("."):
        odd = token == "number" or text[at] in "'`"
        hint = "a name that is no plain word stands in double quotes" if odd else ""
        index = re.match(r"\d+", text[at:])
        hint = f"an element of a list stands in brackets: {before[:-1]}[{index.group()}]" if index else hint
        return TextFault("bad-path", "a name is expected after the dot", at, hint)
    if token == "number":
        number = re.match(r"-?\d+", text[at:])
        hint = f"write it between backticks: `{number.group()}`" if number else ""
        return TextFault("bare-number", "a bare number cannot stand here", at, hint)
    if token in ("unquoted_identifier", "quoted_identifier"):
        if before.endswith("["):
            message = "brackets take a number, a filter or nothing"
            return TextFault("bad-path", message, at, _named_in_brackets(text, before, at))
        return TextFault("bad-path", "a second name cannot follow without a dot", at, _second_name(text))
    if text[at] == "'" and before.endswith("["):
        return TextFault("bad-path", "text cannot stand here", at, _named_in_brackets(text, before, at))
    if text[at] == ":":
        hint = "a text with paths in it is a template: conv:{{ id }}:created"
        return TextFault("bad-path", "`:` is not expected here", at, hint)
    if text[at] in "{}" or (text[at] == "," and not before.endswith("[")):
        sign = "," if text[at] == "," else "{"
        return TextFault("bad-path", f"`{text[at]}` is not expected here", at, _INSTEAD_OF[sign])
    shown = text[at : at + 2] if text[at : at + 2] in ("||", "&&", "==", "!=", "<=", ">=") else text[at]
    return TextFault("bad-path", f"`{shown}` is not expected here", at)


def _open_bracket(text: str) -> int | None:
    bare = STRINGS.sub(lambda match: "s" * len(match.group()), text)
    opened: list[int] = []
    for at, character in enumerate(bare):
        if character in "([{":
            opened.append(at)
        elif character in ")]}" and opened:
            opened.pop()
    return opened[-1] if opened else None
