"""Telling host products what happened: signed events (Standard Webhooks) to the addresses they gave."""
