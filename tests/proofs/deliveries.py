"""Everything goes wrong now and then on the way to Klaviyo: nothing is lost, and nothing is recorded twice.

python -m tests.soak deliveries --number 1000000 --seed 1
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.sandbox.faults import Faults
from engine.sandbox.klaviyo.switches import Switches
from tests.proofs.checker import wrong
from tests.proofs.history import History, note_account, note_ledger
from tests.proofs.journeys import Begun, machine
from tests.proofs.stage import START, Stage, Told, straight

CHANCES = {
    "error-before": 0.04, "error-after": 0.01, "reset": 0.01, "dropped": 0.011, "throttled": 0.01,
}  # fmt: skip
"""5 % 500, of which one in five is stored; 2 % time out, half of them stored; 1 % 429; 0.1 % break later."""
REPEATED = 0.1
SWITCHES = {
    "plain": Switches(),
    "bulk refuses what is stored": Switches(bulk_repeats_refused="stored"),
    "imports fail in the answer": Switches(import_faults="answer"),
    "imports fail in the job": Switches(import_faults="job"),
    "refused requests count": Switches(refused_counts=True),
    "the event's backfill counts": Switches(backfill_word="event"),
    "the group's backfill counts": Switches(backfill_word="group"),
    "nulls of events clear": Switches(event_nulls_clear=True),
    "e-mail first": Switches(
        identifier_order=("email", "id", "external_id", "phone_number", "anonymous_id", "_kx")
    ),
    "the first profile is taken": Switches(import_conflict="first"),
    "one fault at a time": Switches(faults_at_once=False),
}
"""Each other answer to an open question that bears on delivery."""
EXPECTED = ("throttled",)
"""Findings that a proof with 429 on purpose, and with counted refusals, is not about."""


def stage(folder: Path, seed: int, switches: Switches, *, real: bool) -> Stage:
    """A stage on which everything goes wrong."""
    made = Stage(folder, switches, Faults(seed, CHANCES))
    if real:
        made.machine = machine()
        made.relay = made.another()
    return made


def journey(folder: Path, events: int, seed: int, switches: Switches = SWITCHES["plain"]) -> History:
    """Notifications of conversations that begin, all the way: one in ten comes again."""
    chance = random.Random(seed)
    scene = stage(folder, seed, switches, real=True)
    sent = [Begun(number) for number in range(events)]
    for some in _parts(sent, chance):
        again = [one for one in some if chance.random() < REPEATED]
        _put(scene, some, 1)
        _put(scene, again[::2], 2)
        _put(scene, [Begun(one.number, 1) for one in again[1::2]], 1)
        scene.clock.sleep(chance.random() * 5)
        scene.relay.work_off()
    scene.drained()
    return scene.told(*EXPECTED)


def _put(scene: Stage, some: Sequence[Begun], attempt: int) -> None:
    for one in some:
        one.noted(scene.history)
    if some:
        scene.relay.put([one.body(attempt) for one in some])
    for one in some:
        scene.history.note("acknowledged", notification=one.name)


def _parts(sent: Sequence[Begun], chance: random.Random) -> Iterator[Sequence[Begun]]:
    """Now a few, as in real time, and now so many that they go in bulk."""
    at = 0
    while at < len(sent):
        size = chance.choice((1, 5, 20, 300, 1_500))
        yield sent[at : at + size]
        at += size


def flood(folder: Path, events: int, seed: int, switches: Switches = SWITCHES["plain"]) -> list[str]:
    """Events put straight into the outbox, 20,000 at a time, and what is wrong in the end."""
    complaints: list[str] = []
    for start in range(0, events, 20_000):
        place = folder / str(start)
        scene = stage(place, seed + start, switches, real=False)
        numbers = range(start, min(events, start + 20_000))
        told = [Told(number, number % 977, START - 60 + number % 50) for number in numbers]
        for part in range(0, len(told), 5_000):
            some = told[part : part + 5_000]
            straight(scene.ledger, some)
            straight(scene.ledger, some[::10])
            scene.relay.work_off()
        scene.drained()
        history = History()
        for one in told:
            one.noted(history)
        note_ledger(history, scene.ledger)
        note_account(history, scene.account, EXPECTED)
        complaints += wrong(history.facts())
        scene.ledger.close()
    return complaints
