"""Invented customers: the first dozen are of every kind, the rest as chance has it."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar
from unicodedata import normalize

from engine.sandbox.intercom.office import Office
from engine.sandbox.intercom.truth import Contact, Tagging

T = TypeVar("T")

_FIRST = (
    "Ada", "Björn", "Chiara", "Dmitri", "Elif", "Femke", "Goran", "Hana", "Ivo", "Jana", "Kofi", "Lale",
    "Mei", "Nils", "Oana", "Pavel", "Quinn", "Runa", "Søren", "Tamar", "Ugo", "Vera", "Wout", "Xenia",
    "Yara", "Zdeněk",
)  # fmt: skip
_LAST = (
    "Achterberg", "Bianchi", "Castellanos", "Dvořák", "Eriksen", "Fontaine", "Grünwald", "Horvat", "Ivanova",
    "Janssen", "Kowalska", "Lefèvre", "Møller", "Novak", "Özdemir", "Papadakis", "Quispe", "Rantanen",
    "Sørensen", "Tkachenko",
)  # fmt: skip
_PLACES = (
    ("Germany", "Berlin", "Berlin", "DEU"),
    ("Germany", "Bavaria", "München", "DEU"),
    ("Sweden", "Stockholm", "Stockholm", "SWE"),
    ("France", "Île-de-France", "Paris", "FRA"),
    ("Spain", "Catalonia", "Barcelona", "ESP"),
)
_LANGUAGES = ("de", "sv", "en", "fr", "es", "cs")
_PLANS = ("silver", "gold", "platinum")
_BAD_PHONES = ("call me", "0151 234", "+49")
CAST = 14
"""How many contacts, one of each kind, a workspace begins with: before its first conversation."""
EARLIER_SECONDS = 30 * 86400


class People:
    """Contacts in the making."""

    def __init__(self, rng: random.Random, office: Office, start: int, end: int) -> None:
        self._rng = rng
        self._tags = [*office.tags]
        self._companies = [*office.companies]
        self._admins = [*office.admins]
        self._start, self._end = start, end
        self.contacts: list[Contact] = []
        self._times: list[int] = []
        self._spoken: dict[int, tuple[int, int]] = {}

    def invite(self, count: int) -> None:
        """Make that many contacts, oldest first, and at least those of every kind."""
        first, span = self._start - EARLIER_SECONDS, self._end - self._start
        times = [first + int(self._rng.random() * EARLIER_SECONDS) for _ in range(CAST)]
        times += [self._start + int(self._rng.random() * span) for _ in range(count - CAST)]
        self._times = sorted(times)
        self.contacts = [self._somebody(number, at) for number, at in enumerate(self._times)]
        self.contacts[:CAST] = self._cast(self.contacts[:CAST])

    def heard(self, number: int, replied_at: int, contacted_at: int) -> None:
        """Take in when somebody wrote, and was written to; 0 is never."""
        replied, contacted = self._spoken.get(number, (0, 0))
        self._spoken[number] = (max(replied, replied_at), max(contacted, contacted_at))

    def settle(self) -> None:
        """Write what was heard into the contacts."""
        for number, (replied, contacted) in self._spoken.items():
            one = self.contacts[number]
            self.contacts[number] = replace(
                one,
                replied_at=replied or None,
                contacted_at=contacted or None,
                seen_at=max(one.seen_at or 0, replied) or None,
                updated_at=max(one.updated_at, replied, contacted),
            )

    def known_at(self, at: int) -> int:
        """How many there were at a time; they are the first of `contacts`."""
        return bisect_right(self._times, at)

    def _somebody(self, number: int, created: int) -> Contact:
        chance = self._rng.random
        key = f"68b1c2d3e4{number:014x}"
        if chance() < 0.25:
            return self._lead(number, key, created)
        name = f"{self._one(_FIRST)} {self._one(_LAST)}"
        tags = self._tagged(created, int(chance() * 4))
        return Contact(
            id=key,
            created_at=created,
            updated_at=min(self._end, created + int(chance() * 86400)),
            external_id=f"cust_{10000 + number}",
            email=f"{_ascii(name)}.{number}@example.com",
            phone=self._phone() if chance() < 0.6 else None,
            name=name,
            avatar=f"https://static.shop.example.com/avatars/{number}.png" if chance() < 0.5 else "",
            owner_id=self._one(self._admins) if chance() < 0.2 else "",
            place=self._one(_PLACES),
            language=self._one(_LANGUAGES),
            browser="chrome",
            custom={
                "plan": self._one(_PLANS),
                "orders_count": int(chance() * 30),
                "newsletter": chance() < 0.5,
            },
            tags=tags,
            company_ids=(self._one(self._companies),) if chance() < 0.15 else (),
            opted_out=("91",) if chance() < 0.1 else (),
            is_unsubscribed=chance() < 0.05,
            signed_up_at=created,
            seen_at=created,
        )

    def _lead(self, number: int, key: str, created: int) -> Contact:
        """Somebody who has not signed in: often without an address, and known by a made-up id."""
        chance = self._rng.random
        external = f"5e68ece4-0ec8-4792-baac-{number:012x}"
        email = f"lead.{number}@example.com" if chance() < 0.4 else None
        return Contact(key, created, created, external, "lead", email, browser="firefox", language="en")

    def _cast(self, given: list[Contact]) -> list[Contact]:
        """One of each kind; what chance gave is kept where it does not matter."""
        users = [self._as_user(number, one) for number, one in enumerate(given)]
        bare: dict[str, Any] = {"email": None, "phone": None, "name": None, "signed_up_at": None}
        kinds: list[dict[str, Any]] = [
            {"role": "user", "phone": "+4915123456789"},
            {"role": "lead", "external_id": f"5e68ece4-0ec8-4792-baac-{1:012x}", **bare},
            {
                "role": "lead",
                "external_id": f"5e68ece4-0ec8-4792-baac-{2:012x}",
                **bare,
                "phone": "+46701234567",
            },
            {"role": "user", "tags": self._tagged(given[3].created_at, 12)},
            {"role": "user", "email": None, "phone": None},
            {"role": "user", "phone": self._one(_BAD_PHONES)},
            {"role": "lead", "merged_into": given[0].id, **bare},
            {"role": "lead", "merged_into": given[6].id, **bare},
            {"role": "user", "is_deleted": True},
            {"role": "user", "is_unsubscribed": True, "has_bounced": True, "opted_out": ("91", "92")},
            {"role": "user", "opted_in": ("93",), "is_spam": True},
            {"role": "user", "name": "  ", "avatar": ""},
            {"role": "user", "name": "王芳", "custom": {"VIP: since [year]": 2019, "nested": "a, b"}},
            {"role": "user", "company_ids": tuple(self._companies[:2]), "phone": "+33612345678"},
        ]
        return [replace(one, **kind) for one, kind in zip(users, kinds, strict=True)]

    def _as_user(self, number: int, one: Contact) -> Contact:
        name = one.name or f"{_FIRST[number]} {_LAST[number]}"
        email = one.email or f"{_ascii(name)}.{number}@example.com"
        made: dict[str, Any] = {"name": name, "email": email, "external_id": f"cust_{10000 + number}"}
        return replace(one, **made, place=_PLACES[number % 5], signed_up_at=one.created_at)

    def _tagged(self, since: int, count: int) -> tuple[Tagging, ...]:
        if not count:
            return ()
        return tuple(Tagging(tag, since, "9608801") for tag in self._rng.sample(self._tags, count))

    def _phone(self) -> str:
        if self._rng.random() < 0.05:
            return self._one(_BAD_PHONES)
        return f"+49151{int(self._rng.random() * 1e8):08}"

    def _one(self, of: Sequence[T]) -> T:
        return of[int(self._rng.random() * len(of))]


def _ascii(name: str) -> str:
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return plain.replace(" ", ".").strip(".")
