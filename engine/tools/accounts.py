"""Both accounts, as the settings have them."""

from collections.abc import Callable
from typing import Any

from engine.intercom.client import Intercom
from engine.klaviyo.client import WORKERS, Klaviyo
from engine.ports import Transport
from engine.settings import Settings
from engine.tools.dry_run import DryTransport
from engine.transport import HttpTransport

NO_KEY = "none"
"""Stands for a key where nothing is sent."""


def intercom_of(settings: Settings) -> Intercom:
    """The workspace that the settings name; its token must be set."""
    return Intercom(
        settings.intercom_token,
        region=settings.intercom_region,
        url=settings.intercom_url,
        transport=wire_of(settings),
    )


def klaviyo_of(settings: Settings, transport: Transport | None = None) -> Klaviyo:
    """The account that the settings name; its key or token must be set."""
    return Klaviyo(
        settings.klaviyo_key,
        access_token=settings.klaviyo_token,
        revision=settings.klaviyo_revision,
        url=settings.klaviyo_url,
        rate_share=settings.rate_share,
        transport=transport or wire_of(settings),
        workers=WORKERS,
    )


def dry_klaviyo_of(settings: Settings, show: Callable[[str, str, Any], None]) -> Klaviyo:
    """The same account, of which every request is shown and none sent; it needs no key."""
    return Klaviyo(
        NO_KEY,
        revision=settings.klaviyo_revision,
        url=settings.klaviyo_url,
        transport=DryTransport(show),
        workers=1,
    )


def wire_of(settings: Settings) -> Transport:
    """The network, with or without the proxies of the environment."""
    return HttpTransport(trust_env=settings.trust_env)
