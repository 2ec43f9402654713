"""Which plans answer a notification: by topic, or by the kind of object where it tells of the past."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.events import Notification
from engine.language.catalogue import HISTORY
from engine.language.plan import Plan


@dataclass(frozen=True, slots=True)
class Router:
    """A frozen table of plans; a reload makes a new one."""

    plans: tuple[Plan, ...]
    _by_topic: dict[str, tuple[Plan, ...]]
    _by_kind: dict[str, tuple[Plan, ...]]

    @classmethod
    def of(cls, plans: Iterable[Plan]) -> "Router":
        """The table of these plans, which keep their order."""
        plans = tuple(plans)
        by_topic: dict[str, list[Plan]] = {}
        by_kind: dict[str, list[Plan]] = {}
        for plan in plans:
            for topic in dict.fromkeys(plan.spec.topics):
                by_topic.setdefault(topic, []).append(plan)
            kind = HISTORY.get(plan.spec.history)
            if kind:
                by_kind.setdefault(kind, []).append(plan)
        return cls(plans, _frozen(by_topic), _frozen(by_kind))

    def match(self, notification: Notification) -> tuple[Plan, ...]:
        """The plans that answer, in their order."""
        if not notification.history:
            return self._by_topic.get(notification.topic, ())
        return self._by_kind.get(_type_of(notification.event), ())


def _frozen(table: dict[str, list[Plan]]) -> dict[str, tuple[Plan, ...]]:
    return {key: tuple(plans) for key, plans in table.items()}


def _type_of(event: Any) -> str:
    data = event.get("data")
    item = data.get("item") if isinstance(data, dict) else None
    found = item.get("type") if isinstance(item, dict) else None
    return found if isinstance(found, str) else ""
