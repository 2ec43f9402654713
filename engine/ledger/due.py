"""Rows that are to be sent now: what both queues ask of their tables, and with which values."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, Table, bindparam

from engine.ledger.inbox import LONGEST_WAIT

MOST = bindparam("most", type_=Integer)


def queued(table: Table) -> tuple[ColumnElement[bool], ...]:
    """An account's rows that are to be sent, now or later."""
    return table.c.account == bindparam("own"), table.c.state == "queued"


def is_due(table: Table) -> tuple[ColumnElement[bool], ...]:
    """Those that are to be sent now; a wait that is too long comes of a clock that was set back."""
    time = table.c.not_before
    return *queued(table), (time <= bindparam("now")) | (time > bindparam("latest"))


def asked(account: str, now: float, most: int) -> dict[str, Any]:
    """The values for `is_due` and `MOST`."""
    return {"own": account, "now": now, "latest": now + LONGEST_WAIT, "most": most}
