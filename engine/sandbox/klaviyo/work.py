"""What each endpoint does once a request has passed the front: judge, take, show."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.klaviyo.limits import BULK_EVENTS, BULK_PROFILES, EVENTS, PROFILE_IMPORT
from engine.sandbox.klaviyo.account import Account, Event, Submission
from engine.sandbox.klaviyo.aggregates import aggregated
from engine.sandbox.klaviyo.bodies import GROUPS, repeated, verdict
from engine.sandbox.klaviyo.filters import Condition, conditions_of
from engine.sandbox.klaviyo.front import Caller
from engine.sandbox.klaviyo.people import Profile
from engine.sandbox.klaviyo.problems import Problem, Refusal, not_found, told
from engine.sandbox.klaviyo.queries import Asked, links_of, page_of
from engine.sandbox.klaviyo.resources import Resource, Resources

Answer = tuple[int, Any]
"""A status and a JSON value; None where the answer has no body."""


@dataclass(frozen=True, slots=True)
class Task:
    """A request that has passed the front. *address* is its own, without the query."""

    endpoint: str
    ids: Mapping[str, str]
    caller: Caller
    revision: str
    asked: Asked
    address: str
    arrival: int
    body: Any = None
    size: int = 0
    query: Mapping[str, str] = field(default_factory=dict)


class Work:
    """The endpoints of an account; `done` answers a request. All under the account's lock."""

    def __init__(self, account: Account, base: str) -> None:
        self._account = account
        self._show = Resources(account, base)

    def done(self, task: Task) -> Answer:
        """The answer. Raises Refusal."""
        if not task.endpoint.startswith("GET"):
            self._judge(verdict(task.endpoint, task.body, self._account.rules(task.revision), task.size))
        return WORK[task.endpoint](self, task)

    def _judge(self, problems: Iterable[Problem]) -> None:
        found = told(problems, self._account.switches.faults_at_once)
        if found:
            raise Refusal(*found)

    def take_event(self, task: Task) -> Answer:
        """One event."""
        attributes = task.body["data"]["attributes"]
        own = {key: value for key, value in attributes.items() if key != "profile"}
        one = self._submission(task, own, attributes["profile"]["data"], bool(attributes.get("backfill")))
        self._account.take([one])
        return 202, None

    def take_events(self, task: Task) -> Answer:
        """Many events: all of them, or none."""
        taken, wrong = [], []
        for place, group in enumerate(task.body["data"]["attributes"]["events-bulk-create"]["data"]):
            inner = group["attributes"]
            person = inner["profile"]["data"]
            for order, event in enumerate(inner["events"]["data"]):
                attributes = event["attributes"]
                if self._is_stored(task, person, attributes):
                    pointer = f"{GROUPS}/{place}/attributes/events/data/{order}/attributes/unique_id"
                    wrong.append(repeated(pointer))
                backfill = self._backfill(attributes.get("backfill"), inner.get("backfill"))
                taken.append(self._submission(task, attributes, person, backfill))
        self._judge(wrong)
        self._account.take(taken)
        return 202, None

    def _is_stored(self, task: Task, person: Any, attributes: Mapping[str, Any]) -> bool:
        if self._account.switches.bulk_repeats_refused != "stored" or not attributes.get("unique_id"):
            return False
        name = attributes["metric"]["data"]["attributes"]["name"]
        return self._account.stored_unique_ids(person, name, attributes["unique_id"], task.caller.integration)

    def _backfill(self, event: bool | None, group: bool | None) -> bool:
        word = self._account.switches.backfill_word
        if word == "either":
            return bool(event or group)
        first, second = (event, group) if word == "event" else (group, event)
        return bool(second if first is None else first)

    def _submission(self, task: Task, attributes: Any, person: Any, backfill: bool) -> Submission:
        now = self._account.clock.now()
        return Submission(task.arrival, attributes, person, backfill, now, task.caller.integration)

    def import_profile(self, task: Task) -> Answer:
        """Create or update a profile."""
        account = self._account
        new_id = account.new_id(24, "01")
        profile, is_new = account.people.upsert(new_id, task.body["data"], account.clock.now())
        return (201 if is_new else 200), {"data": self._show.profile(profile, task.asked)}

    def create_profile(self, task: Task) -> Answer:
        """Create a profile."""
        account = self._account
        attributes = task.body["data"]["attributes"]
        profile = account.people.create(account.new_id(24, "01"), attributes, account.clock.now())
        return 201, {"data": self._show.profile(profile, task.asked)}

    def change_profile(self, task: Task) -> Answer:
        """Change a profile by its id."""
        data = task.body["data"]
        if data["id"] != task.ids["id"]:
            status = self._account.switches.other_id_status
            title = "Conflict." if status == 409 else "Invalid input."
            code = "conflict" if status == 409 else "invalid"
            raise Refusal(
                Problem(status, code, title, "The id does not match that of the address.", "/data/id")
            )
        profile = self._account.people.update(task.ids["id"], data, self._account.clock.now())
        return 200, {"data": self._show.profile(profile, task.asked)}

    def show_profile(self, task: Task) -> Answer:
        """One profile."""
        profile = self._account.people.by_id.get(task.ids["id"])
        if profile is None:
            raise Refusal(not_found(f"A profile with id {task.ids['id']} does not exist."))
        return 200, {"data": self._show.profile(profile, task.asked)}

    def show_profiles(self, task: Task) -> Answer:
        """Profiles, page by page."""
        folds = not self._account.switches.emails_by_case
        conditions = self._conditions(task)
        rows = [one for one in self._account.people.by_id.values() if _is_wanted(one, conditions, folds)]
        field = task.asked.sort.removeprefix("-") or "created"
        keys: dict[str, Callable[[Profile], str]] = {
            "created": lambda one: one.created.isoformat(),
            "updated": lambda one: one.updated.isoformat(),
            "email": lambda one: one.fields.get("email", ""),
            "id": lambda one: one.id,
        }
        show = self._show.profile
        return self._page(
            task, rows, lambda one: (keys[field](one), one.id), lambda one: show(one, task.asked)
        )

    def start_job(self, task: Task) -> Answer:
        """Start a bulk import."""
        data = task.body["data"]
        listed = (data.get("relationships") or {}).get("lists") or {}
        lists = tuple(one["id"] for one in listed.get("data") or [])
        job = self._account.start_job(data["attributes"]["profiles"]["data"], lists)
        return 202, {"data": self._show.job(job, task.asked)}

    def show_job(self, task: Task) -> Answer:
        """One bulk import."""
        job = self._account.jobs.get(task.ids["job_id"])
        if job is None:
            raise Refusal(not_found(f"A job with id {task.ids['job_id']} does not exist."))
        return 200, {"data": self._show.job(job, task.asked)}

    def show_jobs(self, task: Task) -> Answer:
        """Bulk imports, page by page."""
        conditions = self._conditions(task)
        rows = [
            one for one in self._account.jobs.values() if all(each.holds(one.status) for each in conditions)
        ]
        show = self._show.job
        return self._page(
            task, rows, lambda one: (one.created.isoformat(), one.id), lambda one: show(one, task.asked)
        )

    def show_errors(self, task: Task) -> Answer:
        """What went wrong in a bulk import, page by page."""
        job = self._account.jobs.get(task.ids["id"])
        if job is None:
            raise Refusal(not_found(f"A job with id {task.ids['id']} does not exist."))
        rows = list(enumerate(job.errors))
        show = self._show.import_error
        return self._page(task, rows, lambda one: (one[0], ""), lambda one: show(one[0], one[1], task.asked))

    def show_events(self, task: Task) -> Answer:
        """Events, page by page."""
        conditions = self._conditions(task)
        rows = [one for one in self._account.events.values() if _is_found(one, conditions)]
        found: list[Event] = []

        def show(one: Event) -> Resource:
            found.append(one)
            return self._show.event(one, task.asked)

        # Klaviyo's own order is not documented: the newest first.
        descending = task.asked.sort.startswith("-") or not task.asked.sort
        status, value = self._page(
            task, rows, lambda one: (int(one.time.timestamp()), one.id), show, descending
        )
        if set(task.asked.include) & {"metric", "profile"}:
            value["included"] = self._show.included(found, task.asked)
        return status, value

    def show_metrics(self, task: Task) -> Answer:
        """Metrics, page by page."""
        conditions = self._conditions(task)
        rows = []
        for one in self._account.metrics.values():
            category = "API" if one.integration == "API" else "App"
            told = {"integration.name": one.integration, "integration.category": category}
            if all(each.holds(told[each.field]) for each in conditions):
                rows.append(one)
        show = self._show.metric
        return self._page(
            task, rows, lambda one: (one.created.isoformat(), one.id), lambda one: show(one, task.asked)
        )

    def show_metric(self, task: Task) -> Answer:
        """One metric."""
        return 200, {"data": self._show.metric(self._metric(task.ids["id"]), task.asked)}

    def show_properties(self, task: Task) -> Answer:
        """The properties of a metric."""
        rows = self._show.properties(self._metric(task.ids["id"]), task.asked)
        return 200, {"data": rows, "links": {"self": task.address}}

    def _metric(self, id_: str) -> Any:
        metric = self._account.metrics.get(id_)
        if metric is None:
            raise Refusal(not_found(f"A metric with id {id_} does not exist."))
        return metric

    def count(self, task: Task) -> Answer:
        """Counts of a metric by time."""
        attributes = task.body["data"]["attributes"]
        found = aggregated(list(self._account.events.values()), attributes)
        self._metric(attributes["metric_id"])
        links = {"self": task.address}
        fields = task.asked.fields("metric-aggregate")
        kept = {name: value for name, value in found.items() if fields is None or name in fields}
        data = {
            "type": "metric-aggregate",
            "id": self._account.new_uuid(),
            "attributes": kept,
            "links": links,
        }
        return 200, {"data": data, "links": links}

    def show_account(self, task: Task) -> Answer:
        """The account."""
        return 200, {"data": [self._show.account(task.asked)], "links": {"self": task.address}}

    def forget(self, task: Task) -> Answer:
        """Delete a profile, a little later."""
        profile = task.body["data"]["attributes"]["profile"]["data"]
        self._account.forget(profile.get("attributes") or {}, profile.get("id"))
        return 202, None

    def _conditions(self, task: Task) -> list[Condition]:
        return conditions_of(task.asked.filter, task.endpoint) if task.asked.filter else []

    def _page(
        self,
        task: Task,
        rows: list[Any],
        key: Callable[[Any], tuple[Any, str]],
        show: Callable[[Any], Resource],
        descending: bool | None = None,
    ) -> Answer:
        down = task.asked.sort.startswith("-") if descending is None else descending
        page = page_of(rows, key, task.asked, down)
        links = links_of(task.address, task.asked, page, self._account.switches.last_page)
        return 200, {"data": [show(one) for one in page.rows], "links": links}


def _is_wanted(one: Profile, conditions: list[Condition], folds: bool) -> bool:
    for each in conditions:
        if each.field in ("created", "updated"):
            found: Any = one.created if each.field == "created" else one.updated
        else:
            found = one.id if each.field == "id" else one.fields.get(each.field)
        if each.field == "email" and folds and found:
            found = found.lower()
            each = Condition(each.operator, each.field, tuple(value.lower() for value in each.values))
        if not each.holds(found):
            return False
    return True


def _is_found(one: Event, conditions: list[Condition]) -> bool:
    told = {
        "metric_id": one.metric.id, "profile_id": one.profile_id, "profile": one.profile_id,
        "metric": one.metric.id, "datetime": one.time, "timestamp": one.time.timestamp(),
    }  # fmt: skip
    return all(each.holds(told[each.field]) for each in conditions)


WORK: Mapping[str, Callable[[Work, Task], Answer]] = {
    f"POST {EVENTS}": Work.take_event,
    f"POST {BULK_EVENTS}": Work.take_events,
    f"POST {PROFILE_IMPORT}": Work.import_profile,
    "POST /api/profiles": Work.create_profile,
    "PATCH /api/profiles/{id}": Work.change_profile,
    "GET /api/profiles/{id}": Work.show_profile,
    "GET /api/profiles": Work.show_profiles,
    f"POST {BULK_PROFILES}": Work.start_job,
    f"GET {BULK_PROFILES}": Work.show_jobs,
    f"GET {BULK_PROFILES}/{{job_id}}": Work.show_job,
    f"GET {BULK_PROFILES}/{{id}}/import-errors": Work.show_errors,
    f"GET {EVENTS}": Work.show_events,
    "GET /api/metrics": Work.show_metrics,
    "GET /api/metrics/{id}": Work.show_metric,
    "GET /api/metrics/{id}/metric-properties": Work.show_properties,
    "POST /api/metric-aggregates": Work.count,
    "GET /api/accounts": Work.show_account,
    "POST /api/data-privacy-deletion-jobs": Work.forget,
}
