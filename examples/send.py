"""Look up at Intercom and deliver to Klaviyo, from a script.

    python examples/send.py tests/fixtures/ticket.created.json

Takes the keys from INTERCOM_TOKEN and KLAVIYO_API_KEY, and prints one line a result. To send the same
again is safe: Klaviyo records an id once.
"""

import os
import sys
from pathlib import Path

from engine import Accepted, Delivery, Intercom, Klaviyo, Rejected, Runner, load

HERE = Path(__file__).resolve().parent.parent


def main(file: str) -> None:
    if not {"INTERCOM_TOKEN", "KLAVIYO_API_KEY"} <= os.environ.keys():
        sys.exit("set INTERCOM_TOKEN and KLAVIYO_API_KEY")
    intercom = Intercom(os.environ["INTERCOM_TOKEN"], url=os.environ.get("INTERCOM_URL", ""))
    klaviyo = Klaviyo(os.environ["KLAVIYO_API_KEY"], url=os.environ.get("KLAVIYO_URL", ""))
    runner = Runner(load(HERE / "mappings"), records=intercom, sink=klaviyo)
    for made in runner.send(Path(file).read_bytes(), partial=True):
        if not isinstance(made, Delivery):
            print(made.reason, made.metric, made.detail)
        elif isinstance(made.answer, Accepted):
            print("accepted", made.translation.metric, made.translation.unique_id)
        elif isinstance(made.answer, Rejected):
            print("refused", made.translation.metric, made.answer)
        else:
            print("try again", made.translation.metric, made.answer)


if __name__ == "__main__":
    main(sys.argv[1])
