"""Keep and deliver in a script of your own, without the web server: from a queue, a file, a framework.

    python examples/relay.py tests/fixtures/ticket.created.json

Takes the keys from INTERCOM_TOKEN and KLAVIYO_API_KEY. What `put` has kept arrives once, whatever dies in
between: run the script again, and it goes on where it was. The ledger is ledger.db, or LEDGER_FILE.
"""

import os
import sys
from pathlib import Path

from engine import Intercom, Klaviyo, Runner, load

HERE = Path(__file__).resolve().parent.parent


def main(file: str) -> None:
    if not {"INTERCOM_TOKEN", "KLAVIYO_API_KEY"} <= os.environ.keys():
        sys.exit("set INTERCOM_TOKEN and KLAVIYO_API_KEY")
    runner = Runner(
        load(HERE / "mappings"),
        records=Intercom(os.environ["INTERCOM_TOKEN"], url=os.environ.get("INTERCOM_URL", "")),
        sink=Klaviyo(os.environ["KLAVIYO_API_KEY"], url=os.environ.get("KLAVIYO_URL", "")),
        ledger=os.environ.get("LEDGER_FILE", "ledger.db"),
    )
    # In a web framework: `engine.intercom.webhook.check(headers, body, secrets)` first, and 200 after `put`.
    print("kept", runner.put(Path(file).read_bytes()))
    print("sent", runner.drain())


if __name__ == "__main__":
    main(sys.argv[1])
