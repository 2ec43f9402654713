"""What is no longer kept is in no byte of the ledger's folder, and what is still to be sent stays."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import NotSent, Rejected
from engine.events import Accepted
from engine.ledger import inbox
from engine.ledger.erasing import Policy, Purged, forget_contact, purge, purgeable
from engine.ledger.sqlite import shrunk
from engine.relay.relay import ACCOUNT
from tests.ledgers import DAY, Shop, refusing
from tests.support import NAMED, as_line, changed, read

CONTACT = "68b1c2d3e4f5a6b7c8d9e0f1"
LEAD = "68b1c2d3e4f5a6b7c8d9e0ff"
POLICY = Policy()
EVERYTHING = [name for name in NAMED if not name.startswith(("history", "contact.deleted"))]
NOTIFICATIONS = len({read(name)["id"] for name in EVERYTHING})
CANARIES = ("zoe.kestrel@example.com", "+46709998877", "Kestrel", "the blue lamp never arrived")


def with_canaries() -> list[Any]:
    """A reply and a contact of invented people, with each canary in them."""
    contact = changed(
        read("contact.user.updated"),
        {"email": CANARIES[0], "phone": CANARIES[1], "name": f"Zoe {CANARIES[2]}"},
    )
    reply = changed(
        read("conversation.user.replied"), {"source.author.email": CANARIES[0], "source.body": CANARIES[3]}
    )
    return [{**contact, "id": "notif_contact"}, {**reply, "id": "notif_reply"}]


def stored(shop: Shop) -> list[bytes]:
    """The payloads as they are stored: compressed, so that their bytes are canaries of their own."""
    with shop.ledger.read() as tx:
        kept = tx.exec_driver_sql("select raw from inbox where raw is not null").scalars().all()
        return [*kept, *tx.exec_driver_sql("select body from outbox where body is not null").scalars()]


def pieces(blobs: list[bytes]) -> list[bytes]:
    """Parts of what is stored, each short enough to lie within one page of the file."""
    return [blob[at : at + 64] for blob in blobs for at in range(64, len(blob) - 64, 512)]


def left(shop: Shop, wanted: list[bytes]) -> int:
    """How many of them are still in some file of the ledger's folder."""
    everything = shop.files()
    return sum(one in everything for one in wanted)


def one(shop: Shop, statement: str) -> Any:
    with shop.ledger.read() as tx:
        return tx.exec_driver_sql(statement).scalar()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_once_all_is_settled_nothing_of_a_customer_is_in_any_file(shop: Shop) -> None:
    shop.take(*EVERYTHING, *with_canaries())
    wanted = pieces(stored(shop))
    assert left(shop, wanted) == len(wanted) > 50
    shop.after(7 * DAY + 1)
    done = purge(shop.ledger, POLICY)
    assert (done.events, done.payloads, done.is_wiped) == (16, NOTIFICATIONS + 2, True)
    assert stored(shop) == []
    assert left(shop, wanted) == 0
    assert [
        word for word in (*CANARIES, "mara.lindqvist", "Lindqvist") if word.encode() in shop.files()
    ] == []
    assert Path(f"{shop.file}-wal").stat().st_size == 0


def test_before_its_time_nothing_is_taken_away(shop: Shop) -> None:
    shop.take(*EVERYTHING)
    shop.after(7 * DAY - 60)
    assert purge(shop.ledger, POLICY) == Purged()
    assert one(shop, "select count(*) from inbox where raw is not null") == NOTIFICATIONS


def test_what_klaviyo_does_not_have_stays_however_old(tmp_path: Path) -> None:
    shop = Shop(tmp_path, lambda request: NotSent("no network"))
    lead = changed(read("ticket.created"), {"contacts.contacts.0.id": LEAD, "id": "77"})
    no_time = changed(read("conversation.user.created"), {"created_at": None, "id": "78"})
    shop.take({**lead, "id": "notif_lead"}, "ticket.contact.replied", {**no_time, "id": "notif_no_time"})
    assert shop.states() == {"parked": 3, "queued": 1}
    shop.after(400 * DAY)
    done = purge(shop.ledger, POLICY)
    assert done.events == done.payloads == done.expired == 0
    assert shop.states() == {"queued": 1, "parked": 1, "skipped": 2}
    assert one(shop, "select count(*) from inbox where raw is not null") == 3


def test_an_event_that_is_no_longer_kept_is_known_again(shop: Shop) -> None:
    shop.take("ticket.contact.replied")
    shop.after(40 * DAY)
    purge(shop.ledger, POLICY)
    assert (one(shop, "select count(*) from outbox"), one(shop, "select count(*) from inbox")) == (0, 0)
    again = read("ticket.contact.replied")
    shop.take({**again, "id": "notif_again"})
    assert len(shop.sent()) == 1
    assert one(shop, "select made from inbox") == '{"duplicate": 1}'


def test_what_waits_for_an_address_is_given_up_after_a_week_and_counted(shop: Shop) -> None:
    lead = changed(read("ticket.created"), {"contacts.contacts.0.id": LEAD})
    shop.take({**lead, "id": "notif_lead"})
    assert shop.states() == {"parked": 2}
    shop.after(7 * DAY + 1)
    assert purgeable(shop.ledger, POLICY).given_up == 2
    assert purge(shop.ledger, POLICY).given_up == 2
    assert shop.states() == {"skipped": 2}
    counted = "select sum(count) from counters where kind = 'skipped' and reason = 'no_identity'"
    assert one(shop, counted) == 2
    assert one(shop, "select count(*) from inbox where raw is not null") == 1, (
        "it is kept as other settled ones"
    )
    shop.after(7 * DAY + 1)
    purge(shop.ledger, POLICY)
    assert shop.states() == {}
    assert one(shop, "select count(*) from inbox where raw is not null") == 0


def test_what_is_dead_is_kept_for_a_month_with_its_notification_and_then_counted(tmp_path: Path) -> None:
    shop = Shop(tmp_path, lambda request: Rejected("refused"))
    shop.take("ticket.contact.replied")
    wanted = pieces(stored(shop))
    shop.after(29 * DAY)
    assert purge(shop.ledger, POLICY).expired == 0
    assert one(shop, "select count(*) from inbox where raw is not null") == 1
    shop.after(1 * DAY + 1)
    done = purge(shop.ledger, POLICY)
    assert (done.expired, done.payloads) == (2, 1), "an event and a profile"
    assert shop.states() == {}
    counted = "select sum(count) from counters where kind = 'skipped' and reason = 'expired'"
    assert one(shop, counted) == done.expired
    assert left(shop, wanted) == 0
    assert one(shop, "select count(*) from keys") == 0, "Klaviyo does not have it"


@pytest.mark.parametrize("dies_at", range(1, 6))
def test_who_dies_between_two_of_its_transactions_loses_nothing(dies_at: int, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    times = []

    def at(name: str) -> None:
        assert name == "mid_purge"
        times.append(name)
        if len(times) == dies_at:
            raise Killed

    shop = Shop(tmp_path, refusing("Resolved Ticket"))
    lead = changed(read("ticket.created"), {"contacts.contacts.0.id": LEAD})
    shop.take(*EVERYTHING, {**lead, "id": "notif_lead"})
    shop.after(31 * DAY)
    sent = [one.unique_id for one in shop.sent()]
    with pytest.raises(Killed):
        purge(shop.ledger, POLICY, at)
    for name in EVERYTHING:
        shop.take({**read(name), "id": f"again_{name}"})
    more = [one.unique_id for one in shop.sent()][len(sent) :]
    refused = {one.unique_id for one in shop.sent("Resolved Ticket")}
    assert set(more) <= refused, "what Klaviyo has is not sent again"
    shop.after(31 * DAY)
    purge(shop.ledger, POLICY)
    assert set(shop.states()) <= {"skipped"}


def test_a_dry_run_counts_and_takes_nothing_away(shop: Shop) -> None:
    shop.take(*EVERYTHING)
    shop.after(8 * DAY)
    before = shop.states()
    found = purgeable(shop.ledger, POLICY)
    assert (found.events, found.payloads) == (16, NOTIFICATIONS)
    assert shop.states() == before
    assert purge(shop.ledger, POLICY).events == found.events


def test_notifications_and_attempts_are_forgotten_after_a_month(shop: Shop) -> None:
    shop.take("ticket.contact.replied", "ping")
    shop.after(29 * DAY)
    purge(shop.ledger, POLICY)
    assert (one(shop, "select count(*) from inbox"), one(shop, "select count(*) from attempts")) == (2, 2)
    shop.after(2 * DAY)
    done = purge(shop.ledger, POLICY)
    assert (done.notifications, done.attempts) == (2, 2)
    assert one(shop, "select count(*) from keys") == 1, "events are known for ever"


def test_of_a_deleted_contact_nothing_is_in_any_file(shop: Shop) -> None:
    shop.take(*EVERYTHING, *with_canaries())
    with shop.ledger.read() as tx:
        mine = "select raw from inbox where raw is not null and contacts like ?"
        raws = tx.exec_driver_sql(mine, (f"% {CONTACT} %",)).scalars().all()
        asked = "select body from outbox where body is not null and contact = ?"
        bodies = tx.exec_driver_sql(asked, (CONTACT,)).scalars().all()
    wanted = pieces([*raws, *bodies])
    assert left(shop, wanted) == len(wanted) > 50
    shop.take("contact.deleted")
    shrunk(shop.ledger.engine)
    assert left(shop, wanted) == 0
    assert one(shop, "select count(*) from outbox where contact <> '' and body is not null") == 1, "of others"


def test_every_notification_that_names_a_contact_is_found_by_it(shop: Shop) -> None:
    """Also those of which only a duplicate came, or nothing at all."""
    shop.take(*EVERYTHING)
    with shop.ledger.read() as tx:
        rows = tx.exec_driver_sql("select topic, raw, checksum, contacts from inbox").all()
    from engine.ledger.sealed import opened

    naming = {row.topic for row in rows if CONTACT.encode() in opened(row.raw, row.checksum)}
    found = {row.topic for row in rows if f" {CONTACT} " in row.contacts}
    assert found == naming
    assert len(naming) > 8


def test_what_was_on_its_way_when_its_contact_was_deleted_is_taken_away_later(tmp_path: Path) -> None:
    shop = Shop(tmp_path)

    def answer(request: Any) -> Any:
        with shop.ledger.write() as tx:
            tx.exec_driver_sql(
                "update profiles set deleted_at = 1, state = 'skipped', body = null where contact = ?",
                (CONTACT,),
            )
            forget_contact(tx, ACCOUNT, CONTACT, shop.ledger.now())
        return NotSent("no network")

    shop.sink.answer = answer
    shop.take("ticket.contact.replied")
    assert shop.states() == {"skipped": 1}
    purge(shop.ledger, POLICY)
    assert one(shop, "select reason from outbox") == "contact_deleted"
    assert one(shop, "select body is null from outbox") == 1
    shop.sink.answer = lambda request: Accepted()
    shop.after(600)
    shop.sink.delivered.clear()
    shop.relay.work_off()
    assert shop.sent() == []


def test_a_notification_of_a_deleted_contact_that_waits_is_no_damage(shop: Shop) -> None:
    shop.relay.put([as_line(read("ticket.contact.replied"))])
    shop.relay.translator.step()
    with shop.ledger.write() as tx:
        inbox.take_up(tx, [1])
        forget_contact(tx, ACCOUNT, CONTACT, shop.ledger.now())
    shop.relay.translator.step()
    assert one(shop, "select state || ' ' || reason from inbox") == "skipped contact_deleted"


def test_the_log_is_said_not_to_be_empty_while_somebody_reads(shop: Shop) -> None:
    shop.take("ticket.contact.replied")
    with shop.ledger.read() as tx:
        tx.exec_driver_sql("select count(*) from inbox").scalar()
        shop.take("ping")
        assert shrunk(shop.ledger.engine) is False
    assert shrunk(shop.ledger.engine) is True


def test_the_room_of_what_is_taken_away_is_given_back(shop: Shop) -> None:
    """Else a ledger that has reached its quota would refuse webhooks for ever."""
    shop.take(*EVERYTHING)
    with shop.ledger.write() as tx:
        tx.exec_driver_sql("insert into cursors values ('large', ?)", ("x" * 20_000_000,))
        tx.exec_driver_sql("delete from cursors where name = 'large'")
    assert shrunk(shop.ledger.engine) is True
    assert one(shop, "pragma freelist_count") == 0
    assert shop.file.stat().st_size < 1_000_000
