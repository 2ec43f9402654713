"""A small flood of `tests.flood`: `python -m tests.flood` runs 20,000 events through the same."""

import pytest

from tests.flood import run

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", [1, 2])
def test_the_past_arrives_once_whatever_goes_wrong(seed: int) -> None:
    flood = run(300, seed)
    assert len(flood.accepted) > 600
    assert sum(flood.faults.values()) > 10
    assert flood.wrong == []


def test_a_loss_and_a_repetition_would_be_seen() -> None:
    flood = run(30, 3, chance=0.0)
    assert flood.wrong == []
    one = next(iter(flood.accepted))
    flood.stored[one] += 1
    flood.accepted.add("ic:never")
    assert len(flood.wrong) == 2
