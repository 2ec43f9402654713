"""Real notifications of many people, made from fixtures, with the shipped mappings to translate them."""

import json
from functools import cache
from typing import Any

from engine import Runner, load
from tests.proofs.history import History
from tests.support import ROOT, StandingClock, read, records_file

CONVERSATION, CONTACT, FIRST = "215472621202701", "68b1c2d3e4f5a6b7c8d9e0f1", 1788170400
PEOPLE = 150


def contact_id(person: int) -> str:
    """Of one of the people."""
    return f"68b1c2d3e4f5a6b7{person:08d}"


def contact(person: int, **changes: Any) -> dict[str, Any]:
    """What Intercom's REST says of somebody."""
    found = json.loads(json.dumps(records_file()["contacts"][0]))
    own = {
        "id": contact_id(person), "email": f"person{person}@example.com", "external_id": f"cust_{person}",
        "phone": None, "name": f"Person {person}",
    }  # fmt: skip
    return found | own | changes


def machine(**tables: Any) -> Runner:
    """The shipped mappings, and the records of all people."""
    known = {**records_file(), "contacts": [contact(person) for person in range(PEOPLE)], **tables}
    return Runner(load(ROOT / "mappings"), records=known, clock=StandingClock())


@cache
def _template() -> str:
    return json.dumps(read("conversation.user.created"))


class Begun:
    """A conversation that somebody begins, as told by one notification or by several."""

    def __init__(self, number: int, telling: int = 0, *, is_nobodys: bool = False) -> None:
        self.number = number
        self._is_nobodys = is_nobodys
        self.at = FIRST + number
        self.name = f"notif_{number}.{telling}"
        self._id = f"3{number:014d}"

    @property
    def unique_id(self) -> str:
        """Of its event."""
        return f"ic:hx7q2m9d:conv:{self._id}:created"

    def body(self, attempt: int = 1) -> bytes:
        """As Intercom sends it."""
        text = _template().replace(CONVERSATION, self._id).replace(str(FIRST), str(self.at))
        text = text.replace(CONTACT, contact_id(self.number % PEOPLE))
        if self._is_nobodys:
            text = text.replace('"mara.lindqvist@example.com"', "null").replace('"cust_10482"', "null")
        whole = json.loads(text)
        return json.dumps({**whole, "id": self.name, "delivery_attempts": attempt}).encode()

    def noted(self, history: History) -> None:
        """Write down that it was sent."""
        history.note("sent", notification=self.name, events={self.unique_id: self.at})


def changed(person: int, updated_at: int, word: str, telling: str, **changes: Any) -> dict[str, Any]:
    """A notification that a contact has changed: *word* is the name by which its state is known again."""
    whole = read("contact.user.updated")
    item = {
        **whole["data"]["item"], **contact(person), "updated_at": updated_at, "name": word, **changes
    }  # fmt: skip
    envelope = {**whole, "id": telling, "created_at": updated_at}
    return {**envelope, "data": {**whole["data"], "item": item}}
