"""The nouns of the journey: frozen values without behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.errors import Rejected, Unavailable
from engine.issues import Issue, Place


@dataclass(frozen=True, slots=True)
class Notification:
    """What Intercom said, opened and brought into the one shape that specs see.

    `event` is the whole notification, `item` lies somewhere inside it (the spec says where).
    `created_at` is in epoch seconds; a notification of the past (`history`) has none.
    """

    event: Mapping[str, Any]
    topic: str = ""
    app_id: str = ""
    id: str = ""
    created_at: float | None = None
    history: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A body for Klaviyo, ready to send: JSON values only, checked against Klaviyo's rules.

    `endpoint` is `/api/events` or `/api/profile-import`. `unique_id` is what Klaviyo knows an event
    again by; a profile has none. `required` are fields without which it must not go (`properties.Title`).
    """

    endpoint: str
    body: dict[str, Any]
    unique_id: str = ""
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Translation:
    """One event, or one profile, that came of a notification.

    `metric` is the metric's name in Klaviyo, or the name of a profile mapping. `time` is UTC and to
    the second; a profile has none, and neither `unique_id` nor `value`. `profile` and `properties`
    hold JSON values, none of them null (though an object in them may hold nulls). `places` says which
    line of which spec made each field (`properties.Title`). `spec` and `spec_hash` name the mapping
    and its exact text. `required` are the fields without which it would be parked. `looked_up` says whose
    records were asked for, as tables with ids. `request` is set by `Runner`.
    """

    metric: str
    profile: dict[str, Any]
    properties: dict[str, Any]
    time: datetime | None = None
    unique_id: str = ""
    value: Any = None
    history: bool = False
    issues: tuple[Issue, ...] = ()
    spec: str = ""
    spec_hash: str = ""
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)
    required: frozenset[str] = frozenset()
    looked_up: tuple[tuple[str, str], ...] = ()
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """By the specs or by our rules this is no event: final, and counted by its `reason`.

    `reason` is a short code, `detail` a sentence for people; `metric` names the spec that said so.
    """

    reason: str
    detail: str = ""
    metric: str = ""
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that cannot be made yet: it waits for a person or a record.

    `translation` is what there is of it, where only its request is missing.
    """

    reason: str
    detail: str = ""
    metric: str = ""
    issues: tuple[Issue, ...] = ()
    translation: Translation | None = field(default=None, repr=False, compare=False)


Result = Translation | Skipped | Parked
"""What a spec makes of a notification."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Klaviyo took it. `left_out` says which fields it refused, without which it was sent again.

    `profile_id` is the id of an imported profile, where Klaviyo says it.
    """

    left_out: tuple[Issue, ...] = ()
    profile_id: str = field(default="", compare=False)


Answer = Accepted | Unavailable | Rejected
"""What became of a request: taken, to be tried again, or refused for good."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A translation that was sent, and what became of it."""

    translation: Translation
    answer: Answer
