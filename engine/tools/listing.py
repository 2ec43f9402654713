"""What a folder of mappings makes: spec by spec, and topic by topic."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.language.catalogue import TOPICS, kind_of
from engine.language.plan import Plan
from engine.language.spec import Kind


@dataclass(frozen=True, slots=True)
class Listed:
    """A metric or a profile in numbers. `spread` are the lines of `properties` that make one each key."""

    name: str
    kind: Kind
    file: str
    topics: tuple[str, ...]
    properties: int
    spread: int
    profile: int
    history: str
    tests: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A topic and the names of the specs that answer it. `kind` is empty where Intercom documents none."""

    topic: str
    kind: str
    names: tuple[str, ...]


def listed(plans: Iterable[Plan]) -> tuple[Listed, ...]:
    """Each spec, in the order of the plans."""
    return tuple(_of(plan) for plan in plans)


def _of(plan: Plan) -> Listed:
    spec = plan.spec
    return Listed(
        name=spec.name,
        kind=spec.kind,
        file=spec.file,
        topics=spec.topics,
        properties=len(spec.properties),
        spread=sum(field.is_spread for field in spec.properties),
        profile=len(spec.profile),
        history=spec.history,
        tests=len(spec.cases),
    )


def by_topic(plans: Iterable[Plan]) -> tuple[Answered, ...]:
    """Each topic that Intercom documents or a spec answers, by its name; some have nobody to answer."""
    plans = tuple(plans)
    documented = {topic for topics in TOPICS.values() for topic in topics}
    every = documented | {topic for plan in plans for topic in plan.spec.topics}
    return tuple(
        Answered(topic, kind_of(topic), tuple(plan.name for plan in plans if topic in plan.spec.topics))
        for topic in sorted(every)
    )
