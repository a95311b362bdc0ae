"""Every sentence of the source that can be translated, gathered from Python and from templates."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[2]
HOUSES = ("policy", "desk")
"""Each has a catalogue of its own, because the kernel stands without the desk."""
KEYWORDS = dict.fromkeys(
    ("_", "gettext", "gettext_lazy", "gettext_noop", "noop", "ngettext", "pgettext", "npgettext")
)
"""What marks a sentence."""
_COMMENT = "Translators:"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, its plural where it has one, and what tells it from the same words elsewhere."""

    id: str | tuple[str, str]
    context: str | None
    place: tuple[str, int]
    comments: tuple[str, ...]


def gather(house: str) -> Catalog:
    """The sentences of a house as a catalogue without translations."""
    catalogue = Catalog(fuzzy=False)
    for sentence in _sentences(ROOT / "src/amends" / house):
        catalogue.add(
            sentence.id,
            context=sentence.context,
            locations=[sentence.place],
            auto_comments=sentence.comments,
        )
    return catalogue


def catalogue_path(house: str, language: str) -> Path:
    """Where the translations of a house stand."""
    return ROOT / "src/amends" / house / "locale" / f"{language}.po"


def catalogue(house: str, language: str) -> Catalog:
    """The translations of a house."""
    with catalogue_path(house, language).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _sentences(folder: Path) -> Iterator[Sentence]:
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".py" and "migrations" not in path.parts:
            yield from _extract(path, path.read_text())
        elif path.suffix in (".html", ".txt") and "templates" in path.parts:
            # Inside brackets, the indentation of what Django leaves of a template means nothing.
            yield from _extract(path, f"({templatize(path.read_text(), origin=str(path))})")


def _extract(path: Path, source: str) -> Iterator[Sentence]:
    place = str(path.relative_to(ROOT))
    # Its own types leave out that several arguments come as a tuple.
    found: Iterable[Any] = extract_python(io.BytesIO(source.encode()), KEYWORDS, [_COMMENT], {})
    for line, function, message, comments in found:
        parts = list(message) if isinstance(message, tuple) else [message]
        context = parts.pop(0) if "pgettext" in function else None
        id_ = (parts[0], parts[1]) if "ngettext" in function or "npgettext" in function else parts[0]
        # A name alone is a sentence that is marked where it stands.
        if id_ is not None:
            yield Sentence(id_, context, (place, line), tuple(comments))
