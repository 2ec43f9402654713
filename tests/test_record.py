"""`record`: fixtures of captured payloads that carry no customer, and with which specs do the same."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from engine import Runner, Translation, load
from engine.commands import main
from engine.errors import Unreadable
from engine.intercom.webhook import decoded
from engine.language.conversions import TYPES
from engine.tools.record.chance import Chance
from engine.tools.record.inventions import Inventions
from engine.tools.record.recording import Recorder
from engine.tools.record.words import listed
from engine.tools.record.writing import read_tables
from tests.support import FIXTURES, RECORDS, ROOT, StandingClock, changed, places, read, runner

FILES = sorted(FIXTURES.rglob("*.json"))
PEOPLE = listed("""
mara lindqvist jonas weber aguirre tomas@ cust_10482 cust_10977 hx7q2m9d 46701234567 4915123456789 stockholm
norrpost acme 9608801 9681002 68b1c2d3e4f5a6b7c8d9e0f1 215472621202701 215472629311301 shop.example.com 7731
refunds interiors 12934044 7731.mara broken
""")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def run(*arguments: str, given: bytes = b"") -> Ran:
    ran = CliRunner().invoke(main, ["record", *arguments], input=given, catch_exceptions=False)
    return Ran(ran.exit_code, ran.stdout, ran.stderr)


def recorded(payload: Any, seed: str = "0") -> Any:
    return Recorder(seed).record(payload).value


def text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def form_of(value: Any) -> Any:
    """A value with nothing but its form: keys, lengths of lists, types, and what counts as nothing."""
    if isinstance(value, dict):
        return [(key, form_of(child)) for key, child in value.items()]
    if isinstance(value, list):
        return [form_of(child) for child in value]
    if isinstance(value, str):
        return bool(value.strip())
    return value if value is None or isinstance(value, bool) else type(value)


def kind_of(value: Any) -> Any:
    """What kind of property a value makes, down to dates, numbers in a text, and pages."""
    if isinstance(value, list):
        return [kind_of(child) for child in value]
    if isinstance(value, dict):
        return {key: kind_of(child) for key, child in value.items()}
    if not isinstance(value, str):
        return type(value)
    takes = ("integer", "number", "boolean", "datetime", "date", "email", "url")
    return ["phone"] if accepts("phone", value) else [name for name in takes if accepts(name, value)]


def accepts(name: str, value: str) -> bool:
    try:
        return TYPES[name].convert(value) is not None
    except Exception:
        return False


# With the same specs the same comes out


@pytest.fixture(scope="module")
def twins() -> dict[Path, Any]:
    """Every shipped fixture as recorded, in one run with the records."""
    recorder = Recorder("0")
    made: dict[Path, Any] = {RECORDS: recorder.record_tables(read_tables(str(RECORDS))).value}
    return made | {file: recorder.record(json.loads(file.read_bytes())).value for file in FILES}


@pytest.fixture(scope="module")
def other(twins: dict[Path, Any]) -> Runner:
    return Runner(load(ROOT / "mappings"), records=twins[RECORDS], clock=StandingClock())


def told(results: list[Any]) -> list[Any]:
    """What became of a notification, without the values."""
    rows: list[Any] = []
    for result in results:
        if not isinstance(result, Translation):
            rows.append((type(result), result.reason))
            continue
        attributes = result.request.body["data"]["attributes"]
        issues = [(issue.code, issue.field) for issue in result.issues]
        time = attributes.get("time")
        own = {key: kind_of(value) for key, value in attributes.items() if key not in ("time", "unique_id")}
        rows.append((result.metric, result.request.endpoint, time, own, issues))
    return rows


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FIXTURES)))
def test_specs_make_the_same_of_a_recording(file: Path, twins: dict[Path, Any], other: Runner) -> None:
    original = json.loads(file.read_bytes())
    for every in (False, True):
        assert told(other.translate(twins[file], every=every)) == told(
            runner().translate(original, every=every)
        )


@pytest.mark.parametrize("file", [*FILES, RECORDS], ids=lambda file: str(file.relative_to(FIXTURES)))
def test_nobody_of_a_fixture_is_in_its_recording(file: Path, twins: dict[Path, Any]) -> None:
    text = text_of(twins[file]).casefold()
    assert [word for word in PEOPLE if word in text] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FIXTURES)))
def test_a_recording_has_the_same_shape(file: Path, twins: dict[Path, Any]) -> None:
    assert form_of(twins[file]) == form_of(json.loads(file.read_bytes()))


def test_events_of_one_thing_told_twice_still_have_one_id(twins: dict[Path, Any], other: Runner) -> None:
    def ids(machine: Runner, payloads: Iterator[Any]) -> list[str]:
        results = [one for payload in payloads for one in machine.translate(payload, every=True)]
        return [one.unique_id for one in results if isinstance(one, Translation)]

    before = ids(runner(), (json.loads(file.read_bytes()) for file in FILES))
    after = ids(other, (twins[file] for file in FILES))
    assert [before.index(one) for one in before] == [after.index(one) for one in after]
    assert set(before) & set(after) == {""}  # profiles have none


def test_what_intercom_documents_stays() -> None:
    original = read("conversation.user.replied.everything")
    item, made = original["data"]["item"], recorded(original)["data"]["item"]
    for key in (
        "created_at",
        "state",
        "priority",
        "statistics.count_reopens",
        "source.delivered_as",
        "channel",
    ):
        before, after = item, made
        for step in key.split("."):
            before, after = before[step], after[step]
        assert after == before
    part, twin = (one["conversation_parts"]["conversation_parts"][0] for one in (item, made))
    assert (twin["part_type"], twin["author"]["type"]) == (part["part_type"], part["author"]["type"])


# One value has one stand-in


def test_an_id_is_the_same_as_a_number_as_a_text_in_an_address_and_in_another_file() -> None:
    recorder = Recorder("0")
    contact = recorder.record(read("contact.user.updated")).value["data"]["item"]
    item = recorder.record(read("conversation.user.replied.everything")).value["data"]["item"]
    assert contact["tags"]["url"] == f"/contacts/{contact['id']}/tags"
    assert contact["id"] == item["contacts"]["contacts"][0]["id"] == item["source"]["author"]["id"]
    assert str(item["admin_assignee_id"]) == item["teammates"]["admins"][0]["id"] == contact["owner_id"]
    assert item["company"]["app_id"] == contact["workspace_id"]
    assert contact["email"] == item["source"]["author"]["email"]


def test_an_address_in_a_message_is_that_of_the_contact_and_the_name_is_gone() -> None:
    link = "<a href='mailto:mara.lindqvist@example.com'>write</a>"
    body = f"<p>I am Mara Lindqvist, {link} or +46 70 123 45 67</p>"
    notification = changed(read("conversation.user.created"), {"source.body": body})
    source = recorded(notification)["data"]["item"]["source"]
    assert f"mailto:{source['author']['email']}'" in source["body"]
    assert re.fullmatch(r"<p>.*<a href='\w+:\S+'>\w+</a> .*\+\d[\d ]+</p>", source["body"])
    assert not re.search("mara|lindqvist|46|123", source["body"], re.IGNORECASE)


def test_different_values_stay_different() -> None:
    invent = Inventions("0")
    emails = {invent.text(f"someone{number}@shop.se") for number in range(5000)}
    names = {invent.name(f"First{number} Last{number}") for number in range(5000)}
    ids = {invent.id(f"{number}") for number in range(10, 100)}
    texts = {
        invent.text("".join("abcdefgh"[number >> shift & 7] for shift in (0, 3, 6))) for number in range(400)
    }
    assert (len(emails), len(names), len(ids), len(texts)) == (5000, 5000, 90, 400)


def test_a_seed_decides_and_another_seed_decides_otherwise() -> None:
    original = read("conversation.user.replied.everything")
    assert text_of(recorded(original, "7")) == text_of(recorded(original, "7"))
    first, second = (dict(places(recorded(original, seed))) for seed in ("0", "1"))
    where = ("data", "item", "source", "author", "email")
    assert first[where] != second[where]
    assert first["data", "item", "id"] != second["data", "item", "id"]


def test_what_comes_out_says_nothing_of_what_went_in() -> None:
    """Another customer of the same form gives the same recording, so that no guess can be tried out."""
    original = read("conversation.user.replied.everything")
    text = text_of(original)
    for old, new in (
        ("mara.lindqvist", "zyx.wvutsrqpon"), ("Mara Lindqvist", "Zyxw Vutsrqpon"), ("68b1c2d3", "99b9c9d9"),
        ("7731", "9999"), ("cust_10482", "abcd_99999"), ("damaged", "zzzzzzz"),
        ("215472621202701", "915472621202709"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    assert recorded(json.loads(text)) == recorded(original)


def test_chance_is_the_same_on_every_machine() -> None:
    chance = Chance("0", "name", 3)
    assert [chance.below(1000) for _ in range(5)] == [497, 130, 740, 413, 839]


# A text keeps its form


FORMS = [
    ("mara@shop.se", r"[a-z]+\.[a-z]+@[a-z-]+\.example\.(com|org)"),
    (" Mara@Shop.se ", r" [A-Z][a-z]+\.[a-z]+@[a-z-]+\.example\.(com|org) "),
    ("https://shop.se/orders/7731?who=mara#top", r"https://[a-z-]+\.example\.(com|org)/\w{6}/\d{4}\?\w+=\w+#\w+"),
    ("/contacts/68b1c2d3e4f5a6b7c8d9e0f1/tags", r"/contacts/[0-9a-f]{24}/tags"),
    ("2026-03-01", r"20\d\d-\d\d-\d\d"),
    ("2026-03-01T10:00:00Z", r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ|20\d\d-\d\d-\d\dT\d\d:\d\d:00Z"),
    ("7731", r"[1-9]\d{3}"),
    ("49.90", r"[1-9]\d\.\d\d"),
    ("-12", r"-[1-9]\d"),
    ("007", r"0\d\d"),
    ("true", "true"),
    ("84.17.49.133", r"198\.1[89]\.\d+\.\d+"),
    ("2a02:1205::7f", r"2001:db8::[0-9a-f]+:[0-9a-f]+"),
    ("0b6f6b1e-7c1d-4f65-9a53-0f1f5b6f1103", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ("<p class=\"no-margin\">Hi &amp; <b>bye</b></p>", r'<p class="\w+-\w+">\w+ &amp; <b>\w+</b></p>'),
    ("<mara lindqvist>", r"<\w+ \w+>"),
    ("box of mara.jpg", r"\w+ \w+ \w+\.jpg"),
    ("GOLD", "[A-Z]+"),
    ("\U0001f39f", "\u2605"),
    ("\u738b\u5c0f\u660e", "[a-z]+"),
    ("Jos\u00e9 \u2013 \u201cok\u201d", "[A-Z][a-z]+ \u2013 \u201c[a-z]+\u201d"),
    ("mara@localhost", r"\w+@\w+"),
    ("", ""),
    ("  ", "  "),
    ("--", "--"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "form"), FORMS)
def test_a_text_keeps_its_form(text: str, form: str) -> None:
    made = Inventions("0").text(text)
    assert re.fullmatch(form, made)
    assert kind_of(made) == kind_of(text)
    assert not re.search("mara|shop|lindq|7731|jos", made, re.IGNORECASE)


@pytest.mark.parametrize("phone", ["+46701234567", "+46 70 123 45 67", "+1 (415) 867-5309", "+4915123456789"])
def test_a_real_phone_number_becomes_one_that_is_kept_for_stories(phone: str) -> None:
    made = Inventions("0").text(phone)
    assert TYPES["phone"].convert(made)
    assert re.fullmatch(r"\+1\d{3}55501\d\d|\+44\d+?[49]60\d{3}", made.replace(" ", ""))


@pytest.mark.parametrize("phone", ["+46 12", "+15550100000", "070-123 45 67", "+999 123 456", "call me"])
def test_a_phone_number_that_is_none_stays_none(phone: str) -> None:
    for seed in range(20):
        made = Inventions(str(seed)).text(phone)
        assert made != phone
        assert not accepts("phone", made)


def test_every_number_for_stories_exists_for_the_library() -> None:
    invent = Inventions("0")
    for number in range(2000):
        made = invent.text(f"+4670{1234567 + number}")
        assert phonenumbers.is_valid_number(phonenumbers.parse(made))


@pytest.mark.parametrize("email", ["m\u00e4ra@shop.se", "mara..x@shop.se", f"{'m' * 250}@shop.se"])
def test_an_address_that_specs_refuse_becomes_one_that_they_refuse(email: str) -> None:
    made = Inventions("0").text(email)
    assert "@" in made
    assert not accepts("email", made)


def test_names_have_as_many_words() -> None:
    invent = Inventions("0")
    mara = invent.name("Mara Lindqvist")
    assert [len(invent.name(name).split()) for name in ("Mara", "Mara Lindqvist", "Mara M. Lindqvist")] == [
        1,
        2,
        3,
    ]
    assert mara.split()[0] == invent.name("Mara")
    assert mara.lower() == invent.name("mara lindqvist")
    assert "@" in invent.name("mara@shop.se")


def test_numbers_of_nobody_knows_what_are_invented_and_counts_are_not() -> None:
    own = {
        "phone": 46701234567,
        "score": 7,
        "spent": 1249.9,
        "born": 481161600,
        "none": 0,
        "debt": -250,
        "ok": True,
    }
    notification = changed(read("contact.user.updated"), {"custom_attributes": own})
    made = recorded(notification)["data"]["item"]
    twins = made["custom_attributes"]
    assert {key: twins[key] for key in ("score", "none", "ok")} == {"score": 7, "none": 0, "ok": True}
    assert [len(str(twins[key])) for key in ("phone", "spent", "born", "debt")] == [11, 6, 9, 4]
    assert not set(own.values()) & {twins[key] for key in ("phone", "spent", "born", "debt")}
    assert made["tags"]["total_count"] == notification["data"]["item"]["tags"]["total_count"]


def test_attributes_of_the_workspace_are_not_taken_for_what_intercom_documents() -> None:
    own = {"created_at": 481161600, "signed_up_at": "1985-04-01T10:00:00Z", "os": "iOS 7731", "locale": "ma"}
    own["object"] = {"type": "ticket", "category": "mara", "created_at": 481161600, "total_count": 7731}
    made = recorded(changed(read("contact.user.updated"), {"custom_attributes": own}))
    text = text_of(made["data"]["item"]["custom_attributes"])
    assert not re.search("481161600|1985|7731|ma(ra)?\\b", text)


def test_words_that_are_made_of_intercoms_own_stay_and_so_do_browsers_and_times() -> None:
    places = {
        "data.item.browser": "chrome",
        "data.item.os": "OS X 10.15.7",
        "data.item.browser_version": "141.0",
    }
    made = recorded(read("contact.user.updated.everything"))["data"]["item"]
    assert {key: made[key.rpartition(".")[2]] for key in places} == places
    assert made["last_seen_at"] == "2026-08-31T10:09:50.215+00:00"
    part = "ticket_parts.ticket_parts.0.part_type"
    ticket = changed(read("ticket.created"), {part: "ticket_state_updated_by_contact"})
    assert recorded(ticket)["data"]["item"]["ticket_parts"]["ticket_parts"][0]["part_type"].endswith(
        "by_contact"
    )
    visitor = {"type": "visitor", "created_at": 1788170400, "last_seen_at": "2026-08-31T10:00:00Z"}
    notification = {"type": "notification_event", "topic": "visitor.signed_up", "data": {"item": visitor}}
    assert recorded(notification) == notification


def test_keys_stay_unless_they_tell_of_a_person() -> None:
    own = {
        "mara@shop.se": 1,
        "+46701234567": 2,
        "Order of 070-1234567": 3,
        "Loyalty: tier [2026]": 4,
        "plan": 5,
    }
    notification = changed(read("contact.user.updated"), {"custom_attributes": own, "email": "mara@shop.se"})
    made = recorded(notification)["data"]["item"]
    keys = list(made["custom_attributes"])
    assert list(made["custom_attributes"].values()) == [1, 2, 3, 4, 5]
    assert keys[3:] == ["Loyalty: tier [2026]", "plan"]
    assert keys[0] == made["email"]
    assert not re.search("mara|467|123", "".join(keys))


def test_the_name_of_an_attribute_stays_where_it_is_a_key() -> None:
    ticket = recorded(read("ticket.created.everything"))["data"]["item"]
    names = [one["name"] for one in ticket["ticket_type"]["ticket_type_attributes"]["data"]]
    assert names == list(ticket["ticket_attributes"])
    options = ticket["ticket_type"]["ticket_type_attributes"]["data"][6]["input_options"]["list_options"]
    assert ticket["ticket_attributes"]["Damaged parts"] == [option["label"] for option in options[:2]]
    assert recorded({"attribute": {"name": "Mara"}}) != {"attribute": {"name": "Mara"}}


def test_what_nobody_has_documented_is_no_exception() -> None:
    payload = {
        "type": "visitor",
        "topic": "mara",
        "priority": "mara",
        "state": "open",
        "secret": {"deep": ["Mara L"]},
    }
    made = recorded(payload)
    assert "mara" not in text_of(made).lower()
    assert (made["type"], made["state"]) == ("visitor", "open")
    notification = changed(
        read("conversation.read"), {"event.topic": "Mara Lindqvist", "source.type": "Mara L"}
    )
    assert "mara l" not in text_of(recorded(notification)).lower()


# Whatever it is, no customer is left

LETTERS = "qxzjwyk\u00f6\u0436\u738b"
WORDS = st.text(LETTERS, min_size=6, max_size=14)
NUMBERS = st.integers(10**6, 10**15)
CANARIES = st.one_of(
    WORDS, WORDS.map(str.title), st.builds("{} {}".format, WORDS, WORDS), NUMBERS, NUMBERS.map(str),
    st.builds("{}@{}.se".format, st.text("qxzjwyk", min_size=6), st.text("qxzjwyk", min_size=6)),
    NUMBERS.map("+{}".format), st.floats(1e3, 1e9).map(lambda value: round(value, 3) + 0.0001),
)  # fmt: skip
AROUND = st.sampled_from([
    "{}", " {} ", "<p>{}</p>", "<b title='{}'>x</b>", "Dear {}, see https://a.b/{}?x={}#{}", "mailto:{}",
    "a\n{}\tb", "&#77;{}", "/x/{}.png", "<!-- {} -->", "{}\u0301", '"{}"', "\ud800{}", "#{}", "{}/{}",
    "x={};y", "\U0001f600{}", "www.{}.com/{}", "http://[{}", "<{}", "a--{}",
])  # fmt: skip
KEYS = st.sampled_from(
    listed("""
    email name phone id external_id owner_id avatar url body title subject remark Note x-y custom_attributes
    ticket_attributes location city ip address image_url file company first_name last_name lat tags data value
    label attribute description _default_title_ message created_on browser os locale content_type email_domain
    """)
)
BASES = ("conversation.read", "ticket.created")
PLACES = [
    (file.stem, at)
    for file in sorted(FIXTURES.glob("*.everything.json"))
    for at, value in places(json.loads(file.read_bytes()))
    if isinstance(value, str) and at[-1] not in ("type", "topic")
]


@dataclass(frozen=True)
class Planted:
    value: Any
    canary: str


@st.composite
def planted(draw: Any) -> Planted:
    canary = draw(CANARIES)
    if not isinstance(canary, str):
        return Planted(canary, repr(canary))
    around = draw(AROUND)
    return Planted(around.replace("{}", canary), canary.lstrip("+"))


TREES = st.recursive(
    planted() | st.none() | st.booleans() | st.just(""),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


def opened(tree: Any, canaries: set[str]) -> Any:
    """The tree as JSON; its canaries are noted."""
    if isinstance(tree, Planted):
        canaries.add(tree.canary)
        return tree.value
    if isinstance(tree, dict):
        return {key: opened(child, canaries) for key, child in tree.items()}
    return [opened(child, canaries) for child in tree] if isinstance(tree, list) else tree


def assert_gone(canaries: set[str], made: Any) -> None:
    text = json.dumps(made, ensure_ascii=False).casefold()
    assert [canary for canary in canaries if canary.casefold() in text] == []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREES, seed=st.text(max_size=3), where=st.sampled_from(["", "item", "attributes", "kind"]))
def test_no_planted_value_is_left_in_any_json(tree: Any, seed: str, where: str) -> None:
    canaries: set[str] = set()
    payload = opened(tree, canaries)
    if where == "item":
        payload = changed(read("conversation.read"), {"undocumented": payload})
    elif where == "attributes":
        payload = changed(read("ticket.created"), {"ticket_attributes": {"own": payload}})
    elif where == "kind":
        payload = {"type": "notification_event", "topic": "visitor.signed_up", "data": {"item": payload}}
    assume(not any(canary in text_of(read(name)) for canary in canaries for name in BASES))
    made = Recorder(seed).record(payload)
    assert_gone(canaries, made.value)
    assert form_of(made.value) == form_of(payload)
    assert json.dumps(Recorder(seed).record(payload).value) == json.dumps(made.value)


@settings(max_examples=300, deadline=None)
@given(at=st.sampled_from(PLACES), plant=planted())
@example(at=("conversation.user.replied.everything", ("data", "item", "source", "author", "name")),
         plant=Planted("Qxz", "qxz"))  # fmt: skip
def test_no_planted_value_is_left_wherever_a_text_stands(at: tuple[str, Any], plant: Planted) -> None:
    name, steps = at
    is_time = str(steps[-1]).endswith("_at") and accepts("datetime", str(plant.value))
    payload = read(name)
    assume(plant.canary not in text_of(payload))
    here = payload
    for step in steps[:-1]:
        here = here[step]
    here[steps[-1]] = plant.value
    made = recorded(payload)
    if not is_time and not isinstance(plant.value, int | float):
        assert_gone({plant.canary}, made)
    assert form_of(made) == form_of(payload)


@settings(max_examples=100, deadline=None)
@given(
    key=st.one_of(
        st.builds("{}@{}.se".format, st.text("qxzj", min_size=6), st.text("qxzj", min_size=6)),
        NUMBERS.map("+{}".format),
    )
)
def test_no_address_or_number_is_left_in_a_key(key: str) -> None:
    payload = changed(
        read("contact.user.updated"), {"custom_attributes": {key: 1, f"of {key}": {key: [None]}}}
    )
    assert_gone({key.lstrip("+")}, recorded(payload))


@pytest.mark.parametrize(
    "text", ["a", "a-", "<a ", "&#", "a@", "+1", "1.", "www.", "%41", "\u738b", "a.", "<a/", "'a", "://"]
)
def test_no_text_takes_long(text: str) -> None:
    made = recorded({"body": text, "name": text[: 10**5], "id": text[: 10**5], "url": f"/{text[: 10**5]}"})
    assert len(made["body"]) < 20 * len(text)


def test_what_is_nested_too_deep_is_refused() -> None:
    value: Any = "x"
    for _ in range(80):
        value = [value]
    with pytest.raises(Unreadable, match="64 deep"):
        recorded(value)


# The command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fixture(name: str) -> str:
    return str(FIXTURES / f"{name}.json")


def test_a_recording_goes_beside_the_fixtures_under_the_name_of_its_topic(here: Path) -> None:
    ran = run(fixture("ticket.created"))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "tests/fixtures/ticket.created.json  written: 21 ids, 8 texts, 1 number, 1 name, 1 e-mail\n"
        "\n1 input: 1 written\n"
        "Keys stay as they are, such as the names of your attributes: look at them before you share.\n"
    )
    assert json.loads(Path("tests/fixtures/ticket.created.json").read_bytes())["topic"] == "ticket.created"


def test_nothing_is_written_over_and_the_same_is_not_written_twice(here: Path) -> None:
    Path("out").mkdir()
    Path("out/ticket.created.json").write_text("mine")
    both = [fixture("ticket.created"), fixture("ticket.created.converted")]
    for told in ("3 written", "3 there already"):
        assert told.replace("3", "2") in run(*both, "--into", "out").out
    assert Path("out/ticket.created.json").read_text() == "mine"
    size = Path("out/ticket.created.2.json").stat().st_size
    Path("out/ticket.created.2.json").write_text("m" * size)
    assert "1 written" in run(both[0], "--into", "out").out
    assert Path("out/ticket.created.2.json").read_text() == "m" * size
    Path("out/ticket.created.4.json").unlink()
    assert sorted(file.name for file in Path("out").iterdir()) == [
        "ticket.created.2.json", "ticket.created.3.json", "ticket.created.json",
    ]  # fmt: skip


def test_files_of_other_things_have_a_name_too(here: Path) -> None:
    lines = [
        read("history.ticket"), {"type": "contact", "email": "mara@shop.se"}, [1],
        {"type": "notification_event"}, read("ticket.created") | {"topic": "../Mara"},
    ]  # fmt: skip
    ran = run("-", "--into", "out", given="\n".join(map(json.dumps, lines)).encode())
    assert ran.code == 0
    names = sorted(file.name for file in here.rglob("*.json"))
    assert names == [
        "contact.json",
        "history.ticket.json",
        "notification.2.json",
        "notification.json",
        "payload.json",
    ]


def test_records_are_recorded_with_the_same_people(here: Path) -> None:
    ran = run(str(FIXTURES / "conversation.rating.added.json"), "--records", str(RECORDS), "--into", "out")
    assert ran.code == 0
    options = ["--mappings", str(ROOT / "mappings"), "--records", "out/records.json", "--json"]
    shown = CliRunner().invoke(main, ["translate", "out/conversation.rating.added.json", *options]).output
    properties = json.loads(shown)["body"]["data"]["attributes"]["properties"]
    tables = json.loads(Path("out/records.json").read_bytes())
    assert properties["Assigned Team"] == tables["teams"][0]["name"]
    assert properties["email"] == tables["contacts"][0]["email"]
    assert properties["Rated Teammate"] == tables["admins"][0]["name"]


def test_a_place_can_be_kept(here: Path) -> None:
    keep = [
        "tags.tags[].name",
        'custom_attributes."Delivery: carrier"',
        "event.app_id",
        "ticket_attributes.x",
    ]
    options = [part for path in keep for part in ("--keep", path)]
    ran = run(fixture("conversation.user.replied.everything"), "--into", "out", *options)
    assert (ran.code, ran.err) == (1, "error: --keep ticket_attributes.x: no input has that\n")
    assert ", 4 kept\n" in ran.out
    notification = json.loads(Path("out/conversation.user.replied.json").read_bytes())
    item = notification["data"]["item"]
    assert [tag["name"] for tag in item["tags"]["tags"]] == ["refund", "vip"]
    assert item["custom_attributes"]["Delivery: carrier"] == "Norrpost"
    assert notification["app_id"] == "hx7q2m9d"
    assert item["topics"]["topics"][0]["name"] != "Returns"


def test_a_place_inside_a_wrapped_ticket_is_named_as_specs_name_it(here: Path) -> None:
    assert run(fixture("ticket.contact.replied"), "--into", "out", "--keep", "ticket_type.name").code == 0
    item = json.loads(Path("out/ticket.contact.replied.json").read_bytes())["data"]["item"]
    assert item["ticket"]["ticket_type"]["name"] == "Return request"


@pytest.mark.parametrize("path", ["a b", "@", "", "'x'"])
def test_what_is_no_place_cannot_be_kept(path: str, here: Path) -> None:
    ran = run(fixture("ping"), "--keep", path)
    assert ran.code == 2
    assert ran.err.startswith(f"error: --keep {path}: ")
    assert not Path("tests").exists()


def test_an_input_that_cannot_be_read_is_named_and_the_rest_goes_on(here: Path) -> None:
    Path("bad.json").write_text('{"email": "mara@shop.se"')
    ran = run("bad.json", "nowhere.json", fixture("ping"), "--into", "out")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "error: bad.json: it is not JSON (it ends too early)",
        "error: nowhere.json: there is no such file or folder",
    ]
    assert ran.out.split("\n")[-3] == "3 inputs: 1 written, 2 not readable"


def test_recordings_can_be_piped(here: Path) -> None:
    ran = run(fixture("ping"), fixture("ticket.created"), "--into", "-")
    topics = [json.loads(line)["topic"] for line in ran.out.splitlines()]
    assert (ran.code, topics, list(here.iterdir())) == (0, ["ping", "ticket.created"], [])


def test_a_line_of_json_tells_the_same(here: Path) -> None:
    row = json.loads(run(fixture("ticket.created"), "--into", "out", "--json").out)
    assert row == {
        "input": fixture("ticket.created"), "file": "out/ticket.created.json", "written": True,
        "invented": {"id": 21, "text": 8, "number": 1, "name": 1, "e-mail": 1}, "kept": 0,
    }  # fmt: skip


def test_no_customer_is_printed(here: Path) -> None:
    ran = run(str(FIXTURES), "--records", str(RECORDS), "--into", "out")
    printed = (ran.out + ran.err).casefold()
    assert [word for word in PEOPLE if word in printed] == []


def test_half_a_surrogate_pair_stays_half(here: Path) -> None:
    Path("odd.json").write_text(json.dumps(changed(read("conversation.read"), {"title": "Mara \ud83d"})))
    assert run("odd.json", "--into", "out").code == 0
    made = decoded(Path("out/conversation.read.json").read_bytes())
    assert re.fullmatch("[A-Z][a-z]+ \ud83d", made["data"]["item"]["title"])


@pytest.mark.parametrize("option", [["--records", "nowhere.yaml"], ["--into", "file"]])
def test_what_cannot_be_read_or_written_ends_the_command(option: list[str], here: Path) -> None:
    Path("file").write_text("")
    ran = run(fixture("ping"), *option)
    assert (ran.code, ran.err.count("\n"), ran.err[:7]) == (2, 1, "error: ")
