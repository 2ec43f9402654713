"""What is not known of the real service: each question with the answers that it may give.

The defaults are what the sources suggest. A test that must hold whatever Klaviyo does runs with each of them.
"""

from dataclasses import dataclass
from typing import Literal

Identifier = Literal["id", "external_id", "email", "phone_number", "anonymous_id", "_kx"]


@dataclass(frozen=True, slots=True)
class Switches:
    """One behaviour of the real service where the sources leave more than one open."""

    bulk_repeats_refused: Literal["request", "stored"] = "request"
    """For which repetition of a `unique_id` a bulk request is refused: one inside of it, or one that is
    stored already, too. The specification only says "repeated for the same profile and metric"."""
    backfill_word: Literal["either", "event", "group"] = "either"
    """Whose `backfill` counts in a bulk request where the event and its group differ."""
    event_nulls_clear: bool = False
    """Whether a null in the profile of an event clears the field, as it does in an import."""
    identifier_order: tuple[Identifier, ...] = (
        "id", "external_id", "email", "phone_number", "anonymous_id", "_kx",
    )  # fmt: skip
    """Which identifier finds the profile of an event where two of them name different profiles."""
    import_conflict: Literal["409", "first"] = "409"
    """An import whose identifiers name two profiles: refused (seen in 2024), or the first one is updated."""
    import_faults: Literal["answer", "job"] = "answer"
    """Where a bad phone number or address in a bulk import is told: in the answer, or among the errors of
    the job. Both were seen written of."""
    phone_only: Literal["stored", "dropped"] = "stored"
    """An event known by a phone number alone: accounts without SMS dropped it silently in 2023."""
    naive_time: Literal["utc", "refused"] = "utc"
    """A `time` without a zone: others send them, and nobody says which zone is meant."""
    fall_forward: Literal["newest", "next"] = "newest"
    """To which supported revision a retired one falls forward, unless the request opts out."""
    old_backfill_refused: bool = True
    """Whether `backfill` is an unknown field before the revision that announced it."""
    gzip: bool = True
    """Whether a body may come with `Content-Encoding: gzip`; else 415."""
    emails_by_case: bool = False
    """Whether Ana@example.com and ana@example.com are two profiles."""
    missing_key_status: Literal[401, 400] = 401
    """The answer to a request without a key: one page of the documentation says 400."""
    other_id_status: Literal[409, 400] = 409
    """The answer to a PATCH whose `data.id` is not the one of its address."""
    faults_at_once: bool = True
    """Whether all faults of a body are told, or the first alone."""
    refused_counts: bool = False
    """Whether a request that is refused for the window counts in it."""
    last_page: Literal["null", "absent"] = "null"
    """How `links.next` says that there is no other page."""
