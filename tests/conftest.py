"""Where tests stand (in the clone, in an empty folder, in one with a few specs), and what many look at."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import Watch
from tests.letters import write_letters
from tests.support import FIXTURES, RECORDS, ROOT, run


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores, since some tests wait for processes and answers."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no core waits for it in the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def watch() -> Watch:
    made = Watch()
    made.start()
    return made


@pytest.fixture(autouse=True)
def no_canary_is_shown(watch: Watch) -> Iterator[None]:
    """No customer and no secret in a log line, an issue or an error of the engine, whatever the test."""
    watch.caught.clear()
    yield
    assert watch.caught == []


@pytest.fixture
def in_the_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def letters(here: Path) -> Path:
    """A folder to stand in, with the specs and the letter of `letters.py`."""
    write_letters(here)
    return here


@pytest.fixture(scope="session")
def every_row() -> list[Any]:
    """What `translate --json` prints of every fixture in every version."""
    with contextlib.chdir(ROOT):
        return run("translate", "--json", FIXTURES, "--records", RECORDS).rows
