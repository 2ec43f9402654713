"""What is built and what it does, installed on its own: the same as a clone.

Builds as a release is built (the sdist, then the wheel from it) and installs the wheel with pip into a
fresh environment, in a folder that knows nothing of the clone. Skipped only where pip reaches no index.
"""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SHIPPED = {
    "mappings": "engine/mappings",
    "schemas": "engine/schemas",
    "tests/fixtures": "engine/fixtures",
    "engine": "engine",
}
BASE = {
    "PyYAML", "jsonschema", "jmespath", "Jinja2", "click", "requests", "msgspec", "jsonschema-rs", "rich",
    "phonenumbers",
}  # fmt: skip
CLEAN = {
    key: value
    for key, value in os.environ.items()
    if not key.startswith(("PYTHON", "VIRTUAL_ENV", "FORCE_COLOR", "COLUMNS"))
}
SECONDS = 240

Done = subprocess.CompletedProcess[str]


def run(*command: str | Path, cwd: Path = ROOT) -> Done:
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=CLEAN,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
    )


def must(done: Done, empty: Path) -> None:
    """Fail where a step failed; skip where it could not be otherwise, as pip reaches no index."""
    if done.returncode == 0:
        return
    command = (sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--quiet")
    probe = run(*command, "--dest", empty, "hatchling", cwd=empty)
    if probe.returncode:
        pytest.skip(f"NOTHING OF THE PACKAGING IS TESTED: pip reaches no index.\n{probe.stderr[-500:]}")
    pytest.fail(f"{' '.join(map(str, done.args))}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


@dataclass(frozen=True)
class Built:
    sdist: Path
    wheel: Path

    def in_sdist(self) -> set[str]:
        with tarfile.open(self.sdist) as archive:
            files = [member.name for member in archive.getmembers() if member.isfile()]
        return {name.partition("/")[2] for name in files}

    def in_wheel(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    def read(self, name: str) -> bytes:
        with zipfile.ZipFile(self.wheel) as archive:
            return archive.read(name)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    out = tmp_path_factory.mktemp("dist")
    must(run(sys.executable, "-m", "build", "--outdir", out, ROOT), tmp_path_factory.mktemp("probe"))
    [sdist], [wheel] = out.glob("*.tar.gz"), out.glob("*.whl")
    return Built(sdist, wheel)


@dataclass(frozen=True)
class Installed:
    """A fresh environment with the wheel in it, and an empty folder to stand in."""

    venv: Path
    folder: Path

    def script(self, name: str) -> Path:
        [found] = [path for path in self.venv.glob(f"*/{name}*") if path.stem == name]
        return found

    def run(self, *arguments: str | Path) -> Done:
        return run(self.script("intercom-klaviyo"), *arguments, cwd=self.folder)


@pytest.fixture(scope="session")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    venv, folder = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("elsewhere")
    must(run(sys.executable, "-m", "venv", venv, cwd=folder), folder)
    made = Installed(venv, folder)
    pip = (made.script("python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    must(run(*pip, built.wheel, cwd=folder), tmp_path_factory.mktemp("probe"))
    return made


# What lands


def test_a_release_is_one_sdist_and_one_wheel_for_every_platform(built: Built) -> None:
    version = PROJECT["version"]
    assert built.sdist.name == f"intercom_klaviyo-{version}.tar.gz"
    assert built.wheel.name == f"intercom_klaviyo-{version}-py3-none-any.whl"


def test_the_wheel_brings_the_package_and_nothing_beside_it(built: Built) -> None:
    tops = {name.split("/")[0] for name in built.in_wheel()}
    assert tops == {"engine", f"intercom_klaviyo-{PROJECT['version']}.dist-info"}


def test_the_wheel_holds_every_shipped_file_as_it_is_in_the_clone(built: Built) -> None:
    wanted = {
        f"{target}/{file.relative_to(ROOT / folder).as_posix()}": file
        for folder, target in SHIPPED.items()
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {name for name in built.in_wheel() if name.startswith("engine/")} == set(wanted)
    assert [name for name, file in wanted.items() if built.read(name) != file.read_bytes()] == []


def test_the_wheel_brings_mappings_shared_ones_schemas_fixtures_records_and_its_types(built: Built) -> None:
    some = ["mappings/profile.yaml", "mappings/shared/ticket.yaml", "fixtures/records.yaml", "py.typed"]
    some += ["schemas/klaviyo-event.schema.json", "fixtures/ping.json", "commands/__init__.py"]
    assert {f"engine/{name}" for name in some} <= built.in_wheel()


def test_the_wheel_brings_no_tests_and_no_litter(built: Built) -> None:
    litter = re.compile(r"(^|/)(tests?_|tests/|docs/|\.|__pycache__)|\.(pyc|orig|rej|swp)$|cli\.py$")
    assert [name for name in built.in_wheel() if litter.search(name)] == []


def test_the_sdist_has_all_that_a_clone_has(built: Built) -> None:
    files = built.in_sdist()
    some = {"cli.py", "Makefile", "LICENSE", "CHANGELOG.md", "README.md", "pyproject.toml", ".ci/run"}
    some |= {"tests/test_packaging.py", "tests/support.py", "tests/fixtures/ping.json", "engine/py.typed"}
    some |= {"mappings/profile.yaml", "examples/demo.sh", "benchmarks/start.py"}
    assert some - files == set()
    assert any(name.startswith("docs/") and name.endswith(".md") for name in files)


def test_the_sdist_has_no_litter(built: Built) -> None:
    litter = re.compile(
        r"(^|/)(\.venv|\.git/|\.hypothesis|\.[a-z]+_cache|__pycache__|dist|build)(/|$)|\.pyc$"
    )
    assert [name for name in built.in_sdist() if litter.search(name)] == []


def test_the_metadata_says_what_is_needed_and_under_which_licence(built: Built) -> None:
    [name] = [name for name in built.in_wheel() if name.endswith(".dist-info/METADATA")]
    told = message_from_string(built.read(name).decode("utf-8"))
    assert (told["Name"], told["Requires-Python"]) == ("intercom-klaviyo", ">=3.11")
    assert (told["License-Expression"], told.get_all("License-File")) == ("Apache-2.0", ["LICENSE"])
    needed = [text for text in told.get_all("Requires-Dist", []) if "extra ==" not in text]
    assert {re.split(r"[<>=!~ ;\[]", text)[0].lower() for text in needed} == {name.lower() for name in BASE}
    assert "# " in told.get_payload()  # the README


# What it does


def test_the_package_comes_from_the_wheel_and_not_from_the_clone(installed: Installed) -> None:
    code = (
        "import engine, sys; print(engine.__file__); print([p for p in sys.path if 'main' in p.split('/')])"
    )
    done = run(installed.script("python"), "-c", code, cwd=installed.folder)
    assert done.stdout.splitlines()[0].startswith(str(installed.venv))
    assert (done.stdout.splitlines()[1:], done.stderr) == (["[]"], "")


def test_the_installed_command_knows_its_version(installed: Installed) -> None:
    expected = f"intercom-klaviyo {PROJECT['version']}\n"
    assert installed.run("--version").stdout == expected
    assert (
        run(installed.script("python"), "-m", "engine", "--version", cwd=installed.folder).stdout == expected
    )


def test_the_shipped_mappings_pass_check_where_there_is_no_clone(installed: Installed) -> None:
    done = installed.run("check")
    assert (done.returncode, done.stderr) == (0, "")
    number = len(list((ROOT / "mappings").rglob("*.yaml")))
    assert done.stdout == f"{number} files, those shipped, as there is no ./mappings here: no faults\n"


def test_the_shipped_mappings_pass_their_own_tests_where_there_is_no_clone(installed: Installed) -> None:
    done = installed.run("test")
    assert (done.returncode, done.stderr.partition(":")[0]) == (0, "note")
    assert re.search(r"^\d\d+ tests in 10 specs: all passed$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("options", [(), ("--records", FIXTURES / "records.yaml")], ids=["without", "with"])
@pytest.mark.parametrize("mappings", [(), ("--mappings", ROOT / "mappings")], ids=["shipped", "given"])
def test_every_fixture_gives_the_same_bytes_as_from_the_clone(
    installed: Installed, options: tuple[str | Path, ...], mappings: tuple[str | Path, ...]
) -> None:
    arguments = ("translate", "--json", FIXTURES, *options, *mappings)
    clone, wheel = run(sys.executable, "cli.py", *arguments), installed.run(*arguments)
    assert clone.stdout.count("\n") > len(list(FIXTURES.rglob("*.json")))
    assert (wheel.returncode, wheel.stderr) == (clone.returncode, clone.stderr)
    assert wheel.stdout == clone.stdout


def test_the_module_and_the_command_are_the_same(installed: Installed) -> None:
    file = FIXTURES / "ticket.created.json"
    as_module = run(
        installed.script("python"), "-m", "engine", "translate", "--json", file, cwd=installed.folder
    )
    assert as_module.stdout == installed.run("translate", "--json", file).stdout != ""
    assert as_module.stderr == ""


def test_explain_names_the_lines_of_the_shipped_specs(installed: Installed) -> None:
    done = installed.run("explain", FIXTURES / "ticket.created.json", "--records", FIXTURES / "records.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"Assigned Team +Returns & Refunds\n +shared/ticket\.yaml:\d+  team\.name", done.stdout)


def test_the_embedding_example_runs_on_the_installed_package(installed: Installed) -> None:
    script, file = ROOT / "examples" / "own_records.py", FIXTURES / "ticket.created.json"
    done = run(installed.script("python"), "-W", "error", script, file, cwd=installed.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Created Ticket mara.lindqvist@example.com Returns & Refunds" in done.stdout


def test_mappings_in_the_folder_at_hand_go_before_the_shipped_ones(
    installed: Installed, tmp_path: Path
) -> None:
    (tmp_path / "mappings").mkdir()
    spec = (
        "metric: Mine\ntopic: ticket.created\ntime: created_at\nunique_id: t:{{ id }}\nprofile:\n  email: a\n"
    )
    (tmp_path / "mappings" / "mine.yaml").write_text(spec, encoding="utf-8")
    done = run(
        installed.script("intercom-klaviyo"), "translate", FIXTURES / "ticket.created.json", cwd=tmp_path
    )
    assert "Mine" in done.stdout
    assert "Created Ticket" not in done.stdout


def test_nothing_was_written_where_the_commands_ran(installed: Installed) -> None:
    assert list(installed.folder.iterdir()) == []
