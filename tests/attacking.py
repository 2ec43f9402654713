"""Runs the attacks of `tests/attacks/`, each in a process of its own with little time and memory.

    python -m tests.attacking [PART/OF]

`attacks()` reads them; as a program this prints a line of JSON for each (or for each of a part: `1/3` is
every third from the first on): what `check` said and how it ended, what the spec then made of every
fixture, the time and the memory it took, and whatever it opened.
"""

import gc
import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import yaml
from click.testing import CliRunner
from click.testing import Result as InvokeResult

from engine import Runner, SpecError, Translation, load
from engine.commands import main as command_line
from engine.events import Notification, Result
from engine.intercom.records import RecordsFile, read_records
from engine.intercom.webhook import read_body
from engine.tools.cases import run_cases
from tests.support import FIXTURES, NAMED, RECORDS, ROOT, StandingClock, read

Made = TypeVar("Made")
FOLDER = Path(__file__).parent / "attacks"
CANARY = "canary-4b7e"
FAREWELL = 60
"""Seconds of the processor after which an attack is ended: far more than it may take."""
MEMORY = 1024**3

FRAME = """\
metric: Attack
topic: conversation.read
time: event.created_at
unique_id: attack:{{ id }}
profile:
  email: { value: attacked@example.com }
"""
ITEM: dict[str, Any] = {
    "id": "215",
    "n": 5,
    "yes": True,
    "none_at_all": [],
    "name": "Mara",
    "tags": ["vip", "new"],
    "parts": [{"id": "a", "n": 1}, {"id": "b", "n": None}, {"id": "c", "n": 3}],
    "inner": {"items": "I", "values": "V", "get": "G"},
    "long": ["x" * 1_000] * 1_000,
    "many": [0] * 100_000,
    "others": [0] * 99_999 + [1],
    "nulls": [None] * 50_000,
    "lists": [[0] * 5 for _ in range(10_000)],
    "lists_too": [[0] * 5 for _ in range(10_000)],
    "big": "x" * 1_000_000,
    "half_big": "x" * 60_000,
    "others_text": "y" * 1_000_000 + "x",
    "digits": "1" * 100_000,
    "dotted": "a." * 100_000,
    "comments": "<!---->" * 100_000,
    "tags_open": "<a" * 300_000,
}
BIG = Notification(
    {"type": "notification_event", "topic": "conversation.read", "app_id": "x", "created_at": 1788170400,
     "data": {"item": ITEM}},
    topic="conversation.read", app_id="x", created_at=1788170400.0,
)  # fmt: skip
"""A notification far larger than any that can be read: what paths and templates work on."""


@dataclass(frozen=True)
class Attack:
    """A spec, the fault that `check` must tell (`code` or `line:column code`), and what it makes of BIG."""

    name: str
    spec: bytes
    told: str = ""
    gives: Any = None


@dataclass
class Outcome:
    """What became of an attack. Times are seconds of the processor, memory is in MB."""

    name: str
    exit: int = -1
    traceback: str = ""
    issues: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""
    check_seconds: float = 0.0
    slowest_fixture: float = 0.0
    largest_body: int = 0
    most_issues: int = 0
    made: str = ""
    """A digest of all that came of the fixtures."""
    of_big: Any = None
    big_seconds: float = 0.0
    opened: list[str] = field(default_factory=list)
    megabytes: int = 0


# The attacks


@cache
def attacks() -> dict[str, Attack]:
    """Every attack by its name."""
    found = [_from_file(file) for file in sorted((FOLDER / "specs").glob("*.yaml"))]
    for table in sorted(FOLDER.glob("*.yaml")):
        rows = yaml.safe_load(table.read_text(encoding="utf-8"))
        found += [_from_row(f"{table.stem}: {row['name']}", row) for row in rows]
    assert len({attack.name for attack in found}) == len(found)
    return {attack.name: attack for attack in found}


def _from_file(file: Path) -> Attack:
    raw = file.read_bytes()
    told = raw.split(b"\n")[0].decode().removeprefix("#> ").replace("nothing", "")
    return Attack(f"specs: {file.stem}", raw, told)


def _from_row(name: str, row: dict[str, Any]) -> Attack:
    text = row.get("before", "") + _text_of(row)
    return Attack(
        name,
        text.encode(row.get("encoding", "utf-8"), "surrogatepass"),
        row.get("told", ""),
        row.get("gives"),
    )


def _text_of(row: dict[str, Any]) -> str:
    if "file" in row:
        return _whole(row["file"])
    for kind in ("path", "template"):
        if kind in row:
            text = json.dumps(_whole(row[kind]), ensure_ascii=False)
            for character in ("\x7f", *map(chr, range(0x80, 0xA0))):
                text = text.replace(character, f"\\x{ord(character):02x}")
            return f"{FRAME}properties:\n  A:\n    {kind}: {text}\n"
    return FRAME + _whole(row.get("more", "")) + "properties:\n" + _whole(row["lines"])


def _whole(pieces: Any) -> str:
    """The text of pieces: `[text, times]` is repeated, with the number of the turn for {n}, and {n+1}."""
    if isinstance(pieces, str):
        return pieces
    return "".join(_repeated(*piece) if _is_repeated(piece) else _whole(piece) for piece in pieces)


def _is_repeated(piece: Any) -> bool:
    return isinstance(piece, list) and len(piece) == 2 and isinstance(piece[1], int)


def _repeated(piece: Any, times: int) -> str:
    text = _whole(piece)
    if "{n" not in text:
        return text * times
    return "".join(text.replace("{n}", str(n)).replace("{n+1}", str(n + 1)) for n in range(times))


# What an attack opens

_opened: list[str] = []
_watching: list[Path] = []
_OUTSIDE = ("socket.", "subprocess.", "os.", "shutil.", "urllib.", "http.", "ctypes.", "pty.", "tempfile.")
_LOOKS = ("os.listdir", "os.scandir")


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """Whatever reaches outside the folder of the attack, but for Python's own modules."""
    if not _watching:
        return
    if event == "open" or event in _LOOKS:
        what = arguments[0]
        path = Path(os.fsdecode(what)).absolute() if isinstance(what, str | bytes | os.PathLike) else None
        writes = event == "open" and any(mode in str(arguments[1] or "r") for mode in "wax+")
        if path and not writes and any(path.is_relative_to(allowed) for allowed in _watching):
            return
        _opened.append(f"{event} {what!r}")
    elif event.startswith(_OUTSIDE):
        _opened.append(f"{event} {arguments!r}"[:200])


# Running


def outcomes(names: list[str]) -> Iterator[Outcome]:
    """Each attack, run in a child that is forked from this process, which has everything imported."""
    _warm_up()
    gc.freeze()  # so that a child copies no page of memory for the sake of counting
    sys.addaudithook(_note)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            yield _in_child(lambda folder=folder, name=name: _attacked(attacks()[name], Path(folder)), name)


def _warm_up() -> None:
    invoked = CliRunner().invoke(command_line, ["check", str(ROOT / "mappings")])
    assert invoked.exit_code == 0, invoked.output
    machine = _machine(ROOT / "mappings")
    for name in NAMED:
        machine.translate(read(name))
        machine.explain(read(name))
    _notifications()
    _records()
    broken = ROOT / "tests" / "bad_specs"
    CliRunner().invoke(command_line, ["check", str(broken)])


def _in_child(work: Callable[[], Outcome], name: str) -> Outcome:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_CPU, (FAREWELL, FAREWELL))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            outcome = work()
        except BaseException as error:
            outcome = Outcome(name, traceback=f"{type(error).__name__}: {error}"[:2_000])
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(asdict(outcome)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return Outcome(**json.loads(said)) if said else Outcome(name, traceback="killed")


def _least_seconds(work: Callable[[], Made], enough: float) -> tuple[float, Made]:
    """The seconds of the processor that some work takes, and what it gives: the least of three tries.

    A busy machine makes it longer and never shorter; one try that is short *enough* will do.
    """
    least = float("inf")
    for _ in range(3):
        start = time.process_time()
        made = work()
        least = min(least, time.process_time() - start)
        if least < enough:
            break
    return least, made


def _attacked(attack: Attack, folder: Path) -> Outcome:
    outcome = Outcome(attack.name)
    mappings = folder / "mappings"
    mappings.mkdir()
    (mappings / "attack.yaml").write_bytes(attack.spec)
    (folder / "secret.json").write_text(json.dumps(CANARY))
    os.chdir(folder)
    os.environ["ATTACK_CANARY"] = CANARY
    modules = [Path(path) for path in (*sys.path, sys.prefix, sys.base_prefix) if path and Path(path) != ROOT]
    _watching[:] = [folder, *modules, ROOT / "engine", ROOT / "schemas", FIXTURES]
    _check(outcome)
    if outcome.exit == 0:
        _translate(outcome)
    _watching.clear()
    outcome.opened = _opened
    outcome.megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return outcome


def _check(outcome: Outcome) -> None:
    outcome.check_seconds, told = _least_seconds(lambda: _invoked("check", "--json", "mappings"), 0.5)
    shown = _invoked("check", "mappings")
    outcome.exit = told.exit_code
    outcome.printed = shown.output[:20_000]
    outcome.issues = [json.loads(line) for line in told.output.splitlines()[:200]]
    for result in (told, shown):
        if result.exception and not isinstance(result.exception, SystemExit):
            outcome.traceback = repr(result.exception)


def _invoked(*arguments: str) -> InvokeResult:
    return CliRunner().invoke(command_line, arguments)


@cache
def _records() -> RecordsFile:
    return read_records(RECORDS)


def _machine(mappings: Path) -> Runner:
    return Runner(load(mappings), records=_records(), clock=StandingClock())


def _translate(outcome: Outcome) -> None:
    """What the spec makes of every fixture and of BIG; its own tests, too."""
    try:
        machine = _machine(Path("mappings"))
    except SpecError as error:
        outcome.traceback = f"check found nothing, and load: {error}"
        return
    digest = hashlib.sha256()
    for name, notification in _notifications().items():
        seconds, results = _least_seconds(partial(machine.translate, notification), 0.1)
        outcome.slowest_fixture = max(outcome.slowest_fixture, seconds)
        explained = machine.explain(notification) if name in _EXPLAINED else ()
        digest.update(repr((results, explained)).encode("utf-8", "surrogatepass"))
        for result in results:
            _measure(outcome, result)
    for plan in machine.router.plans:
        digest.update(repr(list(run_cases(plan, FIXTURES, _records()))).encode("utf-8", "surrogatepass"))
    outcome.big_seconds, results = _least_seconds(partial(machine.translate, BIG), 0.5)
    outcome.of_big = [_value_of(result) for result in results]
    outcome.made = digest.hexdigest()


_EXPLAINED = ("conversation.read", "ticket.created", "contact.user.updated")


@cache
def _notifications() -> dict[str, Notification]:
    """Every fixture, as if it were of the topic that attacks answer."""
    opened = {name: read_body(read(name)) for name in NAMED}
    return {
        name: replace(one, topic=BIG.topic, history=False)
        for name, one in opened.items()
        if isinstance(one, Notification)
    }


def _measure(outcome: Outcome, result: Result) -> None:
    if isinstance(result, Translation) and result.request:
        body = json.dumps(result.request.body, allow_nan=False, ensure_ascii=False).encode()
        outcome.largest_body = max(outcome.largest_body, len(body))
    said = f"{result.issues}{getattr(result, 'detail', '')}"
    assert CANARY not in said
    outcome.most_issues = max(outcome.most_issues, len(result.issues))


def _value_of(result: Result) -> Any:
    """What became of the property: its value, its failing, or nothing."""
    if not isinstance(result, Translation):
        return result.reason
    codes = [issue.code for issue in result.issues if issue.field == "properties.A"]
    found = result.properties.get("A")
    return "failed" if codes else "nothing" if found is None else {"value": found}


def main() -> None:
    """Run all attacks, or a part of them."""
    sys.dont_write_bytecode = True
    part, of = map(int, (sys.argv[1] if len(sys.argv) > 1 else "1/1").split("/"))
    for outcome in outcomes(list(attacks())[part - 1 :: of]):
        print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    main()
