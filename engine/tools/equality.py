"""When two values are the same one as JSON."""

from typing import Any


def is_same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is no number, 2 and 2.0 are one."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
