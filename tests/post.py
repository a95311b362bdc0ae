"""A mail server in front of the desk: letters over real SMTP and LMTP, and the jobs that they give the worker."""

import asyncio
import smtplib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from itertools import count

from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

import amends.desk.schedule.tasks  # noqa: F401  # the bodies of the jobs
from amends.desk.cases.models import Case
from amends.desk.mail.models import IncomingMail
from amends.desk.mailbox.server import make_conversation
from amends.desk.notices.reply_address import reply_address

CONTACT = "support@example.com"
MAIL_TASKS = ("sort_mail", "invite_writer", "acknowledge_mail", "send_letters")
_NUMBERS = count(1)


@contextmanager
def serve_mail() -> Iterator[int]:
    """The port on which letters come in, for as long as the context lasts."""
    listening: Future[tuple[int, Callable[[], object]]] = Future()

    async def listen() -> None:
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        server = await loop.create_server(make_conversation, "127.0.0.1", 0)
        port = int(server.sockets[0].getsockname()[1])
        listening.set_result((port, lambda: loop.call_soon_threadsafe(end.set)))
        async with server:
            await end.wait()

    # In a thread from the first step on: Playwright keeps a loop running in the thread of the tests.
    thread = threading.Thread(target=lambda: asyncio.run(listen()), daemon=True)
    thread.start()
    port, stop = listening.result(timeout=5)
    try:
        yield port
    finally:
        stop()
        thread.join()


def letter(sender: str, text: str = "Please give me my money back.", **fields: str) -> EmailMessage:
    """A letter as a mail program writes it."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = fields.pop("to", CONTACT)
    message["Subject"] = fields.pop("subject", "My order")
    message["Message-ID"] = fields.pop("message_id", f"<{next(_NUMBERS)}@mail.example>")
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def answer_to(case: Case, text: str, sender: str = "") -> EmailMessage:
    return letter(sender or case.customer.email, text, to=reply_address(case.id))


@dataclass(frozen=True, slots=True)
class Post:
    """Sends letters to the desk, and does the worker's part."""

    port: int

    def send(
        self, message: EmailMessage | bytes, *, sender: str | None = None, to: str = "", lmtp: bool = False
    ) -> None:
        """Hand a letter over; without more words the envelope says what the letter says."""
        raw = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
        written = EmailMessage() if isinstance(message, bytes) else message
        come_from = str(written.get("From", "")) if sender is None else sender
        client = smtplib.LMTP if lmtp else smtplib.SMTP
        with client("127.0.0.1", self.port) as server:
            server.sendmail(come_from, [to or str(written.get("To", CONTACT))], raw)

    def deliver(
        self, message: EmailMessage | bytes, *, sender: str | None = None, to: str = "", lmtp: bool = False
    ) -> IncomingMail:
        """Hand a letter over and let the worker sort it; the letter as the desk keeps it."""
        self.send(message, sender=sender, to=to, lmtp=lmtp)
        work()
        return IncomingMail.objects.order_by("-received_at", "-id")[0]


def work() -> None:
    """Do the jobs about mail, until none is left."""
    while job := ProcrastinateJob.objects.filter(task_name__in=MAIL_TASKS).order_by("id").first():
        app.tasks[job.task_name].func(**job.args)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [job.id])
