"""The checker of histories sees each kind of broken promise."""

from typing import Any

import pytest

from tests.proofs.checker import wrong
from tests.proofs.history import Fact

TIME = "2026-11-21T10:00:00+00:00"
SECONDS = 1795255200.0


def fact(kind: str, **what: Any) -> Fact:
    return {"fact": kind, **what}


def event(state: str, unique_id: str = "e1", is_uncertain: bool = False) -> Fact:
    return fact("event", unique_id=unique_id, state=state, reason="", is_uncertain=is_uncertain, pointer="")


def stored(unique_id: str = "e1", time: str = TIME) -> Fact:
    return fact("stored", unique_id=unique_id, metric="M", time=time)


SENT = fact("sent", notification="n1", events={"e1": SECONDS})
KEPT = fact("acknowledged", notification="n1")
DONE = fact("notification", notification="n1", state="translated", reason="")
GOOD = [SENT, KEPT, DONE, event("accepted"), stored()]
CONTACT = fact("sent", notification="n2", contact="c1", updated_at=5.0, word="new")
OLDER = fact("sent", notification="n3", contact="c1", updated_at=4.0, word="old")
NAMES = ("n2", "n3")
TOLD = [
    *(fact("acknowledged", notification=name) for name in NAMES),
    *(fact("notification", notification=name, state="translated", reason="") for name in NAMES),
]
BAD = {
    "lost after the answer": ([SENT, KEPT], "lost"),
    "waits for ever": ([SENT, KEPT, {**DONE, "state": "received"}], "received still"),
    "no row of its event": ([SENT, KEPT, DONE], "no row of it"),
    "on its way for ever": ([SENT, KEPT, DONE, event("in_flight")], "in_flight still"),
    "accepted, and not stored": ([SENT, KEPT, DONE, event("accepted")], "has not recorded it"),
    "dead, and stored": ([SENT, KEPT, DONE, event("dead"), stored()], "has recorded it"),
    "stored twice": ([*GOOD, stored()], "2 times"),
    "stored, and never sent": ([*GOOD, stored("e9")], "nobody sent it"),
    "kept, and never sent": ([*GOOD, {**DONE, "notification": "n9"}], "nobody sent it"),
    "with the time of now": ([*GOOD[:4], stored(time="2026-11-21T11:00:00+00:00")], "another time"),
    "an old profile": ([OLDER, CONTACT, *TOLD, fact("profile", contact="c1", word="old")], "should be 'new'"),
    "no profile": ([CONTACT, *TOLD[:1], *TOLD[2:3]], "should be 'new'"),
    "over a limit": ([*GOOD, fact("finding", text="over-limit: 11 in a second")], "over-limit"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_promise_is_seen(name: str) -> None:
    facts, complaint = BAD[name]
    [found] = wrong(facts)
    assert complaint in found


@pytest.mark.parametrize(
    "facts",
    [
        GOOD,
        [SENT, KEPT, DONE, event("dead")],
        [SENT, KEPT, DONE, event("dead", is_uncertain=True), stored()],
        [SENT, KEPT, {**DONE, "state": "skipped"}],
        [SENT],
        [SENT, DONE, event("accepted"), stored()],
        [CONTACT, OLDER, *TOLD, fact("profile", contact="c1", word="new")],
    ],
)
def test_what_was_promised_is_found_to_be_kept(facts: list[Fact]) -> None:
    assert wrong(facts) == []


def test_many_faults_of_a_kind_are_told_in_a_few_lines() -> None:
    facts = [stored(f"e{number}") for number in range(100)]
    assert len(wrong(facts)) < 12
