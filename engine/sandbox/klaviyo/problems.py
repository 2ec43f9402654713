"""How Klaviyo words a refusal.

Seen in answers of the real service, word by word: unknown and required fields, the payload, phone and e-mail
address, `unset`, the include parameter, the filter's parentheses and operator, the duplicate, throttling, the
revision of the future. The others are ours, in its manner: a client must not depend on them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PAYLOAD = "The payload provided in the request is invalid."
PHONE = "Invalid phone number format (Example of a valid format: +12345678901)"
EMAIL = "Invalid email address"
UNSET = "Unset must be a string or an array of strings (the property keys to unset)."
ONE_OF_THREE = "One of `attributes`, `relationships` or `id` must be included in the request payload."
DUPLICATE = "A profile already exists with one of these identifiers."
PARENTHESES = "Invalid filter provided. Verify your parentheses match."


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of `errors`."""

    status: int
    code: str
    title: str
    detail: str
    pointer: str = ""
    parameter: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    def rendered(self, id_: str) -> dict[str, Any]:
        """As JSON:API."""
        source = {"parameter": self.parameter} if self.parameter else {"pointer": self.pointer or "/data/"}
        return {
            "id": id_,
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "source": source,
            "links": {},
            "meta": dict(self.meta),
        }


class Refusal(Exception):
    """An answer that is no success, from wherever the work has come to."""

    def __init__(self, *problems: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problems[0].detail)
        self.problems = problems
        self.headers = dict(headers or {})


def invalid(detail: str, pointer: str) -> Problem:
    """Something about the body."""
    return Problem(400, "invalid", "Invalid input.", detail, pointer)


def bad_parameter(detail: str, parameter: str) -> Problem:
    """Something about the query."""
    return Problem(400, "invalid", "Invalid input.", detail, parameter=parameter)


def payload() -> Problem:
    """A body that cannot be read as what it should be."""
    return invalid(PAYLOAD, "/data")


def unknown_field(name: str, resource: str, pointer: str) -> Problem:
    """A key that the specification does not know there."""
    return invalid(f"'{name}' is not a valid field for the resource '{resource}'.", pointer)


def required_field(name: str, resource: str, pointer: str) -> Problem:
    """A key that must be there."""
    return invalid(f"'{name}' is a required field for the resource '{resource}'.", pointer)


def duplicate(profile_id: str) -> Problem:
    """Identifiers of another profile."""
    meta = {"duplicate_profile_id": profile_id}
    return Problem(409, "duplicate_profile", "Conflict.", DUPLICATE, "/data/attributes", meta=meta)


def not_found(detail: str) -> Problem:
    """Nothing there."""
    return Problem(404, "not_found", "Not found.", detail)


def unauthenticated(status: int) -> Problem:
    """A request without a key."""
    detail = "Authentication credentials were not provided."
    return Problem(status, "not_authenticated", detail, "Missing or invalid Authorization header.")


def bad_key() -> Problem:
    """A key that is none of the account's."""
    text = "Incorrect authentication credentials."
    return Problem(401, "authentication_failed", text, text)


def no_scope() -> Problem:
    """A key that may not do this."""
    return Problem(
        403,
        "permission_denied",
        "You do not have permission to perform this action.",
        "The API key specified is invalid or doesn't have the required permissions.",
    )


def throttled(seconds: int) -> Problem:
    """A window is full."""
    detail = f"Request was throttled. Expected available in {seconds} seconds."
    return Problem(429, "throttled", "Request was throttled.", detail)


def not_modelled(what: str) -> Problem:
    """Something of the real service that this stand-in does not do; said, so that nobody relies on it."""
    detail = f"The sandbox does not stand in for {what}. Klaviyo itself does this."
    return Problem(501, "not_implemented", "Not in the sandbox.", detail)


def told(problems: Iterable[Problem], at_once: bool) -> tuple[Problem, ...]:
    """What an answer says of them."""
    found = tuple(problems)
    return found if at_once else found[:1]
