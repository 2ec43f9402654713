"""`Service`: all the parts of `serve`, put together, started and ended."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.clock import SystemClock
from engine.errors import LedgerError, SettingsError, SpecError, Unavailable
from engine.folder import load
from engine.issues import Issue, counted
from engine.ledger import leases
from engine.ledger.erasing import Policy, purge
from engine.ledger.store import Ledger
from engine.relay.alerts import Alarm
from engine.relay.courtesy import Courtesy
from engine.relay.draining import Attempted
from engine.relay.intake import Intake
from engine.relay.points import Points
from engine.relay.relay import ACCOUNT, Relay, new_owner
from engine.relay.reload import Reload
from engine.relay.rereading import SECRETS, reread
from engine.relay.upkeep import Upkeep
from engine.relay.working import Workers
from engine.runner import Runner
from engine.settings import Settings
from engine.tools.accounts import klaviyo_of, records_of, wire_of
from engine.tools.alone import alone
from engine.tools.numbers import numbers_of
from engine.web.app import PATH, Web
from engine.web.metrics import Metrics
from engine.web.sockets import serve
from engine.web.webhooks import Webhooks

NEEDED = ("INTERCOM_TOKEN", "INTERCOM_CLIENT_SECRET", "KLAVIYO_API_KEY")
SHORTEST_SECRET = 16
"""A client secret of Intercom's has 36 characters; a short one could be guessed."""
LOOKUP_PATIENCE_SECONDS = 2.0
"""For how long a look-up is tried again at once; then its notification waits, and others go on."""
FAILED_SECONDS = 15.0
"""After what nobody foresaw, what stands beside the relay is tried again so late."""
DAY, HOUR = 86_400.0, 3_600.0
TURN_SECONDS = 0.0001
"""Threads that work give way so soon to the one that answers webhooks; Python's own is fifty times that."""

Started = Callable[[str, Path], None]
"""Gets the address for Intercom and the ledger's file, once requests come in."""


class Service:
    """Receives, translates and delivers until it is told to stop.

    *as_read* are the settings of the file and the environment, where options go before them. *log* is
    structlog's, or anything with `info`, `warning` and `error`. Raises SettingsError for settings
    that are too weak, LedgerError where the ledger cannot be used or another service uses it, and SpecError.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        mappings: str = "",
        settings_file: Path | None = None,
        as_read: Settings | None = None,
        environment: Mapping[str, str],
        points: Points,
        log: Any,
    ) -> None:
        _refuse_weak(settings)
        self._settings = settings
        self._as_read = as_read or settings
        self._settings_file = settings_file
        self._environment = environment
        self._log = log
        self._parts = ExitStack()
        self._stop = threading.Event()
        clock = SystemClock()
        path = Path(settings.ledger_file)
        owner = new_owner()
        before = self._parts.enter_context(alone(path, owner))
        try:
            self._records = records_of(settings, patience_seconds=LOOKUP_PATIENCE_SECONDS)
            self._runner = Runner(load(mappings or None), records=self._records)
            self.ledger = Ledger(path, clock=clock)
            self._parts.callback(self.ledger.close)
            leases.end(self.ledger, before)  # who was killed could not
            courtesy = Courtesy()
            self._relay = Relay(
                self.ledger, self._runner, klaviyo_of(settings), owner=owner, clock=clock, points=points,
                late_after_seconds=settings.late_after_hours * HOUR, told=self._sent, trouble=self._met,
                give_way=courtesy.give_way,
            )  # fmt: skip
            self._alarm = Alarm(
                self.ledger, settings.alert_url, transport=wire_of(settings), clock=clock,
                form=settings.alert_format, trouble=lambda reason: log.warning("alert", reason=reason),
            )  # fmt: skip
            self._reload = Reload(mappings or None, self._runner, taken=self._taken, refused=self._refused)
            policy = Policy(settings.keep_days * DAY, settings.keep_dead_days * DAY, settings.wait_days * DAY)
            self._upkeep = Upkeep(
                self.ledger, ACCOUNT, self._alarm, clock=clock, wait_days=settings.wait_days,
                purge=lambda now: purge(self.ledger, policy, points, now),
                bad_signatures=lambda: self._webhooks.forged_in_a_row,
                broken_mappings=lambda: self._reload.broken, trouble=self._met,
            )  # fmt: skip
            self._workers = Workers(self._relay, tick=self._upkeep.tick, told=self._met)
            self._intake = Intake(
                self._relay.keep, on_kept=self._workers.wake, has_room=lambda: not self._upkeep.disk_is_full,
                courtesy=courtesy,
            )  # fmt: skip
            metrics = Metrics(lambda: numbers_of(self.ledger, ACCOUNT))
            self._webhooks = Webhooks(
                lambda: self._settings.intercom_secrets, self._intake.keep, self.ledger.now, metrics
            )
            self._web = Web(self._webhooks, metrics, self._checks())
        except BaseException:
            self._parts.close()
            raise

    def run(self, started: Started) -> bool:
        """Serve until `stop` is called, or SIGTERM or SIGINT comes; whether it ended in time.

        For the main thread. Raises OSError where the port is taken.
        """
        threads = [
            threading.Thread(target=self._watch, name="mappings", daemon=True),
            threading.Thread(target=self._post, name="alerts", daemon=True),
        ]

        def listening(host: str, port: int) -> None:
            self._intake.start()
            self._workers.start()
            for thread in threads:
                thread.start()
            shown = f"[{host}]" if ":" in host else host
            started(f"http://{shown}:{port}{PATH}", self.ledger.path)

        sys.setswitchinterval(TURN_SECONDS)
        with self._parts, self._signals(), self._deaths():
            try:
                serve(
                    self._web, self._settings.serve_host, self._settings.serve_port, started=listening,
                    stop=self._stop, stopping=self._web.stop,
                )  # fmt: skip
            finally:
                self._stop.set()
                is_kept = self._intake.stop()
                is_ended = self._workers.stop()
        return is_kept and is_ended

    def stop(self) -> None:
        """End, from any thread or from a handler of signals."""
        self._stop.set()

    def read_again(self) -> None:
        """Take secrets that have changed: those that come from files (`*_FILE`)."""
        try:
            found = reread(self._as_read, self._settings_file, self._environment, NEEDED)
            _refuse_weak(found.settings)
        except SettingsError as error:
            self._log.error(
                "secrets not taken", reason=str(error), issues=[one.message for one in error.issues]
            )
            return
        self._as_read = found.settings
        secrets = {name: getattr(found.settings, name) for name in SECRETS}
        self._settings = replace(self._settings, **secrets)
        self._relay.use(found.settings.klaviyo_key, access_token=found.settings.klaviyo_token)
        if "intercom_token" in found.changed:
            self._records.use(found.settings.intercom_token)
        self._alarm.use(found.settings.alert_url)
        try:
            self._relay.try_now()
        except Unavailable as error:  # what waits is due by itself in a while
            self._met("trying again", error)
        self._workers.wake()
        self._log.info("settings read again", changed=[*found.changed], at_next_start=[*found.at_next_start])

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Stop at SIGTERM and SIGINT, read secrets again at SIGHUP."""
        before = {}

        def hung_up(*_: Any) -> None:
            threading.Thread(target=self.read_again, name="read again", daemon=True).start()

        handlers = {signal.SIGTERM: lambda *_: self.stop(), signal.SIGINT: lambda *_: self.stop()}
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = hung_up
        if threading.current_thread() is threading.main_thread():
            before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _deaths(self) -> Iterator[None]:
        """Tell of a thread that dies by its kind: Python would show a traceback, which holds values."""
        before = threading.excepthook

        def told(died: threading.ExceptHookArgs) -> None:
            name = died.thread.name if died.thread else "a thread"
            self._met(name, died.exc_value or died.exc_type())

        threading.excepthook = told
        try:
            yield
        finally:
            threading.excepthook = before

    def _watch(self) -> None:
        """Take mappings as they change."""
        while not self._stop.is_set():
            try:
                self._reload.run(self._stop)
            except Exception as error:  # the next change is seen all the same
                self._met("mappings", error)
                self._stop.wait(FAILED_SECONDS)

    def _post(self) -> None:
        """Post alerts as they come."""
        while not self._stop.is_set():
            wait = FAILED_SECONDS
            try:
                wait = self._alarm.step()
            except Exception as error:  # the next one is tried all the same
                self._met("alerts", error)
            self._stop.wait(wait)

    def _checks(self) -> dict[str, Callable[[], str]]:
        """What `/readyz` asks."""
        return {
            "ledger": lambda: str(self._workers.broken or self._intake.trouble),
            "disk": lambda: "there is no reserve left" if self._upkeep.disk_is_full else "",
            "workers": lambda: "" if self._workers.are_alive else "they have not started, or have ended",
        }

    def _sent(self, attempt: Attempted) -> None:
        told = {"kind": attempt.kind, "accepted": attempt.accepted}
        others = {"waiting": attempt.waiting, "refused": attempt.refused, "reason": attempt.reason}
        tell = self._log.warning if attempt.reason else self._log.info
        tell("sent", **told, **{name: value for name, value in others.items() if value})

    def _taken(self, plans: int) -> None:
        self._log.info("mappings taken", specs=plans)

    def _refused(self, error: SpecError) -> None:
        self._log.error(
            "mappings not taken", reason=str(error), issues=[str(one) for one in error.issues[:20]]
        )

    def _met(self, where: str, error: BaseException) -> None:
        """Something went wrong: its kind, and our own words where it is ours; others may hold values."""
        ours = isinstance(error, LedgerError) or type(error).__module__.startswith("engine.")
        self._log.warning("trouble", at=where, kind=type(error).__name__, reason=str(error) if ours else "")


def _refuse_weak(settings: Settings) -> None:
    """Raise SettingsError for a secret that could be guessed: whoever knows it makes up events."""
    settings.need(*NEEDED)
    if any(len(secret) < SHORTEST_SECRET for secret in settings.intercom_secrets):
        message = f"INTERCOM_CLIENT_SECRET has fewer than {SHORTEST_SECRET} characters"
        hint = "copy it from the Developer Hub > your app > Basic information"
        issue = Issue("bad-secret", message, hint=hint, field="INTERCOM_CLIENT_SECRET")
        raise SettingsError(f"{counted(1, 'fault')} in the settings", [issue])
