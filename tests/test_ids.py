"""One event, one id, however it is told: the pairs of ids.yaml, and what is true of every id."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine import Runner, Skipped, Translation, load
from tests.support import NAMED, RECORDS, ROOT, StandingClock, as_history, changed, events, read, runner

TABLE = yaml.safe_load((ROOT / "tests" / "ids.yaml").read_text(encoding="utf-8"))
HAVE_HISTORY = {
    "Created Conversation", "Rated Conversation", "Replied to Conversation", "Created Ticket",
    "Submitted Ticket", "Replied to Ticket", "Marked Ticket On Hold", "Resolved Ticket",
}  # fmt: skip


def listed(tellings: Any) -> list[Any]:
    return tellings if isinstance(tellings, list) else [tellings]


def pairs() -> list[Any]:
    made = []
    for group in TABLE:
        for row in group["rows"]:
            both = [(this, that) for this in listed(row["this"]) for that in listed(row["that"])]
            for place, (this, that) in enumerate(both, 1):
                name = f"{group['metric']}: {row['pair']}" + (f" ({place})" if len(both) > 1 else "")
                made.append(pytest.param(group["metric"], row, this, that, id=name))
    return made


def told(telling: Any, metric: str) -> dict[str, Any]:
    """The times of a telling's events, by id."""
    telling = {"given": telling} if isinstance(telling, str) else telling
    assert telling.keys() <= {"given", "with", "parts", "history", "every", "metric"}
    notification = changed(read(telling["given"]), telling.get("with", {}))
    if "parts" in telling:
        item = notification["data"]["item"]
        parts = item.get("ticket_parts") or item["conversation_parts"]
        key = parts["type"].removesuffix(".list") + "s"
        parts[key] = [parts[key][place] for place in telling["parts"]]
    if telling.get("history"):
        notification = as_history(notification)
    found = events(notification, telling.get("metric", metric), every=telling.get("every", False))
    return {event.unique_id: event.time for event in found}


@pytest.mark.parametrize(("metric", "row", "this", "that"), pairs())
def test_two_tellings_are_one_event_or_two(metric: str, row: dict[str, Any], this: Any, that: Any) -> None:
    one, other = told(this, metric), told(that, metric)
    assert one, "this telling gives no event"
    if row["ids"] == "same":
        assert one.keys() == other.keys()
        assert (one == other) == (row.get("times") != "differ")
    elif row["ids"] == "among":
        assert one.items() <= other.items()
    elif row["ids"] == "different":
        assert other, "that telling gives no event"
        assert one.keys().isdisjoint(other)
    else:
        assert row["ids"] == "none"
        assert other == {}
    assert row.get("id") in (None, *one)


def test_a_rating_that_was_only_asked_for_is_no_event_and_none_that_waits() -> None:
    asked = changed(read("conversation.rating.added"), {"conversation_rating.rating": None})
    assert [type(one) for one in runner().translate(asked)] == [Skipped]


def test_the_table_is_large_and_leaves_nothing_out() -> None:
    rows = [row for group in TABLE for row in group["rows"]]
    assert len(rows) >= 30
    assert {group["metric"] for group in TABLE} == HAVE_HISTORY | {"Read Conversation"}
    for group in TABLE:
        pairs = [row["pair"] for row in group["rows"]]
        assert len(set(pairs)) == len(pairs)
        wanted = {"the retry after a minute", "another API version", "two workspaces"}
        assert wanted <= set(pairs), group["metric"]
        assert any(pair.startswith("the past") for pair in pairs), group["metric"]


def everything() -> list[Translation]:
    """Every event of every fixture, live and as history, with all that its payload tells."""
    tellings = [read(name) for name in NAMED]
    tellings += [as_history(telling) for telling in tellings]
    found = [
        event for telling in tellings for every in (False, True) for event in events(telling, every=every)
    ]
    return [event for event in found if event.unique_id]


def test_an_id_is_short_plain_text() -> None:
    ids = {event.unique_id for event in everything()}
    assert len(ids) > 10
    assert [one for one in ids if not re.fullmatch(r"ic:[!-~]+", one) or len(one) > 120] == []


def test_an_id_does_not_contain_the_metrics_label() -> None:
    for event in everything():
        label = re.escape(event.metric).replace(r"\ ", r"(\W|_|%20)*")
        assert not re.search(label, event.unique_id, re.IGNORECASE)


def test_a_renamed_metric_keeps_its_ids(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    for path in (ROOT / "mappings").rglob("*.yaml"):
        text = re.sub(r"^metric: ", "metric: Acme ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (tmp_path / path.relative_to(ROOT / "mappings")).write_text(text, encoding="utf-8")
    renamed = Runner(load(tmp_path), records=RECORDS, clock=StandingClock())
    for name in NAMED:
        before, after = (
            [
                (one.metric, one.unique_id)
                for one in machine.translate(read(name))
                if isinstance(one, Translation)
            ]
            for machine in (runner(), renamed)
        )
        assert after == [(f"Acme {metric}" if one else metric, one) for metric, one in before]


def test_one_id_is_never_used_for_two_metrics() -> None:
    metrics: dict[str, set[str]] = {}
    for event in everything():
        metrics.setdefault(event.unique_id, set()).add(event.metric)
    assert {one: names for one, names in metrics.items() if len(names) > 1} == {}
