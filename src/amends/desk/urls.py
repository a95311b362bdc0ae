"""Addresses of the doors."""

from django.urls import path

from amends.desk.operation import views as operation

urlpatterns = [
    path("healthz", operation.health),
    path("readyz", operation.ready),
    path("metrics", operation.metrics),
]
