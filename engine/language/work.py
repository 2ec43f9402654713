"""How much one path or one template may do, whatever is written and whatever is sent.

Lists in lists, and a text as long as a payload: each is small, and their product is not. So what is worked
out counts its steps, and stops. Steps and no clock: the same on every machine, and in every thread.
"""

from collections.abc import Iterator
from typing import Any

from engine.language.faults import Failed

MOST_STEPS = 30_000
"""For one value: the 500 parts that Intercom sends of a conversation take a path some 15,000."""
MOST_OF_ALL = 5_000_000
"""For all the values of one notification."""
CHARACTERS_A_STEP = 100


class Work:
    """The steps that are left for one value. Raises Failed when they are used up.

    They are a part *of* those that are left for a notification, where it has such: what was taken is given
    back to it, to be counted, by `close`.
    """

    __slots__ = ("left", "most", "whole")

    def __init__(self, most: int = MOST_STEPS, of: "Work | None" = None) -> None:
        self.whole = of
        self.most: int = most if of is None else max(min(most, of.left), 0)
        self.left: int = self.most

    def close(self) -> None:
        """Count what was taken for the whole."""
        if self.whole is not None:
            self.whole.left -= self.most - self.left

    def take(self, steps: int) -> None:
        """Use some steps."""
        self.left -= steps
        if self.left < 0:
            raise Failed("its lists or texts are too long to go through")

    def through(self, value: Any, steps: int = 1) -> Any:
        """The value, paid for: now what can be measured, or element by element as it is gone through."""
        if isinstance(value, Iterator):
            return self._each(value, steps)
        self.take(weight(value) * steps)
        return value

    def _each(self, elements: Iterator[Any], steps: int) -> Iterator[Any]:
        for element in elements:
            self.take(steps)
            yield element


def weight(value: Any) -> int:
    """The steps that it takes to go through a value once; what is inside its elements is not looked at."""
    if isinstance(value, str):
        return len(value) // CHARACTERS_A_STEP + 1
    return len(value) + 1 if isinstance(value, list | tuple | dict) else 1


def size(value: Any, most: int) -> int:
    """How many values a value holds, itself among them; counted up to *most*."""
    nodes = 0
    waiting = [value]
    while waiting and nodes < most:
        top = waiting.pop()
        nodes += 1
        if isinstance(top, dict):
            waiting += top.values()
        elif isinstance(top, list):
            waiting += top
    return nodes
