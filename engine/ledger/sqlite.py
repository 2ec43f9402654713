"""What only SQLite knows: how its file is opened, looked after and copied."""

import os
import sqlite3
import stat
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import QueuePool

from engine.errors import LedgerError

BUSY_SECONDS = 3.0
"""How long a writer waits for another process: less than the four seconds after which a webhook gets 503."""
LARGEST_WAL_BYTES = 64 * 1024 * 1024
PAGES_AT_ONCE = 2_000
"""Free pages that are given back in one go: whoever writes waits for no longer than that takes."""
BREATH_SECONDS = 0.005
"""Between two goes: without it the others would hardly get their turn."""
NETWORKED = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "fuse.rclone",
        "lustre",
        "ncpfs",
        "beegfs",
    ]
)
"""File systems on which locks and fsync cannot be relied on (sqlite.org, "How To Corrupt")."""

__all__ = ["backed_up", "insert", "opened", "read_only", "shrunk", "sound"]


def opened(path: Path, *, lax: bool = False) -> Engine:
    """The database of a file, which is made where there is none, for its owner alone.

    A commit is on the disk when it returns; with *lax* only some time later, for what may be lost. Raises
    LedgerError where the file is none that a ledger may be in.
    """
    _made_private(path)
    _refuse_network(path)
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=16,
        hide_parameters=True,  # of errors: they hold what customers wrote
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", lambda connection, _: _prepared(connection, "NORMAL" if lax else "FULL"))
    event.listen(engine, "begin", _begun)
    return engine


def read_only(path: Path) -> Engine:
    """The database of a file that is there, for whoever only looks: nothing of it is made or changed."""
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    made = partial(sqlite3.connect, address, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
    return create_engine("sqlite://", creator=made)


def _prepared(connection: Any, synchronous: str) -> None:
    """Settings of a connection; the first one counts for a new file alone."""
    connection.isolation_level = None  # transactions begin where `_begun` says
    for pragma in (
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        f"synchronous = {synchronous}",
        "secure_delete = ON",
        "foreign_keys = ON",
        f"journal_size_limit = {LARGEST_WAL_BYTES}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begun(connection: Any) -> None:
    """Begin a transaction: one that writes takes its turn at once, so that it need not give up later."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _made_private(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        mode = path.stat().st_mode
    except OSError as error:
        raise LedgerError(f"the ledger {path} cannot be opened: {error.strerror or 'unknown'}") from None
    if not stat.S_ISREG(mode):
        raise LedgerError(f"the ledger {path} is no file")
    if mode & 0o077:
        raise LedgerError(
            f"the ledger {path} can be read by others: it holds customers' data",
            f"chmod 600 {path}",
        )


def _refuse_network(path: Path) -> None:
    kind = file_system_of(path)
    if kind in NETWORKED:
        raise LedgerError(
            f"the ledger {path} lies on a network file system ({kind}), where its locks do not hold",
            "put it on a disk of this machine, and back it up from there (`ledger backup`)",
        )


def file_system_of(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The kind of file system that a path lies on; nothing where the system does not say."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    real = path.resolve()
    found, depth = "", -1
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        mounted = Path(fields[1].replace("\\040", " "))
        if real.is_relative_to(mounted) and len(mounted.parts) >= depth:
            found, depth = fields[2], len(mounted.parts)
    return found


def sound(engine: Engine, *, thorough: bool = False) -> list[str]:
    """What SQLite finds wrong with its file; nothing where all is well."""
    check = "integrity_check" if thorough else "quick_check"
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"PRAGMA {check}(20)").scalars().all()
    return [] if [*rows] == ["ok"] else [str(row) for row in rows]


def backed_up(engine: Engine, target: Path) -> None:
    """Copy the whole database while it is used; the copy is whole, or not there. Raises OSError.

    It is written beside its place and moved there once it is on the disk.
    """
    half = target.with_name(target.name + ".part")
    half.unlink(missing_ok=True)
    os.close(os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        copy = sqlite3.connect(half)
        try:
            raw = engine.raw_connection()
            try:
                raw.driver_connection.backup(copy, pages=1_000)  # type: ignore[union-attr]
            finally:
                raw.close()
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
        with half.open("rb") as written:
            os.fsync(written.fileno())
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)


def shrunk(engine: Engine) -> bool:
    """Give free pages back and empty the write-ahead log into the file: deleted text would live on in it.

    Says whether the log is empty: while somebody reads what is in it, it is not.
    """
    raw = engine.raw_connection()
    try:
        _give_back(raw.driver_connection)
        cursor = raw.cursor()
        [(is_busy, *_)] = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        cursor.close()
        return not is_busy
    finally:
        raw.close()


def _give_back(connection: Any) -> None:
    """Give free pages back to the disk, some at a time, until there are none, or it does no good."""
    before = None
    while (free := connection.execute("PRAGMA freelist_count").fetchone()[0]) and free != before:
        before = free
        # By a script: `execute` would give back one page, and leave it at that.
        connection.executescript(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")
        time.sleep(BREATH_SECONDS)
