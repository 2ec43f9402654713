"""Each planted bug turns its proof red, and without it the proof is green."""

from pathlib import Path

import pytest

from tests.proofs.mutations import MUTATIONS, planted

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_bug_is_seen(tmp_path: Path, name: str) -> None:
    assert [*MUTATIONS[name].proof(tmp_path / "well", "")] == []
    with planted(name):
        assert [*MUTATIONS[name].proof(tmp_path / "ill", name)] != []
