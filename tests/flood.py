"""A workspace's whole past through to Klaviyo, while everything goes wrong now and then.

    python -m tests.flood --objects 9000 --seed 1

Reads history from the stand-in of Intercom, makes events of it with the shipped mappings, and sends them in
bulk to the stand-in of Klaviyo: of each kind of fault, one request in fifty. What counts is what Klaviyo's
books say.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Any

from engine import Runner, load
from engine.errors import Denied
from engine.events import Accepted, Delivery, Parked
from engine.intercom.client import Intercom
from engine.klaviyo.client import Klaviyo
from engine.sandbox.faults import KINDS, Faults
from engine.sandbox.inside import Inside
from engine.sandbox.intercom.app import intercom_app
from engine.sandbox.intercom.desk import TOKEN
from engine.sandbox.intercom.faults import Faults as IntercomFaults
from engine.sandbox.intercom.workspace import NOW, Workspace
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.klaviyo.app import klaviyo_app
from engine.sandbox.klaviyo.checker import findings
from engine.tools.rehearsal import Backfill
from tests.support import ROOT, ManualClock

CHANCE = 0.02
MOST_DENIALS = 30
"""How often a person would start again after a scope that seems to lack."""


@dataclass
class Flood:
    """What came of it."""

    accepted: set[str] = field(default_factory=set)
    stored: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    hours: float = 0.0
    """Of the clock that all of it went by."""

    @property
    def wrong(self) -> list[str]:
        """What should not be."""
        told = [
            f"{one} was accepted and is not stored" for one in sorted(self.accepted - self.stored.keys())[:9]
        ]
        told += [f"{one} is stored {count} times" for one, count in self.stored.items() if count > 1][:9]
        told += [
            f"{name}: {count}" for name, count in self.answers.items() if name not in ("Accepted", "Parked")
        ]
        return [*told, *self.findings[:9]]


def run(objects: int, seed: int, chance: float = CHANCE) -> Flood:
    """The past of a workspace of so many conversations and tickets."""
    clock, flood = ManualClock(NOW, jitter=0.5), Flood()
    workspace = Workspace.of(objects // 2, objects - objects // 2, seed)
    trouble = IntercomFaults(seed, empty=chance, errors=chance)
    source = Inside(intercom_app(workspace, clock=clock, fault=trouble))
    intercom = Intercom(TOKEN, url="http://127.0.0.1:8401", transport=source, clock=clock)

    async def sleep(seconds: float) -> None:
        clock.sleep(seconds)

    account = Account(clock, faults=Faults(seed, dict.fromkeys(KINDS, chance)))
    target = Inside(klaviyo_app(account, sleep=sleep))
    klaviyo = Klaviyo("pk_x", url="http://127.0.0.1:8402", transport=target, clock=clock, workers=1)
    runner = Runner(load(ROOT / "mappings"), records=intercom, sink=Backfill(klaviyo), clock=clock)
    for page in _pages(intercom):
        for row in _sent(runner, page):
            for made in row:
                _note(flood, made)
    account.flush()
    flood.stored.update(event["unique_id"] for event in _stored(account))
    flood.findings = [f"{one.code}: {one.text}" for one in findings(account.books.entries())]
    flood.faults = Counter(account.faults.counts)
    flood.hours = clock.seconds / 3600
    return flood


def _pages(intercom: Intercom) -> Iterator[list[dict[str, Any]]]:
    start, end = NOW - timedelta(days=800), NOW
    walks = (intercom.conversations(start, end), intercom.tickets(start, end), intercom.contacts(start, end))
    for page in chain(*walks):
        yield list(page.notifications)


def _sent(runner: Runner, page: list[dict[str, Any]]) -> list[list[Any]]:
    """Send a page; after a refused key all of it again, which is safe."""
    for _ in range(MOST_DENIALS):
        try:
            return runner.send_all(page, partial=True, bulk=True)
        except Denied:
            continue
    raise AssertionError("the key is refused again and again")


def _note(flood: Flood, made: Any) -> None:
    if isinstance(made, Delivery):
        flood.answers[type(made.answer).__name__] += 1
        if isinstance(made.answer, Accepted) and made.translation.unique_id:
            flood.accepted.add(made.translation.unique_id)
    elif isinstance(made, Parked):
        flood.answers["Parked"] += 1


def _stored(account: Account) -> Iterator[Any]:
    return (entry for entry in account.books.entries() if entry["kind"] == "stored" and "unique_id" in entry)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=9_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    start = time.perf_counter()
    flood = run(given.objects, given.seed)
    faults = ", ".join(f"{kind} {count}" for kind, count in sorted(flood.faults.items()))
    print(f"{len(flood.accepted):,} events; faults: {faults}")
    print(f"{flood.hours:.2f} hours by their clock, {time.perf_counter() - start:.0f} seconds by ours")
    print(f"answers: {dict(flood.answers)}")
    print("\n".join(flood.wrong) or "none lost, none recorded twice, no limit exceeded")
    sys.exit(bool(flood.wrong))


if __name__ == "__main__":
    main()
