"""Sending many at once, and finding out which of them a refusal means.

A bulk request is refused as a whole for one bad item. Items that the refusal points at are set aside and the
rest is sent again. Where it points at none, halves are sent until few are left, and those go one by one, for
single requests have a window of their own. So one bad item of 1,000 costs no more bulk requests than fit
in a second.
"""

from collections.abc import Callable, Iterable, Iterator

from engine.errors import NotSent, Unavailable
from engine.events import Accepted, Answer
from engine.klaviyo.batches import Batch
from engine.klaviyo.people import identifiers_of
from engine.klaviyo.refusals import Item, lightened, rejected
from engine.klaviyo.rest import Fault, Refused

MOST_SEARCHES = 5
"""Searches in one batch before the rest is sent item by item: then it is no single item that is bad."""

FEW = 16
"""Of so many the bad one is found by sending each alone."""

Pack = Callable[[Iterable[Item]], Iterator[Batch]]
Post = Callable[[Batch], dict[int, list[Fault]]]
"""Sends a batch; gives the faults of items that were refused although the rest was taken, none of an item of
which it is not known. Raises Refused."""


class Bulk:
    """One round of sending many; `answers` says by place what became of each.

    *pack* makes batches, *post* sends one, *alone* sends a single item and settles it. Where items are
    *ordered*, one whose person could not be sent to waits, so that the older never comes after the newer.
    """

    def __init__(
        self, pack: Pack, post: Post, alone: Callable[[Item], Answer], *, ordered: bool = False
    ) -> None:
        self.answers: dict[int, Answer] = {}
        self._pack = pack
        self._post = post
        self._alone = alone
        self._ordered = ordered
        self._waiting: dict[tuple[str, str], Unavailable] = {}
        """Who could not be sent to, and why."""

    def send(self, items: Iterable[Item]) -> None:
        """Send all of them. Raises Denied."""
        for batch in self._pack(items):
            again = self._in_order(batch.items)
            searches = 0
            while again:
                one_by_one = searches >= MOST_SEARCHES
                waiting, again = again, []
                for part in self._pack(waiting):
                    if one_by_one:
                        self._send_alone(part.items)
                        continue
                    left, searched = self._send(part)
                    again += left
                    searches += searched

    def _in_order(self, items: Iterable[Item]) -> list[Item]:
        """The items, but for those that wait behind an older one of the same person."""
        left = []
        for item in items:
            behind = [self._waiting[one] for one in identifiers_of(item.request) if one in self._waiting]
            if behind:
                self._note(item, NotSent("it waits behind one that could not be sent", behind[0].retry_after))
            else:
                left.append(item)
        return left

    def _note(self, item: Item, answer: Answer) -> None:
        self.answers[item.place] = answer
        if self._ordered and isinstance(answer, Unavailable):
            self._waiting.update(dict.fromkeys(identifiers_of(item.request), answer))

    def _send(self, batch: Batch) -> tuple[list[Item], int]:
        """Send a batch; the items to send again, and whether the bad ones had to be searched for."""
        refused = self._try(batch)
        if refused is None:
            return [], 0
        left = self._without_named(batch, refused)
        return (left, 0) if left is not None else (self._search(list(batch.items)), 1)

    def _try(self, batch: Batch) -> Refused | None:
        """Send a batch and note what became of it; its refusal, where it was refused as a whole."""
        try:
            named = self._post(batch)
        except Unavailable as error:
            for item in batch.items:
                self._note(item, error)
            return None
        except Refused as refused:
            return refused
        for order, item in enumerate(batch.items):
            if order not in named:
                self.answers[item.place] = Accepted(item.left_out)
        for order, faults in named.items():
            self._settle(batch.items[order], faults)
        return None

    def _without_named(self, batch: Batch, refused: Refused) -> list[Item] | None:
        """What to send again once the items that are pointed at are set aside; None where none is."""
        named = batch.named(refused.faults)
        if not named:
            return None
        left = [item for order, item in enumerate(batch.items) if order not in named]
        for order, faults in named.items():
            item = batch.items[order]
            if any(fault.path[-1:] == ["unique_id"] for fault in faults):
                self._send_alone([item])  # the single endpoint passes over what it knows already
            elif lighter := lightened(item, faults):
                left.append(lighter)
            else:
                self.answers[item.place] = rejected(item, faults, refused.status)
        return left

    def _search(self, suspects: list[Item]) -> list[Item]:
        """Find one bad item among those of a refused batch; the others that are to be sent again."""
        aside: list[Item] = []
        while len(suspects) > FEW:
            half, other = suspects[: len(suspects) // 2], suspects[len(suspects) // 2 :]
            [batch] = self._pack(half)
            refused = self._try(batch)
            if refused is None:
                suspects = other
                continue
            left = self._without_named(batch, refused)
            if left is not None:
                return aside + left + other
            aside += other
            suspects = half
        self._send_alone(suspects)
        return aside

    def _settle(self, item: Item, faults: list[Fault]) -> None:
        """An item that was refused while the rest of its batch was taken, or of which that is not known."""
        lighter = lightened(item, faults) if faults else item
        self._note(item, self._alone(lighter) if lighter else rejected(item, faults))

    def _send_alone(self, items: Iterable[Item]) -> Answer | None:
        answer: Answer | None = None
        for item in items:
            answer = self._alone(item)
            self._note(item, answer)
        return answer
