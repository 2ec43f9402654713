"""Words on many contacts, straight into the ledger, in any order: what is delivered last is the newest.

python -m tests.soak words --number 100000 --seed 1
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.errors import FateUnknown, NotSent
from engine.events import Accepted, Answer, Request
from engine.klaviyo.limits import PROFILE_IMPORT
from engine.ledger import profiles
from engine.ledger.profiles import Told
from engine.ledger.store import Ledger
from engine.relay.draining import Drain
from engine.relay.relay import ACCOUNT
from tests.support import ManualClock

AT_ONCE = 500
"""Contacts of which words come at the same time."""
HOUR = 3_600.0


@dataclass
class Shelf:
    """A sink that stores what it is sent; some of it although it fails, and some of it not."""

    chance: random.Random
    stored: dict[str, str] = field(default_factory=dict)

    def build(self, translation: Any, now: datetime, *, backfill: bool | None = None) -> Any:
        """Nothing is translated here."""
        return translation

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        """Store each in its order; one in ten fails, half of these after they were stored."""
        return [self._taken(one) for one in requests]

    def _taken(self, request: Request) -> Answer:
        fails = self.chance.random() < 0.1
        if fails and self.chance.random() < 0.5:
            return NotSent("no connection")
        attributes = request.body["data"]["attributes"]
        self.stored[attributes["email"]] = attributes["first_name"]
        return FateUnknown("no answer") if fails else Accepted()


def told(contact: str, updated_at: int, told_at: int) -> Told:
    """A word on a contact: those of one time say the same."""
    profile = {"email": f"{contact}@example.com", "first_name": f"P{updated_at:03d}"}
    body = {"data": {"type": "profile", "attributes": profile}}
    return Told(contact, updated_at, told_at, "Contact", "", 0, Request(PROFILE_IMPORT, body))


def run(folder: Path, permutations: int, seed: int) -> list[str]:
    """So many contacts with up to seven words each, one of them twice; those that end as another one."""
    chance = random.Random(seed)
    clock, shelf = ManualClock(), Shelf(chance)
    ledger = Ledger(folder / "words.db", clock=clock)
    drain = Drain(ledger, shelf, ACCOUNT, owner="1 words", clock=clock)
    wrong: list[str] = []
    for start in range(0, permutations, AT_ONCE):
        names = [f"c{number}" for number in range(start, min(permutations, start + AT_ONCE))]
        words = {name: _words(name, chance) for name in names}
        for turn in range(max(map(len, words.values()))):
            some = [row[turn] for row in words.values() if turn < len(row)]
            with ledger.write() as tx:
                profiles.tell(tx, ACCOUNT, ledger.digest_key, some, ledger.now())
            clock.sleep(1.0)
            for _ in range(chance.randrange(3)):
                drain.step()
        for _ in range(60):
            clock.sleep(400.0)
            while drain.step().sent:
                pass
        for name in names:
            newest = max(word.updated_at for word in words[name])
            found = shelf.stored.pop(f"{name}@example.com", "nothing")
            if found != f"P{int(newest):03d}":
                wrong.append(f"{name} is {found}, and was {newest} last")
    ledger.close()
    return wrong


def _words(name: str, chance: random.Random) -> list[Told]:
    words = [told(name, chance.randrange(1, 9), place) for place in range(chance.randrange(2, 8))]
    words += chance.sample(words, 1)
    chance.shuffle(words)
    return words
