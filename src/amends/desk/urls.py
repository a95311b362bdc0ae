"""Addresses of the doors."""

from django.urls import path

from amends.desk.webhooks.views import take_event

urlpatterns = [
    path("webhooks/stripe", take_event),
]
