"""How far something has come, and what is set once."""

from sqlalchemy import Connection, bindparam, select

from engine.ledger.schema import cursors
from engine.ledger.sqlite import insert

_VALUE = select(cursors.c.value).where(cursors.c.name == bindparam("own"))
_INSERT = insert(cursors)
_SET = _INSERT.on_conflict_do_update(index_elements=["name"], set_={"value": _INSERT.excluded.value})


def cursor(tx: Connection, name: str) -> str | None:
    """Its value; None where it was never set."""
    found: str | None = tx.scalar(_VALUE, {"own": name})
    return found


def values(tx: Connection, beginning: str) -> list[str]:
    """Those of all whose name begins so."""
    named = cursors.c.name.startswith(beginning, autoescape=True)
    return list(tx.scalars(select(cursors.c.value).where(named).order_by(cursors.c.name)))


def set_cursor(tx: Connection, name: str, value: str) -> None:
    """Set it, whatever it was."""
    tx.execute(_SET, {"name": name, "value": value})


def set_once(tx: Connection, name: str, value: str) -> None:
    """Set it where it was never set."""
    tx.execute(insert(cursors).values(name=name, value=value).on_conflict_do_nothing())
