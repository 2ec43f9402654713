"""Words on contacts come in any order and more than once: Klaviyo has the newest in the end.

python -m tests.soak order --number 100000 --seed 1
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete

from engine.ledger.schema import attempts, counters, inbox, outbox, profiles
from tests.proofs.checker import wrong
from tests.proofs.history import History
from tests.proofs.journeys import FIRST, changed, contact, contact_id, machine
from tests.proofs.stage import Stage

PERSON = 1


@dataclass(frozen=True)
class Word:
    """What a contact was at a time, told by a notification or found by a look-up."""

    updated_at: int
    telling: int = 0

    @property
    def name(self) -> str:
        """By which its state is known again: those of one time say the same."""
        return f"P{self.updated_at:04d}"


class Scene:
    """A stage that is used for many orders, one contact each time anew."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder, machine=machine())

    def played(self, words: Sequence[Word], pauses: Sequence[bool]) -> list[str]:
        """Tell these words in this order, working after those with a pause; what is wrong in the end."""
        self._forget()
        history, stage = History(), self.stage
        for place, (word, pause) in enumerate(zip(words, pauses, strict=True)):
            name = f"n{place}.{word.updated_at}.{word.telling}"
            told = changed(PERSON, FIRST + word.updated_at, word.name, name)
            history.note(
                "sent", notification=name, contact=contact_id(PERSON), updated_at=word.updated_at,
                word=word.name,
            )  # fmt: skip
            stage.relay.put([json.dumps(told).encode()])
            history.note("acknowledged", notification=name)
            history.note("notification", notification=name, state="translated", reason="")
            if pause:
                stage.relay.work_off()
        stage.drained()
        for one in stage.account.people.by_id.values():
            history.note("profile", contact=contact_id(PERSON), word=one.fields.get("first_name", ""))
        return wrong(history.facts())

    def _forget(self) -> None:
        stage = self.stage
        with stage.ledger.write() as tx:
            for table in (inbox, outbox, profiles, attempts, counters):
                tx.execute(delete(table))
        for one in list(stage.account.people.by_id.values()):
            stage.account.people.remove(one)
        stage.account.books._entries.clear()
        stage.clock.sleep(60.0)


def run(folder: Path, permutations: int, seed: int) -> list[str]:
    """So many orders of up to seven words; the complaints of those that end wrong."""
    chance, scene = random.Random(seed), Scene(folder)
    found: list[str] = []
    for number in range(permutations):
        words = [Word(chance.randrange(1, 9), place) for place in range(chance.randrange(2, 8))]
        words += chance.sample(words, 1)
        chance.shuffle(words)
        complaints = scene.played(words, [chance.random() < 0.4 for _ in words])
        found += [f"order {number}: {one}" for one in complaints]
    return found


__all__ = ["Scene", "Word", "contact", "run"]
