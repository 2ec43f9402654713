"""Which result of one run is which of another run over the same notification."""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator

from engine.events import Parked, Result, Skipped, Translation

_Key = Callable[[int, Result], Hashable]
"""What two results must share to be the same one; None for one that has no counterpart by it."""


def pairs_of(old: list[Result], new: list[Result]) -> Iterator[tuple[Result | None, Result | None]]:
    """Each result of one metric with its counterpart: by its id, else its time, else its position."""
    left, right = _by_position(old), _by_position(new)
    for of_old, of_new in (
        (_id, _id),
        (_moment, _moment),
        (_position, _position),
        (_reason, _reason),
        (_is_made, _is_parked),
        (_is_parked, _is_made),
        (_is_parked, _is_parked),
    ):
        yield from _match(left, right, of_old, of_new)
    yield from ((made, None) for made in left.values())
    yield from ((None, made) for made in right.values())


def _by_position(results: list[Result]) -> dict[int, Result]:
    return {at: made for at, made in enumerate(results) if not isinstance(made, Skipped)}


def _match(
    left: dict[int, Result], right: dict[int, Result], of_old: _Key, of_new: _Key
) -> Iterator[tuple[Result, Result]]:
    """Takes out of both sides what has the same key, the first with the first."""
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for at, made in right.items():
        waiting[of_new(at, made)].append(at)
    for at, made in list(left.items()):
        key = of_old(at, made)
        if key is not None and waiting[key]:
            yield left.pop(at), right.pop(waiting[key].popleft())


def _id(_: int, made: Result) -> Hashable:
    return made.unique_id if isinstance(made, Translation) else None


def _moment(_: int, made: Result) -> Hashable:
    return made.time if isinstance(made, Translation) else None


def _position(at: int, made: Result) -> Hashable:
    return at if isinstance(made, Translation) else None


def _reason(_: int, made: Result) -> Hashable:
    return made.reason if isinstance(made, Parked) else None


def _is_made(_: int, made: Result) -> Hashable:
    return True if isinstance(made, Translation) else None


def _is_parked(_: int, made: Result) -> Hashable:
    return True if isinstance(made, Parked) else None
