"""Writes the pages and the schemas that are made from tables: python docs/generate.py."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from textwrap import fill

from engine.language.catalogue import TOPICS
from engine.language.conversions import TYPES
from engine.language.payloads import TABLES, lines_of
from engine.language.payloads.notification import ITEMS
from engine.secrets import SECRETS
from engine.settings_table import SETTINGS
from engine.tools.codes import Explained, explained, grouped, places, said_of
from engine.tools.editors.schemas import EDITOR_SCHEMAS, editor_schemas
from engine.tools.editors.settings import settings_schema

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


def paths_page() -> str:
    lines = [
        "# Paths",
        "",
        "What is known of Intercom's payloads, in the one shape that specs see ([payloads](payloads.md)).",
        "Payloads bring more: any path works, and one that is not in here is warned of. Null may stand",
        "anywhere. Made from the engine's own tables by `docs/generate.py`.",
        "",
        "In paths, `[]` is each element of a list. A `time` is in epoch seconds, a `map` has names of your",
        'own as keys, and of what is `any` nothing is known. Values with "and others" are the usual ones.',
        "",
        "## data.item",
        "",
        "The item is the [conversation](#conversation), [ticket](#ticket) or [contact](#contact) that the",
        "topic tells of, except for these. With two tables it has the keys of either, or of both:",
        "",
        "| topics | tables |",
        "|---|---|",
        *_item_rows(),
    ]
    for table in sorted(TABLES, key=lambda name: name != "notification"):
        lines += ["", f"## {table}", "", *_inside(table)]
        lines += ["| path | type | means | values |", "|---|---|---|---|"]
        for path, kind, meaning, values in lines_of(table):
            lines.append(
                f"| `{path}` | {_linked(kind)} | {meaning} | {_values(values)} |".replace("|  |", "| |")
            )
    return "\n".join([*lines, ""])


def _item_rows() -> Iterator[str]:
    for tables in dict.fromkeys(ITEMS.values()):
        topics = ", ".join(f"`{topic}`" for topic in ITEMS if ITEMS[topic] == tables)
        yield f"| {topics} | {', '.join(_linked(table) for table in tables.split())} |"


def _inside(table: str) -> list[str]:
    """Where a table is taken in by others."""
    found = []
    for other in TABLES:
        places = ", ".join(f"`{path}`" for path, kind, *_ in lines_of(other) if kind == table)
        if places:
            found.append(f"{places} of [{other}](#{other})")
    return [f"Is {'; '.join(found)}.", ""] if found else []


def _linked(kind: str) -> str:
    return f"[{kind}](#{kind})" if kind in TABLES else kind


def _values(values: str) -> str:
    known = [value.strip() for value in values.split(",") if value.strip()]
    return ", ".join("and others" if value == "..." else f"`{value}`" for value in known)


def issues_page() -> str:
    groups = grouped(explained().values())
    lines = [
        "# Issues",
        "",
        "What each code means, why it comes, and what to do about it. An error keeps a spec from running; a",
        "warning does not. In a terminal: `intercom-klaviyo explain-issue CODE`. Made from the engine's own",
        "tables by `docs/generate.py`.",
    ]
    for group, codes in groups.items():
        lines += ["", f"**{group}**", ""]
        lines += [f"- [{one.code}](#{one.code}): {_means(one)}" for one in codes]
    for group, codes in groups.items():
        lines += ["", f"## {group}"]
        for one in codes:
            lines += ["", f"### {one.code}", "", *_told_of(one)]
    return "\n".join([*lines, ""])


def _means(one: Explained) -> str:
    return f"{one.means} ({one.severity})" if one.severity == "warning" else one.means


def _told_of(one: Explained) -> Iterator[str]:
    yield f"**{one.severity.capitalize()}:** {one.means}."
    for text in (one.cause, f"**What to do:** {one.cure}"):
        yield from ("", fill(text, 110, break_on_hyphens=False))
    if one.when:
        yield from ("", f"**Wrong:** {one.when}")
    if one.changes:
        yield from ("", "**Where a notification holds:**", "", "```text", *places(one.changes), "```")
    if one.wrong:
        yield from ("", "**Wrong:**", "", "```yaml no-check", one.wrong, "```", "", "```text")
        for issue in said_of(one.wrong, one.changes):
            place = f"{issue.place.line}:{issue.place.column}  " if issue.place else ""
            yield f"{place}{issue.code}  {issue.message}"
            if issue.hint:
                yield f"hint: {issue.hint}"
        yield "```"
    if one.right:
        yield from ("", "**Right:**", "", "```yaml", one.right, "```")


def settings_page() -> str:
    return "\n".join([
        "# Settings",
        "",
        "What sends or fetches needs a key; everything else has its usual value. A file says what anyone may",
        "read, and the environment says the rest. Made from the engine's own tables by `docs/generate.py`.",
        "",
        "## Secrets",
        "",
        "Only the environment has them: as they are, or as the path of a file that holds one, under the same",
        "name with `_FILE` behind it (`KLAVIYO_API_KEY_FILE=/run/secrets/klaviyo`). One line break at the",
        "end of such a file is no part of the secret. In a file of settings a secret is a fault, and no",
        "message shows one.",
        "",
        "| variable | what it is |",
        "|---|---|",
        *(f"| `{row.variable}` | {row.help} |" for row in SECRETS.values()),
        "",
        "None is needed to write and try mappings. A command that needs one says so, and where it comes",
        "from. While you replace the client secret of Intercom, both are accepted.",
        "",
        "Where one app of Intercom's is installed in several workspaces, each has a token of its own:",
        "`INTERCOM_TOKEN_` and the workspace's id in capitals, such as `INTERCOM_TOKEN_AB12CD34`.",
        "",
        "## The rest",
        "",
        "| in the file | variable | takes | usually | |",
        "|---|---|---|---|---|",
        *(
            f"| `{row.name}` | `{row.variable}` | {row.takes} | {_usual(row.default)} | {row.help} |"
            for row in SETTINGS.values()
        ),
        "",
        "A variable goes before the file, and the file before what is usual. The file is the one of",
        "`--settings FILE`, or else `engine.yaml` in the folder where the command runs, or else none.",
        "",
        "```yaml no-check",
        "# yaml-language-server: $schema=schemas/engine.schema.json",
        "intercom:",
        "  region: eu",
        "klaviyo:",
        "  revision: 2026-07-15",
        "  rate_share: 0.5     # other programs send to this account, too",
        "```",
        "",
        "Every fault of the file and of the environment is told at once, with its place or its variable and",
        "what it should look like; [issues](issues.md) has more of each.",
        "",
    ])  # fmt: skip


def _usual(value: object) -> str:
    return f"`{json.dumps(value)}`".replace('"', "") if value != "" else "the service itself"


def schema_page(name: str) -> str:
    shared = sorted(file.stem for file in (HERE.parent / "mappings" / "shared").glob("*.yaml"))
    return _as_page(editor_schemas(shared)[name])


def _as_page(schema: object) -> str:
    """A schema as text, with each innermost list or object on a line of its own."""
    text = json.dumps(schema, indent=1)
    return re.sub(r"([{\[])\n *([^{}\[\]]*?)\n *([}\]])", _in_one_line, text) + "\n"


def _in_one_line(found: re.Match[str]) -> str:
    return found[1] + re.sub(r"\n *", " ", found[2]) + found[3]


PAGES = {
    "types.md": types_page,
    "topics.md": topics_page,
    "paths.md": paths_page,
    "issues.md": issues_page,
    "settings.md": settings_page,
    "../schemas/engine.schema.json": lambda: _as_page(settings_schema()),
    **{f"../schemas/{name}.schema.json": partial(schema_page, name) for name in EDITOR_SCHEMAS},
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
