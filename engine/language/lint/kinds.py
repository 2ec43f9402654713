"""Whether what a spec takes in, and what its tests are given, is of the topics that it answers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.issues import Issue
from engine.language.catalogue import HISTORY, kind_of
from engine.language.inline import texts_of
from engine.language.source import Node
from engine.language.spec import Case, Spec


def issues_of_kinds(spec: Spec, root: Node, shared: Mapping[str, Node]) -> Iterator[Issue]:
    """A past among objects of which no topic tells; and events taken for profiles.

    *root* is the spec's own file, *shared* are the files that it may take in, by name.
    """
    past, kinds = HISTORY.get(spec.history), {kind_of(topic) for topic in spec.topics}
    if past is None or not kinds or "" in kinds:
        return
    own = root.get("history")
    taken = [node for node in texts_of(root, "use", lambda _: None) if _has_history(shared.get(node.value))]
    node = own or taken[-1]
    what = "this" if own else f"shared/{node.value}.yaml"
    if past not in kinds:
        message = f"{what} tells of {past}s, and the topics of {' and '.join(sorted(kinds))}s"
        yield Issue("other-topic", message, node.place, "take it out, or correct `topic:`")
    elif spec.kind == "profile" and past != "contact" and not own:
        message = f"`name` makes a profile, and {what} tells of {past}s"
        yield Issue("other-topic", message, spec.name_place, "for an event, write `metric:` and not `name:`")


def _has_history(root: Node | None) -> bool:
    return root is not None and root.get("history") is not None


def issues_of_use(
    spec: Spec, root: Node, shared: Mapping[str, Node], odd: Iterable[Issue]
) -> Iterator[Issue]:
    """Shared files of whose properties the payload has none; *odd* is what was found in them."""
    unknown = {
        (issue.place.file, issue.place.line) for issue in odd if issue.place and issue.code == "unknown-path"
    }
    places = [line.value.place for line in spec.properties]
    for node in texts_of(root, "use", lambda _: None):
        file = shared[node.value].document.file if node.value in shared else ""
        brought = {(place.file, place.line) for place in places if place.file == file}
        if len(brought) > 1 and brought <= unknown:
            message = f"nothing that shared/{node.value}.yaml brings is there in the payloads of these topics"
            yield Issue("other-topic", message, node.place, "take it out, or correct `topic:`")


def issues_of_given(spec: Spec, payload_of: Mapping[str, Any]) -> Iterator[Issue]:
    """Tests that are given a notification of another topic; *payload_of* holds the fixtures by name."""
    for case in spec.cases if spec.topics else ():
        payload = payload_of.get(case.given)
        topic = payload.get("topic") if isinstance(payload, dict) else None
        if isinstance(topic, str) and topic not in spec.topics and _keeps_topic(case):
            message = f"this is a notification of {topic}, which this spec does not answer"
            yield Issue("other-topic", message, case.given_place, f"its topics: {', '.join(spec.topics)}")


def _keeps_topic(case: Case) -> bool:
    return not case.history and all(steps != ("event", "topic") for steps, _ in case.changes)
