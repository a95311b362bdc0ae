"""Lists in pages: an opaque cursor names the last row that was shown, so that rows arriving meanwhile shift nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from ninja import Query
from pydantic import StringConstraints

Row = TypeVar("Row", bound=Model)
PAGE = 25
PAGE_MAX = 100
CURSOR_PATTERN = r"^[A-Za-z0-9_-]{22}$"

Cursor = Annotated[str | None, StringConstraints(pattern=CURSOR_PATTERN), Query(None)]
Limit = Annotated[int, Query(PAGE, ge=1, le=PAGE_MAX)]


def page(rows: QuerySet[Row], cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
    """The newest rows after the cursor, and the cursor of the next page, None on the last one.

    Ids sort by time, so the primary key is the order.
    """
    if cursor is not None:
        rows = rows.filter(pk__lt=UUID(bytes=urlsafe_b64decode(f"{cursor}==")))
    found = list(rows.order_by("-pk")[: limit + 1])
    shown = found[:limit]
    return shown, _cursor(shown[-1]) if len(found) > limit else None


def _cursor(row: Model) -> str:
    assert isinstance(row.pk, UUID)
    return urlsafe_b64encode(row.pk.bytes).decode().rstrip("=")
