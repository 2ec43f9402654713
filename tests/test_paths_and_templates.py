"""Paths and templates: what they find, what they refuse, and that nothing written or sent hurts."""

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.language import expressions, templates
from engine.language.expressions import ITEM
from engine.language.faults import Failed, TextFault

COMPLIANCE = Path(__file__).resolve().parents[2] / "shared" / "data" / "jmespath-compliance"

OLD_LITERALS = pytest.mark.filterwarnings("ignore:deprecated string literal syntax:PendingDeprecationWarning")

CONVERSATION = {
    "id": "215",
    "n": 5,
    "half": 2.5,
    "zero": 0,
    "yes": True,
    "no": False,
    "nothing": None,
    "blank": "",
    "none_at_all": [],
    "name": "Mara",
    "tags": ["vip", "new"],
    "numbers": [3, 1, 2],
    "parts": [{"id": "a", "n": 1}, {"id": "b", "n": None}, {"id": "c", "n": 3}],
    "inner": {"items": "I", "values": "V", "keys": "K", "get": "G", "copy": "C", "x y": 2, "deep": {"er": 1}},
    "phone": "+15551234567",
    "thousand": "1_000",
    "padded": "0123",
    "word_none": "None",
    "listed": "[1, 2]",
    "markup": "{{ name }} {% if 1 %}",
}


def scope(item: Any = CONVERSATION, **names: Any) -> dict[str, Any]:
    """What a spec's values see: the item's keys, the notification, the spec's names, and the item for `@`."""
    return {**item, "event": {"topic": "conversation.read"}, **names, ITEM: item}


def find(path: str, **names: Any) -> Any:
    return expressions.parse(path).search(scope(**names))


def render(template: str, **names: Any) -> Any:
    return templates.parse(template).render(scope(**names))


# Names


@pytest.mark.parametrize(
    "of", [find, lambda text, **names: render(f"{{{{ {text} }}}}", **names)], ids=["path", "template"]
)
def test_paths_and_templates_see_the_same_names(of: Callable[..., Any]) -> None:
    assert of("name") == "Mara"
    assert of("inner.deep.er") == 1
    assert of("event.topic") == "conversation.read"
    assert of("team.name", team={"name": "Returns"}) == "Returns"
    assert of("name", name="hidden") == "hidden"
    assert of("absent.child") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("@", {"a": 1, "b": {"a": 2}}),
        ("keys(@)", ["a", "b"]),
        ("@.a", 1),
        ("@.team", None),
        ("@.event", None),
        ("*", [1, {"a": 2}]),
        ("[*]", None),
        ("{ whole: @ }.whole.b", {"a": 2}),
        ("[@, a] | [1]", 1),
        ("merge(@, { c: team }).c", "T"),
        ("a || @", 1),
        ("absent || @.a", 1),
        ("!@", False),
        ("@ == @", True),
    ],
)
def test_the_at_sign_is_the_item_alone(path: str, expected: Any) -> None:
    assert expressions.parse(path).search(scope({"a": 1, "b": {"a": 2}}, team="T")) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("b.@ | a", TextFault),
        ("b | @", {"a": 2}),
        ("b | @.a", 2),
        ("list[?@ > `1`]", [2, 3]),
        ("list[].[@]", [[1], [2], [3]]),
        ("map(&[@], list)", [[1], [2], [3]]),
        ("sort_by(objects, &a)[0].a", 1),
        ("objects[?a == `2`] | [0].a", 2),
        ("b.{ inner: @ }.inner", {"a": 2}),
    ],
)
def test_inside_a_path_the_at_sign_is_what_is_at_hand(path: str, expected: Any) -> None:
    item = {"a": 1, "b": {"a": 2}, "list": [1, 2, 3], "objects": [{"a": 2}, {"a": 1}]}
    if expected is TextFault:
        with pytest.raises(TextFault):
            expressions.parse(path)
    else:
        assert expressions.parse(path).search(scope(item, team="T")) == expected


@pytest.mark.parametrize(
    ("path", "reads"),
    [
        ("a.b.c", {"a"}),
        ("a || b.c", {"a", "b"}),
        ("a[?b == c].d", {"a"}),
        ("[a, b[0], c.d][]", {"a", "b", "c"}),
        ("{ x: a, y: b }", {"a", "b"}),
        ("contains(a, b)", {"a", "b"}),
        ("map(&x, a)", {"a"}),
        ("sort_by(a, &b)[0].c", {"a"}),
        ("a | b", {"a"}),
        ("!a && b == `1`", {"a", "b"}),
        ('"a b".c', {"a b"}),
        ("'a'", set()),
        ("@.a", set()),
    ],
)
def test_a_path_reads_the_names_it_starts_from(path: str, reads: set[str]) -> None:
    assert expressions.parse(path).reads == reads


@pytest.mark.parametrize(
    ("template", "reads"),
    [
        ("{{ a.b }}", {"a"}),
        ("{{ a[b] }} {{ c | default(d) }}", {"a", "b", "c", "d"}),
        ("{% if a %}{{ b }}{% elif c %}{% endif %}", {"a", "b", "c"}),
        ("{% for x in a %}{{ x.b }}{{ c }}{% endfor %}", {"a", "c"}),
        ("no expression {{ 1 }}", set()),
    ],
)
def test_a_template_reads_the_names_it_starts_from(template: str, reads: set[str]) -> None:
    assert templates.parse(template).reads == reads


def test_a_loop_may_name_its_element_as_its_list() -> None:
    assert render("{% for tag in tag %}{{ tag }},{% endfor %}", tag=["a", "b"]) == "a,b,"


# Values and types of templates

VALUES: list[tuple[str, Any]] = [
    # One expression alone keeps its own value and type
    ("{{ n }}", 5),
    ("{{ half }}", 2.5),
    ("{{ yes }}", True),
    ("{{ no }}", False),
    ("{{ zero }}", 0),
    ("{{ blank }}", ""),
    ("{{ none_at_all }}", []),
    ("{{ tags }}", ["vip", "new"]),
    ("{{ inner.deep }}", {"er": 1}),
    ("{{ name }}", "Mara"),
    ("{{ id }}", "215"),
    ("{{ phone }}", "+15551234567"),
    ("{{ thousand }}", "1_000"),
    ("{{ padded }}", "0123"),
    ("{{ word_none }}", "None"),
    ("{{ listed }}", "[1, 2]"),
    ("{{ markup }}", "{{ name }} {% if 1 %}"),
    ("{{ '0123' }}", "0123"),
    ("{{ '1e5' }}", "1e5"),
    ("{{ 1 + 1 }}", 2),
    ("{{ n / 2 }}", 2.5),
    ("{{ 10 / 5 }}", 2.0),
    ("{{ 7 // 2 }}", 3),
    ("{{ 7 % 4 }}", 3),
    ("{{ 2 ** 10 }}", 1024),
    ("{{ -n }}", -5),
    ("{{ n > 4 }}", True),
    ("{{ 'vip' in tags }}", True),
    ("{{ name ~ id }}", "Mara215"),
    ("{{ name + '!' }}", "Mara!"),
    ("{{ not nothing }}", True),
    ("{{ half | round }}", 2.0),
    ("{{ 2.345 | round(1) }}", 2.3),
    ("{{ numbers | sort }}", [1, 2, 3]),
    ("{{ numbers | sum }}", 6),
    ("{{ numbers | max }}", 3),
    ("{{ tags | first }}", "vip"),
    ("{{ tags | length }}", 2),
    ("{{ tags | map('upper') }}", ["VIP", "NEW"]),
    ("{{ tags | reverse }}", ["new", "vip"]),
    ("{{ parts | map(attribute='id') | list }}", ["a", "b", "c"]),
    ("{{ parts | selectattr('n') | map(attribute='id') | join(' ') }}", "a c"),
    ("{{ tags[0] }}", "vip"),
    ("{{ tags[-1] }}", "new"),
    ("{{ tags[:1] }}", ["vip"]),
    ("{{ (1, 2) }}", [1, 2]),
    ("{{- n -}}", 5),
    ("{{n}}", 5),
    ("{# why #}{{ n }}", 5),
    ("{{ '}}' }}", "}}"),
    ("{{ '12' | int }}", 12),
    # Anything else makes text
    ("{{ n }}{{ n }}", "55"),
    ("{{ n }} parts", "5 parts"),
    ("no. {{ half }}", "no. 2.5"),
    ("{{ phone }}!", "+15551234567!"),
    ("{{ zero }} left", "0 left"),
    ("{{ markup }}.", "{{ name }} {% if 1 %}."),
    ("<b>{{ name }}</b> & co", "<b>Mara</b> & co"),
    ("{{ blank }}.", "."),
    ("{% if yes %}a{% else %}b{% endif %}", "a"),
    ("{% for tag in tags %}{{ tag }};{% endfor %}", "vip;new;"),
    ("{% raw %}{{ n }}{% endraw %}", "{{ n }}"),
    # In text, booleans are `true` and `false`
    ("is {{ yes }}", "is true"),
    ("{{ no }}, {{ yes }}", "false, true"),
    ("{{ n > 4 }}!", "true!"),
    ("{% for one in [yes] if false %}{% endfor %}{{ no }}", TextFault),
    ("{{ yes | string }}", "true"),
    ("{{ [yes, no] | join(' ') }}", "true false"),
    ("{{ name | replace('Mara', no) }}", "false"),
]


@pytest.mark.parametrize(("template", "expected"), VALUES, ids=[text for text, _ in VALUES])
def test_a_template_makes_this_value_of_this_type(template: str, expected: Any) -> None:
    if expected is TextFault:
        with pytest.raises(TextFault):
            templates.parse(template)
        return
    found = render(template)
    assert (found, type(found)) == (expected, type(expected))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.one_of(
        st.text(),
        st.integers(-(10**18), 10**18),
        st.booleans(),
        st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_a_template_of_one_name_is_that_value_untouched(value: Any) -> None:
    found = templates.parse("{{ x }}").render({"x": value})
    assert (found, type(found)) == (value, type(value))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.text())
def test_a_text_of_the_payload_is_never_read_as_a_template(text: str) -> None:
    assert templates.parse("<{{ x }}>").render({"x": text}) == f"<{text}>"


@pytest.mark.parametrize("template", ["{{ n }}\n", "{{ n + 1 }}\n\n"])
def test_one_expression_in_a_block_of_text_keeps_its_type(template: str) -> None:
    assert isinstance(render(template), int)


@pytest.mark.parametrize(
    "template",
    ["{{ yes ~ '!' }}", "is {{ yes ~ '!' }}", "{{ '' ~ no }}"],
)
def test_a_boolean_joined_to_a_text_is_written_as_in_any_text(template: str) -> None:
    assert re.fullmatch(r"(is )?(true!|false)", render(template))


def test_nothing_joined_to_a_text_is_no_value() -> None:
    assert render("{{ none ~ 'x' }}") is None
    assert render("{{ nothing ~ 'x' }}") is None
    assert render("{{ absent ~ 'x' }}") is None


# No value

MISSING: list[tuple[str, Any]] = [
    # False for `or`, `and`, `if`, `default` and chains
    ("{{ absent or 'else' }}", "else"),
    ("{{ nothing or 'else' }}", "else"),
    ("{{ absent or zero }}", 0),
    ("{{ absent and 'then' }}", None),
    ("{{ not absent }}", True),
    ("{{ 'then' if absent else 'else' }}", "else"),
    ("{{ 'then' if absent }}", None),
    ("{{ 'then' if absent.deep.deeper else 'else' }}", "else"),
    ("{% if nothing %}then{% else %}else{% endif %}", "else"),
    ("{{ absent | default('else') }}", "else"),
    ("{{ nothing | default('else') }}", "else"),
    ("{{ absent.child | d('else') }}", "else"),
    ("{{ blank | default('else') }}", ""),
    ("{{ blank | default('else', true) }}", "else"),
    ("{{ no | default('else') }}", False),
    ("{{ zero | default(9) }}", 0),
    ("{{ absent }}", None),
    ("{{ absent.child.grandchild }}", None),
    ("{{ absent[0].child['x'] }}", None),
    ("{{ nothing.child }}", None),
    ("{{ n.child }}", None),
    ("{{ name.child }}", None),
    ("{{ tags[9] }}", None),
    ("{{ tags.first }}", None),
    ("{{ none }}", None),
    ("{{ absent == none }}", True),
    ("{{ absent is none }}", True),
    ("{{ absent is defined }}", False),
    ("{{ nothing is defined }}", False),
    ("{{ name is defined }}", True),
    ("{{ absent == 5 }}", False),
    ("{{ absent != 5 }}", True),
    ("{{ absent in tags }}", False),
    ("{{ none_at_all | first }}", None),
    ("{{ none_at_all | max }}", None),
    # Printing it gives no value
    ("Hi {{ absent }}", None),
    ("Hi {{ nothing }}", None),
    ("Hi {{ absent.child }}!", None),
    ("Hi {{ name }}{{ absent }}", None),
    ("{% if yes %}{{ absent }}{% endif %}.", None),
    ("{% for part in parts %}{{ part.n }}{% endfor %}", None),
    ("Hi {{ absent | default('you') }}", "Hi you"),
    ("Hi {{ absent | upper }}", None),
    # Calculating with it gives no value
    ("{{ absent + 1 }}", None),
    ("{{ 1 - nothing }}", None),
    ("{{ absent * 2 }}", None),
    ("{{ absent / n }}", None),
    ("{{ n / absent }}", None),
    ("{{ n // absent }}", None),
    ("{{ n % absent }}", None),
    ("{{ n ** absent }}", None),
    ("{{ -absent }}", None),
    ("{{ absent > 1 }}", None),
    ("{{ 1 <= absent }}", None),
    ("{{ (absent - n) / 60 }}", None),
    ("{{ ((absent - n) / 60) | round(1) }}", None),
    ("{{ absent | round }}", None),
    ("{{ absent | abs }}", None),
    ("{{ absent | int }}", None),
    ("{{ absent | float }}", None),
    ("{{ absent | length }}", None),
    ("{{ absent | list }}", None),
    ("{{ parts | sum(attribute='n') }}", None),
    ("{{ 'x' in absent }}", None),
    ("{{ absent + 'x' }}", None),
]  # fmt: skip


@pytest.mark.parametrize(("template", "expected"), MISSING, ids=[text for text, _ in MISSING])
def test_what_is_missing_is_false_and_otherwise_no_value(template: str, expected: Any) -> None:
    found = render(template)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("name", ["join(', ')", "sum", "sort", "unique", "map('upper')", "reverse"])
def test_a_missing_list_gives_no_value_whatever_is_made_of_it(name: str) -> None:
    assert render(f"{{{{ absent | {name} }}}}") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("absent", None),
        ("absent.child", None),
        ("nothing.child", None),
        ("name.child", None),
        ("tags.child", None),
        ("tags[9]", None),
        ("absent[]", None),
        ("absent[0].x", None),
        ("absent || name", "Mara"),
        ("no || name", "Mara"),
        ("blank || name", "Mara"),
        ("none_at_all || name", "Mara"),
        ("zero || name", 0),
        ("not_null(no, name)", False),
        ("absent == nothing", True),
        ("absent > `1`", None),
        ("!absent", True),
        ("parts[?n > `1`].id", ["c"]),
        ("parts[*].n", [1, 3]),
    ],
)
def test_a_path_over_what_is_missing_finds_nothing(path: str, expected: Any) -> None:
    assert find(path) == expected


# Keys before attributes


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ inner.items }}", "I"),
        ("{{ inner.values }}", "V"),
        ("{{ inner.keys }}", "K"),
        ("{{ inner.get }}", "G"),
        ("{{ inner.copy }}", "C"),
        ("{{ inner['items'] }}", "I"),
        ("{{ inner['x y'] }}", 2),
        ("of {{ inner.items }}", "of I"),
        ("{{ [inner] | map(attribute='items') | first }}", "I"),
        ("{{ inner.pop }}", None),
        ("{{ inner.update }}", None),
        ("{{ tags.append }}", None),
        ("{{ tags.count }}", None),
        ("{{ name.upper }}", None),
        ("{{ name.format }}", None),
        ("{{ n.real }}", None),
    ],
)
def test_a_key_of_the_payload_comes_before_anything_of_python(template: str, expected: Any) -> None:
    assert render(template) == expected


def test_a_template_changes_nothing_of_the_payload() -> None:
    before = json.dumps(CONVERSATION)
    for template in (
        "{{ tags | sort }}",
        "{{ tags | reverse | list }}",
        "{{ parts | sort(attribute='id') }}",
    ):
        render(template)
    assert json.dumps(CONVERSATION) == before


# What cannot be worked out


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("is {{ tags }}", "a list or an object cannot stand in a text"),
        ("is {{ inner }}", "a list or an object cannot stand in a text"),
        ("is {{ tags | map('upper') }}", "a list or an object cannot stand in a text"),
        ("{{ [tags] | join }}", "a list or an object cannot stand in a text"),
        ("{{ tags | string }}", "a list or an object cannot stand in a text"),
        ("{{ n / zero }}", "it divides by zero"),
        ("{{ n % 0 }}", "it divides by zero"),
        ("{{ name - 1 }}", "it calculates with what is no number"),
        ("{{ name * 3 }}", "it calculates with what is no number"),
        ("{{ tags + tags }}", "it calculates with what is no number"),
        ("{{ name + n }}", "it calculates with what is no number"),
        ("{{ yes + 1 }}", "it calculates with what is no number"),
        ("{{ -name }}", "it calculates with what is no number"),
        ("{{ name | abs }}", "it calculates with what is no number"),
        ("{{ name < n }}", "it calculates or compares what does not go together"),
        ("{{ [1, 'a'] | sort }}", "it calculates or compares what does not go together"),
        ("{{ 10 ** 60 }}", "the result is too large"),
    ],
)
def test_a_template_that_cannot_be_worked_out_says_why(template: str, message: str) -> None:
    with pytest.raises(Failed, match=re.escape(message)):
        render(template)


@pytest.mark.parametrize(
    "template",
    ["{{ tags ~ '!' }}", "{{ inner ~ '' }}", "{{ tags | upper }}", "{{ inner | trim }}", "{{ tags | title }}",
     "{{ tags | striptags }}", "{{ tags | capitalize }}", "{{ tags | lower }}"],
)  # fmt: skip
def test_a_list_or_an_object_comes_into_a_text_by_no_other_way(template: str) -> None:
    with pytest.raises(Failed):
        render(template)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("length(n)", "length() cannot take a number"),
        ("length(absent)", "length() cannot take no value"),
        ("sum(tags)", "sum() cannot take"),
        ("starts_with(n, 'a')", "starts_with() cannot take a number"),
        ("join(name, tags[0])", "join() cannot take text"),
        ("keys(tags)", "keys() cannot take a list"),
        ("abs(yes)", "abs() cannot take true or false"),
        ("values(name)", "values() cannot take text"),
        ("sort(inner)", "sort() cannot take an object"),
        ("contains('123', `1`)", "it compares or computes what does not go together"),
        ("sort_by(parts, &n)", "sort_by() cannot take"),
    ],
)
def test_a_path_that_cannot_be_worked_out_says_why(path: str, message: str) -> None:
    with pytest.raises(Failed, match=re.escape(message)):
        find(path)


def test_what_cannot_be_worked_out_repeats_no_value() -> None:
    secret = "mara.lindqvist@example.com"
    for path in ("length(x)", "sum(x)", "keys(x)", "abs(x)", "sort_by(x, &a)", "contains(`1`, x)", "ceil(x)"):
        for value in (secret, [secret, 1], {secret: secret}, [[secret]]):
            assert secret not in _told(lambda: expressions.parse(path).search({"x": value}))  # noqa: B023
    for template in (
        "{{ x - 1 }}",
        "{{ x < 1 }}",
        "{{ x | sort }}",
        "{{ x | round }}",
        "a {{ x }}",
        "{{ x | sum }}",
    ):
        for value in (secret, [secret, 1], {secret: secret}, [[secret]]):
            assert secret not in _told(lambda: templates.parse(template).render({"x": value}))  # noqa: B023


def _told(work: Callable[[], Any]) -> str:
    """The message of what fails or is refused; nothing where neither happens."""
    try:
        work()
    except (TextFault, Failed) as error:
        return f"{error} {getattr(error, 'hint', '')}"
    return ""


# The parts of an id


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("conv:{{ id }}", "conv:215"),
        ("{{ id }}", "215"),
        ("{{ n }}", "5"),
        ("conv:{{ zero }}", "conv:0"),
        ("conv:{{ blank }}", None),
        ("conv:{{ ' ' }}", None),
        ("conv:{{ absent }}", None),
        ("conv:{{ id }}:{{ nothing }}", None),
    ],
)
def test_an_id_needs_every_part_of_it(template: str, expected: Any) -> None:
    assert templates.parse(template, full=True).render(scope()) == expected


def outcome(parse: Callable[[str], Any], text: str, values: dict[str, Any]) -> str:
    try:
        made = parse(text)
        found = made.search(values) if hasattr(made, "search") else made.render(values)
    except TextFault as fault:
        return "refused" if 0 <= fault.offset <= len(text) else f"refused at {fault.offset}"
    except Failed:
        return "failed"
    return f"value {json.dumps(found)[:100]}"


# How much one value may do (what is over it, and what is out to hurt, stands in tests/attacks/)


@pytest.mark.parametrize(
    "text",
    [
        "{{ many | sum }}",
        "{{ many | sort | first }}",
        "{% for x in many %}{{ x }}{% endfor %}",
        "length(many[?@ >= `0`])",
    ],
)
def test_a_list_of_500_is_gone_through(text: str) -> None:
    parse = templates.parse if templates.is_template(text) else expressions.parse
    assert outcome(parse, text, {"many": [0] * 500}).startswith("value")


def test_rendering_leaves_the_tree_of_a_template_as_it_was() -> None:
    template = templates.parse("{% for x in tags %}{{ x ~ 1 if x in tags }}{% endfor %}")
    before = repr(template.tree)
    assert template.render(scope()) == "vip1new1"
    assert repr(template.tree) == before


# Faults: the character and the words

LIBRARY = re.compile(
    r"Expecting|NoneType|[Tt]oken|identifier|Traceback|[Jj]inja|[Jj]mespath|lexer|print statement|\bstring\b"
    r"|\binteger\b|\bnud\b|\bled\b|expref|\bNone\b|'str'|unexpected|Invalid|undefined|\bnode"
)

PATH_FAULTS = [
    ("", "^", "a path is expected here"),
    ("   ", "^", "a path is expected here"),
    ("a.", " ^", "a name is expected after the dot"),
    ("a..b", "  ^", "a name is expected after the dot"),
    (".a", "^", "`.` is not expected here"),
    ("a.1", "  ^", "a name is expected after the dot"),
    ("a b", "  ^", "a second name cannot follow without a dot"),
    ("a.b c", "    ^", "a second name cannot follow without a dot"),
    (
        "custom_attributes.Refund amount",
        "                         ^",
        "a second name cannot follow without a dot",
    ),
    ("a[", " ^", "this [ is never closed"),
    ("a[0", " ^", "this [ is never closed"),
    ("a[?b == `1`", " ^", "this [ is never closed"),
    ("length(a", "      ^", "this ( is never closed"),
    ("{ a: b", "^", "this { is never closed"),
    ("a]", " ^", "`]` is not expected here"),
    ("a)", " ^", "`)` is not expected here"),
    ("a }", "  ^", "`}` is not expected here"),
    ("a,b", " ^", "`,` is not expected here"),
    ("a[b]", "  ^", "brackets take a number, a filter or nothing"),
    ("a = b", "  ^", "`=` alone means nothing in a path"),
    ("a[?b = 'c']", "     ^", "`=` alone means nothing in a path"),
    ("a == 1", "     ^", "a bare number cannot stand here"),
    ("rating >= 4", "          ^", "a bare number cannot stand here"),
    ("a - b", "  ^", "a path does not calculate"),
    ("a + b", "  ^", "a path does not calculate"),
    ("a / b", "  ^", "a path does not calculate"),
    ("first-name", "     ^", "`-` means nothing in a path"),
    ("'open", "^", "this single quote is never closed"),
    ("a || 'open", "     ^", "this single quote is never closed"),
    ('"open', "^", "this double quote is never closed"),
    ("`open", "^", "this backtick is never closed"),
    ("a ||", "   ^", "the path ends where something is expected"),
    ("a &&", "   ^", "the path ends where something is expected"),
    ("!", "^", "the path ends where something is expected"),
    ("|| a", "^", "`||` is not expected here"),
    ("a ? b : c", "  ^", "`?` means nothing in a path"),
    ("a$", " ^", "`$` means nothing in a path"),
    ("a.é", "  ^", "`é` means nothing in a path"),
    ("a; b", " ^", "`;` means nothing in a path"),
    ("lenght(a)", "^", 'there is no function lenght(); did you mean "length"?'),
    ("a || lenght(b)", "     ^", 'there is no function lenght(); did you mean "length"?'),
    ("length()", "^", "length() takes 1 of what stands in its brackets, not 0"),
    ("contains(a)", "^", "contains() takes 2 of what stands in its brackets, not 1"),
    ("not_null()", "^", "not_null() takes at least 1 of what stands in its brackets, not 0"),
    ("a[::0]", " ^", "a slice cannot step by 0"),
    ("b[0] || a[::0]", "         ^", "a slice cannot step by 0"),
    ("length(a) || foo(length(a, b))", "             ^", "there is no function foo()"),
    ("length(a) || length(a, b)", "             ^", "length() takes 1 of what stands in its brackets, not 2"),
]

TEMPLATE_FAULTS = [
    ("{{ a", "^", "`{{` is never closed"),
    ("{{ a }", "^", "`{{` is never closed"),
    ("x {{ a }} y {{ b", "            ^", "`{{` is never closed"),
    ("{% if a }}", "^", "`{%` is never closed"),
    ("{{ }}", "   ^", "the expression ends where something is expected"),
    ("{{ a + }}", "       ^", "the expression ends where something is expected"),
    ("{{ a | }}", "       ^", "the expression ends where something is expected"),
    ("{{ a if b else }}", "               ^", "the expression ends where something is expected"),
    ("{{ (a }}", "      ^", "the expression ends where something is expected"),
    ("{% if %}x{% endif %}", "      ^", "the expression ends where something is expected"),
    ("{{ a. }}", "    ^", "a name is expected after the dot"),
    ("{{ a b }}", "     ^", "`b` is not expected here"),
    ("{{ a) }}", "    ^", "`)` is not expected here"),
    ("{{ a = b }}", "     ^", "`=` alone means nothing in a template"),
    ("{{ a:b }}", "    ^", "`:` is not expected here"),
    ("{{ if a }}", "      ^", "`a` is not expected here"),
    ("{{ a as text }}", "     ^", "`as` is not expected here"),
    ("{{ a && b }}", "     ^", "`&&` is for paths"),
    ("{{ !a }}", "   ^", "`!` is for paths"),
    ("{{ a ? b : c }}", "     ^", "`?` means nothing in a template"),
    ("{{ a$ }}", "    ^", "`$` means nothing in a template"),
    ("{{ a 'x }}", "     ^", "this quote is never closed"),
    ("ok {{ a }} {{ a | default('x }}", "                          ^", "this quote is never closed"),
    ("{{ a | uper }}", "       ^", 'templates have no filter `uper`; did you mean "upper"?'),
    ("{{ a is nope }}", "        ^", 'templates have no test `nope`; did you mean "none"?'),
    ("{{ a }}{{ b | nope }} is nope", "              ^", "templates have no filter `nope`"),
    ("{{ upper | uper }}", "           ^", 'templates have no filter `uper`; did you mean "upper"?'),
    ("{{ a | map('nope') }}", "       ^", "`map` takes the name of a filter or a test here"),
    ("{% if a %}x", "^", "this `if` is never closed"),
    ("x {% for a in b %}x", "  ^", "this `for` is never closed"),
    ("{% fi a %}", "   ^", "there is no `fi` in templates"),
    ("text {% set x = 1 %}", "     ^", "a template sets no names; give the value a name under `let:`"),
    ("{{ a }}{% include 'x' %}", "       ^", "a template reads no files"),
    ("{{ now() }}", "   ^", "a template calls no functions and no methods"),
    ("{{ a.lower() }}", "     ^", "a template calls no functions and no methods"),
    ("ok {{ ok }}\n{{ x.foo() }}", "                 ^", "a template calls no functions and no methods"),
    ("{{ _a }}", "   ^", "`_a` is no name in templates"),
    # Where the same letters stand earlier in the text
    ("{{ amount a }}", "          ^", "`a` is not expected here"),
    ("{{ and a }}", "   ^", ""),
    ("first {{ ok }}\nthen {{ bad b }}", "                           ^", "`b` is not expected here"),
    ("x _a {{ _a }}", "        ^", "`_a` is no name in templates"),
    ("{{ a }} {# open", "        ^", ""),
    ("{{ a 5 }}", "     ^", ""),
    ("{{ a 'x' }}", "     ^", ""),
    ("{{ a | round 1 }}", "             ^", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("parse", "text", "caret", "message"),
    [
        *((expressions.parse, *row) for row in PATH_FAULTS),
        *((templates.parse, *row) for row in TEMPLATE_FAULTS),
    ],
    ids=[text.strip() or "nothing" for text, _, _ in (*PATH_FAULTS, *TEMPLATE_FAULTS)],
)
def test_a_fault_stands_at_its_character_in_our_words(
    parse: Callable[[str], Any], text: str, caret: str, message: str
) -> None:
    with pytest.raises(TextFault) as fault:
        parse(text)
    assert f"{' ' * fault.value.offset}^" == caret
    assert fault.value.message.startswith(message)
    assert not LIBRARY.search(f"{fault.value.message} {fault.value.hint}")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% endif %}", "no `endif` in templates"),
        ("{% endfor %}", "no `endfor` in templates"),
        ("a{% else %}b", "no `else` in templates"),
    ],
)
def test_an_end_without_a_beginning_is_not_called_unknown(template: str, words: str) -> None:
    with pytest.raises(TextFault) as fault:
        templates.parse(template)
    assert words not in fault.value.message


@pytest.mark.parametrize("template", ["order 12345678901234567890 {{ n }}", "____________________ {{ n }}"])
def test_digits_and_lines_in_the_text_of_a_template_are_text(template: str) -> None:
    assert render(template) == template.replace("{{ n }}", "5")


@OLD_LITERALS
@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.text("ab.[]{}()|&!?@*'\"`<=>0- :,#\\\n", max_size=25))
def test_no_text_makes_a_path_raise_anything_else(text: str) -> None:
    _reads_or_refuses(expressions.parse, text)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            [
                "{{",
                "}}",
                "{%",
                "%}",
                "{#",
                "#}",
                "a",
                "b.c",
                "|",
                "upper",
                "if",
                "for",
                "in",
                "endif",
                "endfor",
                "else",
                "is",
                "not",
                "(",
                ")",
                "[",
                "]",
                "'",
                '"',
                "1",
                "+",
                "~",
                ",",
                "=",
                " ",
                "-",
                ":",
                "\n",
                "\\",
                "é",
                "raw",
                "set",
                "none",
            ]
        ),
        max_size=20,
    ).map("".join)
)
def test_no_text_makes_a_template_raise_anything_else(text: str) -> None:
    _reads_or_refuses(templates.parse, text)


def _reads_or_refuses(parse: Callable[[str], Any], text: str) -> None:
    found = outcome(parse, text, scope())
    assert found.startswith("value") or found in ("refused", "failed")
    assert not LIBRARY.search(_told(lambda: outcome(parse, text, scope())).replace(text, ""))


@pytest.mark.parametrize("path", ["`foo`", "a == `open`"])
def test_a_word_between_backticks_warns_of_nothing_in_the_library(path: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _told(lambda: find(path)) is not None


@pytest.mark.parametrize("path", ["length (tags)", "length(tags) || length (tags)", "length\n(tags)"])
def test_a_space_before_the_brackets_of_a_function_changes_nothing(path: str) -> None:
    assert find(path) == 2


@pytest.mark.parametrize("template", ["{{ x | float }}", "x {{ x | float }}", "{{ [x | float] }}"])
def test_a_text_of_a_customer_becomes_no_number_that_is_none(template: str) -> None:
    for text in ("nan", "1e999", "-inf", "Infinity"):
        found = outcome(templates.parse, template, {"x": text})
        assert not re.search(r"(?i)nan|inf", found), text


# The public cases of JMESPath

CASES = [
    (f"{file.stem}: {case['expression']}"[:80], case["expression"], group["given"])
    for file in sorted(COMPLIANCE.glob("*.json"))
    for group in json.loads(file.read_text(encoding="utf-8"))
    for case in group["cases"]
]


def test_the_public_cases_of_jmespath_are_there() -> None:
    if not COMPLIANCE.is_dir():
        pytest.skip(f"NOT TESTED: the public cases of JMESPath are not in {COMPLIANCE}")
    assert len(CASES) > 850


@OLD_LITERALS
def test_a_path_finds_what_the_library_finds() -> None:
    differing = []
    for name, expression, item in CASES:
        try:
            expected = json.dumps(jmespath.search(expression, item))
        except Exception:
            expected = "refused"
        values = {**item, ITEM: item} if isinstance(item, dict) else {ITEM: item}
        try:
            found = json.dumps(expressions.parse(expression).search(values))
        except (TextFault, Failed):
            found = "refused"
        if found != expected:
            differing.append(f"{name}: {found[:60]} instead of {expected[:60]}")
    assert differing == []


names = st.sampled_from(
    ["id", "n", "yes", "nothing", "tags", "parts", "inner.deep", "parts[0].id", "@", '"x y"', "absent"]
)
literals = st.sampled_from(["`1`", "'vip'", "`[1, 2]`", "`null`", '`{"id": 1}`'])
suffixes = st.sampled_from(
    [".id", "[0]", "[-1]", "[*]", "[]", "[?n]", "[?@ == 'vip']", "[::-1]", ".*", ".[id, n]", ".{k: id}"]
)
one_argument = st.sampled_from(
    [
        "length",
        "keys",
        "values",
        "type",
        "to_string",
        "to_array",
        "reverse",
        "sort",
        "sum",
        "max",
        "abs",
        "not_null",
    ]
)
operators = st.sampled_from([" || ", "&&", " == ", "!=", " | ", " < ", ">= "])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, suffixes).map("".join),
        st.tuples(inner, operators, inner).map("".join),
        inner.map("({})".format),
        inner.map("!({})".format),
        st.tuples(inner, inner).map("[{0[0]}, {0[1]}]".format),
        st.tuples(inner, inner).map("{{k: {0[0]}, m: {0[1]}}}".format),
        st.tuples(one_argument, st.sampled_from(["(", " ("]), inner).map("{0[0]}{0[1]}{0[2]})".format),
        st.tuples(inner, inner).map("contains({0[0]}, {0[1]})".format),
        st.tuples(inner, inner).map("map(&{0[0]}, {0[1]})".format),
        st.tuples(inner, inner).map("sort_by({0[0]}, & {0[1]})".format),
    )


@settings(derandomize=True, deadline=None, max_examples=400)
@given(st.recursive(st.one_of(names, literals), _larger, max_leaves=6))
def test_a_path_made_up_finds_what_the_library_finds(path: str) -> None:
    try:
        expected = json.dumps(jmespath.search(path, CONVERSATION))
    except Exception:
        expected = "refused"
    try:
        found = json.dumps(expressions.parse(path).search({**CONVERSATION, ITEM: CONVERSATION}))
    except Failed:
        found = "refused"
    except TextFault as fault:
        found = (
            expected
            if "first name alone" in fault.message or "too many times" in fault.message
            else "refused"
        )
    assert found == expected
