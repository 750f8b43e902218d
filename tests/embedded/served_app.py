"""An application that really listens on a loopback port, as `warroom embedded` serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from warroom.embedded.listen import bound, listen


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Its URL."""
    one = await listen(app, bound(0, "the test"))
    try:
        yield one.url
    finally:
        await one.stop()
