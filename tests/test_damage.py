"""A slip of the keyboard in a shipped spec is told within a line of where it happened, and never a traceback.

500 cases of the long check in `damage`: `python -m tests.damage` runs 20,000.
"""

import pytest

from tests.damage import KINDS, Tally, run

pytestmark = pytest.mark.long

SEED = 20260901
CASES = 500


@pytest.fixture(scope="module")
def tally() -> Tally:
    return run(range(CASES), SEED)


def test_every_damage_is_told_where_it_is_or_by_the_name_that_is_gone(tally: Tally) -> None:
    untold = [
        (number, damage.kind, f"{damage.file}:{damage.lines}", [str(error) for error in errors[:3]])
        for number, damage, errors in tally.untold
    ]
    assert untold == [], f"python -m tests.damage --seed {SEED} --only NUMBER shows one"


def test_of_the_damages_that_make_a_spec_invalid_nearly_all_are_told_in_their_place(tally: Tally) -> None:
    assert tally.cases == CASES
    assert tally.invalid > CASES / 2
    assert tally.near + tally.named == tally.invalid
    assert tally.near > 0.93 * tally.invalid


def test_every_kind_of_damage_happens(tally: Tally) -> None:
    assert set(tally.kinds) == set(KINDS)
