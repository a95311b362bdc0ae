"""The mail server's way in: SMTP and LMTP on loopback, behind a mail server that faces the world.

A letter is in the database before the sender hears 250. What cannot be kept now is answered with 451, so that the
mail server tries again; nothing is ever bounced by us.
"""

import asyncio
import logging
import signal
from typing import AnyStr

from aiosmtpd.smtp import SMTP, syntax
from aiosmtpd.smtp import Envelope as SmtpEnvelope
from aiosmtpd.smtp import Session as SmtpSession
from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections

from amends.desk import logs
from amends.desk.mail.receiving import Envelope, receive
from amends.desk.notices.reply_address import is_ours

LETTER_BYTES_MAX = 35 * 1024 * 1024
"""A file of 25 MB, as it is written in a letter."""
LINE_BYTES_MAX = 1024 * 1024
RECIPIENTS_MAX = 20
_LOG = logging.getLogger(__name__)
_REFUSALS = ("4", "5")
_TAKEN, _LATER = "250 2.0.0 The letter is kept", "451 4.3.0 It cannot be kept now; try again"


class Conversation(SMTP):
    """One connection; a mail server that greets with LHLO speaks LMTP, and is told about each recipient."""

    line_length_limit = LINE_BYTES_MAX
    is_lmtp = False

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802  # the library's
        """Greet as LMTP does."""
        self.is_lmtp = True
        await self.smtp_EHLO(arg)

    async def push(self, status: AnyStr) -> None:
        """Answer, and leave a record of every refusal."""
        if str(status).startswith(_REFUSALS):
            logs.tell("mail_refused", answer=str(status))
        await super().push(status)


class Intake:
    """Takes what is for the desk."""

    async def handle_RCPT(  # noqa: N802  # the library's
        self, _server: SMTP, _session: SmtpSession, envelope: SmtpEnvelope, address: str, _options: list[str]
    ) -> str:
        """Take the contact address, with or without a token; nothing is passed on to anybody."""
        if not is_ours(address):
            return "550 5.1.1 No such mailbox here"
        if len(envelope.rcpt_tos) >= RECIPIENTS_MAX:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: SmtpSession, envelope: SmtpEnvelope) -> str:  # noqa: N802  # the library's
        """Keep the letter, then say so."""
        assert isinstance(server, Conversation)
        assert isinstance(envelope.content, bytes)
        told = Envelope("lmtp" if server.is_lmtp else "smtp", envelope.mail_from or "", envelope.rcpt_tos)
        try:
            await sync_to_async(_keep)(envelope.content, told)
        except DatabaseError:
            answer = _LATER
        else:
            answer = _TAKEN
        times = len(envelope.rcpt_tos) if server.is_lmtp else 1
        return "\r\n".join([answer] * times)

    async def handle_exception(self, error: Exception) -> str:
        """A mistake of ours must not make the mail server give a letter back."""
        _LOG.error("a letter could not be taken", exc_info=error)
        return _LATER


def _keep(content: bytes, envelope: Envelope) -> None:
    close_old_connections()
    receive(content, envelope)


def make_conversation() -> Conversation:
    """What answers one connection."""
    return Conversation(
        Intake(), data_size_limit=LETTER_BYTES_MAX, hostname="desk", ident="amends", enable_SMTPUTF8=True
    )


async def serve(port: int) -> None:
    """Listen on loopback until the process is asked to end."""
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    server = await loop.create_server(make_conversation, "127.0.0.1", port)
    async with server:
        await end.wait()
