"""The long forms of the proofs in `tests.proofs`, each from one seed.

    python -m tests.soak kills --number 1000 --seed 1
    python -m tests.soak mutations

NAME, and what --number counts:
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.proofs import clocks, deliveries, flips, kills, order, outage, sleepers, words
from tests.proofs.checker import wrong
from tests.proofs.mutations import MUTATIONS, planted
from tests.serving import House, stops

Complaints = list[str]


@dataclass(frozen=True)
class Soak:
    """A proof in its long form. *run* takes folder, number and seed, and gives figures and complaints."""

    counts: str
    number: int
    run: Callable[[Path, int, int], tuple[str, Complaints]]


def _kills(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    done = kills.run(folder, number, seed)
    where = sum((one.kills for one in done), Counter[str]())
    facts = Counter(fact["fact"] for one in done for fact in one.history.facts())
    told = [complaint for one in done for complaint in wrong(one.history.facts())]
    return f"killed {dict(where)}; {facts['acknowledged']:,} acknowledged, {facts['stored']:,} recorded", told


def _sleepers(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    slept, told = sleepers.run(folder, number, seed)
    return f"slept {dict(slept)}", told


def _deliveries(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    return f"{number:,} events", deliveries.flood(folder, number, seed)


def _journeys(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    told: Complaints = []
    for name, switches in deliveries.SWITCHES.items():
        place = folder / name.replace(" ", "-")
        history = deliveries.journey(place, number, seed, switches)
        told += [f"{name}: {one}" for one in wrong(history.facts())]
    return f"{len(deliveries.SWITCHES)} times {number:,} notifications", told


def _order(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    return f"{number:,} orders", order.run(folder, number, seed)


def _words(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    return f"{number:,} contacts", words.run(folder, number, seed)


def _outage(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    found = outage.run(folder, number, seed)
    told = list(found.wrong)
    if found.share_of_rate < 0.95:
        told.append("the backlog went too slowly")
    if found.lag_seconds >= 60:
        told.append("events wait after it")
    return (
        f"{found.events:,} events, {found.requests} bulk requests at {found.share_of_rate:.1%} of the rate, "
        f"{found.events_a_second:,.0f} events/s, {found.probes} probes",
        told,
    )


def _flips(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    fates, told = flips.run(folder, number, seed)
    return str(dict(fates)), told


def _clocks(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    return f"{number:,} jumps", clocks.run(folder, number, seed)


def _stops(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    house = House(folder)
    try:
        longest, told = stops(house, number)
        figures = f"{len(house.taken()):,} acknowledged, {len(house.stored()):,} recorded"
        return f"the longest took {longest:.1f} s; {figures}", told
    finally:
        house.close()


def _mutations(folder: Path, number: int, seed: int) -> tuple[str, Complaints]:
    told: Complaints = []
    for name, mutation in MUTATIONS.items():
        place = folder / name.replace(" ", "-")
        if mutation.proof(place / "well", ""):
            told.append(f"{name}: its proof is red without it")
        with planted(name):
            if not mutation.proof(place / "ill", name):
                told.append(f"{name}: its proof is green")
    return f"{len(MUTATIONS)} planted bugs: {', '.join(MUTATIONS)}", told


SOAKS = {
    "kills": Soak("kills", 1_000, _kills),
    "sleepers": Soak("times that a relay is stopped past its lease", 100, _sleepers),
    "deliveries": Soak("events", 1_000_000, _deliveries),
    "journeys": Soak("notifications of each behaviour of Klaviyo's", 10_000, _journeys),
    "order": Soak("orders of whole notifications", 10_000, _order),
    "words": Soak("orders straight into the ledger", 100_000, _words),
    "outage": Soak("hours", 72, _outage),
    "flips": Soak("flipped bits", 10_000, _flips),
    "clocks": Soak("times that the clock is set", 10_000, _clocks),
    "stops": Soak("times that `serve` is stopped under load", 100, _stops),
    "mutations": Soak("nothing: it runs each planted bug once", 0, _mutations),
}


def main() -> int:
    """Run one, and say what came of it: 1 where a promise was broken."""
    listed = "\n".join(f"  {name:<12}{one.counts} ({one.number:,})" for name, one in SOAKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description=f"{__doc__}{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=SOAKS, metavar="NAME")
    parser.add_argument("--number", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    soak, began = SOAKS[given.name], time.perf_counter()
    print(f"{given.name}, seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        number = soak.number if given.number is None else given.number
        told, complaints = soak.run(Path(folder), number, given.seed)
    print(f"{told}; {time.perf_counter() - began:.0f} s")
    print("\n".join(complaints) or "no promise was broken")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
