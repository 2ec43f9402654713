"""The records that some notifications need, put into a file: for look-ups without a network."""

import json
from collections.abc import Iterable
from pathlib import Path

from engine.enquiry import Enquiry
from engine.errors import Unreadable
from engine.events import Notification
from engine.intercom.client import Intercom
from engine.intercom.records import PLURALS, read_records
from engine.language.plan import Plan
from engine.ports import TABLES, Record
from engine.router import Router
from engine.tools.files import replace_file

WHOLE = {"admin": Intercom.admins, "team": Intercom.teams, "tag": Intercom.tags}
"""The tables of which all is taken: they are short, and a spec may come to need another line of them."""

Tables = dict[str, list[Record]]


def pulled(
    intercom: Intercom, plans: Iterable[Plan], notifications: Iterable[Notification]
) -> tuple[Tables, int, int]:
    """Records by table, how many could not be asked for, and how many Intercom does not have (any more).

    Contacts and companies are those that the plans look up for the notifications, each with all its tags;
    teammates, teams and tags are all of the workspace's. Raises Unavailable, Denied and Rejected.
    """
    router = Router.of(plans)
    pairs = [(plan, one) for one in notifications for plan in router.match(one)]
    asked = Enquiry(intercom, pairs, every=True)
    tables: dict[str, dict[str, Record]] = {table: {} for table in TABLES}
    for (table, key), record in asked.known.items():
        if record is not None:
            tables[table][key] = {**record, "id": key}
    for table, whole in WHOLE.items():
        tables[table] |= {str(record["id"]): record for record in whole(intercom)}
    gone = sum(record is None for record in asked.known.values())
    missing = {one for place in range(len(pairs)) for one in asked.missing(place)}
    return {table: [*rows.values()] for table, rows in tables.items() if rows}, len(missing), gone


def add_to(file: Path, new: Tables) -> None:
    """Put records into a JSON file, over those that it has of the same ids; for its owner alone to read.

    Raises Unreadable where the file holds something else, or cannot be written.
    """
    known = read_records(file).tables() if file.exists() else {}
    tables: dict[str, list[Record]] = {}
    for table in TABLES:
        rows = {str(row["id"]): row for row in (*known.get(table, ()), *new.get(table, ()))}
        if rows:
            tables[PLURALS[table]] = [*rows.values()]
    try:
        replace_file(file, json.dumps(tables, indent=1).encode("ascii") + b"\n", new_mode=0o600)
    except OSError as error:
        raise Unreadable(f"{file}: {error.strerror or 'it cannot be written'}") from None
