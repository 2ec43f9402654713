"""The workspace, the scopes of the token, the clock, and the topics to tick; nothing is written."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.errors import Denied, EngineError, Unavailable
from engine.intercom.rest import Rest
from engine.language.plan import Plan
from engine.tools.doctor.findings import Dated, Finding, clock_of

HUB = "Developer Hub > your app > Configure"
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
    side = "Intercom"
    try:
        app = (rest.get("/me") or {}).get("app")
    except Denied as denied:
        yield Finding(side, "fault", denied.reason, f"make a new access token ({HUB} > Authentication); of a "
                      f"workspace hosted in Europe or Australia, set the region (now: {region})")  # fmt: skip
        return
    except EngineError as error:
        yield Finding(side, "fault", str(error), "look at the network, and at the region and the address")
        return
    yield from _workspace(app if isinstance(app, dict) else {}, region)
    for name, path, use in SCOPES:
        yield _scope(rest, name, path, use)
    yield from clock_of(side, dated)
    if has_secret:
        yield Finding(
            side, "fine", "the client secret is set, by which notifications are known to be Intercom's"
        )
    else:
        what = "no client secret is set: a forged notification could not be told from a real one"
        yield Finding(side, "warning", what,
                      f"set INTERCOM_CLIENT_SECRET ({HUB} > Basic information)")  # fmt: skip
    yield _topics(plans)


def _workspace(app: Mapping[str, Any], region: str) -> Iterator[Finding]:
    name, key, theirs = (str(app.get(part) or "") for part in ("name", "id_code", "region"))
    yield Finding(
        "Intercom",
        "fine",
        f"the workspace is {name or 'without a name'} ({key}), hosted in {theirs or region}",
    )
    if theirs and theirs.lower() not in (region, _long(region)):
        yield Finding("Intercom", "fault", f"it is hosted in {theirs}, and the region is set to {region}",
                      f"set INTERCOM_REGION={theirs.lower()}, or intercom.region in engine.yaml")  # fmt: skip


def _long(region: str) -> str:
    return {"us": "united states", "eu": "europe", "au": "australia"}.get(region, region)


def _scope(rest: Rest, name: str, path: str, use: str) -> Finding:
    try:
        if path.endswith("/search"):
            rest.post(
                path, {"query": {"field": "id", "operator": "=", "value": "0"}, "pagination": {"per_page": 1}}
            )
        else:
            rest.get(path)
    except Denied:
        hint = (
            f"tick it ({HUB} > Authentication > Edit), then try again; a public app asks every workspace anew"
        )
        return Finding("Intercom", "fault", f"the token lacks {name}: {use}", hint)
    except Unavailable as error:
        return Finding("Intercom", "fault", f"{name}: {error}", "try again")
    except EngineError:
        pass  # refused for what was asked, which shows that one may ask
    return Finding("Intercom", "fine", f"{name}: {use}")


def _topics(plans: Iterable[Plan]) -> Finding:
    topics = sorted({topic for plan in plans for topic in plan.spec.topics})
    return Finding(
        "Intercom", "fine", f"the mappings answer {len(topics)} topics: {', '.join(topics)}",
        f"tick these under {HUB} > Webhooks; it takes the permission to install, configure and delete apps, "
        "which an admin gives under Settings > Teammates",
    )  # fmt: skip
