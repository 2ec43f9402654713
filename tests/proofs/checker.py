"""Decides from a history alone whether what was promised came to pass: it knows nothing of the relay."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from tests.proofs.history import Fact

SETTLED = {"accepted", "dead", "parked", "skipped"}
MOST_TOLD = 8
"""Of each kind of fault: a broken relay would fill pages."""


def wrong(facts: Iterable[Fact]) -> list[str]:
    """All that should not be; nothing where the promises were kept."""
    told = list(facts)
    found: list[str] = []
    for check in (_acknowledged, _fates, _stored, _profiles, _findings):
        complaints = list(check(told))
        found += complaints[:MOST_TOLD]
        if len(complaints) > MOST_TOLD:
            found.append(f"... and {len(complaints) - MOST_TOLD} more")
    return found


def _of(told: list[Fact], kind: str) -> list[Fact]:
    return [fact for fact in told if fact["fact"] == kind]


def _acknowledged(told: list[Fact]) -> Iterator[str]:
    """What was answered for is in the inbox and looked into; nothing is in it that nobody sent."""
    sent = {fact["notification"] for fact in _of(told, "sent")}
    rows = {fact["notification"]: fact["state"] for fact in _of(told, "notification")}
    for name in sorted({fact["notification"] for fact in _of(told, "acknowledged")}):
        state = rows.get(name)
        if state is None:
            yield f"{name} was acknowledged, and is lost"
        elif state not in ("translated", "skipped"):
            yield f"{name} was acknowledged, and is {state} still"
    for name in sorted(rows.keys() - sent):
        yield f"{name} is in the inbox, and nobody sent it"


def _fates(told: list[Fact]) -> Iterator[str]:
    """Each event of what was acknowledged is stored, dead, parked or skipped, and only one of these."""
    done = {fact["notification"] for fact in _of(told, "notification") if fact["state"] == "translated"}
    rows = {fact["unique_id"]: fact for fact in _of(told, "event")}
    stored = {fact["unique_id"] for fact in _of(told, "stored")}
    for fact in _of(told, "sent"):
        name = fact["notification"]
        if name not in done:
            continue  # it was skipped, or `_acknowledged` says what is wrong with it
        for unique_id in fact.get("events", {}):
            if unique_id not in rows:
                yield f"{unique_id} came with {name}, and there is no row of it"
    for unique_id, row in rows.items():
        if row["state"] not in SETTLED:
            yield f"{unique_id} is {row['state']} still"
        elif row["state"] == "accepted" and unique_id not in stored:
            yield f"{unique_id} is accepted, and Klaviyo has not recorded it"
        elif row["state"] != "accepted" and unique_id in stored and not row["is_uncertain"]:
            yield f"{unique_id} is {row['state']}, and Klaviyo has recorded it"


def _stored(told: list[Fact]) -> Iterator[str]:
    """Klaviyo has each event once, at the time that was told of it, and none that nobody sent."""
    times = {key: time for fact in _of(told, "sent") for key, time in fact.get("events", {}).items()}
    counts = Counter((fact["metric"], fact["unique_id"]) for fact in _of(told, "stored"))
    for (metric, unique_id), count in counts.items():
        if count > 1:
            yield f"{unique_id} ({metric}) is recorded {count} times"
    for fact in _of(told, "stored"):
        if fact["unique_id"] not in times:
            yield f"{fact['unique_id']} is recorded, and nobody sent it"
            continue
        time = times[fact["unique_id"]]
        if time is not None and int(time) != int(datetime.fromisoformat(fact["time"]).timestamp()):
            yield f"{fact['unique_id']} is recorded at another time than its own"


def _profiles(told: list[Fact]) -> Iterator[str]:
    """Klaviyo has of each contact what is newest by Intercom's own time."""
    acknowledged = {fact["notification"] for fact in _of(told, "acknowledged")}
    newest: dict[str, tuple[float, str]] = {}
    for fact in _of(told, "sent"):
        if "contact" in fact and fact["notification"] in acknowledged:
            at = (fact["updated_at"], fact["word"])
            newest[fact["contact"]] = max(newest.get(fact["contact"], (0.0, "")), at)
    there = {fact["contact"]: fact["word"] for fact in _of(told, "profile")}
    for contact, (_, word) in sorted(newest.items()):
        if there.get(contact) != word:
            yield f"{contact} should be '{word}' at Klaviyo, and is '{there.get(contact)}'"


def _findings(told: list[Fact]) -> Iterator[str]:
    for fact in _of(told, "finding"):
        yield str(fact["text"])
