"""The README and the docs do what they say: their blocks run, and their tables are complete."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine import issues
from engine.commands import main
from engine.language import keys as language_keys
from engine.language.conversions import TYPES
from tests.support import check_session

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[pytest.param]:
    """The blocks of a language; those of the tutorial stand on each other, and have a test of their own."""
    found = []
    for page in (page for page in PAGES if page.name != "tutorial.md"):
        for number, match in enumerate(FENCE.finditer(page.read_text(encoding="utf-8"))):
            if match.group(2) == language:
                text = re.sub(rf"^{match.group(1)}", "", match.group(3), flags=re.MULTILINE)
                found.append(pytest.param(text, id=f"{page.name}-{number}"))
    return found


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder laid out as a clone, with the README's own mapping in it."""
    for name in ("mappings", "tests/fixtures", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("versions"))
    for block in blocks("yaml"):
        named = re.match(r"# (mappings/\w+\.yaml)\n", block.values[0])
        if named:
            (tmp_path / named.group(1)).write_text(block.values[0], encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("block", blocks("console"))
def test_a_session_in_the_docs_is_what_the_command_prints(
    block: str, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clone)
    monkeypatch.setenv("COLUMNS", "80")
    command, *expected = block.rstrip("\n").split("\n")
    assert command.startswith("$ intercom-klaviyo ")
    check_session(expected, CliRunner().invoke(main, shlex.split(command)[2:]).output, command)


@pytest.mark.parametrize("block", blocks("python"))
def test_a_script_in_the_docs_runs(block: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", block],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("block", blocks("json"))
def test_json_in_the_docs_is_json(block: str) -> None:
    json.loads(block)


def test_the_pages_made_from_tables_are_as_the_tables_make_them() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, page in generate.PAGES.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == page(), "run: python docs/generate.py"


def test_every_key_type_command_and_reason_is_on_its_page() -> None:
    language, commands = (
        (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("language.md", "commands.md")
    )
    keys = {key for known in language_keys.KEYS.values() for key in known}
    assert [key for key in sorted(keys) if f"`{key}`" not in language] == []
    assert [name for name in language_keys.PROFILE_FIELDS if f"`{name}`" not in language] == []
    types = (ROOT / "docs" / "types.md").read_text(encoding="utf-8")
    assert [name for name in TYPES if f"`{name}`" not in types] == []
    for name in main.list_commands(None):
        assert f"## {name}\n" in commands
        for parameter in main.get_command(None, name).params:
            for option in parameter.opts:
                assert not option.startswith("--") or option in commands, option
    files = [path for path in (ROOT / "engine").rglob("*.py") if "ledger" not in path.parts]
    engine = "\n".join(path.read_text(encoding="utf-8") for path in files)
    reasons = set(re.findall(r'(?:_skipped|Skipped|parked|Parked)\(\s*"(\w+)"', engine))
    reasons |= set(re.findall(r'return "(\w+)", ', engine)) | {"ping"}
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in commands] == []


def test_the_list_of_commands_says_of_each_what_its_own_help_says_first() -> None:
    listed = CliRunner().invoke(main, ["--help"], terminal_width=100).output
    for name in main.list_commands(None):
        first = main.get_command(None, name).help.split("\n")[0]
        assert re.search(rf"^  {name} +{re.escape(first)}$", listed, flags=re.MULTILINE)


def test_links_in_the_docs_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_code_that_the_engine_uses_is_in_the_table_and_the_other_way_round() -> None:
    files = [path for path in (ROOT / "engine").rglob("*.py") if path.name != "issues.py"]
    engine = "\n".join(path.read_text(encoding="utf-8") for path in files)
    used = set(re.findall(r'(?:Issue|TextFault|fault)\(\s*"([a-z][a-z-]+)"', engine))
    assert sorted(used - set(issues.CODES)) == []
    assert [code for code in issues.CODES if f'"{code}"' not in engine] == []
