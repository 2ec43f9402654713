"""Klaviyo is away for hours: nothing is lost, the disk has room, and the backlog goes as fast as it may.

`python -m tests.soak outage` does it for three days.
"""

from pathlib import Path

import pytest

from tests.proofs.outage import run, weighed

pytestmark = pytest.mark.long


def test_six_hours_without_klaviyo_cost_nothing_but_time(tmp_path: Path) -> None:
    told = run(tmp_path, hours=6, seed=1)
    assert told.wrong == []
    assert told.events == 6 * 3600
    assert told.share_of_rate >= 0.85  # of a few seconds; the steady rate is in test_limits
    assert told.lag_seconds < 60.0
    assert told.probes < 400


def test_an_event_that_waits_takes_six_kilobytes_of_the_disk_at_most(tmp_path: Path) -> None:
    assert weighed(tmp_path, 300, seed=1) <= 6_000
