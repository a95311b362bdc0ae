"""A letter is there: it is kept as it came before whoever brought it hears that it was taken."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from amends.desk import clock, jobs, logs
from amends.desk.mail.models import IncomingMail, Original
from amends.desk.mail.reading import body_of, clean, message_id_of, read_header, sender_of

ADDRESS_LENGTH_MAX = 320
_MADE_UP = re.compile(rb"={15}\d+==")
"""Boundaries of parts that Anymail writes, other ones each time."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was told with a letter, outside of it."""

    via: str
    sender: str
    """Empty where a mail server reports about a letter."""
    recipients: Sequence[str]


def receive(raw: bytes, envelope: Envelope) -> IncomingMail:
    """Keep a letter, and have a job read it.

    Idempotent: the same letter delivered again, known by its id, sender and content, is counted and not kept twice.
    """
    header = read_header(raw)
    identity = _identity(raw, header)
    with transaction.atomic():
        mail, is_fresh = IncomingMail.objects.get_or_create(
            identity=identity,
            defaults={
                "message_id": message_id_of(header),
                "via": envelope.via,
                "envelope_from": _address(envelope.sender),
                "envelope_to": [_address(one) for one in envelope.recipients],
                "received_at": clock.now(),
                "size": len(raw),
                "sender": sender_of(header.get("from", ())),
            },
        )
        if is_fresh:
            Original.objects.create(mail=mail, content=raw)
            jobs.enqueue("sort_mail", mail_id=str(mail.id))
        else:
            IncomingMail.objects.filter(id=mail.id).update(deliveries=F("deliveries") + 1)
    logs.tell("mail_received", mail=str(mail.id), via=envelope.via, bytes=len(raw))
    return mail


def _identity(raw: bytes, header: dict[str, tuple[str, ...]]) -> str:
    """Of what the writer made: servers on the way add lines above it, and may write ends of lines differently."""
    named = (message_id_of(header), *header.get("from", ()), *header.get("date", ()))
    written = hashlib.sha256("\n".join(named).encode())
    written.update(_MADE_UP.sub(b"", body_of(raw).replace(b"\r\n", b"\n").rstrip()))
    return written.hexdigest()


def _address(text: str) -> str:
    return clean(text).strip("<> ")[:ADDRESS_LENGTH_MAX]
