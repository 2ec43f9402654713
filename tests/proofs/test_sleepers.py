"""Who was stopped for longer than its lease lasts sends nothing twice, and settles nothing of another's.

7 times; `python -m tests.soak sleepers` does 100.
"""

from pathlib import Path

import pytest

from tests.proofs.sleepers import POINTS, run

pytestmark = pytest.mark.long


def test_a_relay_that_was_stopped_for_too_long_goes_on_without_harm(tmp_path: Path) -> None:
    slept, told = run(tmp_path, 7, seed=1)
    assert told == []
    assert len({*POINTS} & slept.keys()) >= 5
    assert slept.total() == 7
