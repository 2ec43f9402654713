"""What one deploys with says what the engine takes: the unit for systemd, and the image."""

import configparser
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from engine.commands import main
from engine.secrets import SECRETS
from engine.settings_table import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
UNIT = ROOT / "examples" / "intercom-klaviyo.service"
IMAGE = ROOT / "examples" / "Dockerfile"
VARIABLES = {row.variable for row in SETTINGS.values()}
VARIABLES |= {name for row in SECRETS.values() for name in (row.variable, row.file_variable)}


class Unit(configparser.RawConfigParser):
    """A unit: a name may come several times, and keeps its case."""

    def __init__(self) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))
        self.optionxform = str  # type: ignore[assignment,method-assign]


def lines_of(name: str) -> list[str]:
    """What stands behind a name in the unit, each time."""
    found = re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, name
    return found


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with what stands behind them."""
    text = re.sub(r"\\\n\s*", "", IMAGE.read_text(encoding="utf-8"))
    rows = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (row.strip().partition(" ") for row in rows)]


def is_command(words: list[str]) -> None:
    """Fail where the command line is none of ours."""
    command = main.get_command(None, words[0])  # type: ignore[arg-type]
    assert command is not None, words
    command.make_parser(click.Context(command)).parse_args(words[1:])


def test_the_unit_can_be_read_and_runs_serve_with_variables_that_there_are() -> None:
    unit = Unit()
    unit.read_string(UNIT.read_text(encoding="utf-8"))
    assert {"Unit", "Service", "Install"} <= set(unit.sections())
    [started] = lines_of("ExecStart")
    is_command(shlex.split(started)[1:])
    set_ = {line.partition("=")[0] for line in lines_of("Environment")}
    assert set_ <= VARIABLES
    assert {"INTERCOM_TOKEN_FILE", "INTERCOM_CLIENT_SECRET_FILE", "KLAVIYO_API_KEY_FILE"} <= set_


def test_each_key_that_the_unit_names_is_a_credential_that_it_loads() -> None:
    loaded = {line.partition(":")[0] for line in lines_of("LoadCredential")}
    named = {line.partition("%d/")[2] for line in lines_of("Environment") if "%d/" in line}
    assert named == loaded


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("there is no systemd-analyze here: NOT TESTED")
    place = tmp_path / UNIT.name
    place.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))
    ran = subprocess.run([tool, "verify", "--man=no", place], capture_output=True, text=True, check=False)
    assert [line for line in ran.stderr.splitlines() if UNIT.name in line] == []


def test_the_image_installs_an_extra_that_there_is_and_runs_serve() -> None:
    rows = instructions()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    runs = " ".join(rest for word, rest in rows if word == "RUN")
    assert set(re.findall(r"/src\[(\w+)\]", runs)) <= set(extras)
    assert re.findall(r"/src\[(\w+)\]", runs)
    [command] = [rest for word, rest in rows if word == "CMD"]
    is_command(re.findall(r'"([^"]+)"', command))
    given = [name for word, rest in rows if word == "ENV" for name in re.findall(r"(\w+)=", rest)]
    assert given
    assert set(given) <= VARIABLES


def test_the_image_does_not_run_as_root_and_keeps_its_ledger_in_a_volume_of_its_own() -> None:
    rows = instructions()
    words = [word for word, _ in rows]
    [volume] = [rest for word, rest in rows if word == "VOLUME"]
    assert any(rest.startswith(f"LEDGER_FILE={volume}/") for word, rest in rows if word == "ENV")
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert [rest for word, rest in rows if word == "USER"] == ["relay"]
    known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "EXPOSE", "VOLUME", "STOPSIGNAL", "HEALTHCHECK"}
    assert set(words) <= known | {"ENTRYPOINT", "CMD"}
