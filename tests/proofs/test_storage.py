"""The ledger's file: older ones are brought up whole, others are refused, and a full disk passes."""

import json
import os
import signal
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from engine.errors import LedgerError, Unavailable
from engine.ledger import sqlite
from engine.ledger.migrations import STEPS, brought_up
from engine.ledger.store import Ledger
from tests.proofs.checker import wrong
from tests.proofs.stage import Stage, Told
from tests.support import write

pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of `os.fork`

STATEMENTS = (
    "ALTER TABLE outbox ADD COLUMN shade VARCHAR NOT NULL DEFAULT ''",
    "UPDATE outbox SET shade = 'blue'",
    "CREATE TABLE shades (name VARCHAR PRIMARY KEY)",
    "INSERT INTO shades SELECT DISTINCT shade FROM outbox",
)
"""A step of a later version, such as there is none yet."""


def next_step(tx: Connection, at: Callable[[int], None] = lambda number: None) -> None:
    for number, statement in enumerate(STATEMENTS):
        tx.execute(text(statement))
        at(number)


def version(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection, connection:
        return str(connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()[0])


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A ledger of this version, with one event in it."""
    stage = Stage(tmp_path)
    stage.put([Told(0)])
    stage.relay.work_off()
    stage.ledger.close()
    return tmp_path / "ledger.db"


def opened(path: Path, *more: Callable[[Connection], None]) -> None:
    engine = sqlite.opened(path)
    try:
        brought_up(engine, path, [*STEPS, *more])
    finally:
        engine.dispose()


def test_an_older_ledger_is_brought_up_and_a_copy_of_it_is_kept(older: Path) -> None:
    opened(older, next_step)
    assert version(older) == "2"
    copy = older.with_name("ledger.db.schema-1")
    assert version(copy) == "1"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(older)) as connection, connection:
        assert connection.execute("SELECT name FROM shades").fetchall() == [("blue",)]
    opened(older, next_step)  # a second time nothing happens
    assert version(older) == "2"


@pytest.mark.parametrize("number", range(len(STATEMENTS)))
def test_a_kill_at_a_statement_of_it_changes_nothing(older: Path, number: int) -> None:
    def die(at: int) -> None:
        if at == number:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            opened(older, lambda tx: next_step(tx, die))
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert version(older) == "1"
    opened(older, next_step)
    assert version(older) == "2"


def test_a_step_that_fails_changes_nothing(older: Path) -> None:
    def fail(number: int) -> None:
        if number == 2:
            raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError):
        opened(older, lambda tx: next_step(tx, fail))
    assert version(older) == "1"
    Ledger(older).close()


def test_a_newer_ledger_is_refused_with_what_to_do(older: Path) -> None:
    opened(older, next_step)
    with pytest.raises(
        LedgerError, match=r"a newer version wrote the ledger .* \(schema 2; this one knows 1\)"
    ) as told:
        Ledger(older)
    assert "update intercom-klaviyo" in told.value.next
    assert version(older) == "2"


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE songs (name)")
    path.chmod(0o600)
    with pytest.raises(LedgerError, match="something else"):
        Ledger(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


@pytest.mark.parametrize(
    "content",
    [b"no database at all, but long enough to look like one " * 40, b"SQLite format 3\0" + b"\xff" * 5_000],
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "notes.txt", content)
    path.chmod(0o600)
    with pytest.raises(LedgerError):
        Ledger(path)
    assert path.read_bytes() == content


def test_the_file_and_its_companions_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        stage = Stage(tmp_path)
        stage.put([Told(0)])
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused(older: Path, mode: int) -> None:
    older.chmod(mode)
    with pytest.raises(LedgerError, match="can be read by others") as told:
        Ledger(older)
    assert told.value.next == f"chmod 600 {older}"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError):
        Ledger(tmp_path)


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export {there} nfs4 rw 0 0
/dev/sdb1 {there}/disk ext4 rw 0 0
short
"""


@pytest.mark.parametrize(("below", "kind"), [("a/l.db", "nfs4"), ("disk/l.db", "ext4"), ("../l.db", "ext4")])
def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path, below: str, kind: str) -> None:
    there = tmp_path / "net work"
    mounts = write(tmp_path / "mounts", MOUNTS.format(there=str(there).replace(" ", "\\040")))
    assert sqlite.file_system_of(there / below, mounts) == kind


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "file_system_of", lambda path: "nfs4")
    with pytest.raises(LedgerError, match=r"network file system \(nfs4\)"):
        Ledger(tmp_path / "l.db")


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Stage]:
    """A stage whose ledger may not grow any more."""
    stage = Stage(tmp_path)
    stage.put([Told(0)])
    stage.relay.work_off()
    _limit(stage, None)
    yield stage
    stage.ledger.close()


def _limit(stage: Stage, pages: int | None) -> None:
    """How many pages its file may have; as many as it has, where none is given."""
    for engine in (stage.ledger._engine, stage.ledger._lax):
        engine.dispose()
        raw = engine.raw_connection()
        cursor = raw.cursor()
        wanted = pages or cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {wanted}")
        raw.close()


def noise(name: str) -> bytes:
    """A notification that no compression makes small."""
    return json.dumps(
        {"app_id": "w", "id": name, "topic": "noise", "weight": os.urandom(40_000).hex()}
    ).encode()


def test_a_full_disk_acknowledges_nothing_and_all_works_once_there_is_room(full: Stage) -> None:
    with pytest.raises(Unavailable, match="no room left"):
        full.relay.put([noise("n1"), noise("n2")])
    with full.ledger.read() as tx:
        assert tx.scalar(text("SELECT count(*) FROM inbox")) == 1
    _limit(full, 1_000_000)
    full.put([Told(1), Told(2)])
    full.drained()
    assert wrong(full.told().facts()) == []


def test_a_file_that_may_not_grow_refuses_and_goes_on_afterwards(tmp_path: Path) -> None:
    """By the system's own limit, in a process of its own."""
    child = os.fork()
    if child == 0:
        os._exit(_with_limit(tmp_path))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def _with_limit(folder: Path) -> int:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        stage = Stage(folder)
        stage.put([Told(0)])
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        refused = 0
        for number in range(1, 60):
            try:
                stage.relay.put([noise(f"ping{number}")])
            except Unavailable:
                refused += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        with stage.ledger.write() as tx:
            tx.execute(text("UPDATE inbox SET state = 'skipped' WHERE topic = 'noise'"))
        stage.put([Told(99)])
        stage.drained()
        return 0 if refused and sqlite.sound(stage.ledger.engine, thorough=True) == [] else 4
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 5


def test_each_commit_is_on_the_disk_before_it_returns(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.db")
    with ledger.write() as tx:
        assert tx.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert tx.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
    with ledger.write(lax=True) as tx:
        assert tx.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    ledger.close()


def test_an_answer_leaves_after_the_commit_alone(tmp_path: Path) -> None:
    stage, told = Stage(tmp_path), []
    raw = stage.ledger._engine.raw_connection()
    raw.driver_connection.set_trace_callback(told.append)  # type: ignore[union-attr]
    raw.close()
    stage.relay.put([Told(0).body()])
    told.append("answered")
    kept = [word.split()[0] for word in told]
    assert kept[-2:] == ["COMMIT", "answered"]
    assert "INSERT" in kept


def test_two_openings_of_a_new_file_at_once_both_work(tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / f"{number}.db"
        children = []
        for _ in range(4):
            child = os.fork()
            if child == 0:
                try:
                    Ledger(path)
                    os._exit(0)
                except BaseException as error:
                    print(f"{type(error).__name__}: {error}", file=sys.stderr)
                    os._exit(1)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
