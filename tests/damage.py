"""Random damage to the shipped specs: a slip of the keyboard, and what a person is told of it.

    python -m tests.damage --cases 20000 --seed 1

Nothing may raise, and whenever the damaged specs have errors, one of them must stand within a line of
the damage: blank lines, comments and further lines of a text do not count, and of what stands twice both
places are named.
`names_what_is_gone` is the one exception, and says why.
"""

import argparse
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from engine.folder import look_at
from engine.issues import Issue

MAPPINGS = Path(__file__).resolve().parents[1] / "mappings"
NEAR = 1
"""How many lines that begin something an error may stand from the damage."""

Lines = list[str]


@dataclass(frozen=True)
class Damage:
    """One damaged file: what was done, where it shows in the new text, and which lines it touched."""

    kind: str
    file: str
    text: str
    lines: tuple[int, ...]
    """The lines of the new text, from 1, where a person would look: both ends of a line that moved."""
    before: tuple[str, ...]
    """What stood there."""


@dataclass
class Tally:
    """What a run found: how many were read, how many were invalid, and what became of those."""

    cases: int = 0
    invalid: int = 0
    near: int = 0
    named: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    untold: list[tuple[int, Damage, list[Issue]]] = field(default_factory=list)


# The kinds of damage: each takes lines and chance, and gives the new lines and where to look (from 0)

Made = tuple[Lines, tuple[int, ...]] | None


def _in_line(change: Callable[[str, int, random.Random], str]) -> Callable[[Lines, random.Random], Made]:
    """Damage within one line, at a character of it."""

    def made(lines: Lines, chance: random.Random) -> Made:
        at = chance.randrange(len(lines))
        if not lines[at]:
            return None
        new = change(lines[at], chance.randrange(len(lines[at])), chance)
        pieces = new.split("\n")
        return [*lines[:at], *pieces, *lines[at + 1 :]], tuple(range(at, at + len(pieces)))

    return made


def _lose_quote(line: str, _: int, chance: random.Random) -> str:
    found = [at for at, character in enumerate(line) if character in "\"'`[](){}"]
    if not found:
        return line
    at = chance.choice(found)
    return line[:at] + line[at + 1 :]


def _indent(line: str, _: int, chance: random.Random) -> str:
    by = chance.choice([-2, -1, 1, 2])
    if by > 0:
        return " " * by + line
    return line[min(-by, len(line) - len(line.lstrip(" "))) :]


def _join(lines: Lines, chance: random.Random) -> Made:
    at = chance.randrange(len(lines) - 1)
    return [*lines[:at], lines[at] + lines[at + 1], *lines[at + 2 :]], (at,)


def _drop(lines: Lines, chance: random.Random) -> Made:
    at = chance.randrange(len(lines))
    return [*lines[:at], *lines[at + 1 :]], (max(at - 1, 0), at)


def _double(lines: Lines, chance: random.Random) -> Made:
    at = chance.randrange(len(lines))
    return [*lines[: at + 1], *lines[at:]], (at, at + 1)


def _move(lines: Lines, chance: random.Random) -> Made:
    start, end = chance.randrange(len(lines)), chance.randrange(len(lines))
    moved = [*lines[:start], *lines[start + 1 :]]
    moved.insert(end, lines[start])
    left = start if end >= start else start + 1
    return moved, (end, left, max(left - 1, 0))


KINDS: dict[str, Callable[[Lines, random.Random], Made]] = {
    "a character is lost": _in_line(lambda line, at, _: line[:at] + line[at + 1 :]),
    "a character is doubled": _in_line(lambda line, at, _: line[: at + 1] + line[at:]),
    "two characters are swapped": _in_line(
        lambda line, at, _: line[:at] + line[at + 1 : at + 2] + line[at] + line[at + 2 :]
    ),
    "a line is broken in two": _in_line(lambda line, at, _: line[:at] + "\n" + line[at:]),
    "a quote or a bracket is lost": _in_line(_lose_quote),
    "a line is indented otherwise": _in_line(_indent),
    "two lines are joined": _join,
    "a line is lost": _drop,
    "a line is doubled": _double,
    "a line is moved": _move,
}


def damages(cases: Iterable[int], seed: int, folder: Path = MAPPINGS) -> Iterator[tuple[int, Damage]]:
    """The cases of a seed by their numbers, each the same whichever others there are."""
    texts = {
        file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*.yaml"))
    }
    for number in cases:
        chance = random.Random(f"{seed}:{number}")
        while True:
            [name] = chance.choices(list(texts), [len(text) for text in texts.values()])
            kind = chance.choice(list(KINDS))
            lines = texts[name].split("\n")
            made = KINDS[kind](lines, chance)
            if made and made[0] != lines:
                break
        new, at = made
        touched = [line for line in lines if lines.count(line) != new.count(line)]
        moved = [new[at[0]]] if kind == "a line is moved" else []
        yield number, Damage(kind, name, "\n".join(new), tuple(one + 1 for one in at), (*touched, *moved))


def errors_of(damage: Damage, folder: Path) -> list[Issue]:
    """What `check` says of a folder in which one file is damaged; the folder is left as it was."""
    file = folder / damage.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(damage.text, encoding="utf-8")
    try:
        issues = look_at([folder if file.parent.name == "shared" else file]).issues
    finally:
        file.write_text(whole, encoding="utf-8")
    return [issue for issue in issues if issue.severity == "error"]


def is_near(damage: Damage, errors: Iterable[Issue], folder: Path) -> bool:
    """Whether an error stands within a line of the damage, or names such a line as the other place."""
    held = list(accumulate(bool(_HOLDS.match(line)) for line in ["", *damage.text.split("\n")]))
    told = [
        line
        for error in errors
        if error.place and Path(error.place.file) == folder / damage.file
        for line in (error.place.line, *map(int, re.findall(r"in line (\d+)", error.message)))
    ]
    at = [min(line, len(held) - 1) for line in damage.lines]
    return any(min(abs(one - two), abs(held[one] - held[two])) <= NEAR for one in told for two in at)


_HOLDS = re.compile(r"\s*(?:-\s|[^#\s][^#]*:(?:\s|$))")
"""A line that begins something."""


def names_what_is_gone(damage: Damage, errors: Iterable[Issue]) -> bool:
    """Whether an error elsewhere names what stood in the damaged line.

    Damage can make another valid spec in which something is missing: a key that a spec needs, a name
    under `let`, a property that a test expects. No line of the file is wrong then but those that ask
    for it; they are told with the name to look for.
    """
    names = {match[1].strip() for line in damage.before if (match := _NAME.match(line))}
    spreads = {name.split("*")[0].strip() for name in names if "*" in name}
    gone = re.compile("|".join(rf"\b{re.escape(name)}" for name in (names | spreads) if name) or "(?!)")
    return any(gone.search(error.message) for error in errors)


_NAME = re.compile(r"\s*(?:- )?[\"']?([^:\"'#]+)[\"']?:")
"""The name of a line of `name: value`."""


def run(cases: Iterable[int], seed: int) -> Tally:
    """Damage, read and judge; raises whatever the reading raises, with the number of the case."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "mappings"
        shutil.copytree(MAPPINGS, folder)
        for number, damage in damages(cases, seed):
            try:
                errors = errors_of(damage, folder)
            except Exception as error:
                error.add_note(f"case {number} of seed {seed}: {damage.kind}, {damage.file}:{damage.lines}")
                raise
            tally.cases += 1
            if not errors:
                continue
            tally.invalid += 1
            tally.kinds[damage.kind] += 1
            if is_near(damage, errors, folder):
                tally.near += 1
            elif names_what_is_gone(damage, errors):
                tally.named += 1
            else:
                tally.untold.append((number, damage, errors))
    return tally


def _show(number: int, damage: Damage, errors: list[Issue]) -> None:
    print(f"\ncase {number}: {damage.kind}, {damage.file}, lines {', '.join(map(str, damage.lines))}")
    lines = damage.text.split("\n")
    for line in sorted({near for at in damage.lines for near in (at - 1, at, at + 1)}):
        if 0 < line <= len(lines):
            print(f"  {line:4} {lines[line - 1]}")
    for error in errors:
        print(f"  -> {error.place and error.place.line}  {error.code}  {error.message}")


def main() -> None:
    """The long check: every case of a seed, what they gave, and each that misleads."""
    parser = argparse.ArgumentParser(description="Damage the shipped specs at random, and check them.")
    parser.add_argument("--cases", type=int, default=20_000, help="how many (20,000)")
    parser.add_argument("--seed", type=int, default=1, help="the seed of every choice (1)")
    parser.add_argument("--only", type=int, help="the number of a single case, shown whatever it gives")
    options = parser.parse_args()
    cases = range(options.cases) if options.only is None else [options.only]
    tally = run(cases, options.seed)
    for one in tally.untold:
        _show(*one)
    print(
        f"seed {options.seed}: {tally.cases:,} cases, {tally.invalid:,} invalid; an error within {NEAR} line "
        f"of the damage in {tally.near:,}, one that names what is gone in {tally.named:,}, "
        f"neither in {len(tally.untold):,}"
    )
    sys.exit(bool(tally.untold))


if __name__ == "__main__":
    main()
