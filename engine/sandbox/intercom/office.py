"""What a workspace has beside its customers: teammates, teams, tags, companies, types of tickets."""

from dataclasses import dataclass
from typing import Any

from engine.sandbox.intercom.truth import STATES, Author

Record = dict[str, Any]

APP_ID = "hx7q2m9d"
FIN = Author("bot", "9608808", "Fin", f"operator+{APP_ID}@intercom.io")
PHOTO: Record = {
    "type": "upload", "name": "box.jpg", "url": "https://downloads.intercomcdn.example/box.jpg",
    "content_type": "image/jpeg", "filesize": 183211, "width": 1200, "height": 900,
}  # fmt: skip
"""What a customer sends a picture of."""
_ADMINS = (
    ("9608801", "Tomás Aguirre", "tomas", "Support lead", (9681002,)),
    ("9608802", "Greta Holm", "greta", "Support agent", (9681002, 9681003)),
    ("9608803", "Samir Haddad", "samir", "Support agent", (9681003,)),
    ("9608804", "Ines Vidal", "ines", "Billing", (9681004,)),
    ("9608805", "Peadar O'Brien", "peadar", "Warehouse", (9681005,)),
    ("9608806", "Yuki Tanabe", "yuki", "Support agent", (9681002, 9681004)),
)
_TEAMS = (
    (9681002, "Returns & Refunds"),
    (9681003, "First line"),
    (9681004, "Billing"),
    (9681005, "Warehouse"),
)
_TAGS = (
    "vip", "press", "damaged", "late delivery", "wholesale", "newsletter", "gift", "refund", "complaint",
    "praise", "fragile", "second line", "spare parts", "loyal", "Größe <XL>", "🎁",
)  # fmt: skip
_COMPANIES = (
    "Lindgren Interiors",
    "Weber & Söhne",
    "Hotel Alpenblick",
    "Café Zwölf",
    "Studio Moreau",
    "Nord Kontor",
)
_SEGMENTS = (("All leads", "contact"), ("Active users", "user"), ("Slipping away", "user"), ("New", "user"))
_STATES = (
    ("4517893", "submitted", "Submitted", "Submitted"),
    ("4517894", "in_progress", "In progress", "In progress"),
    ("4517895", "waiting_on_customer", "Waiting on customer", "Waiting on you"),
    ("4517896", "resolved", "Resolved", "Resolved"),
    ("4517901", "waiting_on_customer", "Waiting for the parcel", "Please send the parcel"),
    ("4517902", "resolved", "Refunded", "Refunded"),
)
_TYPES = (
    ("2979330", "Return request", "Customer wants to return an item", "🎟", "Customer", ("Order number",)),
    ("2979331", "Warranty", "Something broke", "🔧", "Customer", ("Order number", "Bought in [country]")),
    ("2979332", "Warehouse check", "Look whether it is there", "📦", "Back-office", ("Shelf",)),
    ("2979333", "Outage", "Something is down for many", "🔥", "Tracker", ()),
)
_SUBSCRIPTIONS = (
    ("91", "Newsletter", "opt_out", "email"),
    ("92", "Offers", "opt_out", "email"),
    ("93", "Text messages", "opt_in", "sms_message"),
)


@dataclass(frozen=True, slots=True)
class Office:
    """The records of a workspace that seldom change, in the shape of 2.16 and by their id."""

    admins: dict[str, Record]
    teams: dict[str, Record]
    tags: dict[str, Record]
    companies: dict[str, Record]
    segments: dict[str, Record]
    ticket_states: dict[str, Record]
    ticket_types: dict[str, Record]
    subscriptions: dict[str, Record]

    def admin(self, admin_id: str) -> Author:
        """A teammate as an author."""
        record = self.admins[admin_id]
        return Author("admin", admin_id, record["name"], record["email"])

    def category(self, state_id: str) -> str:
        """Which of the four categories a state has."""
        return str(self.ticket_states[state_id]["category"])

    def state_of(self, category: str) -> str:
        """The id of Intercom's own state of a category."""
        return next(key for key, state in self.ticket_states.items() if state["category"] == category)

    def team_name(self, team_id: int) -> str:
        """A team's name."""
        return str(self.teams[str(team_id)]["name"])


def furnished(since: int) -> Office:
    """The office of every workspace of this stand-in; *since* is when it was set up."""
    return Office(
        admins=_by_id(_admin(*row) for row in _ADMINS),
        teams=_by_id(_team(*row) for row in _TEAMS),
        tags=_by_id({"type": "tag", "id": str(12934044 + n), "name": name} for n, name in enumerate(_TAGS)),
        companies=_by_id(_company(n, name, since) for n, name in enumerate(_COMPANIES)),
        segments=_by_id(_segment(n, name, kind, since) for n, (name, kind) in enumerate(_SEGMENTS)),
        ticket_states=_by_id(_state(*row) for row in _STATES),
        ticket_types=_by_id(_type(number, row, since) for number, row in enumerate(_TYPES)),
        subscriptions=_by_id(_subscription(*row) for row in _SUBSCRIPTIONS),
    )


def _by_id(records: Any) -> dict[str, Record]:
    return {record["id"]: record for record in records}


def _admin(key: str, name: str, mailbox: str, title: str, teams: tuple[int, ...]) -> Record:
    return {
        "type": "admin",
        "id": key,
        "name": name,
        "email": f"{mailbox}@acme-support.example",
        "job_title": title,
        "away_mode_enabled": False,
        "away_mode_reassign": False,
        "away_status_reason_id": None,
        "has_inbox_seat": True,
        "team_ids": [*teams],
        "role": {"type": "role", "id": "1", "name": "Support Agent"},
    }


def _team(key: int, name: str) -> Record:
    members = [int(row[0]) for row in _ADMINS if key in row[4]]
    return {
        "type": "team",
        "id": str(key),
        "name": name,
        "admin_ids": members,
        "assignment_limit": None,
        "distribution_method": "round_robin",
    }


def _company(number: int, name: str, since: int) -> Record:
    return {
        "type": "company",
        "id": f"6762f0cd1bb69f9f2193{number:04x}",
        "app_id": APP_ID,
        "company_id": f"acme-{40 + number}",
        "name": name,
        "website": f"https://company-{number}.example",
        "industry": "Interior design",
        "size": 4 + 8 * number,
        "monthly_spend": 640 + 20 * number,
        "session_count": 118,
        "user_count": 1,
        "plan": {"type": "plan", "id": "269315", "name": "Trade"},
        "remote_created_at": since,
        "created_at": since + 17,
        "updated_at": since + 86400,
        "last_request_at": since + 86400,
        "custom_attributes": {"vat_number": f"SE{number:012}"},
        "tags": {"type": "tag.list", "tags": []},
        "segments": {"type": "segment.list", "segments": []},
    }


def _segment(number: int, name: str, kind: str, since: int) -> Record:
    return {
        "type": "segment",
        "id": f"6762f25c1bb69f9f2193{number:04x}",
        "name": name,
        "created_at": since,
        "updated_at": since,
        "person_type": kind,
    }


def _state(key: str, category: str, internal: str, external: str) -> Record:
    assert category in STATES
    labels = {"internal_label": internal, "external_label": external}
    return {"type": "ticket_state", "id": key, "category": category, **labels}


def _type(number: int, row: tuple[str, str, str, str, str, tuple[str, ...]], since: int) -> Record:
    key, name, description, icon, category, more = row
    times = {"created_at": since, "updated_at": since}
    attributes = [
        {
            "type": "ticket_type_attribute",
            "id": str(8514183 + 10 * number + order),
            "workspace_id": APP_ID,
            "name": attribute,
            "description": "",
            "data_type": "string",
            "input_options": {"multiline": attribute == "_default_description_"},
            "order": order,
            "required_to_create": False,
            "required_to_create_for_contacts": False,
            "visible_on_create": True,
            "visible_to_contacts": True,
            "default": attribute.startswith("_default_"),
            "ticket_type_id": int(key),
            "archived": False,
            **times,
        }
        for order, attribute in enumerate(("_default_title_", "_default_description_", *more))
    ]
    return {
        "type": "ticket_type",
        "id": key,
        "name": name,
        "description": description,
        "icon": icon,
        "workspace_id": APP_ID,
        "archived": False,
        **times,
        "is_internal": category != "Customer",
        "ticket_type_attributes": {"type": "list", "data": attributes},
        "category": category,
    }


def _subscription(key: str, name: str, consent: str, content: str) -> Record:
    words = {"name": name, "description": f"{name} of Acme", "locale": "en"}
    return {
        "type": "subscription",
        "id": key,
        "state": "live",
        "consent_type": consent,
        "default_translation": words,
        "translations": [words],
        "content_types": [content],
    }
