"""The account, the scopes of the key, the clock, and metrics that clash with ours; nothing is written."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.errors import Denied, EngineError
from engine.klaviyo.client import Klaviyo
from engine.klaviyo.limits import BULK_PROFILES, ENDPOINTS, EVENTS, PROFILE_IMPORT
from engine.language.plan import Plan
from engine.tools.doctor.findings import Dated, Finding, State, clock_of

CLOSED = "Intercom"
"""The integration under which Klaviyo's own connection to Intercom keeps its metrics."""
SIDE = "Klaviyo"
KEYS = "Settings > API keys"
REMOVE = (
    "remove it (Integrations > Intercom), or each event counts in two metrics of one name; segments and "
    "flows hold its metrics by id, so point them at ours first"
)
SAME_NAME = "Klaviyo tells them apart by case: write the name that is there already, unless you mean another"
FIRST = "a metric appears with its first event: intercom-klaviyo send FILE --to YOUR-ADDRESS"
USES = {
    f"POST {EVENTS}": "to send events",
    f"POST {PROFILE_IMPORT}": "to send profiles",
    f"POST {BULK_PROFILES}": "to send profiles in bulk; only for history",
    f"GET {BULK_PROFILES}/{{job_id}}": "to see what became of them; only for history",
    "GET /api/metrics": "to find metrics that clash",
    f"GET {EVENTS}": "to read events back",
    "GET /api/profiles": "to read profiles back",
}


def look_at_klaviyo(
    klaviyo: Klaviyo, dated: Dated, plans: Iterable[Plan], *, sent_to: str = ""
) -> Iterator[Finding]:
    """The account, the key's scopes, the clock, and metrics that clash with ours.

    *sent_to* is the account that the ledger has sent to, where there is one.
    """
    try:
        yield from _account(klaviyo, sent_to)
        yield from clock_of(SIDE, dated)
        for endpoint, use in USES.items():
            scopes = " and ".join(ENDPOINTS[endpoint].scopes)
            if klaviyo.may(endpoint, job_id="none"):
                yield Finding(SIDE, "ok", f"{scopes}: {use}")
            else:
                state: State = "fault" if use.startswith("to send") and "only" not in use else "look"
                hint = f"make a new key with it ({KEYS}): scopes of a key cannot be changed"
                yield Finding(SIDE, state, f"the key lacks {scopes}: {use}", hint)
        yield from _clashes(klaviyo, [plan.name for plan in plans if plan.spec.kind == "event"])
    except Denied as denied:
        yield Finding(SIDE, "fault", denied.reason, f"make a private key ({KEYS}), and set KLAVIYO_API_KEY")
    except EngineError as error:
        yield Finding(SIDE, "fault", str(error), "look at the network and at the address, and try again")


def _account(klaviyo: Klaviyo, sent_to: str) -> Iterator[Finding]:
    try:
        account = klaviyo.account()
    except Denied as denied:
        if not denied.scope:
            raise
        hint = "make a new key with it, to be sure whose account this is"
        yield Finding(SIDE, "look", "the key lacks accounts:read: the name of the account", hint)
        return
    attributes, own = account.get("attributes"), account.get("id")
    told = attributes if isinstance(attributes, dict) else {}
    contact = told.get("contact_information")
    name = contact.get("organization_name") if isinstance(contact, dict) else None
    kind = ", a test account" if told.get("test_account") is True else ""
    what = f"the account is {name or 'without a name'} ({own}){kind}; revision {klaviyo.revision}"
    yield Finding(SIDE, "ok", what)
    if sent_to and own != sent_to:
        what = f"the ledger has sent to the account {sent_to}, and `serve` sends to no other by it"
        yield Finding(SIDE, "fault", what, "set the key of that account, or a ledger of its own for this one")


def _clashes(klaviyo: Klaviyo, ours: list[str]) -> Iterator[Finding]:
    """Metrics of the closed integration that ours would double, and names that differ only in case."""
    try:
        metrics = [(_name(one), _name(one, "integration")) for one in klaviyo.metrics()]
    except Denied:
        return  # the scope is told already
    doubled = sorted({name for name, home in metrics if home == CLOSED} & {*ours})
    if doubled:
        what = f"Klaviyo's own Intercom integration has these as well: {', '.join(doubled)}"
        yield Finding(SIDE, "look", what, REMOVE)
    lower = {name.lower(): name for name in ours}
    for name, home in metrics:
        if home != CLOSED and name not in ours and name.lower() in lower:
            what = f'there is a metric "{name}", and the mappings write "{lower[name.lower()]}"'
            yield Finding(SIDE, "look", what, SAME_NAME)
    known = {name for name, home in metrics if home != CLOSED}
    new = [name for name in ours if name not in known]
    if new:
        yield Finding(SIDE, "note", f"no event of these has come yet: {', '.join(new)}", FIRST)


def _name(metric: Mapping[str, Any], *way: str) -> str:
    found: Any = metric.get("attributes")
    for step in (*way, "name"):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
