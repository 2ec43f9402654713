"""What REST answers to each address: from what was asked to an object, in the version that was asked for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.sandbox.intercom import contacts as people
from engine.sandbox.intercom import conversations as talk
from engine.sandbox.intercom import tickets as tickets_
from engine.sandbox.intercom.fields import DATE, INTEGER, field_of
from engine.sandbox.intercom.memory import Memory
from engine.sandbox.intercom.pages import Wanted, page
from engine.sandbox.intercom.refusals import Refusal, invalid, merged, missing
from engine.sandbox.intercom.search import Meant, Search
from engine.sandbox.intercom.truth import Contact, Conversation
from engine.sandbox.intercom.versions import Object, aged
from engine.sandbox.intercom.view import View

PER_PAGE = {"conversations": 20, "tickets": 20, "contacts": 50}
_LISTS = {
    "conversations": ("conversation.list", "conversations"),
    "tickets": ("ticket.list", "tickets"),
    "contacts": ("list", "data"),
}


@dataclass(frozen=True, slots=True)
class Desired:
    """Whether tickets may be read, and whether cursors are to repeat."""

    tickets: bool = True
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: who looks, what stands in the address and in the body, when it was, and what is known."""

    view: View
    params: dict[str, str]
    body: dict[str, Any]
    now: float
    desired: Desired
    memory: Memory

    def found(self, kind: str, look: Callable[[], list[Any]]) -> list[Any]:
        """What a search finds, which may be remembered."""
        key = [kind, self.view.version, self.desired.tickets, self.body.get("query")]
        return self.memory.found(key, look)

    def aged(self, item: Object) -> Object:
        """An object in the version that was asked for."""
        return aged(item, self.view.version)


# The office


def me(asked: Asked) -> Object:
    """Whose token this is, and of which workspace."""
    workspace = asked.view.workspace
    first = next(iter(workspace.office.admins.values()))
    app = {
        "type": "app",
        "id_code": workspace.app_id,
        "name": workspace.name,
        "created_at": workspace.office.companies[next(iter(workspace.office.companies))]["created_at"],
        "secure": False,
        "identity_verification": False,
        "timezone": workspace.timezone,
        "region": workspace.region,
    }
    shown = {key: first[key] for key in ("type", "id", "email", "name", "has_inbox_seat", "team_ids")}
    avatar = {"type": "avatar", "image_url": None}
    return {**shown, "email_verified": True, "app": app, "avatar": avatar}


def admins(asked: Asked) -> Object:
    """All teammates."""
    return {"type": "admin.list", "admins": [*asked.view.workspace.office.admins.values()]}


def admin(asked: Asked, key: str) -> Object:
    """A teammate."""
    return _record(asked.view.workspace.office.admins, key, "admin")


def teams(asked: Asked) -> Object:
    """All teams."""
    return {"type": "team.list", "teams": [*asked.view.workspace.office.teams.values()]}


def team(asked: Asked, key: str) -> Object:
    """A team."""
    return _record(asked.view.workspace.office.teams, key, "team")


def tags(asked: Asked) -> Object:
    """All tags."""
    return {"type": "list", "data": [*asked.view.workspace.office.tags.values()]}


def company(asked: Asked, key: str) -> Object:
    """A company."""
    return _record(asked.view.workspace.office.companies, key, "company")


def segments(asked: Asked) -> Object:
    """All segments; with how many are in them where that is asked for."""
    count = {"count": 0} if asked.params.get("include_count") == "true" else {}
    rows = [{**one, **count} for one in asked.view.workspace.office.segments.values()]
    return {"type": "segment.list", "segments": rows}


def ticket_types(asked: Asked) -> Object:
    """All types of tickets."""
    return {"type": "list", "data": [*asked.view.workspace.office.ticket_types.values()]}


def ticket_states(asked: Asked) -> Object:
    """All states of tickets, each with the types that have it."""
    office = asked.view.workspace.office
    kept = ("type", "id", "name", "description", "icon", "archived", "is_internal", "category")
    types = [{key: one[key] for key in kept} for one in office.ticket_types.values()]
    listed = {"ticket_types": {"type": "list", "data": types}, "archived": False}
    return {"type": "list", "data": [{**one, **listed} for one in office.ticket_states.values()]}


def _record(records: dict[str, Object], key: str, kind: str) -> Object:
    if key not in records:
        raise missing(kind)
    return records[key]


# Contacts


def contact(asked: Asked, key: str) -> Object:
    """A contact; of one that was merged, where the one is that remains."""
    return asked.aged(people.contact(asked.view, _contact(asked, key)))


def contact_tags(asked: Asked, key: str) -> Object:
    """All tags of a contact."""
    return people.tags(asked.view, _contact(asked, key))


def contact_subscriptions(asked: Asked, key: str) -> Object:
    """What a contact has subscribed to, or no longer."""
    return people.subscriptions(asked.view, _contact(asked, key))


def contact_by_external_id(asked: Asked, external_id: str) -> Object:
    """A user by the id of the shop; leads are not found so."""
    known = [one for one in asked.view.workspace.contacts.values() if one.external_id == external_id]
    users = [one for one in known if one.role == "user"]
    if not users:
        raise missing("contact")
    return contact(asked, users[0].id)


def contacts(asked: Asked) -> Object:
    """All contacts, page by page."""
    rows = [one for one in asked.view.workspace.contacts.values() if one.is_there]
    return _listed(asked, "contacts", rows, asked.params, None)


def search_contacts(asked: Asked) -> Object:
    """Contacts that are meant, but for those that the index does not know yet."""
    meant = Search(asked.view, "contacts").meant(asked.body.get("query"))
    latest = asked.now - asked.view.switches.index_delay_seconds
    everybody = asked.view.workspace.contacts.values()
    rows = [one for one in [*everybody] if one.is_there and one.created_at <= latest and meant(one)]
    return _listed(asked, "contacts", rows, _pagination(asked), asked.body.get("sort"))


def _contact(asked: Asked, key: str) -> Contact:
    found = asked.view.workspace.contacts.get(key)
    if found is not None and found.is_there:
        return found
    survivor = asked.view.workspace.survivor(key)
    if survivor and not asked.view.is_before("2.16"):
        raise merged(survivor)
    raise missing("contact")


# Conversations and tickets


def conversation(asked: Asked, key: str) -> Object:
    """A conversation with its newest parts."""
    found = asked.view.workspace.conversations.get(key)
    if found is None or not _is_shown(asked, found):
        raise missing("conversation")
    plain = asked.params.get("display_as") == "plaintext"
    view = replace(asked.view, html=not plain)
    return asked.aged(talk.conversation(view, found, parts=found.parts))


def conversations(asked: Asked) -> Object:
    """All conversations, page by page."""
    return _listed(asked, "conversations", _shown(asked, lambda one: True), asked.params, None)


def search_conversations(asked: Asked) -> Object:
    """Conversations that are meant; tickets are among them, for those who may read them."""
    meant = Search(asked.view, "conversations").meant(asked.body.get("query"))
    rows = asked.found("conversations", lambda: _shown(asked, meant))
    return _listed(asked, "conversations", rows, _pagination(asked), asked.body.get("sort"))


def ticket(asked: Asked, key: str) -> Object:
    """A ticket with its newest parts."""
    found = asked.view.workspace.conversations.get(key)
    if found is None or found.ticket is None:
        raise missing("ticket")
    return asked.aged(tickets_.ticket(asked.view, found))


def search_tickets(asked: Asked) -> Object:
    """Tickets that are meant, with their parts; how they are to be sorted is ignored."""
    meant = Search(asked.view, "tickets").meant(asked.body.get("query"))
    rows = asked.found("tickets", lambda: [one for one in asked.view.workspace.tickets() if meant(one)])
    return _listed(asked, "tickets", rows, _pagination(asked), None)


def _is_shown(asked: Asked, one: Conversation) -> bool:
    return one.ticket is None or (asked.desired.tickets and one.is_listed)


def _shown(asked: Asked, meant: Meant) -> list[Conversation]:
    everything: Iterable[Conversation] = [*asked.view.workspace.conversations.values()]
    return [one for one in everything if _is_shown(asked, one) and meant(one)]


# Lists


def _pagination(asked: Asked) -> dict[str, Any]:
    found = asked.body.get("pagination")
    if found is not None and not isinstance(found, dict):
        raise invalid("pagination is an object")
    return found or {}


def _listed(asked: Asked, kind: str, rows: Sequence[Any], paging: dict[str, Any], sort: Any) -> Object:
    """A page of a list, in the words of its kind."""
    wanted = Wanted.of(paging.get("per_page"), paging.get("starting_after"), PER_PAGE[kind])
    field, descending = _order(sort, asked.view.switches.unsorted_by)
    found = field_of(asked.view, kind, field)
    if found is None or found.kind not in (DATE, INTEGER):
        raise invalid(f"Invalid field '{field}'", "invalid_field")
    value = found.value
    shown, pages = page(
        rows,
        lambda one: (value(asked.view, one) or 0, one.id),
        wanted,
        asked.view.switches,
        asked.now,
        descending=descending,
        repeats=asked.desired.repeats,
    )
    name, key = _LISTS[kind]
    write = _WRITERS[kind]
    written = [asked.aged(write(asked.view, one)) for one in shown]
    return {"type": name, key: written, "total_count": len(rows), "pages": pages}


_WRITERS: dict[str, Callable[[View, Any], Object]] = {
    "conversations": talk.conversation,
    "tickets": tickets_.ticket,
    "contacts": people.contact,
}


def _order(sort: Any, unsorted_by: str) -> tuple[str, bool]:
    """By which field, and whether downwards. Raises Refusal."""
    if sort is None:
        return unsorted_by, True
    if not isinstance(sort, dict):
        raise invalid("sort is an object")
    order = sort.get("order", "descending")
    if order not in ("ascending", "descending"):
        sentence = f"Invalid sort order '{order}'. Must be one of: ascending, descending"
        raise Refusal(400, "invalid_sort_order", sentence)
    return str(sort.get("field", unsorted_by)), order == "descending"
