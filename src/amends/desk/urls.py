"""Addresses of the doors."""

from django.urls import path

from amends.desk.api.contract import api
from amends.desk.api.policy import show_page
from amends.desk.webhooks.views import take_event

urlpatterns = [
    path("api/v1/", api.urls),
    path("policy", show_page),
    path("webhooks/stripe", take_event),
]
