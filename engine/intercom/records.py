"""Records by id: here from a file, for tests, dry runs and look-ups without a network."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from engine.errors import Unreadable
from engine.intercom.webhook import decoded
from engine.ports import TABLES, Record

LARGEST_BYTES = 50 * 1024 * 1024
PLURALS = {"contact": "contacts", "admin": "admins", "team": "teams", "tag": "tags", "company": "companies"}


class RecordsFile:
    """Records that are known from the start, such as those of a file.

    *tables* has `contacts`, `admins`, `teams`, `tags` and `companies` (each may be absent), each a list
    of objects as Intercom's REST returns them. Raises Unreadable where it has another shape.
    """

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self._tables: dict[str, dict[str, Record]] = {table: {} for table in TABLES}
        unknown = sorted(set(tables) - set(PLURALS.values()))
        if unknown:
            raise Unreadable(f'records have no table "{unknown[0]}"; tables: {", ".join(PLURALS.values())}')
        for table, plural in PLURALS.items():
            rows = tables.get(plural) or []
            if not isinstance(rows, list) or not all(isinstance(row, dict) and "id" in row for row in rows):
                raise Unreadable(f"`{plural}` is no list of objects that have an `id`")
            self._tables[table] = {str(row["id"]): row for row in rows}

    def fetch(self, table: str, ids: Collection[str]) -> Mapping[str, Record | None]:
        """The records of one table by id; None for an id that is not in the file."""
        return {key: self._tables[table].get(key) for key in ids}

    def tables(self) -> dict[str, list[Record]]:
        """All records by table."""
        return {table: [*rows.values()] for table, rows in self._tables.items()}


def read_records(path: str | Path) -> RecordsFile:
    """The records of a YAML or JSON file. Raises Unreadable, also where the file is not there."""
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or 'cannot be read'}") from None
    tables = _json(raw, str(path)) if path.suffix == ".json" else _yaml(raw, str(path))
    if not isinstance(tables, dict):
        raise Unreadable(f"{path}: records are lists under {', '.join(PLURALS.values())}")
    try:
        return RecordsFile(tables)
    except Unreadable as error:
        raise Unreadable(f"{path}: {error.reason}") from None


def _json(raw: bytes, name: str) -> Any:
    try:
        return decoded(raw, largest=LARGEST_BYTES)
    except Unreadable:
        raise Unreadable(f"{name}: it is not JSON") from None


def _yaml(raw: bytes, name: str) -> Any:
    from engine.language.source import Limits, read

    limits = Limits(file_bytes=LARGEST_BYTES, nodes=5_000_000, scalar_characters=1024 * 1024)
    root, issues = read(raw, name, limits)
    errors = [issue for issue in issues if issue.severity == "error"]
    if errors:
        raise Unreadable(str(errors[0]))
    return root.data() if root else {}
