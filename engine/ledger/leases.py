"""Who alone may do something: a lease that ends by itself, with a number that tells holders apart."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, select

from engine.ledger.schema import leases
from engine.ledger.sqlite import insert
from engine.ledger.store import Ledger

SECONDS = 15.0
"""How long a lease lasts that is not renewed: so long nobody sends after its holder has died."""
_FENCE = select(leases.c.fence).where(leases.c.name == bindparam("own"))


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do something, until it ends. `fence` is higher than that of every holder before."""

    name: str
    owner: str
    fence: int
    until: float


def take(ledger: Ledger, name: str, owner: str) -> Lease | None:
    """The lease, if nobody else holds it; the holder gets it anew, with the same fence."""
    with ledger.write() as tx:
        now = ledger.now()
        row = tx.execute(select(leases).where(leases.c.name == name)).first()
        is_held = row is not None and now < row.until <= now + SECONDS  # later than that: the clock went back
        if row is not None and is_held and row.owner != owner:
            return None
        fence = row.fence if row and is_held else (row.fence + 1 if row else 1)
        lease = Lease(name, owner, fence, now + SECONDS)
        values = {"owner": owner, "fence": fence, "until": lease.until}
        made = insert(leases).values(name=name, **values)
        tx.execute(made.on_conflict_do_update(index_elements=["name"], set_=values))
        return lease


def renewed(ledger: Ledger, lease: Lease) -> Lease | None:
    """The lease for another while; None where it has ended and somebody else has it, or had it."""
    with ledger.write() as tx:
        if not holds(tx, lease):
            return None
        until = ledger.now() + SECONDS
        tx.execute(leases.update().where(leases.c.name == lease.name).values(until=until))
        return replace(lease, until=until)


def holds(tx: Connection, lease: Lease) -> bool:
    """Whether nobody has taken the lease since."""
    return tx.scalar(_FENCE, {"own": lease.name}) == lease.fence


def release(ledger: Ledger, lease: Lease) -> None:
    """Give the lease up, so that the next need not wait for its end."""
    with ledger.write() as tx:
        own = (leases.c.name == lease.name, leases.c.fence == lease.fence)
        tx.execute(leases.update().where(*own).values(until=0.0))


def end(ledger: Ledger, owner: str) -> None:
    """End the leases of an owner that is known to be dead: the next need not wait for their end."""
    with ledger.write() as tx:
        tx.execute(leases.update().where(leases.c.owner == owner).values(until=0.0))
