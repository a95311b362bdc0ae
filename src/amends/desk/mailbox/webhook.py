"""A mail provider's way in: Anymail checks the secret and reads the provider's format; the letter is then one of ours."""

from collections.abc import Callable
from functools import wraps

from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.signals import AnymailInboundEvent, inbound
from anymail.webhooks.mailjet import MailjetInboundWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView
from anymail.webhooks.sendgrid import SendGridInboundWebhookView
from anymail.webhooks.sparkpost import SparkPostInboundWebhookView
from django.conf import settings
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path

from amends.desk import logs
from amends.desk.mail.receiving import Envelope, receive
from amends.desk.notices.reply_address import contact_address

View = Callable[[HttpRequest], HttpResponseBase]
_PROVIDERS: dict[str, View] = {
    "mailjet": MailjetInboundWebhookView.as_view(),
    "postmark": PostmarkInboundWebhookView.as_view(),
    "sendgrid": SendGridInboundWebhookView.as_view(),
    "sparkpost": SparkPostInboundWebhookView.as_view(),
}
"""Those that need nothing but the secret."""


@receiver(inbound)
def take_in(event: AnymailInboundEvent, esp_name: str, **_: object) -> None:
    """Keep a letter that Anymail has read; its signal is the only way to get one."""
    message = event.message
    sender = message.envelope_sender
    if sender is None:
        # The provider did not tell it, which is not the empty sender of a mail server's report.
        sender = str(message.get("From", "unknown"))
    recipients = [message.envelope_recipient or contact_address()]
    receive(message.as_bytes(), Envelope(esp_name.lower(), sender, recipients))


def _checked(provider: str, view: View) -> View:
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponseBase:
        if not settings.ANYMAIL["WEBHOOK_SECRET"]:
            raise Http404
        try:
            return view(request)
        except AnymailWebhookValidationFailure:
            logs.tell("mail_refused", answer="wrong secret", via=provider)
            return HttpResponse(
                "The secret is missing or wrong.\n", status=403, content_type="text/plain; charset=utf-8"
            )
        except RecursionError:
            # Too deep for Anymail to take apart. It is kept as the provider sent it, and a person looks at it.
            receive(request.body, Envelope(provider, "unknown", [contact_address()]))
            return HttpResponse()

    return answer


urlpatterns = [path(name, _checked(name, view), name=f"mail_{name}") for name, view in _PROVIDERS.items()]
