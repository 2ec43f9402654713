"""Chance that is the same every time: it follows from a seed and from what it is used for."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

Choice = TypeVar("Choice")


class Chance:
    """Numbers and choices, one after another, that follow from *of* alone.

    Python's own generator promises the same choices for one version only. `attempt` counts how often what
    was made of an earlier chance could not be used.
    """

    __slots__ = ("_drawn", "_of", "attempt")

    def __init__(self, *of: object, attempt: int = 0) -> None:
        self._of = "\0".join(map(str, (*of, attempt)))
        self._drawn = 0
        self.attempt = attempt

    def below(self, end: int) -> int:
        """A number from 0 up to the one before *end*."""
        self._drawn += 1
        drawn = f"{self._of}\0{self._drawn}".encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(drawn, digest_size=8).digest(), "big") % end

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """One of several."""
        return choices[self.below(len(choices))]
