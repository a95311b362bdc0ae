"""Which letters a machine wrote: they are kept and never answered, so that two machines never write to each other."""

from amends.desk.mail.models import Why
from amends.desk.mail.reading import ReadLetter
from amends.desk.notices.reply_address import is_own_message_id

_POSTMASTERS = ("mailer-daemon", "postmaster")
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})


def why_automatic(letter: ReadLetter, envelope_from: str) -> Why | None:
    """Why a letter is taken to be a machine's; None where a person seems to have written it (RFC 3834, RFC 5230)."""
    if letter.message_id and is_own_message_id(letter.message_id):
        return Why.LOOP
    if not envelope_from or letter.media_type == "multipart/report":
        return Why.BOUNCE
    if letter.sender.partition("@")[0] in _POSTMASTERS:
        return Why.BOUNCE
    if _first_word(letter, "auto-submitted") not in ("", "no"):
        return Why.AUTO_REPLY
    precedence = _first_word(letter, "precedence")
    if precedence == "auto_reply":
        return Why.AUTO_REPLY
    if precedence in _BULK or any(name.startswith("list-") for name in letter.header):
        return Why.LIST
    return None


def _first_word(letter: ReadLetter, name: str) -> str:
    words = " ".join(letter.header.get(name, ())).replace(";", " ").lower().split()
    return words[0] if words else ""
