"""Files that are written whole or not at all."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


def replace_file(file: Path, raw: bytes, *, new_mode: int = 0o644) -> None:
    """Put a file's new content in its place; a link stays a link, and its rights stay. Raises OSError.

    *new_mode* are the rights of a file that was not there.
    """
    target = file.resolve()
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(None, "it is read-only")
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else new_mode
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
