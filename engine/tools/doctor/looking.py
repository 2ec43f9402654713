"""A look at both accounts, and at the ledger between them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from engine.clock import SystemClock
from engine.errors import SettingsError
from engine.intercom.rest import Rest
from engine.language.plan import Plan
from engine.settings import Settings
from engine.tools.accounts import klaviyo_of, wire_of
from engine.tools.doctor.at_intercom import look_at_intercom
from engine.tools.doctor.at_klaviyo import look_at_klaviyo
from engine.tools.doctor.findings import Dated, Finding

PATIENCE_SECONDS = 20.0


def look(settings: Settings, plans: Sequence[Plan]) -> Iterator[Finding]:
    """What there is to say of both accounts and of the ledger; a secret that is missing is a fault."""
    file = Path(settings.ledger_file)
    at_ledger = _at_ledger(file)
    yield from _missing(settings, "Intercom", "INTERCOM_TOKEN")
    if settings.intercom_token:
        dated = Dated(wire_of(settings), SystemClock())
        rest = Rest(
            settings.intercom_token,
            settings.intercom_region,
            url=settings.intercom_url,
            transport=dated,
            patience_seconds=PATIENCE_SECONDS,
        )
        region, has_secret = settings.intercom_region, bool(settings.intercom_secrets)
        yield from look_at_intercom(rest, region, dated, plans, has_secret=has_secret)
    yield from _missing(settings, "Klaviyo", "KLAVIYO_API_KEY")
    if settings.klaviyo_key or settings.klaviyo_token:
        dated = Dated(wire_of(settings), SystemClock())
        sent_to = at_ledger[0](file) if at_ledger else ""
        yield from look_at_klaviyo(klaviyo_of(settings, dated), dated, plans, sent_to=sent_to)
    if at_ledger:
        yield from at_ledger[1](file, plans, SystemClock().now().timestamp())
    elif file.is_file():
        what = f"there is a ledger, {file}, and nothing to open it with"
        yield Finding("Ledger", "note", what, "pip install 'intercom-klaviyo[relay]'")


def _at_ledger(file: Path) -> tuple[Callable[..., str], Callable[..., Iterator[Finding]]] | None:
    """What looks at the ledger, which is not made for this; None without one, or without what opens it."""
    if file.is_file():
        with suppress(ImportError):
            # Imported here: who has no ledger needs none of what it is made of.
            from engine.tools.doctor.at_ledger import account_of, look_at_ledger

            return account_of, look_at_ledger
    return None


def _missing(settings: Settings, side: str, name: str) -> Iterator[Finding]:
    """A secret that is not set: the other side can still be looked at."""
    try:
        settings.need(name)
    except SettingsError as error:
        for issue in error.issues:
            yield Finding(side, "fault", issue.message, issue.hint)
