"""`Faults`: what goes wrong at Intercom now and then, by chance from a seed, and counted."""

import random
from collections import Counter
from dataclasses import dataclass, field

from engine.ports import Response

_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass
class Faults:
    """How often, from 0 to 1, an answer is a 200 without a body, a 500, or a page of the network's edge.

    `counts` has how many there were of each.
    """

    seed: int = 0
    empty: float = 0.0
    errors: float = 0.0
    pages: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def __call__(self, method: str, path: str) -> Response | None:
        """What is answered instead, if anything."""
        chance = self._rng.random()
        for name, share, answer in (
            ("empty", self.empty, Response(200, {"content-type": "application/json"})),
            ("errors", self.errors, Response(500, {"content-type": "application/json"}, _ERROR)),
            ("pages", self.pages, Response(502, {"content-type": "text/html"}, _PAGE)),
        ):
            if chance < share:
                self.counts[name] += 1
                return answer
            chance -= share
        return None


_ERROR = b'{"type":"error.list","request_id":null,"errors":[{"code":"server_error","message":null}]}'
