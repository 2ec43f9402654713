"""Steps with the official packages of both services, for `tests.official`: run in an environment of theirs."""

# ruff: noqa: E501 - bodies as Klaviyo's pages write them
import os
import sys
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from intercom import Intercom  # type: ignore[import-not-found]
from klaviyo_api import KlaviyoAPI  # type: ignore[import-not-found]

FAILED: list[str] = []


def step(name: str, ask: Callable[[], Any]) -> Any:
    """One call; what it gives, or None and a line where it fails."""
    try:
        given = ask()
    except Exception as error:  # whatever the package makes of an answer that it does not understand
        FAILED.append(name)
        print(f"failed  {name}: {type(error).__name__} {str(error)[:300]!r}")
        return None
    print(f"fine    {name}")
    return given


def first(some: Iterable[Any]) -> Any:
    """The first of a list that is walked page by page; more are asked for, so that a cursor is followed."""
    walked = list(islice(some, 80))
    return walked[0]


WHO = {"type": "profile", "attributes": {"email": "official@example.com", "first_name": "Robin"}}
METRIC = {"data": {"type": "metric", "attributes": {"name": "Official"}}}


def event(number: int) -> dict[str, Any]:
    """An event without its profile."""
    known = {"unique_id": f"official-{number}", "time": f"2026-11-20T10:00:0{number}+00:00"}
    return {"type": "event", "attributes": {"properties": {"Number": number}, "metric": METRIC, **known}}


def of_klaviyo(api: KlaviyoAPI) -> None:
    """Events, profiles and jobs, and reading them back."""
    one = event(1)
    one["attributes"]["profile"] = {"data": WHO}
    group = {
        "type": "event-bulk-create",
        "attributes": {"profile": {"data": WHO}, "events": {"data": [event(2)]}},
    }
    bulk = {"type": "event-bulk-create-job", "attributes": {"events-bulk-create": {"data": [group]}}}
    profiles = {"profiles": {"data": [{"type": "profile", "attributes": {"email": "two@example.com"}}]}}
    job = {"type": "profile-bulk-import-job", "attributes": profiles}
    step("create an event", lambda: api.Events.create_event({"data": one}))
    step("create events in bulk", lambda: api.Events.bulk_create_events({"data": bulk}))
    step("import a profile", lambda: api.Profiles.create_or_update_profile({"data": WHO}))
    made = step("import profiles in bulk", lambda: api.Profiles.bulk_import_profiles({"data": job}))
    time.sleep(2)  # Klaviyo stores a moment later
    step("follow the job", lambda: api.Profiles.get_bulk_import_profiles_job(made.data.id))
    found = step("read events", lambda: api.Events.get_events())
    step("both events are there", lambda: {2: "both"}[len(found.data)])
    step("read metrics", lambda: api.Metrics.get_metrics())
    step("find a profile", lambda: api.Profiles.get_profiles(filter='equals(email,"official@example.com")'))
    step("read the account", lambda: api.Accounts.get_accounts())


def of_intercom(api: Intercom) -> None:
    """People, conversations and tickets: lists, searches and single ones."""
    since = {"operator": "AND", "value": [{"field": "created_at", "operator": ">", "value": "1600000000"}]}
    users = {"field": "role", "operator": "=", "value": "user"}
    step("who am I", lambda: api.admins.identify())
    step("teammates", lambda: api.admins.list())
    step("teams", lambda: api.teams.list())
    step("tags", lambda: api.tags.list())
    who = step("contacts", lambda: first(api.contacts.list()))
    step("a contact", lambda: api.contacts.find(contact_id=who.id))
    step("search contacts", lambda: first(api.contacts.search(query=users)))
    one = step("conversations", lambda: first(api.conversations.list()))
    step("a conversation", lambda: api.conversations.find(conversation_id=one.id))
    step("search conversations", lambda: first(api.conversations.search(query=since)))
    ticket = step("search tickets", lambda: first(api.tickets.search(query=since)))
    step("a ticket", lambda: api.tickets.get(ticket_id=ticket.id))


if __name__ == "__main__":
    klaviyo = KlaviyoAPI(os.environ["KLAVIYO_API_KEY"], max_delay=5, max_retries=2)
    klaviyo.api_client.configuration.host = os.environ["KLAVIYO_URL"]
    of_klaviyo(klaviyo)
    of_intercom(Intercom(token=os.environ["INTERCOM_TOKEN"], base_url=os.environ["INTERCOM_URL"]))
    sys.exit(len(FAILED))
