"""A JSON Schema for the file of settings: its names, what each takes, and what is said of it."""

from typing import Any

from engine.settings_table import SECTIONS, SETTINGS, Setting

Json = dict[str, Any]


def settings_schema() -> Json:
    """The schema of `engine.yaml`, of draft 7, made from the table of settings."""
    inside: dict[str, Json] = {section: {} for section in SECTIONS}
    known: Json = {section: _lines(inside[section]) for section in SECTIONS}
    for row in SETTINGS.values():
        section, _, name = row.name.rpartition(".")
        (inside[section] if section else known)[name] = _value(row)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Made by docs/generate.py from the table of the engine.",
        "title": "Settings",
        **_lines(known),
        "type": "object",
    }


def _lines(known: Json) -> Json:
    return {"type": ["object", "null"], "properties": known, "additionalProperties": False}


def _value(row: Setting) -> Json:
    told = f"{row.help} It takes {row.takes}. The variable {row.variable} goes before it."
    usual = {"default": row.default} if row.default != "" else {}
    return {**row.schema, **usual, "description": told, "errorMessage": f"Expected here: {row.takes}."}
