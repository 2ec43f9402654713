"""What several tests need: fixtures, a clock that stands still, the shipped mappings at work."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from click.testing import CliRunner

from engine import Runner, Translation, load
from engine.commands import main
from engine.ports import Response

Case = TypeVar("Case")

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
RECORDS = FIXTURES / "records.yaml"
NAMED = sorted(path.stem for path in FIXTURES.glob("*.json"))
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ABSENT = object()
"""In `changed`: take the key out."""
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys instead of showing it, but for a line feed."""
PLAIN_ENVIRONMENT = {"COLUMNS": "80", "FORCE_COLOR": None, "NO_COLOR": None, "TERM": "dumb"}

Step = str | int


def some(cases: Iterable[Case], of: int) -> list[Case]:
    """Every case in so many of a long table; with `THOROUGH=1` in the environment all of them."""
    return [*cases][:: 1 if os.environ.get("THOROUGH") else of]


class StandingClock:
    """A clock for which it is always NOW."""

    def now(self) -> datetime:
        return NOW


@cache
def runner() -> Runner:
    """The shipped mappings with the records of the fixtures."""
    return Runner(load(ROOT / "mappings"), records=RECORDS, clock=StandingClock())


def read(name: str) -> dict[str, Any]:
    """A fixture by the name of its file: a new object each time."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def as_line(value: Any) -> bytes:
    """A JSON value as a line of NDJSON."""
    return json.dumps(value).encode() + b"\n"


def events(payload: Any, metric: str = "", every: bool = False) -> list[Translation]:
    """What comes of a notification; of one metric, where it is given."""
    results = runner().translate(payload, every=every)
    made = [result for result in results if isinstance(result, Translation)]
    return [one for one in made if not metric or one.metric == metric]


def the_event(payload: Any, metric: str = "") -> Translation:
    """The only thing that comes of a notification."""
    [event] = events(payload, metric)
    return event


def as_history(notification: Any) -> dict[str, Any]:
    """The same object as REST would give it, wrapped as the past."""
    item = notification["data"]["item"]
    ticket = item["ticket"] if item.get("type") == "ticket_ticket_part" else item
    wrapped = {"type": "notification_event", "history": True, "app_id": notification["app_id"]}
    return {**wrapped, "data": {"item": ticket}}


def changed(notification: Any, changes: dict[str, Any]) -> Any:
    """A copy with some places changed: paths of the item, or of the notification after `event.`."""
    made = deepcopy(notification)
    for path, value in changes.items():
        whole = path.startswith("event.")
        steps = steps_of(path.removeprefix("event."))
        put(made if whole else made["data"]["item"], steps, value)
    return made


def steps_of(path: str) -> list[Step]:
    """`a.b.0.c` as keys and places in lists."""
    return [int(step) if step.isdigit() else step for step in path.split(".")]


def put(value: Any, steps: list[Step], new: Any) -> None:
    """Set one place of a JSON value, or take it out."""
    *before, last = steps
    for step in before:
        value = value[step]
    if new is ABSENT:
        del value[last]
    else:
        value[last] = new


def places(value: Any, at: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any]]:
    """Every value inside a JSON value, with the way to it; the outermost last."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(inner):
        yield from places(child, (*at, key))
    yield at, value


class Ran(NamedTuple):
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        """What it printed, line by line, as JSON."""
        return [json.loads(line) for line in self.out.split("\n") if line]


def run(*arguments: str | Path, stdin: bytes = b"", columns: int = 80) -> Ran:
    """A command in this process; what is raised is raised here, so nothing ends in a traceback."""
    cli = CliRunner(env={**PLAIN_ENVIRONMENT, "COLUMNS": str(columns)})
    words = list(map(str, arguments))
    done = cli.invoke(main, words, input=stdin, prog_name="intercom-klaviyo", catch_exceptions=False)
    return Ran(done.exit_code, done.stdout_bytes.decode("utf-8"), done.stderr_bytes.decode("utf-8"))


def write(file: Path, content: str | bytes) -> Path:
    """Write a file, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return file


def check_session(expected: list[str], output: str, command: str) -> None:
    """Compare what a page says that a command prints with its output; `...` stands for any lines."""
    lines = [line.rstrip() for line in output.rstrip("\n").split("\n")]
    position, skipping = 0, False
    for line in expected:
        if line == "...":
            skipping = True
            continue
        if skipping:
            assert line in lines[position:], f"{command}: not printed: {line}"
            position = lines.index(line, position)
        assert lines[position : position + 1] == [line], command
        position, skipping = position + 1, False
    assert skipping or not expected or position == len(lines), f"{command}: more is printed"


class ManualClock:
    """A clock that only waiting moves on, and whose chance is always the same."""

    def __init__(self, start: datetime = NOW, jitter: float = 1.0) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []
        self._start = start
        self._jitter = jitter

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds

    def jitter(self) -> float:
        return self._jitter


@dataclass(frozen=True)
class Call:
    """A request that was sent over a `Wire`."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None = None

    def json(self) -> Any:
        """The body's value."""
        return json.loads(self.body or b"null")


@dataclass
class Wire:
    """A transport that answers from a function, and keeps what was sent over it."""

    answer: Callable[[Call], Response]
    calls: list[Call] = field(default_factory=list)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        call = Call(method, url, dict(headers), body)
        self.calls.append(call)
        return self.answer(call)


def answers(*given: Response | Exception) -> Wire:
    """A transport that gives these answers one after another, and the last for ever."""
    left = list(given)

    def answer(_: Call) -> Response:
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        return one

    return Wire(answer)


def json_answer(status: int, value: Any = None, **headers: str) -> Response:
    """An answer of JSON, or without a body; `Retry_After` stands for the header Retry-After."""
    named = {name.replace("_", "-").lower(): text for name, text in headers.items()}
    return Response(status, named, b"" if value is None else json.dumps(value).encode())


@cache
def _rest_answers() -> dict[str, Any]:
    """What Intercom's REST says of each record of the fixtures, by its path."""
    tables = records_file()
    found = {f"/{plural}/{row['id']}": row for plural, rows in tables.items() for row in rows}
    return found | {
        "/admins": {"type": "admin.list", "admins": tables["admins"]},
        "/teams": {"type": "team.list", "teams": tables["teams"]},
        "/tags": {"type": "list", "data": tables["tags"]},
    }


@cache
def records_file() -> dict[str, list[dict[str, Any]]]:
    """The tables of the fixtures' records."""
    return yaml.safe_load(RECORDS.read_text(encoding="utf-8"))


def records_as_intercom(method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
    """An answer of Intercom's REST, whose workspace has the records of the fixtures."""
    found = _rest_answers().get(path.partition("?")[0])
    if path == "/contacts/search":
        wanted = body["query"]["value"]
        rows = [row for row in records_file()["contacts"] if row["id"] in wanted]
        return 200, {}, {"type": "list", "data": rows, "total_count": len(rows), "pages": {"type": "pages"}}
    if path == "/me":
        app = {
            "type": "app",
            "id_code": "hx7q2m9d",
            "name": "Shop",
            "region": "EU",
            "timezone": "Europe/Berlin",
        }
        return 200, {}, {"type": "admin", "id": "1", "app": app}
    if found is None:
        return 404, {}, {"type": "error.list", "errors": [{"code": "not_found", "message": "not found"}]}
    return 200, {}, found
