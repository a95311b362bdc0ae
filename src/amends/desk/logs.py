"""What the desk says while it runs: one JSON object a line, on standard output, with ids and nothing personal."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being answered."""
_EVENTS = logging.getLogger("amends.events")
_SECRETS = re.compile(
    r"(?P<address>[\w.+-]+@[\w-]+\.[\w.-]+)|\b(?:[sr]k_(?:live|test)|whsec|amk)_\w+|\bBearer \S+|://[^/\s:]+:[^@\s]+@"
)


def tell(event: str, **ids: str | int) -> None:
    """Say that something happened, to whom by id, never with what people wrote or where they live."""
    _EVENTS.info(event, extra={"ids": ids})


class JsonLines(logging.Formatter):
    """Writes one record as one line; what looks like a mail address, a key or a password is taken out."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        is_event = record.name == _EVENTS.name
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage() if is_event else record.name,
        }
        if not is_event:
            line["message"] = hide_secrets(record.getMessage())
        if request := request_id.get():
            line["request"] = request
        line |= getattr(record, "ids", {})
        if record.exc_info:
            line["error"] = hide_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def hide_secrets(text: str) -> str:
    """The text without whole mail addresses, keys and passwords; of an address its domain stays."""
    return _SECRETS.sub(
        lambda found: f"…@{found['address'].rpartition('@')[2]}" if found["address"] else "…", text
    )
