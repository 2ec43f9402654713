"""How far specs and payloads meet: which lines of the specs had a value, and which paths nothing reads."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.events import Result, Skipped
from engine.issues import Place
from engine.language.plan import Plan
from engine.ports import Clock, Records
from engine.runner import Payload, Runner
from engine.tools.coverage.tally import Asked, Line, SpecCount, Tally, WatchedPlan
from engine.tools.coverage.unread import Payloads, Unread


class Coverage:
    """Specs at work on payloads, and both held against each other."""

    def __init__(
        self, plans: Iterable[Plan], *, records: Records | None = None, clock: Clock | None = None
    ) -> None:
        self._plans = [WatchedPlan(plan.spec, Tally(plan.spec)) for plan in plans]
        self._runner = Runner(self._plans, records=records, clock=clock)
        self._payloads = Payloads(plan.spec for plan in self._plans)
        self._unanswered: Counter[str] = Counter()

    def add(self, payload: Payload) -> list[Result]:
        """Count what comes of a payload. Raises Unreadable."""
        notification = self._runner.read(payload)
        if isinstance(notification, Skipped):
            return [notification]
        results = self._runner.translate(notification)
        answering = [plan.tally for plan in self._plans if plan.tally.waiting]
        if answering:
            self._payloads.see(notification)
        elif notification.topic != "ping":
            self._unanswered[notification.topic or "(the past)"] += 1
        left = iter(results)
        for tally in answering:
            tally.count(left)
        return results

    @property
    def unanswered(self) -> Mapping[str, int]:
        """The topics that no spec answers, with how often they came."""
        return self._unanswered

    def specs(self) -> list[SpecCount]:
        """Each spec with its own lines."""
        return [plan.tally.counted() for plan in self._plans]

    def kinds(self) -> Mapping[str, int]:
        """The kinds of objects that the answered notifications told of, with how many these were."""
        return self._payloads.times

    def unread(self) -> list[Unread]:
        """Each path that had a value and that nothing reads, by kind of object."""
        return list(self._payloads.unread())


def lines_of(specs: Iterable[SpecCount]) -> list[Line]:
    """Each line once, in the order of the files: one of a shared file counts for all that take it in."""
    together: dict[Place, Line] = {}
    for line in (line for spec in specs for line in spec.lines):
        other = together.get(line.place)
        together[line.place] = _sum(other, line) if other else line
    return [line for _, line in sorted(together.items())]


def _sum(one: Line, other: Line) -> Line:
    metrics = dict(one.by_metric)
    for metric, (had, of) in other.by_metric.items():
        before = metrics.get(metric, (0, 0))
        metrics[metric] = (before[0] + had, before[1] + of)
    return replace(
        one,
        of=one.of + other.of,
        had=one.had + other.had,
        lost=Counter(one.lost) + Counter(other.lost),
        by_metric=metrics,
        keys=Counter(one.keys) + Counter(other.keys),
    )


def conditions_of(specs: Iterable[SpecCount]) -> list[Asked]:
    """Each line of `when` once, as `lines_of`."""
    together: dict[Place, Asked] = {}
    for asked in (asked for spec in specs for asked in spec.conditions):
        other = together.get(asked.place)
        if other is not None:
            held, failed = other.held + asked.held, other.failed + asked.failed
            metrics = (*other.metrics, *asked.metrics)
            asked = replace(asked, held=held, failed=failed, metrics=metrics)
        together[asked.place] = asked
    return [asked for _, asked in sorted(together.items())]
