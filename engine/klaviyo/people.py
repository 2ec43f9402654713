"""Whom requests are about: what is of one person keeps its order, and the others need not wait for it."""

from collections.abc import Iterable, Sequence

from engine.events import Request
from engine.klaviyo.limits import IDENTIFIERS
from engine.klaviyo.request import profile_in


def identifiers_of(request: Request) -> frozenset[tuple[str, str]]:
    """Each identifier with its value; e-mail addresses know no case."""
    profile = profile_in(request.endpoint, request.body)
    return frozenset((key, str(profile[key]).lower()) for key in IDENTIFIERS if profile.get(key))


def by_person(requests: Sequence[Request]) -> list[list[int]]:
    """The places of the requests, those together that share an identifier, also by way of a third one."""
    people: list[list[int]] = []
    known: dict[tuple[str, str], int] = {}
    for place, request in enumerate(requests):
        own = identifiers_of(request)
        met = sorted({known[one] for one in own if one in known})
        home = met[0] if met else len(people)
        if not met:
            people.append([])
        for other in met[1:]:
            people[home] += people[other]
            people[other] = []
            known.update({one: home for one, person in known.items() if person == other})
        people[home].append(place)
        known.update(dict.fromkeys(own, home))
    return [sorted(places) for places in people if places]


def in_lanes(people: Iterable[list[int]], number: int) -> list[list[list[int]]]:
    """People spread over some lanes, none of them over two."""
    lanes: list[list[list[int]]] = [[] for _ in range(number)]
    for order, places in enumerate(people):
        lanes[order % number].append(places)
    return [lane for lane in lanes if lane]
