"""What the writer of a letter wrote, without the letter that it answers."""

import re

_WROTE = re.compile(
    r"(?:on|am|le|el|op|il)\b.{0,300}\b(?:wrote|schrieb|a écrit|escribió|schreef|ha scritto)\b.{0,80}:"
)
_SEPARATOR = re.compile(
    r"\s*(?:-{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht|message d'origine)\s*-{2,}|_{20,})\s*"
)
_FROM = re.compile(r"\s*\*?(?:from|von|de):\*?\s.*@.*")
_SENT = re.compile(r"\s*\*?(?:sent|gesendet|envoyé|date|datum|to|an):\*?\s.*")


def own_words(text: str) -> str:
    """The text without quoted lines, the line that introduces them, and the signature; all of it if nothing is left.

    Answers between quoted lines stay.
    """
    lines = _before_original(text.splitlines())
    kept = [line for number, line in enumerate(lines) if not _is_quoting(lines, number)]
    words = "\n".join(_before_signature(kept)).strip()
    return re.sub(r"\n{3,}", "\n\n", words) or text.strip()


def _before_original(lines: list[str]) -> list[str]:
    """What stands above a whole letter that was copied below, as some programs do."""
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        is_copied = _FROM.fullmatch(line.lower()) and _SENT.fullmatch(below.lower())
        if is_copied or _SEPARATOR.fullmatch(line.lower()):
            return lines[:number]
    return lines


def _before_signature(lines: list[str]) -> list[str]:
    return lines[: lines.index("-- ")] if "-- " in lines else lines


def _is_quoting(lines: list[str], number: int) -> bool:
    line = lines[number].strip()
    if line.startswith(">"):
        return True
    below = lines[number + 1].strip() if number + 1 < len(lines) else ""
    # The line that introduces the quotation may be broken in two.
    above = lines[number - 1].strip() if number else ""
    return any(_WROTE.fullmatch(joined.lower()) for joined in (line, f"{line} {below}", f"{above} {line}"))
