"""Answer look-ups from a source of your own, such as a table that you keep already.

    python examples/own_records.py tests/fixtures/ticket.created.json

Anything with `fetch(table, ids)` will do: it is asked once for all ids of a table that a spec needs,
and gives None for an id that does not exist (any more).
"""

import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from engine import Runner, Translation, load

HERE = Path(__file__).resolve().parent.parent
TEAMS = {"9681002": {"id": "9681002", "name": "Returns & Refunds"}}
PEOPLE = {
    "68b1c2d3e4f5a6b7c8d9e0f1": {"id": "68b1c2d3e4f5a6b7c8d9e0f1", "email": "mara.lindqvist@example.com"}
}


class OwnRecords:
    def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Any]:
        known = {"team": TEAMS, "contact": PEOPLE}.get(table, {})
        return {key: known.get(key) for key in ids}


def main(file: str) -> None:
    runner = Runner(load(HERE / "mappings"), records=OwnRecords())
    for result in runner.translate(Path(file).read_bytes()):
        if isinstance(result, Translation):
            print(result.metric, result.profile.get("email"), result.properties.get("Assigned Team"))
            for issue in result.issues:
                print("  ", issue)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(HERE / "tests" / "fixtures" / "ticket.created.json"))
