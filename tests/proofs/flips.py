"""Bits of what is kept turn over, one at a time: each is noticed before anything is sent.

python -m tests.soak flips --number 10000 --seed 1
"""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select, update

from engine.events import Accepted, Answer, Request, Translation
from engine.ledger.schema import inbox, outbox
from tests.proofs.checker import wrong
from tests.proofs.history import note_ledger
from tests.proofs.stage import Stage, Told

EACH = 100
SENT_WITH = ("body", "checksum")


def run(folder: Path, flips: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Flip so many bits, of events that wait and of the notifications behind some; fates and complaints."""
    chance, fates, complaints = random.Random(seed), Counter[str](), list[str]()
    for start in range(0, flips, EACH):
        stage = Stage(folder / str(start))
        sink = Recorder()
        stage.relay = stage.another(sink)
        told = [Told(number, number % 11) for number in range(EACH)]
        stage.put(told)
        while stage.relay.translator.step():
            pass
        _flipped(stage, chance)
        stage.drained()
        good = {one.unique_id: one.request() for one in told}
        complaints += [f"{one.unique_id} was sent changed" for one in sink.sent if one != good[one.unique_id]]
        for one in sink.sent:
            time = one.body["data"]["attributes"]["time"]
            stage.history.note("stored", unique_id=one.unique_id, metric="Fact", time=time)
        note_ledger(stage.history, stage.ledger)
        fates.update(_fate(fact) for fact in stage.history.facts() if fact["fact"] == "event")
        complaints += wrong(stage.history.facts())
        stage.ledger.close()
    return fates, complaints


class Recorder:
    """Takes all that comes, and keeps it."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    def deliver(self, requests: Sequence[Request], *, bulk: bool = False) -> list[Answer]:
        """Take them."""
        self.sent += requests
        return [Accepted() for _ in requests]

    def build(self, translation: Translation, now: object, *, backfill: bool | None = None) -> Translation:
        """As it is."""
        return translation


def _fate(fact: dict[str, object]) -> str:
    return f"{fact['state']} {fact['reason']}".strip()


def _flipped(stage: Stage, chance: random.Random) -> None:
    """One bit of each event, in its bytes or its checksum; of one in ten also one of its notification."""
    with stage.ledger.write() as tx:
        for row in tx.execute(select(outbox)).all():
            name = SENT_WITH[chance.random() < 0.1]
            flipped = {name: _flip(getattr(row, name), chance)}
            tx.execute(update(outbox).where(outbox.c.id == row.id).values(**flipped))
            if chance.random() < 0.1:
                raw = tx.scalar(select(inbox.c.raw).where(inbox.c.id == row.inbox_id))
                tx.execute(
                    update(inbox).where(inbox.c.id == row.inbox_id).values(raw=_flip(raw or b"", chance))
                )


def _flip(kept: bytes, chance: random.Random) -> bytes:
    place, bit = chance.randrange(len(kept)), chance.randrange(8)
    return kept[:place] + bytes([kept[place] ^ (1 << bit)]) + kept[place + 1 :]
