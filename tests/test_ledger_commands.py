"""`status`, `events`, `dead` and `ledger`: what they show, how they end, and no customer in any of it."""

import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from engine.commands import events as events_command
from engine.commands import status as status_command
from engine.errors import Denied, NotSent
from engine.events import Accepted
from engine.ledger import accounts, limiter
from engine.ledger.accounts import Standing
from engine.ledger.limiter import Limiter, Window
from engine.ledger.reading import Wanted
from engine.relay.concerns import FEW_BYTES
from engine.relay.status import status
from engine.tools.alone import alone, is_held
from tests.canaries import CUSTOMER
from tests.ledgers import DAY, Shop, refusing, stand_still
from tests.support import NAMED, Ran, changed, read, run

REPLY = "ticket.contact.replied"
METRIC = "Replied to Ticket"
LEAD = "68b1c2d3e4f5a6b7c8d9e0ff"
EVERYTHING = [name for name in NAMED if not name.startswith(("history", "contact.deleted"))]
UNIQUE_ID = "ic:hx7q2m9d:ticket:215472629311301:reply:37403374704"


@pytest.fixture
def shop(here: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(Path())
    stand_still(monkeypatch, made.clock)
    return made


def ran(shop: Shop, *words: str, **extra: Any) -> Ran:
    """A command on the shop's ledger; no customer is in what it prints."""
    found = run(*words, "--ledger", shop.file, **extra)
    assert [word for word in CUSTOMER if word in found.out + found.err] == []
    return found


def needs(shop: Shop, **extra: Any) -> list[str]:
    return [f"{need.text} -> {need.next}" for need in status(shop.ledger, 30 * DAY, **extra).needs]


# status


def test_the_status_of_a_quiet_shop_fits_a_terminal(shop: Shop) -> None:
    shop.take(*EVERYTHING)
    shop.after(90)
    shop.relay.drain.release()
    found = ran(shop, "status")
    lines = found.out.splitlines()
    assert found.code == 0
    assert max(map(len, lines)) <= 80
    assert lines[:4] == [
        "waiting    0 notifications; 0 events; 0 profiles",
        "accepted   0 events in the last minute, 16 in the last hour",
        "Intercom   last webhook 90 seconds ago, last ping 90 seconds ago",
        "delivers   nobody: `serve` does, once it runs",
    ]
    assert lines[6:8] == [
        "                            ---- today ----  ---- in all ----       --- now ---",
        "                          accepted  skipped accepted  skipped   parked     dead",
    ]
    assert "Replied to Conversation          3        0        3        0        0        0" in lines
    assert lines[-1] == "nothing needs a person"


def test_a_new_day_begins_at_nothing(shop: Shop) -> None:
    shop.take(REPLY)
    shop.after(DAY)
    [metric] = [one for one in ran(shop, "status", "--json").rows[0]["metrics"] if one["name"] == METRIC]
    assert (metric["today"]["accepted"], metric["in_all"]["accepted"]) == (0, 1)


def test_what_waits_is_counted_with_its_age(shop: Shop) -> None:
    shop.sink.answer = lambda request: NotSent("no network")
    shop.take(REPLY)
    shop.after(300)
    shop.relay.put([json.dumps(read("ping")).encode()])
    found = ran(shop, "status", "--json").rows[0]
    waiting = found["waiting"]
    assert (waiting["notifications"], waiting["notifications_for"]) == (1, 0)
    assert (waiting["events"], waiting["events_for"]) == (1, 300)
    assert (waiting["profiles"], waiting["profiles_for"]) == (1, 300)
    failures = [(one["name"], one["failures"]) for one in found["accounts"]]
    assert failures == [("klaviyo events", 1), ("klaviyo profiles", 1)]
    assert [one["account"] for one in found["drainers"]] == [], "its lease has ended"


def test_the_windows_are_shown_with_what_klaviyo_allows(shop: Shop) -> None:
    limit = Limiter(shop.ledger, "klaviyo")
    for _ in range(3):
        limit.take("POST /api/events", [Window(61.0, 2_800), Window(1.1, 280)])
    limit.pause("POST /api/profile-import", 30)
    shop.after(5)
    with shop.ledger.read() as tx:
        used = limiter.used(tx, shop.ledger.now())
    assert [(one.endpoint, one.seconds, one.used) for one in used] == [
        ("POST /api/events", 61.0, 3),
        ("POST /api/events", 1.1, 0),
    ]
    lines = ran(shop, "status").out.splitlines()
    assert "limit      POST /api/events: 3 of 3,500 a minute" in lines


def dead(shop: Shop) -> None:
    shop.sink.answer = refusing(METRIC)
    shop.take(REPLY)


def parked(shop: Shop) -> None:
    shop.take(changed(read("conversation.read"), {"event.created_at": None}))


def paused(shop: Shop) -> None:
    with shop.ledger.write() as tx:
        accounts.put(tx, "klaviyo", Standing("Klaviyo does not accept the key", shop.ledger.now() - 7_200))


def paused_for_profiles(shop: Shop) -> None:
    with shop.ledger.write() as tx:
        accounts.put(tx, "klaviyo profiles", Standing("the key lacks profiles:write", shop.ledger.now()))


def paused_at_intercom(shop: Shop) -> None:
    class Refused:
        def fetch(self, table: str, ids: Any) -> Any:
            raise Denied("the token may not read contacts")

    shop.relay.translator._machine._records = Refused()
    shop.take(REPLY)


def damaged(shop: Shop) -> None:
    with shop.ledger.write() as tx:
        tx.exec_driver_sql("update inbox set raw = x'00'")
    shop.relay.put([json.dumps(read("ping")).encode()])
    with shop.ledger.write() as tx:
        tx.exec_driver_sql("update inbox set raw = x'00'")
    shop.relay.work_off()


def silent(shop: Shop) -> None:
    shop.take("ping")
    shop.after(25 * 3_600)


@pytest.mark.parametrize(
    ("make", "what", "next_"),
    [
        (dead, "1 dead: ", "`intercom-klaviyo dead` says why"),
        (parked, "1 parked: they cannot be made yet (no_time)", "`intercom-klaviyo dead --parked` says why"),
        (paused, "nothing is sent to Klaviyo: Klaviyo does not accept the key", "KLAVIYO_API_KEY"),
        (paused_for_profiles, "no profiles are sent to Klaviyo: the key lacks", "KLAVIYO_API_KEY"),
        (
            paused_at_intercom,
            "nothing is translated, since Intercom cannot be asked: the token may not",
            "INTERCOM_TOKEN",
        ),
        (
            damaged,
            "what the ledger holds had changed on the disk, 1 time since yesterday",
            "`intercom-klaviyo ledger check`",
        ),
        (silent, "nothing has come from Intercom for 25 hours", "Webhooks > Set live"),
    ],
)
def test_what_needs_a_person_is_told_with_what_to_do(make: Any, what: str, next_: str, shop: Shop) -> None:
    assert needs(shop) == []
    make(shop)
    [need] = needs(shop)
    assert need.startswith(what)
    assert next_ in need
    found = ran(shop, "status")
    assert (found.code, "1 thing to see to" in found.out) == (1, True)
    assert max(map(len, found.out.splitlines())) <= 80


def test_a_disk_that_is_nearly_full_needs_a_person(shop: Shop) -> None:
    assert needs(shop, free_bytes=FEW_BYTES) == []
    [need] = needs(shop, free_bytes=FEW_BYTES - 1)
    assert "has 500 MB left" in need


def test_what_waits_for_an_address_or_died_long_ago_needs_nobody(shop: Shop) -> None:
    shop.take(changed(read("ticket.created"), {"contacts.contacts.0.id": LEAD}))
    assert needs(shop) == []
    dead(shop)
    shop.after(31 * DAY)
    assert [need for need in needs(shop) if "dead" in need] == []


def test_a_watched_status_is_shown_again_until_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    waits = []

    class Impatient:
        def sleep(self, seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                raise KeyboardInterrupt

    assert status_command.watched(lambda: (["all is well"], True), Impatient()) is True
    assert capsys.readouterr().out == "all is well\n\n" * 3
    assert waits == [2.0] * 3


# events


def test_events_are_lines_with_what_became_of_each(shop: Shop) -> None:
    shop.take("ticket.created")
    shop.after(60)
    dead(shop)
    found = ran(shop, "events")
    assert (found.code, found.out.splitlines()) == (
        0,
        [
            "2026-11-21T00:00:00Z accepted  Created Ticket           "
            "ic:hx7q2m9d:ticket:215472629311301:created contact 68b1c2d3e4f5a6b7c8d9e0f1",
            "2026-11-21T00:00:00Z accepted  Submitted Ticket         "
            "ic:hx7q2m9d:ticket:215472629311301:state:37403374401 contact 68b1c2d3e4f5a6b7c8d9e0f1",
            f"2026-11-21T00:01:00Z dead      Replied to Ticket        {UNIQUE_ID} contact "
            "68b1c2d3e4f5a6b7c8d9e0f1  refused: Klaviyo refuses it",
            "",
            "3 events: 2 accepted, 1 dead",
        ],
    )


@pytest.mark.parametrize(
    ("words", "metrics"),
    [
        (("--metric", METRIC), [METRIC]),
        (("--outcome", "accepted"), ["Created Ticket", "Submitted Ticket"]),
        (("--contact", LEAD), []),
        (("--contact", "68b1c2d3e4f5a6b7c8d9e0f1"), ["Created Ticket", "Submitted Ticket", METRIC]),
        (("--since", "59s"), [METRIC]),
        (("--since", "1m"), ["Created Ticket", "Submitted Ticket", METRIC]),
        (("--since", "2026-11-21T00:01:00Z"), [METRIC]),
        (("--limit", "1"), [METRIC]),
        (("--outcome", "skipped"), ["ping"]),
        ((), ["Created Ticket", "Submitted Ticket", METRIC]),
    ],
)
def test_events_can_be_chosen(words: tuple[str, ...], metrics: list[str], shop: Shop) -> None:
    shop.take("ticket.created", "ping")
    shop.after(60)
    dead(shop)
    assert [row["metric"] for row in ran(shop, "events", "--json", *words).rows] == metrics


def test_an_old_event_that_was_accepted_just_now_is_lately(shop: Shop) -> None:
    shop.sink.answer = lambda request: NotSent("no network")
    shop.take(REPLY)
    shop.after(DAY)
    assert ran(shop, "events", "--since", "1h").out == "\n0 events\n"
    shop.sink.answer = lambda request: Accepted()
    shop.relay.work_off()
    assert [row["outcome"] for row in ran(shop, "events", "--since", "1h", "--json").rows] == ["accepted"]


def test_values_are_shown_to_who_asks_for_them(shop: Shop) -> None:
    shop.take(REPLY)
    [row] = run("events", "--json", "--show-values", "--ledger", shop.file).rows
    assert row["body"]["data"]["attributes"]["profile"]["data"]["attributes"]["email"] == CUSTOMER[0]
    assert CUSTOMER[0] in run("events", "--show-values", "--ledger", shop.file).out
    assert "body" not in ran(shop, "events", "--json").rows[0]


def test_who_follows_sees_each_thing_once(shop: Shop) -> None:
    shop.sink.answer = lambda request: NotSent("no network")
    shop.take("ticket.created")
    waits: list[float] = []
    told: list[tuple[str, str]] = []

    class Steps:
        def sleep(self, seconds: float) -> None:
            waits.append(seconds)
            shop.after(seconds)
            if len(waits) == 2:
                shop.take(REPLY)
            if len(waits) == 5:
                shop.sink.answer = lambda request: Accepted()
                shop.after(100)
                shop.relay.work_off()
            if len(waits) == 8:
                raise KeyboardInterrupt

    events_command.followed(
        shop.ledger, Wanted(), lambda one: told.append((one.metric, one.outcome)), Steps()
    )
    assert told == [
        (METRIC, "queued"),
        ("Created Ticket", "accepted"),
        ("Submitted Ticket", "accepted"),
        (METRIC, "accepted"),
    ]
    assert waits == [1.0] * 8


# dead


def test_what_is_dead_or_parked_is_listed_with_its_id(shop: Shop) -> None:
    assert ran(shop, "dead").code == 0
    dead(shop)
    shop.after(1)
    parked(shop)
    rows = ran(shop, "dead", "--json").rows
    assert [(row["id"], row["outcome"], row["reason"]) for row in rows] == [
        ("1", "dead", "refused"),
        ("2", "parked", "no_time"),
    ]
    assert ran(shop, "dead").code == 1
    for words, ids in (
        (("--dead",), ["1"]),
        (("--parked",), ["2"]),
        (("--reason", "refused"), ["1"]),
        (("--metric", "Read Conversation"), ["2"]),
        (("--since", "0s"), ["2"]),
        (("--limit", "1"), ["2"]),
        (("--metric", "Nothing"), []),
    ):
        found = ran(shop, "dead", "--json", *words)
        assert ([row["id"] for row in found.rows], found.code) == (ids, int(bool(ids))), words
    assert ran(shop, "dead", "--dead", "--parked").code == 2


def test_one_is_shown_whole_with_the_command_to_run_now(shop: Shop) -> None:
    dead(shop)
    found = run("dead", "--ledger", shop.file, "show", "1")
    assert [word for word in CUSTOMER if word in found.out] == []
    lines = found.out.splitlines()
    assert lines[:9] == [
        f"what          Replied to Ticket {UNIQUE_ID}",
        "outcome       dead",
        "why           refused: Klaviyo refuses it",
        "points at     /data/attributes/properties",
        "contact       68b1c2d3e4f5a6b7c8d9e0f1",
        "happened      2026-09-01T11:10:00Z",
        "told by       ticket.contact.replied of 2026-11-21T00:00:00Z, which is kept",
        lines[7],
        "tried         1 time, first 2026-11-21T00:00:00Z; the last 2026-11-21T00:00:00Z",
    ]
    assert lines[9].startswith("next          mend the mapping, try it with `replay --dead --metric")
    assert '                "email": "[text of 26]",' in lines
    assert found.code == 1
    shown = run("dead", "--ledger", shop.file, "show", "1", "--show-values").out
    assert CUSTOMER[0] in shown
    [row] = run("dead", "--ledger", shop.file, "show", "1", "--json").rows
    assert (row["outcome"], row["tries"], row["is_kept"], row["topic"]) == ("dead", 1, True, REPLY)
    assert not [word for word in CUSTOMER if word in json.dumps(row)]


def test_a_dead_profile_is_shown_by_its_contact(shop: Shop) -> None:
    shop.sink.answer = refusing("")
    shop.take("contact.user.updated")
    [row] = ran(shop, "dead", "--json").rows
    assert (row["id"], row["metric"]) == ("profile:68b1c2d3e4f5a6b7c8d9e0f1", "Intercom contact")
    found = run("dead", "--ledger", shop.file, "show", row["id"])
    assert found.code == 1
    assert [word for word in CUSTOMER if word in found.out] == []


@pytest.mark.parametrize("id_", ["99", "profile:nobody", "abc", "9" * 30, "-1", "1'--", "\u0663"])
def test_an_id_that_there_is_not_is_said_to_be_none(id_: str, shop: Shop) -> None:
    found = run("dead", "--ledger", shop.file, "show", "--", id_)
    assert (found.code, found.out) == (2, "")
    assert "the ledger has no event" in found.err


# ledger


def test_a_sound_ledger_is_counted(shop: Shop) -> None:
    shop.take(REPLY, "contact.user.updated")
    found = ran(shop, "ledger", "check")
    assert (found.code, found.out) == (0, "2 notifications, 1 event and 0 profiles opened: 0 faults\n")


def test_a_payload_that_has_changed_is_found(shop: Shop) -> None:
    dead(shop)
    with shop.ledger.write() as tx:
        tx.exec_driver_sql(
            "update outbox set body = cast(substr(body, 1, 20) || x'00' || substr(body, 22) as blob)"
        )
        tx.exec_driver_sql("update inbox set checksum = null")
    found = ran(shop, "ledger", "check")
    assert (found.code, found.out.splitlines()) == (
        1,
        [
            "changed on the disk: notification:1",
            "changed on the disk: event 1",
            "1 notification, 1 event and 0 profiles opened: 2 faults",
        ],
    )
    assert ran(shop, "ledger", "check", "--json").rows[0]["damaged"] == ["notification:1", "1"]


@pytest.mark.parametrize("at", [0, 5_000])
def test_a_file_that_is_damaged_is_found_and_kept(at: int, shop: Shop) -> None:
    shop.take(*EVERYTHING)
    shop.ledger.close()
    connection = sqlite3.connect(shop.file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    raw = bytearray(shop.file.read_bytes())
    raw[at : at + 4_000] = b"\xff" * 4_000
    shop.file.write_bytes(raw)
    found = ran(shop, "ledger", "check")
    assert found.code == 1
    assert found.out.startswith("the file: ")
    assert "go back to a backup" in found.err
    assert shop.file.read_bytes()[4_096:] == raw[4_096:]
    assert ran(shop, "status").code == 2


def test_a_purge_takes_away_and_its_dry_run_does_not(shop: Shop) -> None:
    shop.take(*EVERYTHING)
    shop.after(8 * DAY)
    told = ran(shop, "ledger", "purge", "--dry-run")
    assert "       16  events that Klaviyo has, or that were skipped" in told.out.splitlines()
    assert shop.states() == {"accepted": 16}
    done = ran(shop, "ledger", "purge")
    assert (done.code, done.out.splitlines()[3]) == (0, told.out.splitlines()[3])
    assert shop.states() == {}
    assert ran(shop, "ledger", "purge", "--json").rows[0]["events"] == 0


def test_how_long_things_are_kept_is_a_setting(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.take(*EVERYTHING)
    shop.after(60)
    monkeypatch.setenv("LEDGER_KEEP_DAYS", "0")
    assert ran(shop, "ledger", "purge", "--json").rows[0]["events"] == 16


def test_a_backup_is_a_ledger_of_its_own_and_replaces_nothing_unasked(shop: Shop, tmp_path: Path) -> None:
    shop.take("ticket.created")
    copy = tmp_path / "copies" / "copy.db"
    copy.parent.mkdir()
    assert ran(shop, "ledger", "backup", str(copy)).code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [file.name for file in copy.parent.iterdir()] == ["copy.db"]
    dead(shop)
    again = ran(shop, "ledger", "backup", str(copy))
    assert (again.code, again.err) == (2, f"error: {copy} is there already: --force replaces it\n")
    assert run("dead", "--json", "--ledger", copy).rows == []
    assert ran(shop, "ledger", "backup", "--force", str(copy)).code == 0
    assert [row["metric"] for row in run("dead", "--json", "--ledger", copy).rows] == [METRIC]
    for file, said in (
        (shop.file, "is the ledger itself"),
        (tmp_path / "none" / "x.db", "cannot be written"),
    ):
        found = ran(shop, "ledger", "backup", "--force", str(file))
        assert (found.code, said in found.err) == (2, True)


# Where there is none


COMMANDS = [
    ("status",), ("events",), ("dead",), ("replay", "--dead"), ("ledger", "check"), ("ledger", "purge"),
    ("ledger", "backup", "copy.db"),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_without_a_ledger_none_is_made(words: tuple[str, ...], here: Path) -> None:
    found = run(*words)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: there is no ledger ledger.db: `serve` makes it")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_file_that_is_no_ledger_is_left_as_it_is(words: tuple[str, ...], here: Path) -> None:
    file = here / "ledger.db"
    file.write_text("no ledger", encoding="utf-8")
    file.chmod(0o600)
    found = run(*words)
    assert found.code == (1 if words[-1] == "check" else 2)
    assert "Traceback" not in found.err
    assert file.read_text(encoding="utf-8") == "no ledger"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_without_the_extra_it_is_said_what_to_install(
    words: tuple[str, ...], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    (here / "ledger.db").touch(0o600)
    for name in [one for one in sys.modules if one.startswith(("engine.ledger", "engine.relay"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    found = run(*words)
    assert (found.code, found.out) == (2, "")
    assert found.err == "error: the ledger needs more packages: pip install 'intercom-klaviyo[relay]'\n"


def test_a_serve_that_has_ended_is_missed_and_one_that_never_was_is_not(shop: Shop) -> None:
    lock = shop.file.with_name("ledger.db.lock")
    assert (is_held(shop.file), needs(shop, is_served=is_held(shop.file))) == (None, [])
    with alone(shop.file, "1 owner"):
        assert is_held(shop.file) is True
        assert needs(shop, is_served=True) == []
    assert lock.stat().st_mode & 0o077 == 0
    assert is_held(shop.file) is False
    [told] = needs(shop, is_served=False)
    assert "no `serve` runs on this ledger" in told
    assert "start it" in told


def test_status_needs_no_secret_although_one_cannot_be_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLAVIYO_API_KEY_FILE", "/nowhere/key")
    monkeypatch.setenv("INTERCOM_TOKEN", "two words")
    assert run("status", "--ledger", str(shop.file)).code == 0
    assert run("events", "--ledger", str(shop.file)).code == 0


@pytest.mark.parametrize("command", [["events"], ["dead"], ["replay", "--dead"]])
@pytest.mark.parametrize(
    ("metric", "told"),
    [
        (METRIC, ""),
        (METRIC.lower(), f'knows no metric "{METRIC.lower()}"; did you mean "{METRIC}"?'),
        ("Zebra", 'note: the ledger knows no metric "Zebra"\n'),
    ],
)
def test_a_metric_that_the_ledger_has_never_heard_of_is_told(
    command: list[str], metric: str, told: str, shop: Shop
) -> None:
    shop.take(REPLY)
    found = ran(shop, *command, "--metric", metric)
    assert told in found.err
    assert ("knows no metric" in found.err) is bool(told)
