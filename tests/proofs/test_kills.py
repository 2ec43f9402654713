"""A relay that is killed loses nothing that it has answered for, and tells Klaviyo nothing twice.

200 kills; `python -m tests.soak kills` does 1,000.
"""

from collections import Counter
from pathlib import Path

import pytest

from tests.proofs.checker import wrong
from tests.proofs.kills import NAMED, run

pytestmark = pytest.mark.long


def test_nothing_is_lost_by_two_hundred_kills(tmp_path: Path) -> None:
    done = run(tmp_path, 200, seed=1)
    assert [complaint for one in done for complaint in wrong(one.history.facts())] == []
    kills = sum((one.kills for one in done), Counter[str]())
    assert {*NAMED, "at random"} <= kills.keys()
    assert kills.total() >= 200
    assert sum(1 for one in done for fact in one.history.facts() if fact["fact"] == "stored") > 1_000
