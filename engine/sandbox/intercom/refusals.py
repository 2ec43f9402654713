"""Answers that refuse: `error.list` everywhere, as Intercom's pages and its answers have it."""

from engine.sandbox.intercom.versions import Object


class Refusal(Exception):
    """A request that Intercom does not carry out: a status, a code and a sentence."""

    def __init__(self, status: int, code: str, message: str, link: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.link = link

    def body(self, request_id: str) -> Object:
        """The answer's body; for a merged contact without a `request_id`, for a full window with null."""
        made: Object = {"type": "error.list", "request_id": request_id}
        if self.status == 410:
            del made["request_id"]
        elif self.status == 429:
            made["request_id"] = None
        return made | {"errors": [{"code": self.code, "message": self.message}]}


def invalid(message: str, code: str = "parameter_invalid") -> Refusal:
    """A parameter that cannot be used."""
    return Refusal(400, code, message)


def missing(kind: str = "") -> Refusal:
    """Something that is not there (any more)."""
    words = {"contact": "User Not Found", "": "Resource Not Found", "conversation": "Resource Not Found"}
    if kind in words:
        return Refusal(404, "not_found", words[kind])
    return Refusal(404, f"{kind}_not_found", f"{kind.capitalize()} not found")


def merged(survivor: str) -> Refusal:
    """A contact that is another one now, as 2.16 says it."""
    sentence = "This contact has been merged. See the 'Link' header for the canonical contact."
    return Refusal(410, "contact_merged", sentence, f'</contacts/{survivor}>; rel="canonical"')
