"""A letter as a list of blocks: one source for the plain text and for the HTML."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

WIDTH = 76
_STYLE = "font:16px/1.6 -apple-system,Segoe UI,Roboto,sans-serif;color:#1c1d21;max-width:36rem;margin:0 auto;padding:1.5rem"
_CELL = "padding:.25rem 0;border-top:1px solid #e4e5ea"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain words."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """Several short points under a title, which may be empty."""

    title: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Amounts:
    """An arithmetic: label and amount in each row, the last row is the total."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of the policy, with its id, the address of its place on the page, and its language."""

    text: str
    id: str
    url: str
    lang: str


Block: TypeAlias = Paragraph | Items | Amounts | Quote


def render_text(blocks: Sequence[Block]) -> str:
    """The letter as plain text."""
    return "\n\n".join(_text(block) for block in blocks) + "\n"


def _text(block: Block) -> str:
    match block:
        case Paragraph():
            return textwrap.fill(block.text, WIDTH)
        case Items():
            listed = [
                textwrap.fill(item, WIDTH, initial_indent="  - ", subsequent_indent="    ")
                for item in block.items
            ]
            return "\n".join([block.title, *listed] if block.title else listed)
        case Amounts():
            return _text_amounts(block)
        case Quote():
            words = textwrap.fill(f"“{block.text}”", WIDTH, initial_indent="  ", subsequent_indent="  ")
            return f"{words}\n  ({block.id}: {block.url})"


def _text_amounts(block: Amounts) -> str:
    width = max(len(label) for label, _ in block.rows)
    figures = max(len(amount) for _, amount in block.rows)
    lines = [f"  {label:<{width}}  {amount:>{figures}}" for label, amount in block.rows]
    lines.insert(-1, "  " + "-" * (width + figures + 2))
    return "\n".join(lines)


def render_html(subject: str, blocks: Sequence[Block], language: str) -> str:
    """The letter as HTML that every mail program shows: no scripts, no images, nothing from elsewhere."""
    body = "".join(_html(block) for block in blocks)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(subject)}</title></head>'
        f'<body style="margin:0"><div style="{_STYLE}">{body}</div></body></html>'
    )


def _html(block: Block) -> str:
    match block:
        case Paragraph():
            return f"<p>{escape(block.text)}</p>"
        case Items():
            title = f"<p><b>{escape(block.title)}</b></p>" if block.title else ""
            return title + "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block.items) + "</ul>"
        case Amounts():
            rows = "".join(
                f'<tr><td style="{_CELL}">{escape(label)}</td>'
                f'<td style="{_CELL};text-align:right;font-variant-numeric:tabular-nums">{escape(amount)}</td></tr>'
                for label, amount in block.rows
            )
            return f'<table style="width:100%;border-collapse:collapse">{rows}</table>'
        case Quote():
            link = f'<a href="{escape(block.url)}">{escape(block.id)}</a>'
            return f'<blockquote lang="{block.lang}"><p>“{escape(block.text)}” {link}</p></blockquote>'
