"""The words of an HTML letter: text only, nothing is fetched, run or followed."""

from html.parser import HTMLParser

HTML_LENGTH_MAX = 50_000
"""Beyond this nothing is read: the parser takes time that grows with the square of malformed markup."""
_HIDDEN = frozenset({"script", "style", "head", "title", "template"})
_BREAKS = frozenset({"br", "p", "div", "li", "tr", "blockquote", "h1", "h2", "h3", "table", "hr"})


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._hidden = 0
        self._quoted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # the parser's
        if tag in _HIDDEN:
            self._hidden += 1
        if tag == "blockquote":
            self._quoted += 1
        if tag in _BREAKS:
            self._break()

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        if tag == "blockquote":
            self._quoted = max(0, self._quoted - 1)
        if tag in _BREAKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(" ".join(data.split()) + (" " if data[-1:].isspace() else ""))

    def _break(self) -> None:
        self.found.append("\n" + "> " * min(self._quoted, 1))


def text_of_html(markup: str) -> str:
    """The text of a page; what a browser would quote is quoted with `>`."""
    words = _Words()
    words.feed(markup[:HTML_LENGTH_MAX])
    words.close()
    lines = [line.strip() for line in "".join(words.found).splitlines()]
    return "\n".join(line for line in lines if line not in ("", ">"))
