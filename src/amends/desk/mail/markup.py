"""The words of an HTML letter: text only, nothing is fetched, run or followed.

Not the standard library's parser, whose time grows with the square of malformed markup: this looks at each character
a fixed number of times, whatever the markup is.
"""

import re
from collections.abc import Iterator
from html import unescape

_HIDDEN = frozenset({"script", "style", "head", "title", "template"})
_BREAKS = frozenset({"br", "p", "div", "li", "tr", "blockquote", "h1", "h2", "h3", "table", "hr"})
_NAME = re.compile(r"/?[a-z][a-z0-9]*")
_SPACE = re.compile(r"\s+")


def text_of_html(markup: str) -> str:
    """The text of a page, a line for each block; what a browser would quote is quoted with `>`."""
    lines: list[list[str]] = [[]]
    quoted = 0
    for tag, text in _pieces(markup):
        name = tag.lstrip("/")
        if name == "blockquote":
            quoted = max(0, quoted + (-1 if tag.startswith("/") else 1))
        if name in _BREAKS:
            lines.append(["> "] if quoted else [])
        lines[-1].append(text)
    written = (_SPACE.sub(" ", unescape("".join(parts))).strip() for parts in lines)
    return "\n".join(line for line in written if line not in ("", ">"))


def _pieces(markup: str) -> Iterator[tuple[str, str]]:
    """Each tag, in small letters, with the text behind it; what stands in hidden elements is left out."""
    lower, tag, position = markup.lower(), "", 0
    while True:
        start = markup.find("<", position)
        yield tag, markup[position : start if start >= 0 else len(markup)]
        if start < 0:
            return
        closing = "-->" if markup.startswith("<!--", start) else ">"
        end = markup.find(closing, start)
        if end < 0:
            return
        found = _NAME.match(lower, start + 1)
        tag, position = found[0] if found else "", end + len(closing)
        if tag in _HIDDEN:
            hidden = lower.find(f"</{tag}", position)
            if hidden < 0:
                return
            position = hidden
