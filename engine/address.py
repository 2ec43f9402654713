"""Addresses of services, where people may write one: nothing in them that could lead elsewhere."""

import re

_LABEL = "(?!-)[a-z0-9-]{1,63}(?<!-)"
_NAME = rf"(?:{_LABEL}\.)*(?!0x)(?=[a-z0-9-]*[a-z]){_LABEL}"
"""The last part has a letter: what ends in a number is read as an IP address, in many spellings."""
_LOOPBACK = r"127\.0\.0\.1|localhost|\[::1\]"
_ADDRESS = re.compile(
    rf"(?:https://(?P<name>{_NAME})|http://(?:{_LOOPBACK}))(?::(?P<port>[1-9][0-9]{{0,4}}))?",
    re.IGNORECASE | re.ASCII,
)
_LONGEST_NAME = 253
_WAY = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")
_LONGEST_WAY = 1_500

TAKES = "https:// and the name of a host, or http://localhost for a stand-in; a port may follow"


def checked_address(url: str) -> str:
    """The address in lower case, such as `https://a.klaviyo.com` or `http://127.0.0.1:8080`.

    Raises ValueError, which does not repeat it, where it is anything else: with a user, a path or a query,
    an IP address, or without encryption to another machine.
    """
    found = _ADDRESS.fullmatch(url.removesuffix("/"))
    if not found or len(found["name"] or "") > _LONGEST_NAME or int(found["port"] or 0) > 65535:
        raise ValueError(f"this is no address of a service: {TAKES}")
    return found[0].lower()


def checked_target(url: str) -> str:
    """The same with a path and a query, where something is posted: `https://hooks.slack.com/services/...`.

    Raises ValueError as `checked_address`, and does not repeat it either.
    """
    scheme, _, rest = url.partition("://")
    host = re.split("[/?]", rest, maxsplit=1)[0]
    way = rest[len(host) :]
    if len(way) > _LONGEST_WAY or not _WAY.fullmatch(way):
        raise ValueError("this is no address that something can be posted to")
    return checked_address(f"{scheme}://{host}") + way
