"""How notifications arrive: signed, tried twice, never in a promised order, and counted."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.errors import FateUnknown
from engine.intercom.webhook import read as opened
from engine.ports import Response
from engine.sandbox.intercom.deliveries import Fate
from engine.sandbox.intercom.scenarios import Scenarios
from engine.sandbox.intercom.sender import Chances, Sender
from engine.sandbox.intercom.switches import Switches
from engine.sandbox.intercom.workspace import Workspace
from tests.support import NOW, Call, ManualClock

SECRET = "test_client_secret"
URL = "https://shop.example.com/webhooks/intercom"
WORKSPACE = Workspace.of(2, 0, now=NOW)


@dataclass
class Receiver:
    """Answers with what a function says of the number of the POST, and takes its time."""

    answer: Callable[[int], int | Exception] = lambda number: 200
    seconds: float = 0.0
    clock: ManualClock = field(default_factory=ManualClock)
    calls: list[Call] = field(default_factory=list)

    def send(self, method: str, url: str, headers: Any, body: bytes | None = None) -> Response:
        self.calls.append(Call(method, url, dict(headers), body))
        if method == "HEAD":
            return Response(200)
        self.clock.seconds += self.seconds
        answer = self.answer(len(self.posts))
        if isinstance(answer, Exception):
            raise answer
        return Response(answer)

    @property
    def posts(self) -> list[Call]:
        return [call for call in self.calls if call.method == "POST"]

    @property
    def told(self) -> list[Any]:
        return [call.json() for call in self.posts]


def a_sender(receiver: Receiver, **options: Any) -> Sender:
    return Sender(WORKSPACE, URL, SECRET, receiver, receiver.clock, **options)


def notifications(count: int) -> list[Any]:
    """Tags of a contact, one after another."""
    workspace = Workspace.of(0, 0, now=NOW)
    scenarios = Scenarios(workspace, ManualClock())
    contact = next(iter(workspace.contacts))
    return [told for _ in range(count) for told in scenarios.tag(contact, "12934044")]


def fates(sender: Sender) -> list[Fate]:
    return [one.fate for one in sender.books.tries]


def test_a_url_is_saved_when_it_answers_head_and_then_it_is_pinged() -> None:
    receiver = Receiver()
    assert a_sender(receiver).register()
    assert [call.method for call in receiver.calls] == ["HEAD", "POST"]
    [ping] = receiver.told
    assert (ping["topic"], ping["id"], ping["delivery_status"]) == ("ping", None, None)
    assert ping["data"]["item"]["type"] == "ping"


@pytest.mark.parametrize("answer", [Response(404), FateUnknown("nothing came")])
def test_a_url_that_does_not_answer_head_is_not_saved(answer: Any) -> None:
    class Closed(Receiver):
        def send(self, method: str, url: str, headers: Any, body: bytes | None = None) -> Response:
            if isinstance(answer, Exception):
                raise answer
            return answer

    sender = a_sender(Closed())
    assert not sender.register()
    assert sender.books.tries == []


def test_a_notification_is_signed_over_its_very_bytes_and_the_product_opens_it() -> None:
    receiver = Receiver()
    sender = a_sender(receiver)
    sender.offer(notifications(1))
    sender.run()
    [post] = receiver.posts
    signature = hmac.new(SECRET.encode(), post.body, hashlib.sha1).hexdigest()
    assert post.headers["X-Hub-Signature"] == f"sha1={signature}"
    assert post.headers["User-Agent"] == "intercom-parrot-service-client/1.0"
    assert post.headers["Content-Type"] == post.headers["Accept"] == "application/json"
    assert opened(post.headers, post.body, [SECRET]).topic == "contact.user.tag.created"
    assert b"\\u" not in post.body  # text beyond ASCII as it is, as Intercom writes it


def test_what_fails_is_tried_once_more_a_minute_later_with_the_same_id() -> None:
    receiver = Receiver(lambda number: 500 if number == 1 else 200)
    sender = a_sender(receiver)
    sender.offer(notifications(1))
    sender.run()
    first, second = receiver.told
    assert (first["id"], first["delivery_attempts"]) == (second["id"], 1)
    assert second["delivery_attempts"] == 2
    assert {**second, "delivery_attempts": 1} == first
    assert receiver.clock.waits == [60.0]
    assert fates(sender) == [Fate.RETRIED, Fate.DELIVERED]


def test_the_minute_can_be_shortened_and_the_id_may_be_another() -> None:
    receiver = Receiver(lambda number: 401 if number == 1 else 200)
    sender = a_sender(receiver, scale=0.01, switches=Switches(retry_keeps_id=False))
    sender.offer(notifications(1))
    sender.run()
    assert receiver.clock.waits == [0.6]
    assert receiver.told[0]["id"] != receiver.told[1]["id"]


@pytest.mark.parametrize("answer", [404, 503, 302, FateUnknown("nothing came")])
def test_what_fails_twice_is_lost(answer: Any) -> None:
    receiver = Receiver(lambda number: answer)
    sender = a_sender(receiver)
    sender.offer(notifications(1))
    sender.run()
    assert fates(sender) == [Fate.RETRIED, Fate.FAILED]
    assert sender.waiting == 0


def test_an_answer_after_five_seconds_is_none_so_a_slow_200_comes_twice() -> None:
    receiver = Receiver(seconds=5.1)
    sender = a_sender(receiver)
    sender.offer(notifications(1))
    sender.run()
    assert fates(sender) == [Fate.RETRIED, Fate.FAILED]
    assert [one.status for one in sender.books.tries] == [None, None]
    quick = a_sender(Receiver(seconds=4.9))
    quick.offer(notifications(1))
    quick.run()
    assert fates(quick) == [Fate.DELIVERED]
    assert quick.books.slow == 1


def test_410_ends_it_for_ever() -> None:
    receiver = Receiver(lambda number: 410)
    sender = a_sender(receiver)
    sender.offer(notifications(3))
    sender.run()
    assert len(receiver.posts) == 1
    assert fates(sender) == [Fate.DISABLED] * 3
    assert sender.is_disabled


def test_429_makes_everything_wait_longer_each_time_until_it_is_taken() -> None:
    receiver = Receiver(lambda number: 429 if number < 4 else 200)
    sender = a_sender(receiver)
    sender.offer(notifications(2))
    sender.run()
    assert receiver.clock.waits == [60.0, 120.0, 240.0]
    assert fates(sender) == [Fate.THROTTLED] * 3 + [Fate.DELIVERED] * 2
    assert [one["delivery_attempts"] for one in receiver.told] == [1] * 5


def test_what_has_waited_for_two_hours_is_dropped() -> None:
    receiver = Receiver(lambda number: 429 if number < 100 else pytest.fail("it never ends"))
    sender = a_sender(receiver)
    sender.offer(notifications(2))
    sender.run()
    assert max(receiver.clock.waits) <= 7200
    assert fates(sender)[-2:] == [Fate.DROPPED] * 2
    assert sender.waiting == 0


def test_over_a_thousand_errors_in_a_row_pause_it_and_what_falls_due_meanwhile_is_dropped() -> None:
    receiver = Receiver(lambda number: 500 if number <= 1001 else 200)
    sender = a_sender(receiver)
    sender.offer(notifications(1001))
    sender.run()
    counts = sender.books.counts()
    assert (len(receiver.posts), counts["retried"], counts["dropped"]) == (1001, 1001, 1001)
    receiver.clock.seconds += 15 * 60
    sender.offer(notifications(1))
    sender.run()
    assert sender.books.tries[-1].fate is Fate.DELIVERED


def test_a_ping_is_counted_apart_from_what_happened() -> None:
    sender = a_sender(Receiver())
    sender.register()
    sender.offer(notifications(2))
    sender.run()
    assert sender.books.counts() == {"pings": 1, "delivered": 2}


def test_a_thousand_errors_are_not_yet_too_many_and_a_good_answer_starts_anew() -> None:
    receiver = Receiver(lambda number: 200 if number == 1001 else 500)
    sender = a_sender(receiver)
    sender.offer(notifications(1500))
    sender.run(30)
    assert sender.paused_until == 0
    assert len(receiver.posts) == 1500


def test_only_what_is_subscribed_to_is_sent() -> None:
    receiver = Receiver()
    sender = a_sender(receiver, topics={"contact.deleted"})
    sender.offer(notifications(3))
    sender.run()
    assert receiver.calls == []


def test_chance_loses_doubles_and_disorders_and_the_books_say_so() -> None:
    receiver = Receiver()
    sender = a_sender(receiver, chances=Chances(duplicates=0.2, delays=0.3, losses=0.1), seed=5)
    given = notifications(300)
    sender.offer(given)
    sender.run()
    ids = [told["id"] for told in receiver.told]
    counts, chances = sender.books.counts(), sender.books.chances
    assert len(ids) == 300 - chances["lost"] + chances["duplicated"] == counts["delivered"]
    assert len(ids) - len(set(ids)) == chances["duplicated"]
    assert counts["lost"] == chances["lost"]
    assert (counts["duplicated"], counts["delayed"]) == (chances["duplicated"], chances["delayed"])
    assert min(chances["lost"], chances["duplicated"], chances["delayed"]) > 10
    order = [one["id"] for one in given]
    assert [order.index(key) for key in dict.fromkeys(ids)] != sorted(order.index(key) for key in set(ids))
    assert sender.books.delivered() == set(ids)


def test_without_chances_everything_comes_once_and_in_order() -> None:
    receiver = Receiver()
    sender = a_sender(receiver)
    given = notifications(50)
    sender.offer(given)
    sender.run()
    assert receiver.told == given


def test_the_same_seed_gives_the_same_books() -> None:
    books = []
    for _ in range(2):
        sender = a_sender(Receiver(lambda number: 500 if number % 7 == 0 else 200), seed=3,
                          chances=Chances(0.1, 0.1, 0.1))  # fmt: skip
        sender.offer(notifications(100))
        sender.run()
        books.append(sender.books)
    assert books[0] == books[1]


def test_a_pause_between_notifications_is_waited_on_the_clock_alone() -> None:
    receiver = Receiver()
    sender = a_sender(receiver)
    sender.offer(notifications(1))
    sender.run(600)
    assert receiver.clock.seconds == 600


def test_two_workspaces_can_send_to_one_url_and_are_told_apart_by_their_id() -> None:
    receiver = Receiver()
    for app_id in ("hx7q2m9d", "kk4n8w2z"):
        workspace = Workspace.of(0, 0, now=NOW)
        workspace.app_id = app_id
        sender = Sender(workspace, URL, SECRET, receiver, receiver.clock)
        sender.offer(Scenarios(workspace, receiver.clock).arrive())
        sender.run()
    assert [told["app_id"] for told in receiver.told] == ["hx7q2m9d", "kk4n8w2z"]
