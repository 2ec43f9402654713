"""What a text is by its form: an e-mail address, a phone number, a URL, an id, a date, or words."""

import re
from datetime import datetime
from ipaddress import ip_address

from engine.language.conversions import TYPES
from engine.language.faults import Refused

EMAIL, PHONE, URL, DATE, NUMBER, TEXT = "e-mail", "phone number", "URL", "date", "number", "text"

_KEPT_SIGNS = (
    "\u0080-\u00bf\u00d7\u00f7\u2000-\u206f\u20a0-\u20bf\u3000-\u3002\ud800-\udfff\ufeff\ufff9-\uffff"
)
"""Beyond ASCII: signs, currencies, blanks, marks of direction and halves of surrogate pairs; no letters."""
_LETTER = rf"(?:[0-9A-Za-z]|[^\x00-\x7f{_KEPT_SIGNS}]|[\u00aa\u00b2\u00b3\u00b5\u00b9\u00ba])"
_EMAIL = r"[^\W_][^\s@<>()\[\]\",:;=?&/]{0,319}@[\w.-]{1,255}\.[^\W\d_](?:[^\W_]|-){1,62}"
_PHONE = r"\+[0-9][0-9 ().\u00a0/-]{4,40}[0-9]"

TOKEN = re.compile(
    rf"""
    (?P<tag> </?[A-Za-z][A-Za-z0-9]{{0,11}}(?:\s[^<>]*)?/?> )
    | (?P<kept> &(?:amp|lt|gt|quot|apos|nbsp|\#39); | (?<![0-9A-Za-z])(?:mailto|tel): )
    | (?P<url> (?:https?://|www\.)[^\s<>"']+ )
    | (?P<email> {_EMAIL} )
    | (?P<phone> {_PHONE} )
    | (?P<ip> (?<![0-9.]) [0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}} (?![0-9.]) )
    | (?P<ending> (?<=[^\s./]) \.(?:csv|docx?|gif|heic|html?|jpe?g|json|mov|mp[34]|pdf|png|svg|txt|webp|xlsx?
        |zip) (?![0-9A-Za-z]) )
    | (?P<code> (?=[A-Za-z_-]{{0,80}}[0-9]) [A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)* (?![^\x00-\x7f{_KEPT_SIGNS}]) )
    | (?P<word> {_LETTER}+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What in a text is made new, piece by piece; what lies between are signs and blanks, which stay."""

CODE = re.compile(r"[A-Za-z0-9_.:|-]+")
"""What an id is made of; anything else at the place of an id is a text."""
HEX = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9a-z])(?=[0-9]*[a-f])[0-9a-f]{8,64}(?![0-9a-z])",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)
_TELLING_KEY = re.compile(
    rf"{_EMAIL}|{_PHONE}|https?://|[0-9](?:[ ().\u00a0/-]{{0,2}}[0-9]){{6}}|[0-9a-f]{{8}}-[0-9a-f]{{4}}|"
    r"(?<![0-9a-z])(?=[a-f]*[0-9])[0-9a-f]{16,}",
    re.IGNORECASE,
)


def form_of(text: str) -> str:
    """The form of a whole text, blanks around it apart."""
    stripped = text.strip()
    whole = TOKEN.fullmatch(stripped)
    named = {"email": EMAIL, "phone": PHONE, "url": URL, "ip": URL}.get(str(whole and whole.lastgroup), "")
    if named:
        return named
    if is_path(stripped) or is_ip6(stripped):
        return URL
    if is_date(stripped):
        return DATE
    return NUMBER if _NUMBER.fullmatch(stripped) else TEXT


def is_path(text: str) -> bool:
    """Whether it is the end of a URL: `/contacts/68b1c2d3`."""
    return text.startswith("/") and len(text) > 1 and not any(map(str.isspace, text))


def is_ip6(text: str) -> bool:
    """Whether it is an IP address of the newer kind."""
    if text.count(":") < 2:
        return False
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


def is_date(text: str) -> bool:
    """Whether it is a day, or a time of one, as ISO writes it."""
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_telling(key: str) -> bool:
    """Whether a key holds what tells of a person: an address, a phone number, an id."""
    return bool(_TELLING_KEY.search(key))


def is_taken_as(kind: str, text: str) -> bool:
    """Whether a type of specs takes it: `email`, `phone`."""
    return taken_as(kind, text) is not None


def taken_as(kind: str, text: str) -> str | None:
    """What a type of specs makes of it; None where it is refused."""
    try:
        made = TYPES[kind].convert(text)
    except Refused:
        return None
    return made if isinstance(made, str) else None
