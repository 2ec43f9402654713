"""How long `translate` of one file takes, as a ratio to the same with every library imported first.

    python benchmarks/start.py [ROUNDS]

Whole processes in turn, so that a machine whose speed drifts does not matter: only the ratio counts.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
FIXTURES = HERE / "tests" / "fixtures"
FILE = FIXTURES / "conversation.user.created.json"
RECORDS = FIXTURES / "records.yaml"
LIBRARIES = (
    "click, jinja2.sandbox, jmespath, jsonschema, jsonschema_rs, msgspec, phonenumbers, requests,"
    " rich.console, rich.table, yaml"
)
RUN = "from engine.commands import main; main()"


def seconds(code: str, *arguments: str) -> float:
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=HERE, check=True, stdout=subprocess.DEVNULL, timeout=60
    )
    return time.perf_counter() - begun


def main(rounds: int) -> None:
    for label, options in (("without records", ()), ("with records", ("--records", str(RECORDS)))):
        arguments = ("translate", "--json", str(FILE), *options)
        ratios = []
        for _ in range(rounds + 1):
            lazy = seconds(RUN, *arguments)
            eager = seconds(f"import {LIBRARIES}; {RUN}", *arguments)
            ratios.append(lazy / eager)
        counted = sorted(ratios[1:])  # the first round warms the disk
        print(
            f"{label:<16} median {statistics.median(counted):.2f} of eager"
            f" (from {counted[0]:.2f} to {counted[-1]:.2f}, {rounds} rounds)"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
