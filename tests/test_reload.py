"""Mappings and secrets that change while the relay runs: the whole new ones, or the old ones as before."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import Intercom, Klaviyo, Runner, load
from engine.errors import SettingsError, SpecError
from engine.ports import Response
from engine.relay.reload import Reload
from engine.relay.rereading import SECRETS, reread
from engine.secrets import SECRETS as ALL_SECRETS
from engine.settings import Settings, read_settings
from tests.support import ROOT, Call, ManualClock, Wire, write

NAME = "created_ticket.yaml"


class Watched:
    """A folder of mappings, a machine with its plans, and what was told of changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "mappings"
        shutil.copytree(ROOT / "mappings", self.folder)
        self.runner = Runner(load(self.folder))
        self.taken: list[int] = []
        self.refused: list[SpecError] = []
        self.reload = Reload(self.folder, self.runner, taken=self.taken.append, refused=self.refused.append)
        assert not self.reload.check_now()

    def change(self, before: str, after: str, name: str = NAME) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert before in text
        write(self.folder / name, text.replace(before, after, 1))

    @property
    def names(self) -> set[str]:
        return {plan.name for plan in self.runner.router.plans}


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_changed_mapping_is_taken_and_the_others_stay(watched: Watched) -> None:
    before = watched.names
    watched.change("metric: Created Ticket", "metric: Opened Ticket")
    assert watched.reload.check_now()
    assert watched.names == before - {"Created Ticket"} | {"Opened Ticket"}
    assert watched.taken == [len(before)]
    assert not watched.reload.check_now()


def test_one_fault_in_one_file_leaves_all_the_old_ones_running(watched: Watched) -> None:
    before = watched.runner.router
    watched.change("metric: Created Ticket", "metric: Opened Ticket")
    watched.change("metric: Resolved Ticket", "metrik: Resolved Ticket", "resolved_ticket.yaml")
    assert not watched.reload.check_now()
    assert watched.runner.router is before
    [error] = watched.refused
    places = [str(issue.place) for issue in error.issues]
    assert any(place.startswith(str(watched.folder / "resolved_ticket.yaml")) for place in places)
    assert watched.reload.broken.endswith(")")
    assert "resolved_ticket.yaml:" in watched.reload.broken
    assert "metrik" not in watched.reload.broken, "the folder's text is for logs, and not for alerts"


def test_the_same_fault_is_told_once_and_a_mended_folder_is_taken(watched: Watched) -> None:
    watched.change("metric: Created Ticket", "metrik: Opened Ticket")
    for _ in range(3):
        watched.reload.check_now()
    assert len(watched.refused) == 1
    watched.change("metrik: Opened Ticket", "metric: Opened Ticket")
    assert watched.reload.check_now()
    assert "Opened Ticket" in watched.names
    assert watched.reload.broken == ""


def test_a_fault_that_is_taken_back_ends_the_concern_and_changes_nothing(watched: Watched) -> None:
    before = watched.runner.router
    watched.change("metric: Created Ticket", "metrik: Created Ticket")
    watched.reload.check_now()
    assert watched.reload.broken
    watched.change("metrik: Created Ticket", "metric: Created Ticket")
    assert not watched.reload.check_now()
    assert watched.reload.broken == ""
    assert watched.runner.router is before


def test_a_shared_file_changes_those_who_take_it_in(watched: Watched) -> None:
    before = {plan.name: plan.hash for plan in watched.runner.router.plans}
    shared = sorted((watched.folder / "shared").glob("*.yaml"))[0]
    write(shared, shared.read_text(encoding="utf-8") + "# a comment\n")
    assert watched.reload.check_now()
    assert {plan.name: plan.hash for plan in watched.runner.router.plans} != before


def test_new_files_and_files_that_are_gone_count(watched: Watched) -> None:
    (watched.folder / NAME).unlink()
    assert watched.reload.check_now()
    assert "Created Ticket" not in watched.names
    shutil.copy(ROOT / "mappings" / NAME, watched.folder)
    assert watched.reload.check_now()
    assert "Created Ticket" in watched.names


def test_a_folder_that_is_gone_or_empty_leaves_the_old_ones_running(watched: Watched) -> None:
    before = watched.runner.router
    shutil.rmtree(watched.folder)
    assert not watched.reload.check_now()
    assert watched.reload.broken == "there are no specs to read"
    watched.folder.mkdir()
    assert not watched.reload.check_now()
    assert watched.runner.router is before


@pytest.fixture
def running(watched: Watched) -> Iterator[Watched]:
    """The same, watched by a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=watched.reload.run, args=(stop,))
    thread.start()
    yield watched
    stop.set()
    thread.join(20)
    assert not thread.is_alive(), "it ends when it is told to"


def wait_for(watched: Watched, name: str) -> None:
    """Until a metric is there: a change is noticed within seconds."""
    end = time.monotonic() + 30
    while name not in watched.names:
        assert time.monotonic() < end, "the change was not noticed"
        threading.Event().wait(0.05)


def test_a_change_on_the_disk_is_noticed(running: Watched) -> None:
    for before, after in (("Created Ticket", "Opened Ticket"), ("Opened Ticket", "Begun Ticket")):
        running.change(f"metric: {before}", f"metric: {after}")
        wait_for(running, after)


def test_another_folder_in_its_place_is_noticed(running: Watched) -> None:
    running.change("metric: Created Ticket", "metric: Opened Ticket")
    wait_for(running, "Opened Ticket")
    other = running.folder.with_name("other")
    shutil.copytree(ROOT / "mappings", other)
    running.folder.rename(running.folder.with_name("old"))
    other.rename(running.folder)
    wait_for(running, "Created Ticket")
    running.change("metric: Created Ticket", "metric: Begun Ticket")
    wait_for(running, "Begun Ticket")


# Secrets

KEYS = {"KLAVIYO_API_KEY": "pk_one", "INTERCOM_TOKEN": "tok_one", "INTERCOM_CLIENT_SECRET": "cs_one"}


def test_secrets_of_files_are_read_again_and_all_else_waits_for_the_next_start(tmp_path: Path) -> None:
    key = write(tmp_path / "key", "pk_one\n")
    settings = write(tmp_path / "engine.yaml", "klaviyo: { rate_share: 0.5 }\n")
    environment = {"KLAVIYO_API_KEY_FILE": str(key), "INTERCOM_CLIENT_SECRET": "cs_one"}
    before = read_settings(settings, environment)
    assert reread(before, settings, environment).changed == ()
    write(key, "pk_two\n")
    write(settings, "klaviyo: { rate_share: 0.9 }\n")
    found = reread(before, settings, environment)
    assert (found.changed, found.at_next_start) == (("klaviyo_key",), ("rate_share",))
    assert (found.settings.klaviyo_key, found.settings.rate_share) == ("pk_two", 0.5)
    assert "pk_" not in repr(found)


def test_two_client_secrets_and_then_one() -> None:
    before = read_settings(None, KEYS)
    both = KEYS | {"INTERCOM_CLIENT_SECRET": "cs_two", "INTERCOM_CLIENT_SECRET_PREVIOUS": "cs_one"}
    assert reread(before, None, both).settings.intercom_secrets == ("cs_two", "cs_one")


def test_secrets_that_cannot_be_read_leave_the_old_ones() -> None:
    with pytest.raises(SettingsError):
        reread(read_settings(None, KEYS), None, KEYS | {"KLAVIYO_API_KEY": "pk_one "})
    with pytest.raises(SettingsError):
        reread(read_settings(None, KEYS), None, {}, needed=("KLAVIYO_API_KEY",))


def test_every_secret_can_be_replaced() -> None:
    assert len(SECRETS) == len(ALL_SECRETS) - 1, "both client secrets are one setting"
    assert set(SECRETS) <= {name for name in Settings.__dataclass_fields__}


def test_a_new_key_is_sent_from_the_next_request_on() -> None:
    wire = Wire(lambda _: Response(200, body=b'{"data": [{"type": "account", "id": "A"}]}'))
    klaviyo = Klaviyo("pk_one", transport=wire, clock=ManualClock())
    klaviyo.account()
    klaviyo.use("pk_two")
    klaviyo.account()
    klaviyo.use(access_token="oauth")
    klaviyo.account()
    with pytest.raises(ValueError, match="ASCII text"):
        klaviyo.use("pk three")
    klaviyo.account()
    assert [call.headers["Authorization"] for call in wire.calls] == [
        "Klaviyo-API-Key pk_one", "Klaviyo-API-Key pk_two", "Bearer oauth", "Bearer oauth",
    ]  # fmt: skip


def test_a_new_token_is_sent_from_the_next_request_on() -> None:
    def answer(_: Call) -> Response:
        return Response(200, body=b'{"type": "admin", "id": "1", "app": {"id_code": "x"}}')

    wire = Wire(answer)
    intercom = Intercom("tok_one", transport=wire)
    intercom.me()
    intercom.use("tok_two")
    intercom.me()
    with pytest.raises(ValueError, match="ASCII text"):
        intercom.use("")
    assert [call.headers["Authorization"] for call in wire.calls] == ["Bearer tok_one", "Bearer tok_two"]
