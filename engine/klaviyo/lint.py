"""What a spec says that Klaviyo would refuse or misunderstand, whatever the notification.

The limits are those of `engine.klaviyo.limits`. Klaviyo's metrics are told apart by upper and lower case,
and so are properties, which makes two of each where one was meant.
"""

from collections.abc import Iterable, Iterator

from engine.issues import Issue
from engine.klaviyo.limits import IDENTIFIERS, LONGEST_METRIC, MOST_PROPERTIES, RESERVED, excess
from engine.language.keys import PROFILE_FIELDS
from engine.language.spec import Field, Spec
from engine.language.values import Constant, Value

_FIELDS = {*PROFILE_FIELDS, "location"}
NATIVE_METRICS = (
    "Created Conversation", "Rated Conversation", "Read Conversation", "Replied to Conversation",
    "Created Ticket", "Submitted Ticket", "Replied to Ticket", "Marked Ticket On Hold", "Resolved Ticket",
)  # fmt: skip
"""The metrics of Klaviyo's own Intercom integration, from its page on the integration."""


def lint(spec: Spec, profile: Iterable[str]) -> Iterator[Issue]:
    """What Klaviyo makes impossible. *profile* are the fields as written, though some may be faulty."""
    if len(spec.name) > LONGEST_METRIC and spec.name_place:
        message = f"the name has {len(spec.name)} characters, and Klaviyo takes {LONGEST_METRIC}"
        yield Issue("name-too-long", message, spec.name_place)
    if spec.name and set(profile) <= _FIELDS - set(IDENTIFIERS) and spec.profile_place:
        hint = "such as `email: contact.email as email`"
        message = f"without {', '.join(IDENTIFIERS[:-1])} or {IDENTIFIERS[-1]} nobody is told of"
        yield Issue("no-identifier", message, spec.profile_place, hint)
    if len(spec.properties) > MOST_PROPERTIES:
        message = f"an event has at most {MOST_PROPERTIES} properties, and this is one more"
        yield Issue("too-many-properties", message, spec.properties[MOST_PROPERTIES].place)
    yield from _about_names(spec.properties)
    for line in spec.properties:
        source = line.value.source
        found = excess(source.value) if isinstance(source, Constant) else ""
        if found:
            yield Issue("over-limit", f"{line.name}: it {found}", line.value.place)


def _about_names(properties: Iterable[Field]) -> Iterator[Issue]:
    first: dict[str, Field] = {}
    for line in properties:
        if line.name.startswith("$") and RESERVED.get(line.name, "leave out the $"):
            hint = RESERVED.get(line.name, "leave out the $")
            yield Issue("reserved-name", f"Klaviyo keeps {line.name} for itself", line.place, hint)
        other = first.setdefault(_alike(line.name), line)
        if other.name != line.name:
            message = f'"{line.name}" and "{other.name}" differ only in {_difference(line.name, other.name)}'
            yield Issue("same-but-case", message, line.place, "Klaviyo shows them as two properties")


def lint_events(specs: Iterable[Spec]) -> Iterator[Issue]:
    """Specs that make the same event: Klaviyo would keep one of the two, and the properties of that."""
    known: dict[tuple[str, ...], list[Spec]] = {}
    for spec in specs:
        if spec.unique_id is None:
            continue
        alike = known.setdefault((spec.name, spec.item.text, *_written(spec, spec.unique_id)), [])
        other = next((other for other in alike if _meet(spec, other)), None)
        alike.append(spec)
        if other is not None:
            place = spec.unique_id.place
            place = place if place.file == spec.file else spec.name_place or place
            message = f"{other.stem}.yaml makes the same event of the same notification"
            hint = "put all into one file; or let `unique_id`, or `when` in both, tell them apart"
            yield Issue("one-event-twice", message, place, hint)


def _meet(one: Spec, other: Spec) -> bool:
    """Whether all that one of two asks of a notification is asked by the other, too."""
    asked, of_other = (
        {(of.text, *_written(spec, of.path)) for of in spec.conditions} for spec in (one, other)
    )
    is_within = asked <= of_other or of_other <= asked
    return is_within and not set(one.topics).isdisjoint(other.topics)


def _written(spec: Spec, value: Value) -> tuple[str, ...]:
    """A value as it is written, and the names of the spec that it reads."""
    return value.text, *(name.value.text for name in spec.names if name.name in value.reads)


def lint_metrics(specs: Iterable[Spec]) -> Iterator[Issue]:
    """Metrics whose names differ only in case from each other, or from those that Klaviyo itself makes."""
    known = {_alike(name): name for name in NATIVE_METRICS}
    for spec in specs:
        if spec.kind != "event" or not spec.name_place:
            continue
        other = known.setdefault(_alike(spec.name), spec.name)
        if other != spec.name:
            message = f'"{spec.name}" and "{other}" differ only in {_difference(spec.name, other)}'
            yield Issue("same-but-case", message, spec.name_place, "Klaviyo makes two metrics of them")


def _alike(name: str) -> str:
    return " ".join(name.split()).lower()


def _difference(name: str, other: str) -> str:
    plain = all(" ".join(one.split()) == one for one in (name, other))
    return "upper and lower case" if plain else "case or blanks"
