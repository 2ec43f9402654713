"""What a person is told of an issue's code: why it comes, what to do, and an example that is put right."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.folder import Shelf, in_order
from engine.intercom.webhook import decoded
from engine.issues import CODES, Issue
from engine.language.expressions import steps
from engine.language.plan import Plan
from engine.language.source import read
from engine.language.spec import Spec
from engine.paths import bundled

FILE = Path(__file__).resolve().parents[1] / "codes.yaml"
TOPIC = "conversation.user.created"
"""What pieces of specs answer; the shipped fixture of this name is what examples are tried on."""

_WHOLE_FILE = "# mappings/"
_NEEDED = {
    "metric": "A Piece",
    "topic": TOPIC,
    "time": "created_at",
    "unique_id": "conv:{{ id }}:piece",
    "profile": "{ email: source.author.email as email }",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """A code with all that is told of it. `wrong` and `right` are specs, or pieces of one.

    `changes` are places of a notification, by their paths, with what they hold where it gives the issue;
    `when` is a sentence that stands in for `wrong`.
    """

    code: str
    group: str
    severity: str
    means: str
    cause: str
    cure: str
    wrong: str = ""
    right: str = ""
    when: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)


def explained() -> dict[str, Explained]:
    """Every code in the order of the table, by its name. Raises ValueError where the file is damaged."""
    root, issues = read(FILE.read_bytes(), FILE.name)
    if root is None or issues:
        raise ValueError(f"{FILE.name} is damaged: {', '.join(map(str, issues)) or 'it is empty'}")
    return {
        code: _explained(code, group, told)
        for group, codes in root.data().items()
        for code, told in codes.items()
    }


def _explained(code: str, group: str, told: Mapping[str, Any]) -> Explained:
    texts = {key: text.strip() for key, text in told.items() if key != "with"}
    kind = CODES[code]
    return Explained(code, group, kind.severity, kind.means, changes=told.get("with", {}), **texts)


def places(changes: Mapping[str, Any]) -> list[str]:
    """Places of a notification and what they hold, as the lines under `with:` of a test."""
    return [f"{path}: {json.dumps(value, ensure_ascii=False)}" for path, value in changes.items()]


def grouped(codes: Iterable[Explained]) -> dict[str, list[Explained]]:
    """The codes by the heading under which they stand in the table."""
    groups: dict[str, list[Explained]] = {}
    for one in codes:
        groups.setdefault(one.group, []).append(one)
    return groups


def said_of(example: str, changes: Mapping[str, Any] | None = None) -> tuple[Issue, ...]:
    """What is said of an example, with its own lines and columns.

    That is what `check` finds in it; with *changes*, also what comes of the notification that has them.
    """
    issues: list[Issue] = []
    shelf = Shelf(bundled("mappings"), Path("mappings"))
    root, faults = read(whole(example).encode(), "example.yaml")
    issues += faults
    sound = not any(issue.severity == "error" for issue in faults)
    spec = shelf.spec(root, "example", issues.append, sound=sound) if root is not None else None
    issues += shelf.issues_of_all()
    if spec and changes:
        issues += _told_by(spec, changes)
    return tuple(in_order(issues))


def _told_by(spec: Spec, changes: Mapping[str, Any]) -> Iterable[Issue]:
    """The issues of the shipped fixture with some places of its item changed."""
    # Imported here: few codes are of a notification, and the machine for them is large.
    from engine.runner import Runner

    fixtures = bundled("fixtures")
    payload = decoded((fixtures / f"{TOPIC}.json").read_bytes())
    for path, value in changes.items():
        place = payload["data"]["item"]
        *outer, last = steps(path)
        for step in outer:
            place = place[step]
        place[last] = value
    runner = Runner([Plan(spec)], records=fixtures / "records.yaml")
    return (issue for result in runner.translate(payload) for issue in result.issues)


def whole(example: str) -> str:
    """A piece of a spec, and after it the lines that make it one; a whole file as it is."""
    if example.startswith(_WHOLE_FILE):
        return f"{example}\n"
    keys = re.findall(r"^(\w+):", example, flags=re.MULTILINE)
    return "\n".join([example, *(f"{key}: {text}" for key, text in _NEEDED.items() if key not in keys), ""])
