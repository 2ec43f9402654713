"""The test of a new spec: what came of the notification, as far as it tells nothing of a person."""

from collections.abc import Iterator, Sequence
from typing import Any

from engine.events import Parked, Result, Translation
from engine.language.conversions import iso
from engine.tools.new.spelling import line
from engine.tools.quotes import written

MOST_PROPERTIES = 6
SOMEONE = "someone@example.com"
"""The address of a test where the notification has none."""
_LARGEST = 10**15


def test_of(fixture: str, results: Sequence[Result], plain: Sequence[str], address: str) -> Iterator[str]:
    """The lines of `tests:`.

    *plain* are the properties whose values may be shown, the most telling first; *address* is the place
    where the test puts an address, or nothing.
    """
    made = [result for result in results if isinstance(result, Translation)]
    yield "tests:"
    yield "  - name: a notification as it was captured"
    yield f"    {line('given', fixture)}"
    if address:
        yield "    # The notification has no e-mail address; where it runs, the contact is looked up."
        yield f"    with: {{ {written(address, within=True, is_key=True)}: {SOMEONE} }}"
    if not made:
        parked = next((result for result in results if isinstance(result, Parked)), None)
        if parked and parked.detail.isprintable():
            yield f"    # {parked.detail}"
        if parked and parked.reason == "no_identity":
            yield "    # Put the contact into records.yaml beside the fixture, and expect the event."
        yield f"    expect: {'parked' if parked else 'skipped'}"
    elif len(made) == 1:
        yield "    expect:"
        yield from (f"      {text}" for text in _expected(made[0], plain))
    else:
        yield "    expect:"
        for one in made:
            first, *later = _expected(one, plain)
            yield f"      - {first}"
            yield from (f"        {text}" for text in later)


def _expected(made: Translation, plain: Sequence[str]) -> Iterator[str]:
    if made.time:
        yield line("time", iso(made.time))
    yield line("unique_id", made.unique_id)
    shown = [name for name in plain if _can_be_shown(made.properties.get(name))][:MOST_PROPERTIES]
    if shown:
        yield "properties:"
        yield from (f"  {line(name, made.properties[name])}" for name in shown)


def _can_be_shown(value: Any) -> bool:
    """Whether a value reads back from YAML as it is."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) < _LARGEST and "e" not in repr(value)
    return isinstance(value, bool) or (isinstance(value, str) and bool(value.strip()))
