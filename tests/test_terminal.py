"""What a stranger wrote - in a payload, a spec, a name of a file - is shown, and commands no terminal."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.commands import main
from tests.support import read

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="NOT TESTED: files cannot have such names")

CONTROLS = {
    "C0": "".join(map(chr, (*range(1, 9), *range(11, 32)))),
    "DEL and C1": "".join(map(chr, range(0x7F, 0xA0))),
    "colours": "\x1b[31;1m",
    "a title of the window": "\x1b]0;title\x07",
    "a link": "\x1b]8;;http://example.com\x1b\\x\x1b]8;;\x1b\\",
    "a cleared screen": "\x1b[2J\x1b[H",
    "a cursor elsewhere": "\x1b[1A\x1b[2K",
    "a line overwritten": "\rerror",
    "letters taken back": "abc\b\b\b",
    "C1 colours": "\x9b31m",
    "lines of other kinds": "\x0b\x0c\x85\u2028\u2029",
    "marks of direction": "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "nothing to be seen": "\u200b\u200c\u2060\u2063\ufeff\u00ad",
    "tags": "\U000e0001\U000e0041\U000e007f",
    "annotations": "\ufff9\ufffa\ufffb",
}


def escaped(text: str) -> str:
    """A text as YAML writes it in double quotes, with nothing in it as it is."""
    return json.dumps(text)


def spec_with(controls: str) -> str:
    """A spec that has the characters wherever an author may write a name or a text."""
    odd = escaped(controls)
    named = escaped(f"Name {controls}")
    return (
        f"metric: {escaped('Metric ' + controls)}\n"
        "topic: conversation.read\n"
        f"when:\n  title: {{ not: {odd} }}\n"
        "time: event.created_at\nunique_id: conv:{{ id }}\n"
        "profile:\n  email: { value: a@example.com }\n"
        f"properties:\n  {named}: {{ value: {odd} }}\n"
        f"  {escaped('Path ' + controls)}: title\n"
        f"  {escaped('Odd ' + controls + ' *')}: custom_attributes\n"
        f"  Default: {{ path: absent, default: {odd} }}\n"
        f"tests:\n  - name: {escaped('Test ' + controls)}\n    given: conversation.read\n"
        f"    expect: {{ properties: {{ {named}: {escaped('other ' + controls)} }} }}\n"
        f"  - name: {escaped('Lost ' + controls)}\n"
        f"    given: {escaped('no ' + controls)}\n    expect: parked\n"
    )


FAULTY = """\
metric: "ODD"
"odd ODD": 1
topic: ["ODD"]
use: "ODD"
time: "created_at as ODD"
unique_id: "ODD"
profile: { "ODD": id }
properties: { A: "title ODD x", B: "{{ title | ODD }}", C: "{{ ODD }}", "": "ODD" }
when: { id: { "ODD": 1 } }
lookups: { "ODD": id }
tests: [{ name: "ODD", given: "ODD", with: { "ODD": 1 }, expect: "ODD" }]
"""


@pytest.fixture(params=CONTROLS.values(), ids=CONTROLS)
def controls(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def there(controls: str, tmp_path: Path) -> Iterator[Path]:
    """A project of mappings, a fixture and inputs, all of which hold the characters; the current folder."""
    name = controls.replace("/", "")
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / f"spec{name}.yaml").write_text(spec_with(controls), encoding="utf-8")
    fixtures = tmp_path / "tests" / "fixtures"
    fixtures.mkdir(parents=True)
    notification = read("conversation.read")
    item = notification["data"]["item"]
    item |= {"title": f"Title {controls}", "custom_attributes": {f"Key {controls}": controls}}
    text = json.dumps(notification)
    for file in (fixtures / "conversation.read.json", tmp_path / f"input{name}.json"):
        file.write_text(text, encoding="ascii")
    topic = json.dumps(notification | {"topic": f"conversation.{controls}"})
    (tmp_path / f"topic{name}.ndjson").write_text(f"{topic}\nno JSON {topic}\n", encoding="ascii")
    with contextlib.chdir(tmp_path):
        yield tmp_path


def printed(*arguments: str) -> str:
    ran = CliRunner().invoke(main, arguments, catch_exceptions=False, color=False)
    return ran.stdout_bytes.decode("utf-8") + ran.stderr_bytes.decode("utf-8")


def assert_harmless(output: str) -> None:
    """Nothing but letters, signs and line feeds; the rest is shown as escapes."""
    odd = {character for character in output if not character.isprintable() and character != "\n"}
    assert odd == set()


COMMANDS = """
translate INPUT
translate --brief INPUT
translate TOPIC
translate ODD
translate --metric METRIC INPUT
translate --metric ODD INPUT
translate --records ODD INPUT
translate --mappings ODD INPUT
explain INPUT
explain TOPIC
explain ODD
check
check ODD
check mappings/SPEC
test
test ODD
test --fixtures ODD
list
list --topics
list --mappings ODD
show METRIC
show ODD
coverage
coverage INPUT
diff mappings mappings INPUT
diff mappings ODD
fmt --check --diff
fmt ODD
explain-issue ODD
"""


@pytest.mark.parametrize("command", COMMANDS.strip().splitlines())
def test_no_command_passes_them_to_the_terminal(command: str, there: Path, controls: str) -> None:
    [spec] = (there / "mappings").iterdir()
    [given] = there.glob("input*")
    [topics] = there.glob("topic*")
    words = {"INPUT": given.name, "TOPIC": topics.name, "METRIC": f"Metric {controls}", "ODD": f"x{controls}"}
    arguments = [words.get(word, word.replace("SPEC", spec.name)) for word in command.split()]
    output = printed(*arguments)
    assert output
    assert_harmless(output)


def test_what_is_shown_instead_says_what_it_is(there: Path, controls: str) -> None:
    [given] = there.glob("input*")
    first = next(character for character in controls if not character.isprintable())
    assert first.encode("unicode_escape").decode("ascii") in printed("translate", given.name)


def test_every_fault_of_a_spec_can_be_shown(there: Path, controls: str) -> None:
    for file in (there / "mappings").iterdir():
        file.unlink()
    odd = escaped(controls)[1:-1]
    (there / "mappings" / "faulty.yaml").write_text(FAULTY.replace("ODD", odd), encoding="utf-8")
    for command in (["check"], ["translate", "x.json"], ["test"], ["list"], ["fmt"]):
        output = printed(*command)
        assert "faulty.yaml:" in output
        assert_harmless(output)


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200f", "\ufeff", "\u200b", "\u2028", "\x85"])
def test_a_line_of_the_file_under_a_fault_shows_them_as_escapes(character: str, tmp_path: Path) -> None:
    """YAML lets these into a file as they are, so a line that is shown may hold them."""
    spec = f"metric: a{character}b\nlete{character}: 1 # {character}\n"
    (tmp_path / "spec.yaml").write_text(spec, encoding="utf-8")
    output = printed("check", str(tmp_path))
    assert "spec.yaml:2:" in output
    assert_harmless(output)
