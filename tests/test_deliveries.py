"""Whatever happens on the way, each event arrives once or is refused for its own fault, within the windows.

1,000 sequences of the long check in `deliveries`: `python -m tests.deliveries` runs 10,000.
"""

import pytest

from tests.deliveries import run

pytestmark = pytest.mark.long

EACH = 200


@pytest.mark.parametrize("start", range(0, 1_000, EACH))
def test_what_is_sent_arrives_once_or_is_refused_for_its_own_fault(start: int) -> None:
    assert [text for seed in range(start, start + EACH) if (text := run(seed))] == []
