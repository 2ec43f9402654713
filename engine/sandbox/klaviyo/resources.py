"""What an account holds, as Klaviyo shows it: JSON:API resources."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.sandbox.klaviyo.account import Account, Event, Job, Metric
from engine.sandbox.klaviyo.people import Profile
from engine.sandbox.klaviyo.queries import PREDICTIONS, Asked

Resource = dict[str, Any]

SHOWN = (
    "email", "phone_number", "external_id", "first_name", "last_name", "organization", "locale", "title",
    "image",
)  # fmt: skip
PLACE = (
    "address1",
    "address2",
    "city",
    "country",
    "latitude",
    "longitude",
    "region",
    "zip",
    "timezone",
    "ip",
)
JOB_LIVES = timedelta(days=7)


def shown(moment: datetime | None) -> str | None:
    """A moment as Klaviyo writes it: to the second, with an offset."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat() if moment else None


def sparse(resource: Resource, names: Sequence[str] | None) -> Resource:
    """A resource with only the attributes of a sparse fieldset, dots going inwards."""
    if names is None:
        return resource
    kept: dict[str, Any] = {}
    for name in names:
        source, target = resource["attributes"], kept
        *outer, last = name.split(".")
        for step in outer:
            source = source.get(step)
            target = target.setdefault(step, {})
        if last in source:
            target[last] = source[last]
    return {**resource, "attributes": kept}


class Resources:
    """The resources of an account, with links to *base* (`http://127.0.0.1:8000/api`)."""

    def __init__(self, account: Account, base: str) -> None:
        self._account = account
        self._base = base

    def profile(self, one: Profile, asked: Asked) -> Resource:
        """A profile; consent and predictions where they are asked for."""
        attributes: dict[str, Any] = {name: one.fields.get(name) for name in SHOWN}
        attributes |= {
            "created": shown(one.created),
            "updated": shown(one.updated),
            "last_event_date": shown(one.last_event),
            "location": {name: one.location.get(name) for name in PLACE},
            "properties": one.properties,
        }
        extra = asked.extra("profile")
        if "subscriptions" in extra:
            attributes["subscriptions"] = _never_subscribed()
        if "predictive_analytics" in extra:
            attributes["predictive_analytics"] = dict.fromkeys(PREDICTIONS)
        made = self._made("profile", one.id, attributes, "profiles", lists="lists")
        return sparse(made, asked.fields("profile"))

    def metric(self, one: Metric, asked: Asked) -> Resource:
        """A metric, with its integration."""
        is_api = one.integration == "API"
        integration = {
            "object": "integration",
            "id": "7FtS4J" if is_api else f"app-{one.integration}"[:40],
            "key": "api" if is_api else one.integration.lower(),
            "name": one.integration,
            "category": "API" if is_api else "App",
        }
        created = shown(one.created)
        attributes = {"name": one.name, "created": created, "updated": created, "integration": integration}
        made = self._made("metric", one.id, attributes, "metrics", **{"flow-triggers": "flow-triggers"})
        return sparse(made, asked.fields("metric"))

    def event(self, one: Event, asked: Asked) -> Resource:
        """An event: its `unique_id` and its value are not shown."""
        attributes = {
            "timestamp": int(one.time.timestamp()),
            "event_properties": one.properties,
            "datetime": shown(one.time),
            "uuid": one.uuid,
        }
        made = self._made("event", one.id, attributes, "events", profile="profile", metric="metric")
        related = made["relationships"]
        related["metric"]["data"] = {"type": "metric", "id": one.metric.id}
        if one.profile_id:
            related["profile"]["data"] = {"type": "profile", "id": one.profile_id}
        if "attributions" in asked.include:
            related["attributions"] = {"data": []}
        return sparse(made, asked.fields("event"))

    def included(self, events: Sequence[Event], asked: Asked) -> list[Resource]:
        """The metrics and profiles of events, each once, where they are asked for."""
        found: list[Resource] = []
        if "metric" in asked.include:
            metrics = {one.metric.id: one.metric for one in events}
            found += [self.metric(one, asked) for one in metrics.values()]
        if "profile" in asked.include:
            people = self._account.people.by_id
            ids = dict.fromkeys(one.profile_id for one in events if one.profile_id in people)
            found += [self.profile(people[id_], asked) for id_ in ids]
        return found

    def job(self, one: Job, asked: Asked) -> Resource:
        """A bulk import."""
        failed = len({error["place"] for error in one.errors})
        attributes = {
            "status": one.status,
            "created_at": shown(one.created),
            "total_count": len(one.profiles),
            "completed_count": len(one.profiles) - failed if one.ended else 0,
            "failed_count": failed,
            "completed_at": shown(one.ended),
            "expires_at": shown(one.created + JOB_LIVES),
            "started_at": shown(one.started),
        }
        made = self._made("profile-bulk-import-job", one.id, attributes, "profile-bulk-import-jobs")
        made["relationships"] = {"lists": {"data": [{"type": "list", "id": id_} for id_ in one.lists]}}
        return sparse(made, asked.fields("profile-bulk-import-job"))

    def import_error(self, place: int, error: dict[str, Any], asked: Asked) -> Resource:
        """What was wrong with one profile of a bulk import."""
        names = ("code", "title", "detail", "source", "original_payload")
        attributes = {name: error[name] for name in names}
        made = {"type": "import-error", "id": f"{place:08x}", "attributes": attributes}
        return sparse(made, asked.fields("import-error"))

    def properties(self, one: Metric, asked: Asked) -> list[Resource]:
        """The properties of a metric, with the type of the value that came last."""
        seen: dict[str, list[Any]] = {}
        for event in self._account.events.values():
            if event.metric.id == one.id:
                for name, value in event.properties.items():
                    seen.setdefault(name, []).append(value)
        found = []
        for place, (name, values) in enumerate(seen.items()):
            attributes: dict[str, Any] = {
                "label": name,
                "property": name,
                "inferred_type": inferred(values[-1]),
            }
            if "sample_values" in asked.extra("metric-property"):
                plain = [value for value in values if isinstance(value, (str, int, float, bool))]
                attributes["sample_values"] = plain[-10:]
            made = self._made("metric-property", f"{one.id}-{place}", attributes, "metric-properties")
            made["relationships"] = {"metric": {"data": {"type": "metric", "id": one.id}}}
            found.append(sparse(made, asked.fields("metric-property")))
        return found

    def account(self, asked: Asked) -> Resource:
        """The account itself."""
        contact = {
            "default_sender_name": self._account.organization,
            "default_sender_email": "sender@example.com",
            "website_url": None,
            "organization_name": self._account.organization,
            "street_address": dict.fromkeys(("address1", "address2", "city", "region", "country", "zip")),
        }
        attributes = {
            "test_account": self._account.is_test,
            "contact_information": contact,
            "industry": None,
            "timezone": "UTC",
            "preferred_currency": "USD",
            "public_api_key": "Sandbx",
            "locale": "en-US",
        }
        return sparse(self._made("account", "Sandbx", attributes, "accounts"), asked.fields("account"))

    def _made(self, kind: str, id_: str, attributes: dict[str, Any], under: str, **related: str) -> Resource:
        address = f"{self._base}/{under}/{id_}"
        made: Resource = {"type": kind, "id": id_, "attributes": attributes}
        if related:
            made["relationships"] = {
                name: {"links": {"self": f"{address}/relationships/{path}", "related": f"{address}/{path}"}}
                for name, path in related.items()
            }
        return {**made, "links": {"self": address}}


def inferred(value: Any) -> str:
    """A type as Klaviyo might infer it: that of `List` is documented, the others are guesses."""
    kinds = ((bool, "Boolean"), ((int, float), "Number"), (str, "String"), (list, "List"), (dict, "Object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "Unknown")


def _never_subscribed() -> dict[str, Any]:
    """The consent of a profile that nobody ever asked."""
    common: dict[str, Any] = {
        "consent": "NEVER_SUBSCRIBED",
        "consent_timestamp": None,
        "method": None,
        "last_updated": None,
    }
    more = {"method_detail": None, "custom_method_detail": None, "double_optin": None}
    email = {
        "can_receive_email_marketing": True,
        **common,
        **more,
        "suppression": [],
        "list_suppressions": [],
    }
    sms = {"can_receive_sms_marketing": False, **common, "method_detail": None}
    push = {"can_receive_push_marketing": False, "consent": "NEVER_SUBSCRIBED", "consent_timestamp": None}
    return {"email": {"marketing": email}, "sms": {"marketing": sms}, "mobile_push": {"marketing": push}}
