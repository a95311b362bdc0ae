"""Addresses of the doors."""

from django.urls import path

from amends.desk.api.contract import api
from amends.desk.api.policy import show_page
from amends.desk.operation import views as operation
from amends.desk.webhooks.views import take_event

urlpatterns = [
    path("healthz", operation.health),
    path("readyz", operation.ready),
    path("metrics", operation.metrics),
    path("api/v1/", api.urls),
    path("policy", show_page),
    path("webhooks/stripe", take_event),
]
