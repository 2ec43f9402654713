"""Bugs that are planted on purpose."""

from collections.abc import Iterator
from contextlib import contextmanager

PLANTED: set[str] = set()


@contextmanager
def planted(name: str) -> Iterator[None]:
    yield
