"""`python -m amends.desk.mailbox PORT`: take letters in."""

import asyncio
import sys

import django

django.setup()

from amends.desk.mailbox.server import serve  # noqa: E402  # needs the settings

asyncio.run(serve(int(sys.argv[1])))
