"""What our own mail server found out about a letter (RFC 8601); what other servers wrote there counts for nothing."""

import re
from collections.abc import Sequence

METHODS = ("dkim", "spf", "dmarc")
FAIL = "fail"
_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"^(dkim|spf|dmarc)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE)


def results_of(fields: Sequence[str], trusted: str) -> dict[str, str]:
    """The result of each method; nothing unless exactly one field is by the trusted server.

    Two such fields mean that one was there before our server saw the letter, and which one cannot be told.
    """
    ours = [field for field in fields if trusted and _server_of(field) == trusted.lower()]
    if len(ours) != 1:
        return {}
    found: dict[str, str] = {}
    for part in _COMMENT.sub(" ", ours[0]).split(";")[1:]:
        result = _RESULT.match(part.strip())
        if result:
            method, value = result[1].lower(), result[2].lower()
            # Of several signatures one that holds is enough.
            found[method] = value if found.get(method) != "pass" else "pass"
    return found


def _server_of(field: str) -> str:
    words = _COMMENT.sub(" ", field).partition(";")[0].split()
    return words[0].lower() if words else ""
