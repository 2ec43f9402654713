"""What is wrong with a path, in our words and at the right character."""

import re

from jmespath import exceptions

from engine.language.faults import TextFault

STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`", re.DOTALL)
"""Texts, quoted names and literals: what stands in them is no part of the path."""


def lexer_fault(text: str, error: exceptions.LexerError) -> TextFault:
    """A character, a quote or a literal that means nothing in a path."""
    at = error.lexer_position
    if "nclosed" in error.message:
        return TextFault("bad-path", f"this {_name(text[at : at + 1])} is never closed", at)
    character = text[at : at + 1]
    if character == "=":
        return TextFault("bad-path", "`=` alone means nothing in a path", at, "`==` compares")
    if character == "-" and re.search(r"\w-\w", text[max(at - 1, 0) : at + 2]):
        hint = "a name with a dash stands in double quotes; to subtract, use a template: {{ a - b }}"
        return TextFault("bad-path", "`-` means nothing in a path", at, hint)
    if character in "+-*/":
        return TextFault("bad-path", "a path does not calculate", at, "a template does: {{ a / b }}")
    if "Bad token" in str(error) or "literal" in error.message.lower():
        return TextFault(
            "bad-path", "between backticks stands JSON, and this is none", at, "text: 'in single quotes'"
        )
    return TextFault("bad-path", f"`{character}` means nothing in a path", at)


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
        return TextFault("bad-path", "a name is expected after the dot", at, hint)
    if token == "number":
        number = re.match(r"-?\d+", text[at:])
        hint = f"write it between backticks: `{number.group()}`" if number else ""
        return TextFault("bad-path", "a bare number cannot stand here", at, hint)
    if token in ("unquoted_identifier", "quoted_identifier"):
        if before.endswith("["):
            return TextFault(
                "bad-path", "brackets take a number, a filter or nothing", at, 'write a.b or a."b c"'
            )
        hint = 'a name with spaces stands in double quotes, such as custom_attributes."Refund amount"'
        return TextFault("bad-path", "a second name cannot follow without a dot", at, hint)
    if text[at] == "'" and before.endswith("["):
        hint = 'a name with spaces stands in double quotes, after a dot: custom_attributes."Refund amount"'
        return TextFault("bad-path", "text cannot stand here", at, hint)
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
