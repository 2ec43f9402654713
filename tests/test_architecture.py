"""The walls of the house: who may import whom, what is pure, what is public, and where it is explained."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import engine

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "engine").rglob("*.py"))
LONGEST_FILE = 360
MOST_PUBLIC_NAMES = 24

NOUNS = {"errors", "events", "issues", "paths"}
BELOW_THE_EDGES = {"language", "ports", *NOUNS}
EDGES = {"intercom", "klaviyo", "ledger", "router"}

# Each room of engine/, and the other rooms that it may import. A new room needs a row.
MAY_IMPORT: dict[str, set[str]] = {
    "__main__": {"commands"},
    "__init__": {"runner", "folder", *EDGES, *BELOW_THE_EDGES},
    "commands": {
        "redaction",
        "ledger",
        "relay",
        "sandbox",
        "tools",
        "web",
        "runner",
        "folder",
        "settings",
        "settings_table",
        "clock",
        "deadline",
        *BELOW_THE_EDGES,
    },
    "tools": {
        "clock",
        "redaction",
        "relay",
        "secrets",
        "web",
        "enquiry",
        "settings",
        "settings_table",
        "transport",
        "runner",
        "folder",
        "deadline",
        *EDGES,
        *BELOW_THE_EDGES,
    },
    "runner": {"clock", "deadline", "enquiry", "relay", *EDGES, *BELOW_THE_EDGES},
    "web": {"intercom", "ledger", "relay", *BELOW_THE_EDGES},
    "relay": {"clock", "folder", "redaction", "settings", *EDGES, *BELOW_THE_EDGES},
    "ledger": {"clock", *BELOW_THE_EDGES},
    "enquiry": {"deadline", "klaviyo", *BELOW_THE_EDGES},
    "folder": {"deadline", "klaviyo", "language", "paths", "errors", "issues"},
    "intercom": {"address", "clock", "transport", *BELOW_THE_EDGES},
    "klaviyo": {"address", "clock", "redaction", "transport", *BELOW_THE_EDGES},
    "sandbox": {"klaviyo", "clock", "ports", *NOUNS},
    "settings": {"secrets", "settings_table", "language", "errors", "issues"},
    "settings_table": {"address"},
    "secrets": {"address", "issues"},
    "transport": {"connections", "ports", "errors"},
    "connections": {"errors"},
    "address": set(),
    "clock": set(),
    "redaction": set(),
    "router": BELOW_THE_EDGES,
    "language": {"ports", *NOUNS},
    "ports": NOUNS,
    "errors": {"issues", "paths"},
    "events": {"errors", "issues", "paths"},
    "deadline": set(),
    "issues": set(),
    "paths": set(),
}

IMPURE = {
    "asyncio", "http", "io", "logging", "os", "pathlib", "random", "requests", "secrets", "shutil", "socket",
    "sqlalchemy", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
PURE = sorted(
    file
    for file in FILES
    if file.is_relative_to(ROOT / "engine" / "language") or file.match("intercom/shapes.py")
)


def name_of(file: Path) -> str:
    """`engine.language.plan`; a package goes by its own name."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


MODULES = {name_of(file): file for file in FILES}


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module that is named in an import anywhere, or as a text that is a module of ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            inner = [f"{source}.{alias.name}" for alias in node.names]
            modules = [name for name in inner if name in MODULES]
            yield from modules
            if len(modules) < len(inner):
                yield source
        elif isinstance(node, ast.Constant) and node.value in MODULES and node.value != "engine":
            yield node.value


def ours(file: Path) -> set[str]:
    found = set(imported(tree_of(file))) - {name_of(file)}
    return {module for module in found if module.split(".")[0] == "engine"}


def by_path(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", FILES, ids=by_path)
def test_a_module_imports_only_what_its_room_may(file: Path) -> None:
    room = room_of(name_of(file))
    assert room in MAY_IMPORT, "a new room: give it a row in MAY_IMPORT, and in the architecture"
    rooms = {module: room_of(module) for module in ours(file)}
    wrong = {module for module, other in rooms.items() if other not in MAY_IMPORT[room] | {room}}
    assert wrong == set()


@pytest.mark.parametrize("file", FILES, ids=by_path)
def test_imports_are_absolute_so_that_a_rename_stays_one_commit(file: Path) -> None:
    assert [node.lineno for node in ast.walk(tree_of(file)) if getattr(node, "level", 0)] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: ours(file) for module, file in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_table_knows_no_room_that_is_gone() -> None:
    assert set(MAY_IMPORT) == {room_of(module) for module in MODULES}


def test_the_table_itself_has_no_circle() -> None:
    assert list(TopologicalSorter(MAY_IMPORT).static_order())[-2:] == ["commands", "__main__"]


def test_a_stand_in_shares_nothing_with_our_client_but_klaviyos_figures() -> None:
    theirs = {module for file in FILES if room_of(name_of(file)) == "sandbox" for module in ours(file)}
    assert {module for module in theirs if room_of(module) == "klaviyo"} <= {"engine.klaviyo.limits"}


@pytest.mark.parametrize("file", PURE, ids=by_path)
def test_the_language_has_no_network_disk_clock_or_chance(file: Path) -> None:
    names = set(imported(tree_of(file)))
    assert {name for name in names if name in IMPURE or name.split(".")[0] in IMPURE} == set()
    called = [node.func for node in ast.walk(tree_of(file)) if isinstance(node, ast.Call)]
    methods = {func.attr for func in called if isinstance(func, ast.Attribute)}
    functions = {func.id for func in called if isinstance(func, ast.Name)}
    assert (
        methods & {"now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes"} == set()
    )
    assert functions & {"open", "print", "input", "__import__", "import_module", "eval", "exec"} == set()


def test_the_pure_files_are_the_language_and_the_shapes() -> None:
    assert len(PURE) > 10
    assert [file.name for file in PURE if "language" not in file.parts] == ["shapes.py"]


# The package


def test_all_that_the_wheel_takes_lands_inside_the_package() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    landing = [wheel["sources"].get(folder, folder) for folder in wheel["only-include"]]
    assert sorted(landing) == ["engine", "engine/fixtures", "engine/mappings", "engine/schemas"]
    assert wheel["dev-mode-dirs"] == ["."]
    assert not set(wheel) & {"packages", "include", "force-include"}


def test_a_folder_of_shipped_data_has_no_name_of_a_room() -> None:
    assert set(MAY_IMPORT) & {"mappings", "schemas", "fixtures"} == set()
    assert [
        folder for folder in ("mappings", "schemas", "fixtures") if (ROOT / "engine" / folder).exists()
    ] == []


@pytest.mark.parametrize("file", FILES, ids=by_path)
def test_a_file_stays_short_enough_for_one_subject(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


# What is public


def test_the_public_names_are_those_that_are_exported_lazily() -> None:
    homes = vars(engine)["_HOMES"]
    declared = {
        alias.name: node.module
        for block in tree_of(ROOT / "engine" / "__init__.py").body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert list(engine.__all__) == sorted(engine.__all__)
    assert set(engine.__all__) == set(homes)
    assert declared == homes, "what type checkers see is what runs"
    assert len(engine.__all__) <= MOST_PUBLIC_NAMES


@pytest.mark.parametrize("name", engine.__all__)
def test_a_public_name_can_be_imported_and_lives_where_it_says(name: str) -> None:
    found = getattr(engine, name)
    assert found is getattr(import_module(found.__module__), name)
    assert found.__module__ == vars(engine)["_HOMES"][name]


def test_a_name_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(AttributeError, match="module 'engine' has no attribute 'Runer'"):
        _ = engine.Runer
    with pytest.raises(ImportError):
        exec("from engine import Runer")


Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(body: list[ast.stmt], within: str = "") -> Iterator[tuple[str, Definition]]:
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield f"{within}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{node.name}.")


@pytest.mark.parametrize("file", FILES, ids=by_path)
def test_every_public_thing_says_what_it_is_for(file: Path) -> None:
    tree = tree_of(file)
    told = {"the module": ast.get_docstring(tree)}
    told |= {name: ast.get_docstring(node) for name, node in public(tree.body)}
    assert [name for name, docstring in told.items() if not docstring] == []
