"""`python -m amends.desk.schedule`: do what is due, until asked to end."""

import asyncio

import django

django.setup()

from amends.desk.schedule.worker import work  # noqa: E402  # needs the settings

asyncio.run(work())
