"""Letters come in over a connection of their own."""

from collections.abc import Iterator

import pytest

from post import Post, serve_mail


@pytest.fixture
def post() -> Iterator[Post]:
    with serve_mail() as port:
        yield Post(port)
