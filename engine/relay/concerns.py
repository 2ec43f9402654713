"""What a person should look at now: worked out of plain facts, each with what to do."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.issues import counted, lasting
from engine.relay.facts import RECENT_SECONDS, Facts

MOST_BAD_SIGNATURES = 3
LONGEST_SILENCE = 86_400.0
SHORTEST_SILENCE = 3_600.0
TIMES_USUAL = 3
FEWEST_REFUSED = 10
MOST_REFUSED = 0.01
FULL_SHARE = 0.7
FEW_BYTES = 500_000_000
"""So little free room is nearly none: the ledger must go on when Klaviyo is away for a day."""
OF_THE_LEDGER = (
    "klaviyo-paused", "intercom-paused", "nothing-comes", "dead-letters", "damaged", "cannot-translate",
    "other-workspace", "not-translated", "not-sent",
)  # fmt: skip
"""What only the ledger tells."""
HUB = "Developer Hub > your app > Configure"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something for a person: `code` tells it from others, `text` says what is, `next` what to do.

    Neither holds anything of a customer, nor a key.
    """

    code: str
    text: str
    next: str


def concerns_of(facts: Facts) -> tuple[Concern, ...]:
    """What a person should look at now."""
    return tuple(concern for look in _LOOKS for concern in look(facts))


def unknown_to(facts: Facts) -> frozenset[str]:
    """The codes of which these facts do not tell: a process that has just started has missed nothing yet."""
    uptime = facts.seen.uptime
    found = set() if facts.is_read else {*OF_THE_LEDGER}
    if facts.seen.bad_signatures is None:
        found.add("bad-signatures")
    if uptime < SHORTEST_SILENCE:
        found.add("nothing-comes")
    if uptime < RECENT_SECONDS:
        found |= {"not-translated", "not-sent"}
    return frozenset(found)


def _keys(facts: Facts) -> Iterator[Concern]:
    if facts.klaviyo.paused:
        what = f"no {facts.queue} are" if facts.queue else "nothing is"
        text = f"{what} sent to Klaviyo: {facts.klaviyo.paused}"
        hint = "set KLAVIYO_API_KEY to a private key with the scopes that `doctor` names; nothing is lost"
        yield Concern("klaviyo-paused", text, hint)
    if facts.intercom.paused:
        text = f"nothing is translated, since Intercom cannot be asked: {facts.intercom.paused}"
        hint = (
            f"give the app its scopes ({HUB} > Authentication; `doctor` names them), or set INTERCOM_TOKEN"
            " to a new token; nothing is lost"
        )
        yield Concern("intercom-paused", text, hint)


def _signatures(facts: Facts) -> Iterator[Concern]:
    bad = facts.seen.bad_signatures or 0
    if bad >= MOST_BAD_SIGNATURES:
        text = f"{counted(bad, 'webhook')} in a row had a wrong signature: Intercom tries each once more"
        hint = f"set INTERCOM_CLIENT_SECRET to the client secret of the app ({HUB} > Basic information)"
        yield Concern("bad-signatures", text, hint)


def _silence(facts: Facts) -> Iterator[Concern]:
    if facts.heard_at is None:
        return
    usual = facts.usual_silence
    own = LONGEST_SILENCE if usual is None else max(SHORTEST_SILENCE, TIMES_USUAL * usual)
    silent = facts.now - facts.heard_at
    if silent > min(own, LONGEST_SILENCE):
        text = f"nothing has come from Intercom for {lasting(silent)}"
        where = f"{HUB} > Webhooks > Set live"
        hint = f"is the address reachable, and is the subscription paused or suspended? {where}"
        yield Concern("nothing-comes", text, hint)


def _refused(facts: Facts) -> Iterator[Concern]:
    settled = facts.accepted + facts.refused
    if facts.refused >= FEWEST_REFUSED and facts.refused >= MOST_REFUSED * settled:
        text = f"Klaviyo refused {facts.refused} of {settled} events and profiles within 10 minutes"
        hint = "`intercom-klaviyo dead` lists them with Klaviyo's reasons; was a mapping changed?"
        yield Concern("dead-letters", text, hint)


def _damage(facts: Facts) -> Iterator[Concern]:
    if facts.damaged:
        text = (
            f"what the ledger holds had changed on the disk, {counted(facts.damaged, 'time')} since yesterday"
        )
        hint = "`intercom-klaviyo ledger check`; look at the disk and the memory, and have a backup at hand"
        yield Concern("damaged", text, hint)


def _ours(facts: Facts) -> Iterator[Concern]:
    if facts.untranslatable:
        text = f"{counted(facts.untranslatable, 'notification')} waited for over 10 minutes: "
        hint = "this is a fault of ours: report the words in brackets; they are tried again by themselves"
        yield Concern("cannot-translate", text + facts.why_untranslatable, hint)


def _strangers(facts: Facts) -> Iterator[Concern]:
    if facts.strangers:
        what = counted(facts.strangers, "notification")
        text = f"{what} came from workspaces without a token, the last from {facts.stranger}"
        hint = (
            f"set INTERCOM_TOKEN to its token (INTERCOM_TOKEN_{facts.stranger.upper()} beside another), "
            "start `serve` again, then `intercom-klaviyo replay --since 1d`"
        )
        yield Concern("other-workspace", text, hint)


def _room(facts: Facts) -> Iterator[Concern]:
    room = facts.room
    hint = "give it a larger disk, or keep less; what waits for Klaviyo is never thrown away"
    if room.is_full:
        text = f"no room is left for the ledger ({_mb(room.free_bytes)} free): webhooks are answered with 503"
        yield Concern("disk-full", text, hint)
    elif room.share >= FULL_SHARE:
        text = f"the ledger holds {_mb(room.used_bytes)} of the {_mb(room.quota_bytes)} that it may hold"
        yield Concern("disk-filling", text, hint)
    elif room.free_bytes < FEW_BYTES:
        yield Concern("disk-filling", f"the disk of the ledger has {_mb(room.free_bytes)} left", hint)


def _mappings(facts: Facts) -> Iterator[Concern]:
    if facts.seen.broken_mappings:
        what = facts.seen.broken_mappings
        text = f"the mappings were changed and cannot be used, so the older ones go on: {what}"
        yield Concern("broken-mappings", text, "`intercom-klaviyo check` shows each fault; mend it there")


def _clock(facts: Facts) -> Iterator[Concern]:
    if jumped := facts.seen.clock_jumped:
        way = "ahead" if jumped > 0 else "back"
        text = f"this machine's clock went {way} by {lasting(abs(jumped))} at once, or the machine slept"
        yield Concern(
            "clock-jumped", text, "let NTP set it: times decide what is history and what is too old"
        )


def _standstill(facts: Facts) -> Iterator[Concern]:
    waits = _overdue(facts.to_translate_since, facts.now)
    if waits and not facts.intercom.paused:
        text = f"notifications have waited for {lasting(waits)} to be translated"
        yield Concern("not-translated", text, "`intercom-klaviyo status` shows why; does `serve` run?")
    waits = _overdue(facts.to_send_since, facts.now)
    if waits and not facts.klaviyo.paused and not facts.accepted + facts.refused:
        why = f": {facts.trouble}" if facts.trouble else "" if facts.tried else ": nothing was tried"
        text = f"Klaviyo has taken nothing for over 10 minutes, and some waits for {lasting(waits)}{why}"
        hint = "status.klaviyo.com tells of its outages; `intercom-klaviyo doctor` looks at our side"
        yield Concern("not-sent", text, hint)


def _overdue(since: float | None, now: float) -> float:
    waits = now - since if since is not None else 0.0
    return waits if waits > RECENT_SECONDS else 0.0


def _mb(number: int) -> str:
    return f"{number / 1_000_000:,.0f} MB"


_LOOKS = (
    _keys, _signatures, _silence, _refused, _damage, _ours, _strangers, _room, _mappings, _clock, _standstill,
)  # fmt: skip
