"""Bringing an older ledger up to this version's schema: forwards only, each step whole or not at all."""

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.exc import DatabaseError

from engine.errors import LedgerError
from engine.ledger import schema, sqlite

Step = Callable[[Connection], None]

STEPS: tuple[Step, ...] = (schema.create,)
"""The first makes the tables of version 1, each further one the next version."""
_VERSION, _KEY = "schema_version", "digest_key"


def brought_up(engine: Engine, path: Path, steps: Sequence[Step] = STEPS) -> bytes:
    """Make or migrate the tables; give the key of the ledger's digests.

    A file that is not new is copied beside itself before its schema changes. Raises LedgerError where the
    schema is newer than ours, and where the file is no ledger.
    """
    try:
        version = version_of(engine)
        if version > len(steps):
            raise LedgerError(
                f"a newer version wrote the ledger {path} (schema {version}; this one knows {len(steps)})",
                "update intercom-klaviyo, or go back to the copy that the newer one made beside the file",
            )
        if 0 < version < len(steps):
            sqlite.backed_up(engine, path.with_name(f"{path.name}.schema-{version}"))
        for number in range(version, len(steps)):
            _step(engine, steps[number], number)
        with engine.connect() as tx:
            found = tx.scalar(select(schema.meta.c.value).where(schema.meta.c.name == _KEY))
    except DatabaseError as error:
        raise LedgerError(
            f"the file {path} is no ledger, or it is damaged ({type(error.orig).__name__})"
        ) from None
    return bytes.fromhex(found or "")


def version_of(engine: Engine) -> int:
    """The version of the schema that is there; 0 for an empty file. Raises LedgerError for something else."""
    tables = inspect(engine).get_table_names()
    if not tables:
        return 0
    if schema.meta.name not in tables:
        raise LedgerError("the file is a database of something else")
    with engine.connect() as tx:
        found = tx.scalar(select(schema.meta.c.value).where(schema.meta.c.name == _VERSION))
    return int(found or 0)


def _step(engine: Engine, step: Step, number: int) -> None:
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if connection.dialect.has_table(connection, schema.meta.name):
            known = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.name == _VERSION))
            if int(known or 0) > number:
                return  # another process was first
        step(connection)
        if number == 0:
            values = [{"name": _VERSION, "value": "1"}, {"name": _KEY, "value": secrets.token_hex(16)}]
            connection.execute(schema.meta.insert(), values)
        else:
            connection.execute(
                schema.meta.update().where(schema.meta.c.name == _VERSION).values(value=str(number + 1))
            )
