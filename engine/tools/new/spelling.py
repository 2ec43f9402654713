"""How a new spec writes its keys, values and paths, so that they read back as they were meant."""

import json
import re
from collections.abc import Sequence
from typing import Any

from engine.language.templates import is_template
from engine.tools.quotes import written

LONGEST_KEY = 80
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_VALUES = ("true", "false", "null")
"""Words that are no names in a path, unless they are quoted."""


def line(key: str, value: Any) -> str:
    """`key: value`; the value is a text, a number or a boolean."""
    return f"{written(key, is_key=True)}: {scalar(value)}"


def scalar(value: Any) -> str:
    """A text, a number or a boolean as YAML."""
    if not isinstance(value, str):
        return json.dumps(value)
    return written(value, was_plain=bool(_MOMENT.fullmatch(value)))


def path_of(steps: Sequence[str]) -> str:
    """Keys as a path; nothing where one of them cannot be written in one."""
    return ".".join(map(_step, steps)) if all(map(_can_be_written, steps)) else ""


def _can_be_written(key: str) -> bool:
    return bool(key.strip()) and len(key) <= LONGEST_KEY and key.isprintable() and not is_template(key)


def _step(key: str) -> str:
    if key.isascii() and key.isidentifier() and key not in _VALUES:
        return key
    return json.dumps(key, ensure_ascii=False)
