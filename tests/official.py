"""Strangers' clients against both stand-ins: the official Python packages of Intercom and of Klaviyo.

    python -m tests.official

Makes an environment for them in a temporary folder (they are no dependencies of ours), starts a sandbox, and
walks through `official_steps`. Needs the network for pip.
"""

import subprocess
import sys
import tempfile
import threading
import venv
from pathlib import Path

from engine.sandbox.intercom.workspace import Workspace
from engine.sandbox.klaviyo.account import Account
from engine.sandbox.running import Address, Sandbox, environment, serve

PACKAGES = ("python-intercom>=5.0.1", "klaviyo-api>=25.0.0")
STEPS = Path(__file__).with_name("official_steps.py")


def main() -> int:
    sandbox = Sandbox(Workspace.of(200, 100), Account())
    found: list[Address] = []
    stop, ready = threading.Event(), threading.Event()

    def started(*addresses: Address) -> None:
        found.extend(addresses)
        ready.set()

    with tempfile.TemporaryDirectory() as folder:
        print(f"installing {' and '.join(PACKAGES)} ...")
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        server = threading.Thread(target=serve, args=(sandbox, (0, 0), started, stop))
        server.start()
        ready.wait(30)
        try:
            given = environment(found[0].url, found[1].url, "eu")
            return subprocess.run([python, STEPS], env=given, check=False, timeout=300).returncode
        finally:
            stop.set()
            server.join(10)


if __name__ == "__main__":
    sys.exit(main())
