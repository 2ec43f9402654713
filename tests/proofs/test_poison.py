"""One bad event among a thousand: it ends with its reason, and the others hardly notice."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.klaviyo.bulk import FEW
from engine.ledger.schema import attempts
from engine.ledger.schema import outbox as outbox_rows
from engine.ports import Response, Transport
from tests.proofs.checker import wrong
from tests.proofs.stage import Stage, Told, straight

MOST_REQUESTS = 8 + FEW
"""A thousand, halves of it and the rest; and the last few, one by one."""


class Counted:
    """A transport that counts requests by the end of their address."""

    def __init__(self, inner: Transport) -> None:
        self.calls: list[str] = []
        self._inner = inner

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        self.calls.append(url.rpartition("/")[2])
        return self._inner.send(method, url, headers, body)


def played(tmp_path: Path, bad: str, place: int, events: int = 1_000) -> tuple[Stage, Counted]:
    """A backlog, one of them bad."""
    stage = Stage(tmp_path)
    klaviyo = stage.sink()
    counted = Counted(klaviyo._rest._transport)  # type: ignore[arg-type]
    klaviyo._rest._transport = counted
    stage.relay = stage.another(klaviyo)
    told = [Told(number, number % 50, bad=bad if number == place else "") for number in range(events)]
    for one in told:
        one.noted(stage.history)
    straight(stage.ledger, told)
    return stage, counted


def row(stage: Stage, place: int) -> tuple[str, str, str, str]:
    with stage.ledger.read() as tx:
        found = tx.execute(select(outbox_rows).where(outbox_rows.c.unique_id == Told(place).unique_id)).one()
        return found.state, found.reason, found.pointer, found.detail


@pytest.mark.parametrize("place", [0, 517, 999])
@pytest.mark.parametrize("bad", ["pointer", "silent"])
def test_a_bad_event_costs_the_others_a_second_at_most(tmp_path: Path, bad: str, place: int) -> None:
    stage, counted = played(tmp_path, bad, place)
    began = stage.clock.seconds
    stage.relay.work_off()
    assert stage.clock.seconds - began <= 1.0
    assert len([call for call in counted.calls if call != "accounts"]) <= MOST_REQUESTS
    state, reason, pointer, detail = row(stage, place)
    assert (state, reason) == ("dead", "refused")
    assert detail
    assert (pointer == "/data/attributes/time") == (bad == "pointer")
    assert wrong(stage.told().facts()) == []


def test_an_event_at_which_klaviyo_always_fails_starves_nobody(tmp_path: Path) -> None:
    stage, _ = played(tmp_path, "failing", 100, events=300)
    stage.relay.work_off()
    began = stage.clock.seconds
    while stage.waiting() > 1:
        stage.clock.sleep(0.5)
        stage.relay.work_off()
    assert stage.clock.seconds - began <= 60.0  # hundreds of unknown fate go one by one
    late = []
    for number in range(1_000, 1_060):
        stage.put([Told(number, 100 % 50)])
        stage.relay.work_off()
        late.append(stage.waiting())
        stage.clock.sleep(1.0)
    assert max(late[5:]) == 1  # it alone; at first who shares its person stands behind it for a moment
    assert row(stage, 100)[0] == "queued"


def test_it_is_given_up_after_seven_days_with_what_klaviyo_said(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.put([Told(0, bad="failing")])
    while stage.waiting():
        stage.relay.work_off()
        stage.clock.sleep(12_000.0)
        assert stage.clock.seconds < 8 * 86_400.0
    state, reason, _, detail = row(stage, 0)
    assert (state, reason) == ("dead", "tried_in_vain")
    assert "500" in detail
    assert stage.clock.seconds >= 7 * 86_400.0


def test_each_try_is_written_down(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.put([Told(0, bad="failing"), Told(1, person=1)])
    stage.relay.work_off()
    with stage.ledger.read() as tx:
        rows = tx.execute(select(attempts.c["items"], attempts.c.accepted, attempts.c.waiting)).all()
    assert [(*one,) for one in rows] == [(2, 1, 1)]
