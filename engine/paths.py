"""Where the shipped folders are: beside the package in a clone, inside it in a wheel."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def bundled(kind: str) -> Path:
    """The folder of shipped *kind*: "mappings", "schemas" or "fixtures".

    Raises FileNotFoundError where the installation lacks it.
    """
    for base in (_HERE, _HERE.parent, _HERE.parent / "tests"):
        if (base / kind).is_dir():
            return base / kind
    raise FileNotFoundError(f"no shipped {kind}: the installation is damaged")


def fixtures_beside(mappings: Path) -> Path | None:
    """The folder of fixtures that belongs to a folder of mappings, or None.

    `tests/fixtures` beside it as in a clone, or `fixtures` as in a wheel.
    """
    for candidate in (mappings.parent / "tests" / "fixtures", mappings.parent / "fixtures"):
        if candidate.is_dir():
            return candidate
    return None
