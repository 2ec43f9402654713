"""What to try mappings on: the notifications and records that are named, or those beside the mappings."""

from pathlib import Path

from engine.errors import Unreadable
from engine.intercom.records import read_records
from engine.paths import fixtures_beside
from engine.ports import Records
from engine.tools.cases import records_in
from engine.tools.inputs import STDIN


def given(paths: tuple[str, ...], records: str, mappings: str) -> tuple[tuple[str, ...], Records | None]:
    """The paths to read notifications from, and the records.

    Without paths: the fixtures beside *mappings* (a folder or a file of it). Without records: those that
    lie in the folder of the notifications. Raises Unreadable where there are none of the former, and for
    damaged records.
    """
    named = read_records(records) if records else None
    if paths:
        return paths, named or _records_with(paths)
    folder = Path(mappings) if Path(mappings).is_dir() else Path(mappings).parent
    fixtures = fixtures_beside(folder.resolve())
    if fixtures is None:
        raise Unreadable(
            f"there is no tests/fixtures beside {folder}; name a file or a folder of notifications"
        )
    here = Path.cwd()
    fixtures = fixtures.relative_to(here) if fixtures.is_relative_to(here) else fixtures
    return (str(fixtures),), named or records_in(fixtures)


def _records_with(paths: tuple[str, ...]) -> Records | None:
    """The records that lie with the notifications, where all are in one folder."""
    folders = {Path(path) if Path(path).is_dir() else Path(path).parent for path in paths}
    return records_in(folders.pop()) if len(folders) == 1 and STDIN not in paths else None
