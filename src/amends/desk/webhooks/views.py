"""Take an event in: check its signature on the raw bytes, store it once, answer at once; a job applies it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from amends.desk.payments.inbox import receive
from amends.desk.payments.stripe_gateway import SignatureError, verify_event

EVENT_BYTES_MAX = 256 * 1024


@csrf_exempt
@require_POST
def take_event(request: HttpRequest) -> HttpResponse:
    """Answer 200 to everything that the gateway signed, so that it is told again only while we cannot store it."""
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > EVENT_BYTES_MAX:
        return _refuse(413, f"An event has at most {EVENT_BYTES_MAX} bytes.")
    signature = request.headers.get("Stripe-Signature", "")
    try:
        event = verify_event(request.body, signature, settings.STRIPE_WEBHOOK_SECRET)
    except SignatureError as error:
        return _refuse(400, f"Not signed by the gateway, or too long ago: {error}.")
    receive(event)
    return HttpResponse(status=200)


def _refuse(status: int, why: str) -> HttpResponse:
    return HttpResponse(f"{why}\n", status=status, content_type="text/plain; charset=utf-8")
