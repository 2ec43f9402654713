"""What stands in for what: the same for the same value, everywhere.

An invented value follows from the seed, from its form and from how many of its kind came before. It does
not follow from the value that it stands for, so nobody can work back or try out a guess.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from urllib.parse import urlsplit

from engine.language.catalogue import words
from engine.language.html import is_html
from engine.tools.record.chance import Chance
from engine.tools.record.forms import CODE, HEX, TOKEN, is_date, is_ip6, is_path, is_taken_as, taken_as
from engine.tools.record.words import FIRST_NAMES, LAST_NAMES, listed, name_like, word_like

_MOST_ATTEMPTS = 96
_TRIES = 12
_PREFIX = "notif_"
_SEGMENTS = words(
    """
    a admins all articles companies contacts conversation conversations inbox notes parts segments
    subscription_types subscriptions tags teams tickets users
    """
)
"""Words in Intercom's own addresses."""
_ATTRIBUTES = words(
    "align alt border class colspan dir height href id lang name rel rowspan src style target title width"
)
_ATTRIBUTE = re.compile(r"""([^\s=/"'<>]+)(\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?""")
_DIGITS = re.compile(r"[0-9]+")
_EXPONENT = re.compile(r"([0-9]+)([eE][0-9]{1,3})")
_AREAS = listed(
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 303 304 305 312 313 314 315"
)
_CITIES = listed("2079460 1614960 1174960 1214960 1134960 1314960 1414960 1514960")
_HOMES = ("example.com", "example.org")


class Inventions:
    """Invents what stands in for the values of payloads, and remembers it."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._known: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._taken: defaultdict[str, set[str]] = defaultdict(set)

    def text(self, text: str) -> str:
        """Other words, with the signs, tags, numbers, addresses and blanks where they were."""
        stripped = text.strip()
        if is_date(stripped):
            return text.replace(stripped, self.date(stripped))
        if is_path(stripped):
            return text.replace(stripped, self._path(stripped))
        if is_ip6(stripped):
            return text.replace(stripped, self._ip6(stripped))
        if not any(match.lastgroup == "word" or match.lastgroup == "tag" for match in TOKEN.finditer(text)):
            return self._pieces(text, Chance())  # no words, so that nothing is left to chance
        return self._of("text", text, lambda chance: self._pieces(text, chance))

    def name(self, text: str) -> str:
        """A person with as many names. What is in truth an address or a number becomes another of these."""
        first, *last = text.split() or [""]
        if any(match.lastgroup not in ("word", "code") for match in TOKEN.finditer(text)) or not first:
            return self.text(text)
        made = [self._named("first name", first, FIRST_NAMES)]
        made += [self._named("last name", word, LAST_NAMES) for word in last]
        return " ".join(made)

    def last_name(self, text: str) -> str:
        """The same for what comes after the first name."""
        if any(match.lastgroup not in ("word", "code") for match in TOKEN.finditer(text)):
            return self.text(text)
        return " ".join(self._named("last name", word, LAST_NAMES) for word in text.split())

    def id(self, text: str) -> str:
        """An id of the same form; one digit and what is no id at all stays."""
        if len(text) < 2 or not any(character.isalnum() for character in text):
            return (
                text if text.isdigit() or not text.isalnum() else self._of("id", text, lambda c: _id(text, c))
            )
        if not CODE.fullmatch(text):
            return self.text(text)
        return self._of("id", text, lambda chance: _id(text, chance))

    def number(self, number: int | float) -> int | float:
        """A number with as many digits; a single digit stays."""
        if isinstance(number, int):
            made = int(self.id(str(abs(number))))
            return -made if number < 0 else made
        if number.is_integer() and abs(number) < 10:
            return number
        return float(self._of("number", repr(number), lambda chance: _decimal(repr(number), chance)))

    def date(self, text: str) -> str:
        """Another day, at another time of it."""
        return self._of("date", text, lambda chance: _date(text, chance))

    def host(self, text: str) -> str:
        """Another server, below a name that is reserved for examples."""
        return self._of("host", text.lower().rstrip("."), _host)

    def _of(self, kind: str, value: str, make: Callable[[Chance], str]) -> str:
        """What stands in for a value: made when it first comes, unlike itself and all others of its kind."""
        known, taken = self._known[kind], self._taken[kind]
        if value in known:
            return known[value]
        made, number = "", len(taken)
        for attempt in range(_MOST_ATTEMPTS):
            made = make(Chance(self._seed, kind, number, attempt=attempt))
            if made not in taken and made.casefold() != value.casefold():
                break
        known[value] = made
        taken.add(made)
        return made

    def _named(self, kind: str, word: str, names: tuple[str, ...]) -> str:
        if not any(character.isalnum() for character in word):
            return word
        made = self._of(kind, word.casefold(), lambda chance: name_like("A", chance, names))
        return made.lower() if word.islower() else made

    def _pieces(self, text: str, chance: Chance) -> str:
        number = _EXPONENT.fullmatch(text.strip())
        if number:  # a number as computers write it
            return text.replace(number.group(1), self.id(number.group(1)), 1)
        return TOKEN.sub(lambda match: self._piece(str(match.lastgroup), match.group(), chance), text)

    def _piece(self, kind: str, text: str, chance: Chance) -> str:
        if kind == "email":
            return self._email(text)
        if kind == "phone":
            return self._phone(text)
        if kind == "url":
            return self._url(text)
        if kind == "code":
            return self.id(text)
        if kind == "ip":
            return self._of("ip", text, _ip)
        if kind == "tag":
            return self._tag(text, chance)
        return (
            word_like(text, chance) if kind == "word" and text.casefold() not in ("true", "false") else text
        )

    def _email(self, text: str) -> str:
        """An address of an invented person; one that specs refuse becomes one that they refuse."""
        lower = text.lower()
        host = self.host(lower.rpartition("@")[2])
        made = self._of("e-mail", lower, lambda chance: f"{_person(chance)}@{host}")
        made = made if is_taken_as("email", text) else f"\u00f8{made}"
        return made if text == lower else made[:1].upper() + made[1:]

    def _phone(self, text: str) -> str:
        """A number that is reserved for stories; one that does not exist becomes one that does not."""
        number = taken_as("phone", text)
        if number is None:
            return self._of("bad phone number", text, lambda chance: _bad_phone(text, chance))
        made = self._of("phone number", number, _phone)
        return made if text[1:].isdigit() else f"{made[:-7]} {made[-7:-4]} {made[-4:]}"

    def _url(self, text: str) -> str:
        if text[:4].lower() == "www.":
            host, slash, rest = text.partition("/")
            return f"www.{self.host(host)}{self._path(slash + rest)}"
        scheme = text.partition("://")[0].lower()
        try:
            host = urlsplit(text).hostname or ""
        except ValueError:
            host = ""
        if not host:
            return f"{scheme}://"
        after = re.sub(r"^[^/?#]*", "", text[len(scheme) + len("://") :])
        return f"{scheme}://{self.host(host)}{self._path(after)}"

    def _path(self, text: str) -> str:
        """The end of a URL, from its first slash on: ids and words made new, Intercom's own words kept."""
        return re.sub(r"[^/?&=#;]+", lambda match: self._segment(match.group()), text)

    def _segment(self, text: str) -> str:
        if text in _SEGMENTS:
            return text
        stem, dot, ending = text.rpartition(".")
        if dot and stem and CODE.fullmatch(stem) and TOKEN.match(text, len(stem)) and ending.isalpha():
            return self.id(stem) + (f".{ending}" if _is_ending(text, len(stem)) else f".{self.id(ending)}")
        plain = re.sub(r"%[0-9A-Fa-f]{2}", "-", text)
        if CODE.fullmatch(plain):
            return self.id(plain)
        return self._of("segment", plain, lambda chance: re.sub(r"\s", "-", self._pieces(plain, chance)))

    def _tag(self, text: str, chance: Chance) -> str:
        """A tag of HTML with other values of its attributes; what only looks like one is text."""
        if not is_html(text):
            return text[0] + self._pieces(text[1:], chance)
        name = re.match(r"</?[A-Za-z0-9]+", text)
        end = name.end() if name else 1
        return text[:end] + _ATTRIBUTE.sub(lambda match: self._attribute(match, chance), text[end:])

    def _attribute(self, match: re.Match[str], chance: Chance) -> str:
        name = match.group(1) if match.group(1).lower() in _ATTRIBUTES else "data-x"
        return name + self._pieces(match.group(2) or "", chance)

    def _ip6(self, text: str) -> str:
        return self._of(
            "ip", text, lambda chance: f"2001:db8::{1 + chance.below(2**16 - 1):x}:{chance.below(2**16):x}"
        )


def _is_ending(text: str, at: int) -> bool:
    match = TOKEN.match(text, at)
    return bool(match and match.lastgroup == "ending")


def _id(text: str, chance: Chance) -> str:
    """Digits for digits, letters for letters; hexadecimal where it was. A number keeps its magnitude."""
    kept = len(_PREFIX) if text.startswith(_PREFIX) else 0
    hexadecimal = {at for span in HEX.finditer(text) for at in range(*span.span())}
    made = text[:kept]
    if text.isdigit():
        made = _first_digits(text, chance)
    for at in range(len(made), len(text)):
        made += _like(text[at], at in hexadecimal, chance)
    more = "0123456789" if text.isdigit() else "abcdefghijklmnopqrstuvwxyz"
    return made + "".join(chance.pick(more) for _ in range(chance.attempt * 2 // _MOST_ATTEMPTS))


def _first_digits(text: str, chance: Chance) -> str:
    """What the first digits become: times stay times, and what fits into a number still does."""
    if text[0] == "0" or (len(text) == 10 and text[0] == "1"):
        return text[0]
    return f"{text[0]}0" if len(text) >= 16 else str(1 + chance.below(9))


def _like(character: str, is_hexadecimal: bool, chance: Chance) -> str:
    if character.isdigit():
        return chance.pick("0123456789")
    if not character.isalpha():
        return character
    letter = chance.pick("abcdef" if is_hexadecimal else "abcdefghijklmnopqrstuvwxyz")
    return letter.upper() if character.isupper() else letter


def _decimal(text: str, chance: Chance) -> str:
    """A decimal with as many places."""
    mantissa, e, exponent = text.partition("e")
    whole, dot, fraction = mantissa.partition(".")
    made = _DIGITS.sub(lambda match: _number_like(match.group(), chance), whole)
    if fraction.strip("0"):
        fraction = "".join(chance.pick("0123456789") for _ in fraction[:-1]) + chance.pick("123456789")
    return made + dot + fraction + e + exponent


def _number_like(digits: str, chance: Chance) -> str:
    if digits == "0":
        return digits
    return str(1 + chance.below(9)) + "".join(chance.pick("0123456789") for _ in digits[1:])


def _date(text: str, chance: Chance) -> str:
    day = f"{2001 + chance.below(25)}-{1 + chance.below(12):02}-{1 + chance.below(28):02}"
    hour = re.sub(
        r"^(.)[0-9]{2}(:)[0-9]{2}",
        lambda match: f"{match[1]}{chance.below(24):02}{match[2]}{chance.below(60):02}",
        text[10:],
    )
    return day + hour


def _person(chance: Chance) -> str:
    person = f"{chance.pick(FIRST_NAMES)}.{chance.pick(LAST_NAMES)}".lower()
    return (
        person
        if chance.attempt < _TRIES
        else f"{person}.{chance.below(10 ** (chance.attempt // _TRIES + 2))}"
    )


def _host(chance: Chance) -> str:
    home = chance.pick(_HOMES)
    return f"{chance.pick(LAST_NAMES).lower()}-{word_like('middle', chance)}.{home}"


def _ip(chance: Chance) -> str:
    """Of the addresses that are set aside for measuring networks."""
    return f"198.{18 + chance.below(2)}.{chance.below(256)}.{1 + chance.below(254)}"


def _phone(chance: Chance) -> str:
    """Of the numbers that North America and Britain keep free for films and books."""
    if chance.below(2):
        return f"+1{chance.pick(_AREAS)}55501{chance.below(100):02}"
    return f"+44{chance.pick(_CITIES)}{chance.below(1000):03}"


def _bad_phone(text: str, chance: Chance) -> str:
    for _ in range(_MOST_ATTEMPTS):
        made = re.sub("[0-9]", lambda _: chance.pick("0123456789"), text)
        if not is_taken_as("phone", made):
            return made
    return f"+999{chance.below(10**8):08}"
