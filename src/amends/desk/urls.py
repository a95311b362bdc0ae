"""Addresses of the doors."""

from django.urls import include, path

from amends.desk.api.contract import api
from amends.desk.operation import views as operation
from amends.desk.webhooks.views import take_event

urlpatterns = [
    path("healthz", operation.health),
    path("readyz", operation.ready),
    path("metrics", operation.metrics),
    path("api/v1/", api.urls),
    path("account/2fa/", include("amends.desk.console.factors")),
    path("account/", include("allauth.account.urls")),
    path("console/", include("amends.desk.console.urls")),
    path("", include("amends.desk.portal.urls")),
    path("webhooks/stripe", take_event),
    path("webhooks/mail/", include("amends.desk.mailbox.webhook")),
]

handler500 = "amends.desk.operation.views.failed"
