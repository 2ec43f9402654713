"""What the parts of the language say to each other when a text or a value is no good."""


class TextFault(Exception):
    """A path or a template that cannot be read: what is wrong, and at which character."""

    def __init__(self, code: str, message: str, offset: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.offset = offset
        self.hint = hint


class Failed(Exception):
    """A path or a template that cannot be worked out for this notification. Repeats no value."""


class Refused(Exception):
    """A value that its type refuses; the text completes `this is ...`. Repeats no value."""


class NoValue(Exception):
    """What was printed or calculated with has no value, so the whole has none."""
