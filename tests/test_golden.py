"""Every fixture's requests in full, against tests/golden/<fixture>.json.

A difference is either a fault or a change of what customers get: read it before you accept it. This writes
the files anew:

    UPDATE_GOLDEN=1 python -m pytest tests/test_golden.py
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine import Translation
from tests.support import NAMED, ROOT, read, runner

GOLDEN = ROOT / "tests" / "golden"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


def rows(name: str) -> list[dict[str, Any]]:
    """What comes of a fixture, in the order of the specs."""
    made = []
    for result in runner().translate(read(name)):
        row: dict[str, Any] = {"outcome": type(result).__name__.lower(), "metric": result.metric}
        if isinstance(result, Translation):
            assert result.request
            row |= {"endpoint": result.request.endpoint, "body": result.request.body}
        else:
            row |= {"reason": result.reason}
        made.append(row)
    return made


def text(name: str) -> str:
    return json.dumps(rows(name), ensure_ascii=False, indent=2) + "\n"


def path_of(name: str) -> Path:
    return GOLDEN / f"{name}.json"


@pytest.mark.parametrize("name", NAMED)
def test_a_fixture_is_sent_as_its_golden_file_says(name: str) -> None:
    if UPDATE:
        path_of(name).write_text(text(name), encoding="utf-8", newline="\n")
    assert rows(name) == json.loads(path_of(name).read_text(encoding="utf-8"))
    assert text(name).encode() == path_of(name).read_bytes(), "the same in another order"


def test_every_golden_file_has_its_fixture() -> None:
    stale = {path.stem for path in GOLDEN.glob("*")} - set(NAMED)
    if UPDATE:
        for name in stale:
            path_of(name).unlink()
    assert UPDATE or stale == set()
