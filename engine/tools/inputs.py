"""Notifications in files: JSON, NDJSON, folders of both, and standard input."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec

from engine.intercom.webhook import BOM, LARGEST_BYTES

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
        yield Input(_named(folder), fault=error.strerror or "it cannot be read")
        return
    if not files:
        yield Input(_named(folder), fault=f"there is no .json, {' or '.join(LINES)} file in it")
    for file in files:
        yield from _read_file(file)


def _read_file(file: Path) -> Iterator[Input]:
    try:
        with file.open("rb") as stream:
            if file.suffix in LINES:
                yield from _read_lines(_named(file), stream)
            elif file.stat().st_size > LARGEST_BYTES:
                megabytes = LARGEST_BYTES // 1024 // 1024
                yield Input(
                    _named(file), fault=f"it is over {megabytes} MB; several notifications go into .ndjson"
                )
            else:
                yield Input(_named(file), stream.read())
    except FileNotFoundError:
        yield Input(_named(file), fault="there is no such file or folder")
    except OSError as error:
        yield Input(_named(file), fault=(error.strerror or "it cannot be read").lower())


def _read_lines(name: str, lines: Iterable[bytes]) -> Iterator[Input]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield Input(f"{name}:{number}", line)


def _read_stream(stream: BinaryIO) -> Iterator[Input]:
    """Standard input: one JSON value, or one a line. Lines are read as they come, where the first is JSON."""
    waiting: list[bytes] = []
    for line in stream:
        waiting.append(line)
        if line.strip():
            break
    if waiting and _is_json(waiting[-1].removeprefix(BOM)):
        second = next((line for line in _kept(stream, waiting) if line.strip()), b"")
        if second:
            yield from _read_lines(STDIN, chain(waiting, stream))
        else:
            yield Input(STDIN, b"".join(waiting))
        return
    waiting += stream
    whole = b"".join(waiting)
    written = [line for line in waiting if line.strip()]
    if not _is_json(whole.removeprefix(BOM)) and sum(map(_is_json, written)) * 2 > len(written):
        yield from _read_lines(STDIN, waiting)
    else:
        yield Input(STDIN, whole)


def _kept(stream: BinaryIO, waiting: list[bytes]) -> Iterator[bytes]:
    """The lines of a stream, each kept."""
    for line in stream:
        waiting.append(line)
        yield line


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _named(path: Path) -> str:
    """A file's name as text, also where its bytes are none."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
