"""Recordings as files: named like the shipped fixtures, and never over another file."""

import json
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

from engine.errors import SpecError, Unreadable
from engine.intercom.records import LARGEST_BYTES, RecordsFile
from engine.intercom.webhook import decoded
from engine.language.expressions import parse
from engine.language.faults import TextFault
from engine.language.places import Places
from engine.tools.record.recording import Recorded, Steps


def write(recorded: Recorded, folder: Path) -> tuple[Path, bool]:
    """The file of a recording, `STEM.json` or `STEM.2.json`, and whether it is new.

    Where a file of that name holds the same already, it is left, and is the one. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = text_of(recorded.value, indent=2)
    for number in count(1):
        file = folder / (f"{recorded.stem}.{number}.json" if number > 1 else f"{recorded.stem}.json")
        try:
            stream = file.open("xb")
        except FileExistsError:
            if file.is_file() and file.stat().st_size == len(content) and file.read_bytes() == content:
                return file, False
            continue
        try:
            with stream:
                stream.write(content)
        except OSError:
            file.unlink(missing_ok=True)  # half of it
            raise
        return file, True
    raise AssertionError("numbers do not end")


def text_of(value: Any, *, indent: int | None = None) -> bytes:
    """A value as JSON with a line feed; in ASCII where it holds half a surrogate pair."""
    separators = None if indent else (",", ":")
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
        return f"{text}\n".encode()
    except UnicodeEncodeError:
        return f"{json.dumps(value, indent=indent, separators=separators)}\n".encode("ascii")


def read_tables(path: str) -> dict[str, Any]:
    """The records of a YAML or JSON file, as they stand there. Raises Unreadable."""
    file = Path(path)
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or 'it cannot be read'}") from None
    try:
        tables = decoded(raw, largest=LARGEST_BYTES) if file.suffix == ".json" else _yaml(raw, path)
        if not isinstance(tables, dict):
            raise Unreadable("records are lists under contacts, admins and so on")
        RecordsFile(tables)
    except Unreadable as error:
        raise Unreadable(f"{path}: {error.reason}") from None
    return tables


def _yaml(raw: bytes, path: str) -> Any:
    # Imported here: most runs read no YAML.
    from engine.language.source import Limits, read

    limits = Limits(file_bytes=LARGEST_BYTES, nodes=5_000_000, scalar_characters=1024 * 1024)
    root, issues = read(raw, path, limits)
    if any(issue.severity == "error" for issue in issues):
        raise Unreadable("it is no YAML that can be read")
    return root.data() if root else {}


def places_in(paths: Iterable[str]) -> dict[Steps, str]:
    """The steps to each place that a path means, with the path. Raises SpecError for what is no place."""
    found: dict[Steps, str] = {}
    for path in paths:
        try:
            steps = Places().behind(parse(path)).taken
        except TextFault as fault:
            raise SpecError(f"--keep {path}: {fault.message}") from None
        if not steps or () in steps:
            raise SpecError(f"--keep {path}: name a place, such as custom_attributes.plan")
        found |= dict.fromkeys(steps, path)
    return found
