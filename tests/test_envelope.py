"""The envelope: all that is read of a notification before it is kept."""

import json

import pytest
from sqlalchemy import text

from engine.errors import Unreadable
from engine.ledger.store import Ledger
from engine.relay.envelope import received
from tests.receiving import notification

HALF = b'"\\ud83d"'
"""Half of an emoji, as JSON may hold it."""

NONE_OF_INTERCOM = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "two values": b'{"id": "a"} {}',
    "an id that is a number": b'{"id": 1}',
    "a very long id": json.dumps({"id": "a" * 201}).encode(),
    "an id that is no text": b'{"id": ' + HALF + b"}",
    "nested too deep": b'{"id": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "no id, and nested too deep": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "no id, and no UTF-8": b'{"id": null, "x": "\xff"}',
    "no id, and a number without end": b'{"id": null, "x": 1e400}',
}


@pytest.mark.parametrize("raw", NONE_OF_INTERCOM.values(), ids=NONE_OF_INTERCOM)
def test_what_is_no_notification_is_unreadable_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        received(raw, 1.0)


@pytest.mark.parametrize("name", ["notif_1", None])
def test_half_an_emoji_somewhere_does_not_cost_the_notification(name: str | None) -> None:
    raw = notification(name, data={"item": {"title": "here"}}).replace(b'"here"', HALF)
    one = received(raw, 1.0)
    assert (one.workspace, one.topic, one.raw) == ("hx7q2m9d", "conversation.read", raw)
    assert one.notification == (name or received(raw, 2.0).notification)


def test_without_an_id_it_is_known_by_what_stays_the_same_when_it_is_sent_again() -> None:
    first = received(notification(None, delivery_attempts=1, first_sent_at=1), 1.0)
    again = received(notification(None, first_sent_at=1, delivery_attempts=2), 61.0)
    other = received(notification(None, delivery_attempts=1, created_at=2), 1.0)
    assert first.notification == again.notification != other.notification


def test_a_refusal_of_the_database_shows_nothing_of_a_row(tmp_path) -> None:
    ledger = Ledger(tmp_path / "relay.db")
    with pytest.raises(Exception, match="no such column") as caught, ledger.read() as tx:
        tx.execute(text("select missing from inbox where topic = :topic"), {"topic": "of a customer"})
    assert "of a customer" not in str(caught.value)
    ledger.close()
