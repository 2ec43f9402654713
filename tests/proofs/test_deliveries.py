"""Whatever goes wrong on the way, an event that was acknowledged is recorded once.

`python -m tests.soak deliveries` does the same for a million.
"""

from pathlib import Path

import pytest

from tests.proofs.checker import wrong
from tests.proofs.deliveries import SWITCHES, flood, journey

pytestmark = pytest.mark.long


def test_notifications_arrive_once_each(tmp_path: Path) -> None:
    history = journey(tmp_path, 2_000, seed=1)
    stored = sum(1 for fact in history.facts() if fact["fact"] == "stored")
    assert wrong(history.facts()) == []
    assert stored == 2_000


@pytest.mark.parametrize("name", SWITCHES)
def test_they_do_however_klaviyo_takes_what_is_not_known_of_it(tmp_path: Path, name: str) -> None:
    history = journey(tmp_path, 180, seed=2, switches=SWITCHES[name])
    assert wrong(history.facts()) == []


def test_events_of_a_backlog_arrive_once_each(tmp_path: Path) -> None:
    assert flood(tmp_path, 8_000, seed=3, switches=SWITCHES["bulk refuses what is stored"]) == []
