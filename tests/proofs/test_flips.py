"""A bit that has turned over on the disk is noticed: what it was in is made again, or set aside.

`python -m tests.soak flips` turns 10,000.
"""

from pathlib import Path

from sqlalchemy import select, update

from engine.errors import FateUnknown
from engine.events import Accepted, Request
from engine.ledger import inbox, profiles
from engine.ledger.profiles import Told as ToldProfile
from engine.ledger.schema import outbox as outbox_rows
from engine.ledger.schema import profiles as profile_rows
from engine.relay.relay import ACCOUNT
from tests.proofs.flips import run
from tests.proofs.stage import Stage, Told
from tests.proofs.test_leases import Sink


def test_no_flipped_bit_is_sent(tmp_path: Path) -> None:
    fates, complaints = run(tmp_path, 1_000, seed=1)
    assert complaints == []
    assert fates.total() == 1_000
    assert fates["accepted"] > 800  # made again from the notification
    assert fates["parked damaged"] > 50  # that one was damaged too
    assert set(fates) == {"accepted", "parked damaged"}


def test_an_event_that_may_have_arrived_is_not_made_again(tmp_path: Path) -> None:
    """Made again it might be of another profile, and be recorded twice."""
    stage = Stage(tmp_path)
    stage.relay = stage.another(Sink(FateUnknown("no answer")))  # type: ignore[arg-type]
    stage.put([Told(0)])
    stage.relay.work_off()
    with stage.ledger.write() as tx:
        tx.execute(update(outbox_rows).values(body=b"x"))
    stage.clock.sleep(300.0)
    stage.relay.work_off()
    with stage.ledger.read() as tx:
        row = tx.execute(select(outbox_rows)).one()
    assert (row.state, row.reason, bool(row.is_uncertain)) == ("dead", "damaged", True)


def test_a_damaged_profile_is_made_again_by_what_told_of_it(tmp_path: Path) -> None:
    stage, sink = Stage(tmp_path), Sink(Accepted())
    stage.relay = stage.another(sink)  # type: ignore[arg-type]
    stage.put([Told(0)])
    stage.relay.work_off()
    body = {"data": {"type": "profile", "attributes": {"email": "a@example.com"}}}
    told = ToldProfile("c1", 1.0, 1.0, "P", "h", 1, Request("/api/profile-import", body))
    with stage.ledger.write() as tx:
        profiles.tell(tx, ACCOUNT, stage.ledger.digest_key, [told], stage.ledger.now())
        tx.execute(update(profile_rows).values(checksum=b"x" * 8))
    sink.sent.clear()
    assert stage.relay.drain is not None
    stage.relay.drain.step()
    stage.relay.drain.step()
    stage.relay.drain.step()
    assert sink.sent == []
    with stage.ledger.write() as tx:
        assert [one.id for one in inbox.due(tx, stage.ledger.now(), 9, 999)] == [1]
        outcome = profiles.tell(tx, ACCOUNT, stage.ledger.digest_key, [told], stage.ledger.now())
    assert outcome == ["queued"]
