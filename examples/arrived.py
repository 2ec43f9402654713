"""Has every event that was told of arrived, and once? Compares what should have come with what Klaviyo has.

    python examples/arrived.py tests/fixtures/ticket.created.json tests/fixtures/ticket.created.json

Takes two files with a JSON object a line: those of `send --dry-run --json`, and those of
`sandbox state --events --json`. Only their `unique_id` counts; lines without one are passed over. Exit 1
where anything is missing, or is there twice.
"""

import json
import sys
from collections import Counter
from pathlib import Path


def ids(file: str) -> Counter[str]:
    """How often each event is in a file."""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.startswith('{"')]
    return Counter(row["unique_id"] for row in rows if row.get("unique_id"))


def main(wanted: str, stored: str) -> None:
    expected, found = ids(wanted), ids(stored)
    missing = len(expected.keys() - found.keys())
    twice = sum(number > 1 for number in found.values())
    print(f"{len(expected)} events were told of: {missing} are missing at Klaviyo, {twice} are there twice")
    sys.exit(1 if missing or twice else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
