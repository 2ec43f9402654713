"""Taking away what is no longer kept, and what somebody has the right to have taken away."""

from sqlalchemy import Connection, select, update

from engine.ledger.schema import inbox, outbox


def forget_contact(tx: Connection, account: str, contact: str, now: float) -> None:
    """Keep nothing of what a deleted contact wrote or was sent; what was to be sent is not sent.

    What is on its way just now is settled first, and taken away with the rest later.
    """
    mine = (outbox.c.account == account, outbox.c.contact == contact)
    told = select(outbox.c.inbox_id).where(*mine)
    tx.execute(update(inbox).where(inbox.c.id.in_(told)).values(raw=None, checksum=None))
    waiting = outbox.c.state.in_(("parked", "queued", "dead"))
    gone = {"state": "skipped", "reason": "contact_deleted", "detail": "", "settled_at": now}
    tx.execute(update(outbox).where(*mine, waiting).values(**gone))
    tx.execute(update(outbox).where(*mine, outbox.c.state != "in_flight").values(body=None, checksum=None))
