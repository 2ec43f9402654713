"""The workspace, the scopes of the token, the clock, and the topics to tick; nothing is written."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.errors import Denied, EngineError, Unavailable
from engine.intercom.rest import Rest
from engine.language.plan import Plan
from engine.tools.doctor.findings import Dated, Finding, clock_of

SIDE = "Intercom"
IN_WORDS = {"us": "united states", "eu": "europe", "au": "australia"}
HUB = "Developer Hub > your app > Configure"
NEW_TOKEN = (
    f"make a new access token ({HUB} > Authentication); of a workspace hosted in Europe or Australia, "
    "set the region"
)
TICK = f"tick it ({HUB} > Authentication > Edit), then try again; a public app asks every workspace anew"
WHO_MAY = (
    "it takes the permission to install, configure and delete apps, which an admin gives under "
    "Settings > Teammates"
)
NOTHING = {"field": "id", "operator": "=", "value": "0"}
"""A search that finds nothing."""
SCOPES: tuple[tuple[str, str, str], ...] = (
    ("Read conversations", "/conversations", "conversation.* topics and their history"),
    (
        "Read tickets",
        "/tickets/search",
        "ticket.* topics; without it tickets also vanish from lists, silently",
    ),
    ("Read and list users and companies", "/contacts", "look-ups of many contacts, and contact.* topics"),
    ("Read one user and one company", "/contacts/0", "look-ups of a contact: its e-mail address and phone"),
    ("Read tags", "/tags", "names of tags"),
    ("Read admins", "/admins", "names of teammates and teams"),
)
"""Intercom's scopes: the name of the checkbox, an address that needs it, and what it is for."""


def look_at_intercom(
    rest: Rest, region: str, dated: Dated, plans: Iterable[Plan], *, has_secret: bool
) -> Iterator[Finding]:
    """The workspace, the token's scopes, the clock, and the topics to tick."""
    try:
        app = (rest.get("/me") or {}).get("app")
    except Denied as denied:
        yield Finding(SIDE, "fault", denied.reason, f"{NEW_TOKEN} (now: {region})")
        return
    except EngineError as error:
        yield Finding(SIDE, "fault", str(error), "look at the network, and at the region and the address")
        return
    yield from _workspace(app if isinstance(app, dict) else {}, region)
    for name, path, use in SCOPES:
        yield _scope(rest, name, path, use)
    yield from clock_of(SIDE, dated)
    if has_secret:
        what = "the client secret is set, by which notifications are known to be Intercom's"
        yield Finding(SIDE, "ok", what)
    else:
        what = "no client secret is set: a forged notification could not be told from a real one"
        yield Finding(SIDE, "look", what, f"set INTERCOM_CLIENT_SECRET ({HUB} > Basic information)")
    yield _topics(plans)


def _workspace(app: Mapping[str, Any], region: str) -> Iterator[Finding]:
    name, key, theirs = (str(app.get(part) or "") for part in ("name", "id_code", "region"))
    what = f"the workspace is {name or 'without a name'} ({key}), hosted in {theirs or region}"
    yield Finding(SIDE, "ok", what)
    if theirs and theirs.lower() not in (region, IN_WORDS[region]):
        meant = next((short for short, long in IN_WORDS.items() if theirs.lower() in (short, long)), theirs)
        what = f"it is hosted in {theirs}, and the region is set to {region}"
        yield Finding(SIDE, "fault", what, f"set INTERCOM_REGION={meant}, or intercom.region in engine.yaml")


def _scope(rest: Rest, name: str, path: str, use: str) -> Finding:
    try:
        if path.endswith("/search"):
            rest.post(path, {"query": NOTHING, "pagination": {"per_page": 1}})
        else:
            rest.get(path)
    except Denied:
        return Finding(SIDE, "fault", f"the token lacks {name}: {use}", TICK)
    except Unavailable as error:
        return Finding(SIDE, "fault", f"{name}: {error}", "try again")
    except EngineError:
        pass  # refused for what was asked, which shows that one may ask
    return Finding(SIDE, "ok", f"{name}: {use}")


def _topics(plans: Iterable[Plan]) -> Finding:
    topics = sorted({topic for plan in plans for topic in plan.spec.topics})
    what = f"the mappings answer {len(topics)} topics: {', '.join(topics)}"
    return Finding(SIDE, "note", what, f"tick these under {HUB} > Webhooks; {WHO_MAY}")
