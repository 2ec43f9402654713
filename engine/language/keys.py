"""The keys of the three kinds of files, and the fields of Klaviyo's profiles."""

from engine.issues import Issue, did_you_mean
from engine.language.source import Node
from engine.language.values import Say

COMMON = ("item", "when", "let", "lookups", "profile", "properties", "history")
KEYS: dict[str, tuple[str, ...]] = {
    "metric": ("metric", "topic", "use", "without", *COMMON, "each", "time", "unique_id", "value", "tests"),
    "profile": ("name", "topic", "use", "without", *COMMON, "tests"),
    "shared": (*COMMON, "each", "time", "unique_id", "value"),
}
KEYS["piece"] = tuple(dict.fromkeys((*KEYS["metric"], *KEYS["profile"])))
"""A piece of a spec, as pages show it: every key, and none of them needed."""
NEEDED = {
    "metric": ("topic", "time", "unique_id", "profile"),
    "profile": ("topic", "profile"),
    "shared": (),
    "piece": (),
}
_CALLED = {"metric": "a mapping", "profile": "a profile", "shared": "a shared file", "piece": "a spec"}
_MAPS = ("when", "let", "lookups", "profile", "properties", "each")

PROFILE_FIELDS = (
    "email", "phone_number", "external_id", "first_name", "last_name", "organization", "locale", "title",
    "image",
)  # fmt: skip
LOCATION_FIELDS = (
    "address1", "address2", "city", "country", "region", "zip", "latitude", "longitude", "timezone",
)  # fmt: skip

WHY = {
    "topic": "the notification of Intercom that it answers, such as `topic: ticket.created`",
    "time": "when it happened, such as `time: created_at`",
    "unique_id": "what makes the event itself, such as `unique_id: conv:{{ id }}:created`",
    "profile": "who it is about: at least an e-mail address, such as `email: contact.email as email`",
}


OTHER_FIELDS = {
    **dict.fromkeys(("phone", "mobile", "telephone"), "phone_number"),
    **dict.fromkeys(("mail", "e_mail", "email_address"), "email"),
    **dict.fromkeys(("name", "full_name"), "first_name"),
    **dict.fromkeys(("avatar", "photo", "picture"), "image"),
    **dict.fromkeys(("id", "user_id", "customer_id"), "external_id"),
    **dict.fromkeys(("language", "lang"), "locale"),
    "company": "organization",
    "surname": "last_name",
}
"""What Klaviyo's fields are called elsewhere."""

HELP: dict[str, str] = {
    "metric": "The metric's name in Klaviyo. A file with `metric` makes events.",
    "name": "What the profile mapping is called. A file with `name` makes profiles.",
    "topic": "The Intercom notification that it answers, or a list of them.",
    "use": "What it takes in: `conversation` is `shared/conversation.yaml`. Its own lines win.",
    "without": "Properties that `use` brings and that are left out: a name or a list.",
    "item": "The path of the object in the notification. Without it: `data.item`.",
    "when": "Conditions that must all hold: a path or a name, and what its value must be.",
    "let": "Names for values that are used more than once.",
    "lookups": "Ids to turn into records: `team: path`, or `closed_by: { admin: path }`.",
    "profile": "Whom it is about, in Klaviyo's fields.",
    "properties": "What is told: the names that Klaviyo shows, and where their values come from.",
    "history": "Where its past is found.",
    "each": "One name, for every element of a list: one event for each that `when` lets through.",
    "time": "When it happened: epoch seconds or ISO text. Without a time the event is parked.",
    "unique_id": "What makes the event itself: told twice, it is one. Such as `conv:{{ id }}:created`.",
    "value": "A number that Klaviyo sums and averages.",
    "tests": "What must come out of fixtures; `intercom-klaviyo test` tells whether it does.",
    "history.conversations": "Among conversations.",
    "history.tickets": "Among tickets.",
    "history.contacts": "Among contacts.",
    "history.none": "Nowhere: Intercom does not keep it.",
    "block": "A path, a template with `{{ }}`, a plain value, or a block that says more.",
    "block.path": "Where the value lies: a path in JMESPath.",
    "block.template": "What makes the value: a template in Jinja.",
    "block.value": "The value itself, sent as it is.",
    "block.as": "What to make of the value.",
    "block.default": "What stands in where there is no value.",
    "block.required": "Whether the event is parked where there is no value.",
    "block.help": "What the value is, for the next reader.",
    "block.except": "Keys of the object that make no property; a `*` may end one.",
    "condition": "A path or a name, and what its value must be: a value, one of a list, or a bound.",
    "condition.not": "None of these values: one or a list. `{ not: null }` asks for any value.",
    "condition.at_least": "This number or more.",
    "condition.at_most": "This number or less.",
    "lookup": "A name of your own for a record: `{ admin: path }` says which it is.",
    "lookups.contact": "A contact of Intercom by its id, or those of a list of ids.",
    "lookups.admin": "A teammate by the id, or those of a list of ids.",
    "lookups.team": "A team by its id, or those of a list of ids.",
    "lookups.tag": "A tag by its id, or those of a list of ids.",
    "lookups.company": "A company by its id, or those of a list of ids.",
    "profile.email": "The e-mail address: one of the three that say who it is.",
    "profile.phone_number": "The phone number with its country code, such as `contact.phone as phone`.",
    "profile.external_id": "The person's id in your own system.",
    "profile.first_name": "The first name.",
    "profile.last_name": "The last name.",
    "profile.organization": "The company that the person works for.",
    "profile.locale": "The language, such as en-US.",
    "profile.title": "The job title.",
    "profile.image": "The address of a picture.",
    "profile.location": "Where the person is.",
    "location.address1": "The first line of the address.",
    "location.address2": "The second line of the address.",
    "location.city": "The city.",
    "location.country": "The country.",
    "location.region": "The region, such as a state.",
    "location.zip": "The postal code.",
    "location.latitude": "Degrees to the north.",
    "location.longitude": "Degrees to the east.",
    "location.timezone": "The time zone, such as Europe/Stockholm.",
    "test.name": "What is shown, in words.",
    "test.given": "The fixture: `tests/fixtures/NAME.json`, written as NAME.",
    "test.with": "Places of the item that are changed; `event.` starts at the notification.",
    "test.history": "Whether the fixture's object is run as history.",
    "test.expect": "Parts of the result, a list where several events come, `skipped` or `parked`.",
    "expect.skipped": "No event, since the spec wants none.",
    "expect.parked": "No event yet: its time, its id, a person or what is required is not there.",
    "expect.time": "The event's time, compared as a moment.",
    "expect.unique_id": "The whole id, with its `ic:<app_id>:`.",
    "expect.value": "The event's value.",
    "expect.profile": "Fields that the profile must have; others may be there.",
    "expect.properties": "Properties that must be there; others may be, too.",
    "expect.without": "What must be neither in the profile nor in the properties.",
}  # fmt: skip
"""What each key of the language means, in a sentence; keys below the top stand after what they are in."""


OTHER_KEYS = {
    **dict.fromkeys(("trigger", "event", "on", "topics"), "topic"),
    **dict.fromkeys(("if", "filter", "filters", "where", "condition", "conditions"), "when"),
    **dict.fromkeys(("fields", "attributes", "columns", "data"), "properties"),
    **dict.fromkeys(("customer", "person", "contact", "profiles"), "profile"),
    **dict.fromkeys(("timestamp", "date", "created_at"), "time"),
    **dict.fromkeys(("exclude", "except", "omit"), "without"),
    **dict.fromkeys(("include", "extends", "import"), "use"),
    **dict.fromkeys(("id", "uid", "key", "unique"), "unique_id"),
    "lookup": "lookups",
    "test": "tests",
    "metrics": "metric",
    "foreach": "each",
    "variables": "let",
}
"""What the keys are called elsewhere."""


def kind_of(root: Node) -> str:
    """`metric`, `profile` or nothing, by the key that each must have."""
    if root.get("metric"):
        return "metric"
    return "profile" if root.get("name") else ""


def check_keys(root: Node, kind: str, say: Say) -> None:
    """Tell of keys at the top that this kind of file does not have."""
    everywhere = {known for keys in KEYS.values() for known in keys}
    above = ""
    for key, place, _ in root.items():
        if key in KEYS[kind]:
            above = key
            continue
        other = OTHER_KEYS.get(key.lower(), "")
        near = f'; did you mean "{other}"?' if other in KEYS[kind] else did_you_mean(key, KEYS[kind])
        wrong_file = " here" if key in everywhere else near
        hint = f"keys: {', '.join(KEYS[kind])}"
        if kind == "profile" and key in KEYS["metric"]:
            hint = "a file that makes events starts with `metric:`, and not with `name:`"
        if above in _MAPS and not wrong_file:
            hint = f"lines of `{above}:` are indented by two spaces"
        say(Issue("unknown-key", f'{_CALLED[kind]} has no key "{key}"{wrong_file}', place, hint))


def check_maps(root: Node, say: Say) -> None:
    """Tell of sections that hold no lines of `name: value`."""
    for key in _MAPS:
        node = root.get(key)
        if node is None or node.kind == "map" or node.broken or (key == "when" and node.is_text):
            continue
        if node.value is None and node.document.is_mended:
            continue  # its lines are no YAML, which has been told
        hint = "take the key out, or write lines under it" if node.value is None else ""
        hint = "write them without dashes" if node.kind == "list" else hint
        say(Issue("wrong-kind", f"`{key}` takes lines of `name: value`", node.place, hint))
