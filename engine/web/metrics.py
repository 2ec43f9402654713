"""Numbers for those who watch: counted here, or read where they are when somebody asks."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.language.catalogue import TOPICS

TOPIC_NAMES = frozenset(topic for topics in TOPICS.values() for topic in topics) | {"ping", ""}
OTHER = "other"
"""What is counted as one: whoever may sign could otherwise make up topics without end."""
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the moment. Its labels have names of ours as their values, and nothing of a customer."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


Numbers = Callable[[], Iterable[Number]]
"""Reads numbers where they are, which may take a while. Those of one name have the same labels."""


class Metrics:
    """What `/metrics` shows."""

    def __init__(self, numbers: Numbers = tuple) -> None:
        self._registry = CollectorRegistry()
        self._webhooks = Counter(
            "intercom_klaviyo_webhooks",
            "Requests to the webhooks' address, by what became of them",
            ["outcome", "topic"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "intercom_klaviyo_webhook_seconds",
            "From the head of a webhook until it is on the disk",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._registry.register(_Read(numbers))

    def count(self, outcome: str, topic: str, seconds: float) -> None:
        """Count a request."""
        self._webhooks.labels(outcome, topic if topic in TOPIC_NAMES else OTHER).inc()
        if outcome == "kept":
            self._seconds.observe(seconds)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Read(Collector):
    """Numbers that somebody else knows."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def describe(self) -> Iterator[Metric]:
        """Nothing: names are known once they are read."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Each number as it is now."""
        families: dict[str, GaugeMetricFamily] = {}
        for one in self._numbers():
            names = [name for name, _ in one.labels]
            family = families.setdefault(one.name, GaugeMetricFamily(one.name, one.help, labels=names))
            family.add_metric([value for _, value in one.labels], one.value)
        yield from families.values()
