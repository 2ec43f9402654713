"""Both accounts, as the settings have them."""

from collections.abc import Callable
from typing import Any

from engine.intercom.client import Intercom
from engine.intercom.rest import PATIENCE_SECONDS
from engine.intercom.workspaces import Workspaces
from engine.klaviyo.client import WORKERS, Klaviyo
from engine.ports import Timer, Transport
from engine.settings import Settings
from engine.tools.dry_run import DryTransport, OpenWindows
from engine.transport import HttpTransport

NO_KEY = "none"
"""Stands for a key where nothing is sent."""


def intercom_of(
    settings: Settings,
    clock: Timer | None = None,
    *,
    token: str = "",
    patience_seconds: float = PATIENCE_SECONDS,
) -> Intercom:
    """The workspace that the settings name; its token must be set. *token* is that of another workspace."""
    return Intercom(
        token or settings.intercom_token,
        region=settings.intercom_region,
        url=settings.intercom_url,
        transport=wire_of(settings),
        clock=clock,
        patience_seconds=patience_seconds,
    )


def records_of(settings: Settings, *, patience_seconds: float = PATIENCE_SECONDS) -> Workspaces:
    """The records of the workspace, and of those that have tokens of their own; of no other."""
    usual = intercom_of(settings, patience_seconds=patience_seconds)
    others = {
        app_id: intercom_of(settings, token=token, patience_seconds=patience_seconds)
        for app_id, token in settings.workspace_tokens.items()
    }
    return Workspaces(usual, others)


def klaviyo_of(settings: Settings, transport: Transport | None = None, clock: Timer | None = None) -> Klaviyo:
    """The account that the settings name; its key or token must be set."""
    return Klaviyo(
        settings.klaviyo_key,
        access_token=settings.klaviyo_token,
        revision=settings.klaviyo_revision,
        url=settings.klaviyo_url,
        rate_share=settings.rate_share,
        transport=transport or wire_of(settings),
        clock=clock,
        workers=WORKERS,
    )


def dry_klaviyo_of(settings: Settings, show: Callable[[str, str, Any], None]) -> Klaviyo:
    """The same account, of which every request is shown and none sent; it needs no key."""
    return Klaviyo(
        NO_KEY,
        revision=settings.klaviyo_revision,
        url=settings.klaviyo_url,
        transport=DryTransport(show),
        windows=OpenWindows(),
        workers=1,
    )


def wire_of(settings: Settings) -> Transport:
    """The network, with or without the proxies of the environment."""
    return HttpTransport(trust_env=settings.trust_env)
