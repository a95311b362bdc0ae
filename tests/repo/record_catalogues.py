"""Bring the catalogues of a language up to the sentences of the source; translations that are there stay.

Run as `PYTHONPATH=src:tests .venv/bin/python -m repo.record_catalogues de`; a language without catalogues gets empty ones.
"""

import sys

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from repo.sentences import HOUSES, catalogue_path, gather

_HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


def record(house: str, language: str) -> int:
    """Write a catalogue; returns how many of its sentences have no translation."""
    path = catalogue_path(house, language)
    path.parent.mkdir(exist_ok=True)
    catalogue = Catalog(language, fuzzy=False)
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
    catalogue.update(gather(house), no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    with path.open("wb") as file:
        file.write(_HEADER.format(language=language, plurals=catalogue.plural_forms).encode())
        write_po(file, catalogue, width=100, omit_header=True, sort_by_file=True, include_lineno=False)
    return sum(not message.string for message in catalogue if message.id)


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        for one in HOUSES:
            print(f"{catalogue_path(one, wanted)}: {record(one, wanted)} without a translation")  # noqa: T201
