"""A browser for tests: it keeps cookies, sends forms with their token, and follows to the page that comes next."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from importlib import import_module
from urllib.parse import urlencode

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core import mail
from procrastinate.contrib.django.models import ProcrastinateJob

from amends.desk.accounts.models import User
from amends.desk.notices.actions import send_kept
from web import Answer, Client

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Browser:
    """Somebody at a browser; nobody is signed in at first."""

    web: Client
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self, user: User) -> "Browser":
        """Begin a session, as entering the code does, and for staff the second factor."""
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session.update(factor_shown_by(user))
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        self.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
        return self

    def get(self, path: str) -> Answer:
        return self._send("GET", path)

    def page(self, path: str) -> str:
        """The page as text, which has to be there."""
        answer = self.get(path)
        assert answer.status == 200, (answer.status, path)
        return text_of(answer)

    def post(self, path: str, form: Mapping[str, object], *, token: bool = True) -> Answer:
        sent = dict(form)
        if token:
            sent["csrfmiddlewaretoken"] = self._token()
        body = urlencode(sent, doseq=True).encode()
        return self._send("POST", path, body)

    def submit(self, path: str, form: Mapping[str, object]) -> str:
        """Send a form; the page that it leads to, as text."""
        answer = self.post(path, form)
        assert answer.status == 302, (answer.status, path)
        return self.page(answer.headers["location"])

    def _token(self) -> str:
        if settings.CSRF_COOKIE_NAME not in self.cookies:
            self.get("/start")
        return self.cookies[settings.CSRF_COOKIE_NAME]

    def _send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.web.send(method, path, body, FORM | ({"Cookie": cookies} if cookies else {}))
        for name, value in re.findall(r"(?:^|, )(\w+)=([^;]*);", answer.headers.get("set-cookie", "")):
            if name in (settings.CSRF_COOKIE_NAME, settings.SESSION_COOKIE_NAME, "messages"):
                self.cookies[name] = value
        return answer


def factor_shown_by(user: User) -> dict[str, object]:
    """What a session holds once somebody has shown the second factor."""
    records = [{"method": "mfa", "at": time.time()}]
    return {
        AUTHENTICATION_METHODS_SESSION_KEY: records,
        f"{AUTHENTICATION_METHODS_SESSION_KEY}_user": str(user.pk),
    }


def code_by_mail() -> str:
    """The code to sign in that was sent last, once the worker has sent it."""
    job = ProcrastinateJob.objects.filter(task_name="send_kept_mail").latest("id")
    send_kept(job.args["key"])
    found = re.search(r"^ {4}(\S+)$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found
    return found[1]


def text_of(answer: Answer) -> str:
    """What a reader sees of a page."""
    inside = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.body.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", inside))).strip()
