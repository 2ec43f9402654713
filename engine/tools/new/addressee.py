"""Whom a new metric is about: the lines of a spec that find the person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import Unreadable
from engine.language.expressions import parse
from engine.language.payloads import Shape
from engine.tools.new.captured import Captured
from engine.tools.new.spelling import path_of

Lines = tuple[tuple[str, str], ...]
"""Names with their values, as a spec writes them."""

CUSTOMERS = "['user', 'lead', 'contact', 'visitor']"
"""What the type of an author is where a customer wrote; in a path."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """The sections of a spec that say whom it is about.

    `addresses` are places of the notification where an e-mail address would make the event one that can
    be sent, for a test.
    """

    profile: Lines
    let: Lines = ()
    lookups: Lines = ()
    addresses: tuple[str, ...] = ()


_FOUND = (
    ("email", "address as email"),
    ("phone_number", "contact.phone as phone"),
    ("first_name", "full_name as first_name"),
    ("last_name", "full_name as last_name"),
)
_LOOK_UP = (("contact", "person.id"),)
_WRITER = f"[source.author][?contains({CUSTOMERS}, type)] | [0]"
_FIRST = "contacts.contacts[0]"
_TICKET_PARTS = "ticket_parts.ticket_parts"


def addressee_of(captured: Captured, person: str = "") -> Addressee:
    """Who it is about, in a spec that takes in no shared file. *person* is the path of who did it.

    Raises Unreadable where the notification tells of nobody.
    """
    shape = captured.shape
    if captured.kind == "contact" and _may_have(shape, "email"):
        return _the_contact()
    if captured.kind == "contact":
        return _looked_up()
    if captured.kind and _may_have(shape, "contacts"):
        return _in_object(captured, person)
    if captured.kind:
        raise Unreadable(f"a notification of {captured.topic} tells of no person, and an event needs one")
    return _found_anywhere(captured.item)


def in_shared(captured: Captured, person: str, names: frozenset[str]) -> Addressee:
    """What is left to say where a shared file, which gives *names*, finds the person."""
    let = (("person", person),) if person and "person" in names else ()
    return Addressee((), let, addresses=tuple(_places_of(captured, person)))


def _may_have(shape: Shape, key: str) -> bool:
    return not shape.is_known or key in shape.keys


def _the_contact() -> Addressee:
    profile = (
        ("email", "email as email"),
        ("phone_number", "phone as phone"),
        ("first_name", "name as first_name"),
        ("last_name", "name as last_name"),
    )
    return Addressee(profile, addresses=("email",))


def _looked_up() -> Addressee:
    """Of a contact that is told of by its id alone."""
    profile = (
        ("email", "contact.email as email"),
        ("phone_number", "contact.phone as phone"),
        ("first_name", "contact.name as first_name"),
        ("last_name", "contact.name as last_name"),
    )
    return Addressee(profile, lookups=(("contact", "id"),))


def _in_object(captured: Captured, person: str) -> Addressee:
    """Of a conversation or a ticket: who did it, or the customer in it."""
    let: Lines
    if person:
        let = (
            ("person", person),
            ("address", "{{ contact.email or person.email }}"),
            ("full_name", "{{ contact.name or person.name }}"),
        )
    elif captured.kind == "conversation":
        own = "(writer.{0} if writer.id == person.id)"
        let = (
            ("writer", _WRITER),
            ("person", f"writer || {_FIRST}"),
            ("address", f"{{{{ contact.email or person.email or {own.format('email')} }}}}"),
            ("full_name", f"{{{{ contact.name or person.name or {own.format('name')} }}}}"),
        )
    else:
        own = "(authors | selectattr('id', 'eq', person.id) | first).{0}"
        let = (
            ("person", _FIRST),
            ("authors", f"{_TICKET_PARTS}[].author"),
            ("address", f"{{{{ contact.email or {own.format('email')} }}}}"),
            ("full_name", f"{{{{ contact.name or {own.format('name')} }}}}"),
        )
    return Addressee(_FOUND, let, _LOOK_UP, tuple(_places_of(captured, person)))


def _places_of(captured: Captured, person: str) -> Iterator[str]:
    """Where a test may put an address of the person."""
    if person:
        yield "event.data.item.ticket_part.author.email"
        yield "conversation_parts.conversation_parts[0].author.email"
    yield f"{_FIRST}.email"
    yield "source.author.email"
    yield from (f"{_TICKET_PARTS}[{at}].author.email" for at in _parts_by_contact(captured.item))
    if captured.kind == "contact":
        yield "email"


def _parts_by_contact(item: Mapping[str, Any]) -> Iterator[int]:
    """Which parts of a ticket its first contact wrote."""
    contact, parts = (parse(path).search(item) for path in (f"{_FIRST}.id", _TICKET_PARTS))
    author = parse("author.id")
    for at, part in enumerate(parts if isinstance(parts, list) else ()):
        if contact and author.search(part) == contact:
            yield at


def _found_anywhere(item: Mapping[str, Any]) -> Addressee:
    """Of an object that Intercom does not document: where an address stands, the outermost first."""
    places = dict(_addresses(item))
    steps = next((steps for steps, address in places.items() if address), next(iter(places), ("email",)))
    before = steps[:-1]
    profile = [
        ("email", f"{path_of(steps)} as email"),
        *((name, f"{path_of((*before, 'name'))} as {name}") for name in ("first_name", "last_name")),
    ]
    return Addressee(tuple(profile), addresses=(path_of(steps),))


def _addresses(item: Mapping[str, Any], deepest: int = 4) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The steps to each key `email` with its value, level by level."""
    level: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((), item)]
    for _ in range(deepest):
        yield from (((*steps, "email"), owner["email"]) for steps, owner in level if "email" in owner)
        level = [
            ((*steps, key), child)
            for steps, owner in level
            for key, child in owner.items()
            if isinstance(child, dict) and path_of((key,))
        ]
