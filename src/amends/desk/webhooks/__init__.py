"""The gateway's events: `/webhooks/stripe`."""
