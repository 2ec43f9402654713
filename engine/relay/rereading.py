"""Secrets that are replaced while the relay runs: read again, and told what has changed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from engine.settings import Settings, read_settings

SECRETS = ("intercom_token", "intercom_secrets", "klaviyo_key", "klaviyo_token", "alert_url")


@dataclass(frozen=True, slots=True)
class Reread:
    """The settings with their secrets as they are now; everything else is as it was.

    `changed` names the secrets that are others, `at_next_start` the settings that are, and that only count
    from the next start on.
    """

    settings: Settings
    changed: tuple[str, ...]
    at_next_start: tuple[str, ...]


def reread(
    before: Settings, file: Path | None, environment: Mapping[str, str], needed: Collection[str] = ()
) -> Reread:
    """Read the settings again, as `read_settings` does. Raises SettingsError: then the old ones go on."""
    after = read_settings(file, environment, needed)
    differ = [one.name for one in fields(Settings) if getattr(before, one.name) != getattr(after, one.name)]
    secrets = {name: getattr(after, name) for name in SECRETS}
    return Reread(
        replace(before, **secrets),
        tuple(name for name in differ if name in SECRETS),
        tuple(name for name in differ if name not in SECRETS),
    )
