"""Embed the engine in a script: a notification in, requests for Klaviyo out.

    python examples/embed.py tests/fixtures/ticket.created.json

Prints one line a request; sending it is one HTTP POST with your key.
"""

import json
import sys
from pathlib import Path

from engine import Parked, Runner, Skipped, Translation, load

HERE = Path(__file__).resolve().parent.parent


def main(file: str) -> None:
    runner = Runner(load(HERE / "mappings"), records=HERE / "tests" / "fixtures" / "records.yaml")
    for result in runner.translate(Path(file).read_bytes()):
        match result:
            case Translation(request=request) if request:
                print("POST", request.endpoint, json.dumps(request.body))
            case Parked(reason=reason, detail=detail):
                print("parked", reason, detail)
            case Skipped(detail=detail):
                print("skipped", detail)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(HERE / "tests" / "fixtures" / "ticket.created.json"))
