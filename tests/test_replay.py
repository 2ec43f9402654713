"""`replay`: what is dead or parked is made again by today's mappings; nothing goes twice or gets lost."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine import load
from engine.errors import FateUnknown, NotSent, Rejected
from engine.events import Accepted
from engine.ledger import again
from engine.ledger.erasing import Policy, purge
from engine.ledger.store import Ledger
from engine.relay.relay import ACCOUNT
from engine.relay.replaying import Chosen, Replayed, rehearsed, replay
from tests.ledgers import DAY, Shop, refusing, stand_still
from tests.support import NAMED, RECORDS, ROOT, changed, read, run

REPLY = "ticket.contact.replied"
METRIC = "Replied to Ticket"
LEAD = "68b1c2d3e4f5a6b7c8d9e0ff"
DEAD = Chosen(dead=True)
ALL = Chosen(dead=False)
EVERYTHING = [name for name in NAMED if not name.startswith(("history", "contact.deleted"))]
OUTSIDE = ("after_keep", "after_translate", "after_queue", "after_intent", "after_post", "after_settle")
"""Points of the journey at which no transaction is open."""


def mended(folder: Path, *changes: tuple[str, str]) -> Any:
    """The shipped mappings, some of whose texts are others."""
    shutil.copytree(ROOT / "mappings", folder)
    for file in folder.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        for old, new in changes:
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    return load(folder)


def one(shop: Shop, statement: str) -> Any:
    with shop.ledger.read() as tx:
        return tx.exec_driver_sql(statement).scalar()


def events(shop: Shop) -> list[Any]:
    """What Klaviyo was sent of the reply."""
    return [request.body["data"]["attributes"]["properties"] for request in shop.sent(METRIC)]


def test_a_refused_event_is_made_anew_by_the_mapping_that_was_mended(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "ledger", refusing(METRIC))
    shop.take(REPLY)
    assert shop.states() == {"dead": 1}
    shop.sink.answer = lambda request: Accepted()
    assert replay(shop.ledger, ACCOUNT, DEAD) == Replayed(1, 0, 0, is_drained=True)
    assert shop.states() == {}, "its notification waits to be translated"
    shop.relay_of(mended(tmp_path / "m", ("Replied By:", "Author Kind:"))).work_off()
    assert shop.states() == {"accepted": 1}
    assert [("Replied By" in one, "Author Kind" in one) for one in events(shop)] == [
        (True, False),
        (False, True),
    ]
    assert one(shop, "select sum(count) from counters where kind = 'replayed'") == 1


def test_what_may_have_reached_klaviyo_keeps_its_bytes_whatever_the_mapping_says_now(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "ledger", lambda request: FateUnknown("no answer"))
    shop.take(REPLY)
    shop.after(8 * DAY)
    for _ in range(3):
        shop.relay.work_off()
        shop.after(600)
    assert (
        one(shop, "select state || ' ' || reason || ' ' || is_uncertain from outbox")
        == "dead tried_in_vain 1"
    )
    shop.sink.answer = lambda request: Accepted()
    shop.after(600)
    done = replay(shop.ledger, ACCOUNT, DEAD)
    assert (done.as_they_are, done.stuck) == (2, 0), "the event and its contact"
    assert (
        one(shop, "select tries || ' ' || (first_try_at is null) || ' ' || state from outbox") == "0 1 queued"
    )
    shop.relay_of(mended(tmp_path / "m", ("Replied By:", "Author Kind:"))).work_off()
    assert shop.states() == {"accepted": 1}
    assert all("Replied By" in one and "Author Kind" not in one for one in events(shop))


def test_a_parked_event_is_made_once_its_mapping_can(tmp_path: Path) -> None:
    broken = mended(tmp_path / "broken", ("time: reply.created_at", "time: reply.created"))
    shop = Shop(tmp_path / "ledger", plans=broken)
    shop.take(REPLY)
    assert one(shop, "select state || ' ' || reason from outbox") == "parked no_time"
    assert replay(shop.ledger, ACCOUNT, DEAD).notifications == 1
    assert shop.states() == {"parked": 1}, "it is parked until it is made"
    shop.relay_of(load(ROOT / "mappings")).work_off()
    assert shop.states() == {"accepted": 1}


def test_a_dead_event_without_its_notification_goes_as_it_is(tmp_path: Path) -> None:
    shop = Shop(tmp_path, refusing(METRIC))
    shop.take(REPLY)
    with shop.ledger.write() as tx:
        tx.exec_driver_sql("update inbox set raw = null, checksum = null")
    shop.sink.answer = lambda request: Accepted()
    assert replay(shop.ledger, ACCOUNT, DEAD) == Replayed(0, 1, 0, is_drained=True)
    shop.relay.work_off()
    assert shop.states() == {"accepted": 1}
    first, second = shop.sent(METRIC)
    assert first == second


def test_what_has_neither_notification_nor_request_stays_where_it_is_and_is_told(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.take(changed(read("ticket.created"), {"contacts.contacts.0.id": LEAD}))
    assert shop.states() == {"parked": 2}
    with shop.ledger.write() as tx:
        tx.exec_driver_sql("update inbox set raw = null, checksum = null")
    assert replay(shop.ledger, ACCOUNT, DEAD).stuck == 3
    assert shop.states() == {"parked": 2}, "and the contact's profile"


def test_a_window_can_be_replayed_any_number_of_times(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.take(*EVERYTHING)
    before = Counter((request.unique_id, str(request.body)) for request in shop.sink.delivered)
    for _ in range(3):
        assert replay(shop.ledger, ACCOUNT, ALL).notifications == len(
            {read(name)["id"] for name in EVERYTHING}
        )
        shop.relay.work_off()
    assert Counter((request.unique_id, str(request.body)) for request in shop.sink.delivered) == before
    assert shop.states() == {"accepted": 16}


def test_what_is_no_longer_kept_is_not_sent_again_either(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.take(*EVERYTHING)
    shop.after(3 * DAY)
    purge(shop.ledger, Policy(keep_seconds=DAY, wait_seconds=DAY))
    shop.sink.delivered.clear()
    assert replay(shop.ledger, ACCOUNT, ALL).notifications == 0
    shop.take(*({**read(name), "id": f"again_{name}"} for name in EVERYTHING))
    replay(shop.ledger, ACCOUNT, ALL)
    shop.relay.work_off()
    assert shop.sent() == []


@pytest.mark.parametrize("chosen", [DEAD, ALL], ids=["dead", "all"])
@pytest.mark.parametrize("at", OUTSIDE)
def test_a_replay_in_the_middle_of_the_relays_work_loses_nothing(
    at: str, chosen: Chosen, tmp_path: Path
) -> None:
    """Another process replays at each step; Klaviyo refuses some, fails for others, and takes all later."""
    tries: Counter[str] = Counter()

    def answer(request: Any) -> Any:
        tries[request.unique_id] += 1
        if tries[request.unique_id] > 2:
            return Accepted()
        return Rejected("refused") if sum(request.unique_id.encode()) % 2 else NotSent("no network")

    shop = Shop(tmp_path, answer)
    other = Ledger(shop.file, clock=shop.clock)
    times: list[str] = []

    def point(name: str) -> None:
        if name == at and len(times) < 40:
            times.append(name)
            replay(other, ACCOUNT, chosen)

    shop.relay._at = shop.relay.translator._at = shop.relay.drain._at = point
    for name in EVERYTHING:
        shop.take(name)
        shop.after(600)
    for _ in range(8):
        shop.after(600)
        replay(other, ACCOUNT, DEAD)
        shop.relay.work_off()
    other.close()
    assert times
    assert shop.states() == {"accepted": 16}
    assert one(shop, "select count(*) from inbox where state = 'received'") == 0
    accepted = [name for name, number in tries.items() if name and number > 3]
    assert accepted == [], "what Klaviyo has taken is not sent again"


@pytest.mark.parametrize("is_uncertain", [False, True])
def test_what_has_moved_since_it_was_looked_at_is_left_alone(is_uncertain: bool, tmp_path: Path) -> None:
    shop = Shop(tmp_path, refusing(METRIC))
    shop.take(REPLY)
    with shop.ledger.write() as tx:
        tx.exec_driver_sql("update outbox set is_uncertain = ?", (is_uncertain,))
        seen = again.lost_events(tx, "", 0.0, 0, 10)
    with shop.ledger.write() as tx:  # another one replays it, and Klaviyo takes it
        tx.exec_driver_sql("update outbox set state = 'accepted'")
    with shop.ledger.write() as tx:
        again.send_again(tx, ACCOUNT, seen, shop.ledger.now())
    shop.relay.work_off()
    assert shop.states() == {"accepted": 1}
    assert len(shop.sent(METRIC)) == 1


def test_dead_profiles_go_again_and_damaged_ones_are_made_anew(tmp_path: Path) -> None:
    shop = Shop(tmp_path, lambda request: Rejected("refused"))
    shop.take("contact.user.updated")
    assert one(shop, "select state from profiles") == "dead"
    shop.sink.answer = lambda request: Accepted()
    assert replay(shop.ledger, ACCOUNT, DEAD) == Replayed(1, 1, 0, is_drained=True)
    shop.relay.work_off()
    assert one(shop, "select state from profiles") == "accepted"
    with shop.ledger.write() as tx:
        tx.exec_driver_sql(
            "update profiles set state = 'dead', reason = 'damaged', body = x'00', checksum = x'00', "
            "delivered = null"
        )
    assert replay(shop.ledger, ACCOUNT, DEAD).notifications == 1
    shop.relay.work_off()
    assert one(shop, "select state from profiles") == "accepted"


def test_only_what_is_chosen_is_replayed(tmp_path: Path) -> None:
    shop = Shop(tmp_path, refusing(METRIC, "Created Ticket"))
    shop.take("ticket.created")
    shop.after(DAY)
    shop.take(REPLY)
    assert shop.states() == {"accepted": 1, "dead": 2}
    now = shop.ledger.now()
    assert replay(shop.ledger, ACCOUNT, Chosen(dead=True, metric="Nothing")).notifications == 0
    assert replay(shop.ledger, ACCOUNT, Chosen(dead=True, since=now + 1)).notifications == 0
    assert replay(shop.ledger, ACCOUNT, Chosen(dead=True, since=now - 60)).notifications == 1
    assert one(shop, "select metric from outbox where state = 'dead'") == "Created Ticket"
    assert replay(shop.ledger, ACCOUNT, Chosen(dead=False, topics=(REPLY,))).notifications == 0, "it waits"
    assert replay(shop.ledger, ACCOUNT, Chosen(dead=False, topics=("ticket.created",))).notifications == 1


def test_a_capture_stays_one_when_its_window_is_replayed(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    old = read(REPLY)
    shop.take({**read("conversation.read"), "created_at": old["created_at"] + 9 * 86_400}, old)
    assert one(shop, "select reason from inbox where id = 2") == "too_old"
    assert replay(shop.ledger, ACCOUNT, ALL).notifications == 1
    shop.relay.work_off()
    assert shop.sent(METRIC) == []


def predicted(shop: Shop, chosen: Chosen) -> Counter[str]:
    found = rehearsed(shop.ledger, shop.relay.translator._machine, ACCOUNT, chosen)
    return Counter(one.becomes for one in found if one.becomes != "skipped")


def test_a_dry_run_changes_nothing_and_comes_true(tmp_path: Path) -> None:
    shop = Shop(tmp_path, refusing("Resolved Ticket"))
    lead = changed(read("ticket.created"), {"contacts.contacts.0.id": LEAD, "id": "77"})
    shop.take(*EVERYTHING, {**lead, "id": "notif_lead"})
    before = shop.states()
    bytes_before = one(shop, "select group_concat(id || state || tries) from outbox")
    assert before == {"accepted": 13, "dead": 3, "parked": 2}
    found = predicted(shop, ALL)
    assert (found["queued"], found["parked"], found["known"] > 13, found["dead"] > 2) == (0, 2, True, True)
    found = predicted(shop, DEAD)
    assert (found["queued"], found["parked"]) == (3, 2)
    assert one(shop, "select group_concat(id || state || tries) from outbox") == bytes_before
    shop.sink.answer = lambda request: Accepted()
    replay(shop.ledger, ACCOUNT, DEAD)
    shop.relay.work_off()
    assert shop.states() == {"accepted": 16, "parked": 2}


def test_what_is_on_its_way_is_known_already(tmp_path: Path) -> None:
    shop = Shop(tmp_path, lambda request: NotSent("no network"))
    shop.take(REPLY)
    assert shop.states() == {"queued": 1}
    assert predicted(shop, ALL) == Counter(known=1)


def test_without_anybody_who_delivers_a_replay_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path, refusing(METRIC))
    stand_still(monkeypatch, shop.clock)
    shop.take(REPLY)
    shop.relay.drain.release()
    found = run("replay", "--dead", "--ledger", shop.file)
    assert (found.code, found.out) == (1, "1 notification is taken up, to be translated again\n")
    assert found.err == "note: nobody delivers just now: start `serve`, which translates and sends it\n"
    assert run("replay", "--dead", "--ledger", shop.file).out == "nothing to replay\n"


def test_a_replay_while_the_relay_runs_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path, refusing(METRIC))
    stand_still(monkeypatch, shop.clock)
    shop.take(REPLY)
    found = run("replay", "--dead", "--json", "--ledger", shop.file)
    assert found.code == 0
    assert found.rows == [{"notifications": 1, "as_they_are": 0, "stuck": 0, "is_drained": True}]


def test_a_dry_run_of_the_command_says_what_never_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path, refusing(METRIC))
    stand_still(monkeypatch, shop.clock)
    shop.take("ticket.created", REPLY)
    found = run("replay", "--since", "2h", "--dry-run", "--records", RECORDS, "--ledger", shop.file)
    assert found.code == 0
    assert found.out.splitlines() == [
        "dead            Replied to Ticket        ic:hx7q2m9d:ticket:215472629311301:reply:37403374704",
        "",
        "      2  known already: Klaviyo has it, or it is on its way",
        "      1  dead, and stays so without --dead",
        "",
        "Nothing was changed. Klaviyo never changes an event that it has: a changed mapping makes other "
        "events from now on, and not those already accepted.",
    ]
    rows = run("replay", "--dead", "--dry-run", "--json", "--records", RECORDS, "--ledger", shop.file).rows
    assert [(row["metric"], row["was"], row["becomes"]) for row in rows] == [(METRIC, "dead", "queued")]
    only = run(
        "replay", "--since", "2h", "--metric", "created_ticket", "--dry-run", "--json", "--records", RECORDS,
        "--ledger", shop.file,
    )  # fmt: skip
    assert {row["metric"] for row in only.rows if row["becomes"] == "known"} == {
        "Created Ticket",
        "Submitted Ticket",
    }
    assert "mara.lindqvist" not in found.out + json.dumps(rows)


@pytest.mark.parametrize("arguments", [(), ("--metric", METRIC), ("--dead", "--since", "soon")])
def test_a_replay_says_what_it_takes(arguments: tuple[str, ...], tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    assert run("replay", *arguments, "--ledger", shop.file).code == 2
