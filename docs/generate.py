"""Writes the reference pages that are made from tables: python docs/generate.py."""

import json
from pathlib import Path

from engine.language.catalogue import TOPICS
from engine.language.conversions import TYPES

HERE = Path(__file__).resolve().parent


def types_page() -> str:
    rows = []
    for kind in TYPES.values():
        taken, made = (json.dumps(value, ensure_ascii=False) for value in kind.example)
        rows.append(f"| `{kind.name}` | {kind.help} | {kind.klaviyo} | `{taken}` | `{made}` |")
    return "\n".join([
        "# Types",
        "",
        "What may stand after `as`. A value that its type refuses is left out with an issue; what the type",
        "calls empty (blank text) is no value. Made from the engine's own table by `docs/generate.py`.",
        "",
        "| type | makes | in Klaviyo | from | to |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ])  # fmt: skip


def topics_page() -> str:
    lines = [
        "# Topics",
        "",
        "The notifications that Intercom documents for its API 2.9 to 2.16, by the object that they tell of.",
        "Others work too, and are warned of. Made from the engine's own table by `docs/generate.py`.",
    ]
    for kind, topics in TOPICS.items():
        lines += ["", f"## {kind}", "", *(f"- `{topic}`" for topic in sorted(topics))]
    return "\n".join([*lines, ""])


PAGES = {"types.md": types_page, "topics.md": topics_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
