"""Random answers of a model of Klaviyo: what is sent arrives once, or is refused for its own fault.

    python -m tests.deliveries --sequences 10000 --seed 1

Each sequence has its own events, bad ones among them, and its own luck with the network and with Klaviyo.
"""

import argparse
import random
import sys
import time
from dataclasses import dataclass

from engine.errors import Rejected
from engine.events import Accepted, Request
from engine.klaviyo.client import Klaviyo
from tests import klaviyo_model
from tests.support import ManualClock

HORIZON_SECONDS = 7 * 86_400.0


@dataclass(frozen=True)
class Sent:
    """An event that was sent, and what is wrong with it."""

    request: Request
    whom: str
    fault: str


def event(number: int, chance: random.Random) -> Sent:
    """An event, of which one in five has a fault: one that costs a field, or one that costs the event."""
    fault = chance.choice(("", "", "", "", "", "", "phone", "value", "poison", "only phone"))
    profile = {"email": f"person{chance.randrange(6)}@example.com"}
    if fault == "phone":
        profile["phone_number"] = "600111"
    if fault == "only phone":
        profile = {"phone_number": "600222"}
    attributes = {
        "metric": {"data": {"type": "metric", "attributes": {"name": f"Metric {chance.randrange(3)}"}}},
        "profile": {"data": {"type": "profile", "attributes": profile}},
        "time": "2026-11-20T10:15:30Z",
        "unique_id": f"ic:w:{number}",
        "properties": {"Poison": True} if fault == "poison" else {"Number": number},
    }
    if fault == "value":
        attributes["value"] = "5"
    request = Request("/api/events", {"data": {"type": "event", "attributes": attributes}}, f"ic:w:{number}")
    return Sent(request, next(iter(profile.values())), fault)


def run(seed: int) -> str:
    """One sequence; what is wrong with its outcome, or nothing."""
    chance = random.Random(seed)
    clock = ManualClock(jitter=chance.random())
    habits = klaviyo_model.Habits(
        wrong=chance.choice((0.0, 0.1, 0.3, 0.6)),
        pointers=chance.random() < 0.6,
        repeats_refused=chance.random() < 0.3,
    )
    model = klaviyo_model.Klaviyo(clock, seed, habits)
    client = Klaviyo(
        "pk_x",
        url="https://klaviyo.test",
        transport=model,
        clock=clock,
        rate_share=chance.choice((0.5, 0.8, 1.0)),
        patience_seconds=HORIZON_SECONDS,
        workers=1,
    )
    most = 600 if chance.random() < 0.01 else 40  # enough to fill a window
    sent = [event(number, chance) for number in range(chance.randrange(1, most))]
    sent += chance.sample(sent, len(sent) // 8)  # the same again, as a redelivery would be
    answers = client.deliver([one.request for one in sent], bulk=chance.random() < 0.6)
    for one, answer in zip(sent, answers, strict=True):
        wrong = verdict(one, answer, model)
        if wrong:
            return f"seed {seed}: {one.request.unique_id} ({one.fault or 'good'}): {wrong}"
    return f"seed {seed}: a window was exceeded {model.over} times" if model.over else ""


def verdict(one: Sent, answer: object, model: klaviyo_model.Klaviyo) -> str:
    """What is wrong with an answer: too kind, too strict, or not what the model has in its books."""
    metric = one.request.body["data"]["attributes"]["metric"]["data"]["attributes"]["name"]
    stored = model.bodies.get((one.whom, metric, one.request.unique_id))
    elsewhere = [key for key in model.bodies if key[2] == one.request.unique_id and key[0] != one.whom]
    if elsewhere:
        return "it is stored for somebody else"
    if one.fault in ("poison", "only phone") or (one.fault and not model.habits.pointers):
        return "" if isinstance(answer, Rejected) and stored is None else f"it ended as {answer!r}"
    if not isinstance(answer, Accepted):
        return f"it ended as {answer!r}"
    if stored is None:
        return "it is said to be accepted, and is not stored"
    if bool(answer.left_out) != bool(one.fault):
        return f"left out: {answer.left_out}"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    start = time.perf_counter()
    wrong = [text for seed in range(given.seed, given.seed + given.sequences) if (text := run(seed))]
    print(*wrong[:20], sep="\n")
    print(f"{given.sequences} sequences in {time.perf_counter() - start:.0f} s: {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
