"""A small folder of specs and a letter that they answer, for what must not hang on the shipped mappings."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.support import write

SPECS = {
    "a_letter.yaml": """\
        metric: Wrote Letter
        topic: conversation.user.created
        history: conversations
        lookups:
          team: team_assignee_id
        time: created_at
        unique_id: conv:{{ id }}:letter
        value: custom_attributes.stamps as number
        profile:
          email: source.author.email as email
          phone_number: custom_attributes.phone as phone
        properties:
          Subject: title as text
          Team: team.name
          Pages:
            path: custom_attributes.pages
            default: 1
          Colour: blue as text
          Extra *:
            path: custom_attributes
            except: [phone, stamps, pages]
        tests:
          - name: a letter
            given: letter
            expect:
              time: 2026-08-31T10:00:00Z
              properties: { Subject: Hello, Pages: 1 }
        """,
    "b_stamp.yaml": """\
        metric: Licked Stamp
        topic: conversation.user.created
        when:
          custom_attributes.stamps: { at_least: 3 }
          state: open
        time: created_at
        unique_id: conv:{{ id }}:stamp
        profile:
          email: source.author.email as email
        """,
    "profile.yaml": """\
        name: Penfriend
        topic: contact.user.created
        profile:
          email: email as email
        """,
}


def letter(**custom: Any) -> dict[str, Any]:
    item = {
        "type": "conversation",
        "id": "42",
        "title": "Hello",
        "state": "open",
        "created_at": 1788170400,
        "team_assignee_id": 7,
        "source": {"author": {"email": "ann@example.com"}},
        "custom_attributes": custom,
    }
    envelope = {"type": "notification_event", "app_id": "app1", "topic": "conversation.user.created"}
    return {**envelope, "id": "n1", "created_at": 1788170400, "data": {"item": item}}


def write_letters(folder: Path) -> None:
    """`mappings`, `tests/fixtures` with records, and `letter.json`, as in a user's folder."""
    for name, text in SPECS.items():
        write(folder / "mappings" / name, dedent(text))
    write(folder / "tests" / "fixtures" / "letter.json", json.dumps(letter()))
    write(folder / "tests" / "fixtures" / "records.yaml", 'teams: [{ id: "7", name: Post }]\n')
    write(folder / "letter.json", json.dumps(letter()))
