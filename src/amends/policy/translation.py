"""Sentences in the reader's language: catalogues of translations, and English where there is none.

A catalogue is a `.po` file under `locale/`, named by its language. It is compiled in memory when it is first needed, so
that what is read is always what stands in the file.
"""

from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = "en_US"
"""Of whoever does not say otherwise."""
_CATALOGUES = Path(__file__).parent / "locale"
_SOURCE_LANGUAGE = "en"
_ENGLISH = NullTranslations()


def translation(locale: str) -> NullTranslations:
    """The sentences in the language of a locale, English where there is no catalogue."""
    catalogue = _catalogues().get(_language(locale))
    return read_catalogue(catalogue) if catalogue else _ENGLISH


def spoken(locale: str) -> str:
    """The locale whose words and formats a reader gets: their own, or English for both where there is no catalogue.

    >>> spoken("de_AT"), spoken("en_GB"), spoken("fr_FR")
    ('de_AT', 'en_GB', 'en_US')
    """
    language = _language(locale)
    return locale if language == _SOURCE_LANGUAGE or language in _catalogues() else LOCALE


def noop(message: str) -> str:
    """Mark a sentence that is translated where it is used."""
    return message


def _language(locale: str) -> str:
    return locale.partition("_")[0]


@lru_cache(maxsize=1)
def _catalogues() -> dict[str, Path]:
    return {path.stem: path for path in _CATALOGUES.glob("*.po")}


@lru_cache(maxsize=64)
def read_catalogue(path: Path) -> GNUTranslations:
    """The translations in a `.po` file; what is marked as fuzzy is left out."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
