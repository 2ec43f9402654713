"""Notifications in files: JSON, NDJSON, folders of both, and standard input."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from engine.intercom.webhook import LARGEST_BYTES

LINES = (".ndjson", ".jsonl")
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Input:
    """One payload and where it comes from (`file`, or `file:line`); or the reason why it cannot be read."""

    name: str
    raw: bytes = b""
    fault: str = ""


def read_inputs(paths: Iterable[str], stdin: BinaryIO) -> Iterator[Input]:
    """Every payload, in the order of the paths; a folder gives its files by name, with those below it.

    What cannot be read is an Input with its fault, and the rest goes on.
    """
    for path in paths:
        if path == STDIN:
            yield from _read_stream(stdin)
        elif Path(path).is_dir():
            yield from _read_folder(Path(path))
        else:
            yield from _read_file(Path(path))


def _read_folder(folder: Path) -> Iterator[Input]:
    try:
        files = sorted(
            file for file in folder.rglob("*") if file.suffix in (".json", *LINES) and file.is_file()
        )
    except OSError as error:
        yield Input(str(folder), fault=error.strerror or "it cannot be read")
        return
    if not files:
        yield Input(str(folder), fault=f"there is no .json, {' or '.join(LINES)} file in it")
    for file in files:
        yield from _read_file(file)


def _read_file(file: Path) -> Iterator[Input]:
    try:
        with file.open("rb") as stream:
            if file.suffix in LINES:
                yield from _read_lines(str(file), stream)
            elif file.stat().st_size > LARGEST_BYTES:
                megabytes = LARGEST_BYTES // 1024 // 1024
                yield Input(
                    str(file), fault=f"it is over {megabytes} MB; several notifications go into .ndjson"
                )
            else:
                yield Input(str(file), stream.read())
    except FileNotFoundError:
        yield Input(str(file), fault="there is no such file or folder")
    except OSError as error:
        yield Input(str(file), fault=(error.strerror or "it cannot be read").lower())


def _read_lines(name: str, lines: Iterable[bytes], first: int = 1) -> Iterator[Input]:
    for number, line in enumerate(lines, first):
        if line.strip():
            yield Input(f"{name}:{number}", line)


def _read_stream(stream: BinaryIO) -> Iterator[Input]:
    """Standard input: one JSON value, or one a line where the first line is one by itself."""
    blank = 0
    first = stream.readline()
    while first and not first.strip():
        blank += 1
        first = stream.readline()
    if not _is_json(first):
        yield Input(STDIN, first + stream.read())
        return
    second = stream.readline()
    while second and not second.strip():
        second = stream.readline()
    if not second:
        yield Input(STDIN, first)
        return
    yield Input(f"{STDIN}:{blank + 1}", first)
    yield from _read_lines(STDIN, _chained(second, stream), blank + 2)


def _chained(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield first
    yield from stream


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
