"""HTML -> the text that a person would read."""

import re
from html.parser import HTMLParser

from engine.language.catalogue import words


def text_of(html: str) -> str:
    """The text of HTML with its line breaks, without tags, scripts and styles."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    """Collects the text of HTML, with a line break where a browser would show one."""

    _BREAKS = words("br p div li ul ol tr table h1 h2 h3 h4 h5 h6 blockquote pre hr")
    _HIDDEN = frozenset(("script", "style"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in self._HIDDEN
        if tag in self._BREAKS:
            self._break()

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(self._hidden - (tag in self._HIDDEN), 0)
        if tag in self._BREAKS and tag != "br":
            self._break()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data.replace("\n", " "))

    def _break(self) -> None:
        if self.parts:
            self.parts.append("\n")
