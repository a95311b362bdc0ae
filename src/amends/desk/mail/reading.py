"""A letter taken apart, whatever it is made of: bounded in depth, parts, text and time, and never trusted.

The standard library parses; it is not built for hostile input, so what could make it slow or deep is counted first.
"""

import binascii
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

from amends.desk.mail.markup import text_of_html

HEADER_BYTES_MAX = 256 * 1024
NESTED_MAX = 40
PARTS_MAX = 1_000
FILES_MAX = 50
TEXT_LENGTH_MAX = 100_000
FIELD_LENGTH_MAX = 8_000
LINE_LENGTH_MAX = 1_000
"""Of a subject or the name of a file."""
IDS_MAX = 50
_NESTING = re.compile(rb"boundary\s*=|message/(?:rfc822|global)", re.IGNORECASE)
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_CHARSET = re.compile(
    r"utf-?8|(us-)?ascii|iso-?8859-\d+|(windows|cp)-?\d+|koi8-[ru]|gb(k|2312|18030)|big5|shift[_-]jis|euc-\w{2}|iso-2022-\w+"
)
"""Those of letters; Python knows others that are slow, or no text at all."""


class UnreadableError(Exception):
    """It cannot be taken apart within the bounds."""


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file in a letter, as it came."""

    name: str
    media_type: str
    content: bytes

    def noted(self, *, refused: str = "") -> dict[str, str | int]:
        """What is kept of it beside the letter, and why it was not taken, if it was not."""
        return {
            "name": self.name,
            "media_type": self.media_type,
            "bytes": len(self.content),
            "refused": refused,
        }


@dataclass(frozen=True, slots=True)
class ReadLetter:
    """What stands in a letter."""

    sender: str
    """The one address in `From:`, in small letters; empty where there is none, or several."""
    subject: str
    message_id: str
    answers_to: tuple[str, ...]
    """The ids in `In-Reply-To` and `References`, the nearest first."""
    text: str
    files: tuple[AttachedFile, ...]
    header: dict[str, tuple[str, ...]]
    """Every field, by its name in small letters."""
    media_type: str


def read_letter(raw: bytes) -> ReadLetter:
    """Take a letter apart.

    Raises: UnreadableError.
    """
    _demand_bounds(raw)
    message = message_from_bytes(raw)
    parts = list(_parts_of(message))
    header = _header_of(message)
    return ReadLetter(
        sender=sender_of(header.get("from", ())),
        subject=_one_line(_decoded(header.get("subject", ("",))[0])),
        message_id=message_id_of(header),
        answers_to=_answered(header),
        text=_text_of(parts),
        files=tuple(_file_of(part) for part in parts if _is_file(part))[:FILES_MAX],
        header=header,
        media_type=message.get_content_type(),
    )


def read_header(raw: bytes) -> dict[str, tuple[str, ...]]:
    """The fields of a letter's header, without a look at its body; as much of them as is bounded."""
    return _header_of(message_from_bytes(raw[: _header_end(raw[:HEADER_BYTES_MAX])]))


def message_id_of(header: dict[str, tuple[str, ...]]) -> str:
    """The letter's own id; empty where it has none."""
    found = _MESSAGE_ID.findall(" ".join(header.get("message-id", ())))
    return str(found[0]) if found else ""


def sender_of(fields: tuple[str, ...]) -> str:
    """The one address in the `From:` fields; empty where it is not one and plain."""
    found = [address for _, address in getaddresses(fields) if address]
    if len(fields) != 1 or len(found) != 1 or not _ADDRESS.fullmatch(found[0]):
        return ""
    return found[0].lower()


def body_of(raw: bytes) -> bytes:
    """What follows the header."""
    return raw[_header_end(raw) :]


def _header_end(raw: bytes) -> int:
    found = _END_OF_HEADER.search(raw)
    return found.end() if found else len(raw)


def _demand_bounds(raw: bytes) -> None:
    if _header_end(raw[: HEADER_BYTES_MAX + 1]) > HEADER_BYTES_MAX:
        raise UnreadableError("The header is too large.")
    if len(_NESTING.findall(raw)) > NESTED_MAX:
        raise UnreadableError("It is nested too deeply.")
    if raw.count(b"\n--") > PARTS_MAX:
        raise UnreadableError("It has too many parts.")


def _header_of(message: Message) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in message.items():
        found[name.lower()].append(clean(str(value)[:FIELD_LENGTH_MAX]))
    return {name: tuple(values) for name, values in found.items()}


def _decoded(value: str) -> str:
    """A field in words; what is badly encoded stays as it came.

    Never for addresses: what is encoded in a name could look like one.
    """
    try:
        parts = decode_header(value)
    except (HeaderParseError, binascii.Error, ValueError):
        return clean(value)
    words = [part if isinstance(part, str) else _as_text(part, charset or "utf-8") for part, charset in parts]
    return clean("".join(words))


def _answered(header: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    nearest = _MESSAGE_ID.findall(" ".join(header.get("in-reply-to", ())))
    earlier = _MESSAGE_ID.findall(" ".join(header.get("references", ())))
    return tuple([*nearest, *reversed(earlier)][:IDS_MAX])


def _parts_of(message: Message) -> Iterator[Message]:
    """What it consists of; a letter inside of it is one file, because somebody else wrote its words."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        # Only then is the payload a list; of a text it would be decoded, in whatever way the part says.
        inside = part.get_payload() if part.is_multipart() else None
        if part.get_content_maintype() == "multipart" and isinstance(inside, list):
            waiting.extend(one for one in reversed(inside) if isinstance(one, Message))
        else:
            yield part


def _is_file(part: Message) -> bool:
    if part.get_content_disposition() == "attachment" or _name_of(part):
        return True
    return part.get_content_maintype() not in ("text", "multipart")


def _file_of(part: Message) -> AttachedFile:
    content, media_type = part.get_payload(decode=True), _one_line(clean(part.get_content_type()))
    # Of a letter inside of the letter nothing is looked at but what it is.
    known = content if isinstance(content, bytes) else media_type.encode()
    return AttachedFile(_one_line(_name_of(part)) or media_type, media_type, known)


def _name_of(part: Message) -> str:
    # A parameter in the notation of RFC 2231 may name an encoding that does not exist.
    try:
        return _decoded(part.get_filename() or "")
    except (LookupError, ValueError, TypeError):
        return "unnamed"


def _text_of(parts: list[Message]) -> str:
    """The plain text; where there is none, the words of the HTML."""
    written = [part for part in parts if part.get_content_maintype() == "text" and not _is_file(part)]
    plain = [_words_of(part) for part in written if part.get_content_subtype() == "plain"]
    if any(words.strip() for words in plain):
        return "\n".join(plain).strip()[:TEXT_LENGTH_MAX]
    marked = [_words_of(part) for part in written if part.get_content_subtype() == "html"]
    return "\n".join(text_of_html(words) for words in marked).strip()[:TEXT_LENGTH_MAX]


def _words_of(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    return clean(_as_text(content[: TEXT_LENGTH_MAX * 4], _charset_of(part)))


def _charset_of(part: Message) -> str:
    try:
        return str(part.get_content_charset() or "utf-8")
    except (LookupError, ValueError, TypeError):
        return "utf-8"


def _as_text(content: bytes, charset: str) -> str:
    known = charset.lower() if _CHARSET.fullmatch(charset.lower()) else "utf-8"
    try:
        return content.decode(known, errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def clean(text: str) -> str:
    """What the database can keep: no NUL, and no half of a character."""
    kept = text.replace("\0", "").replace("\r\n", "\n")
    return kept.encode("utf-8", errors="replace").decode("utf-8")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:LINE_LENGTH_MAX]
