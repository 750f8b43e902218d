"""Reading an incident's state through the client library, once or for as long as it is followed.

Invariant: what is returned is caught up with the server; nothing is shown that may be stale.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop
from warroom.client.client import Client
from warroom.client.errors import ClientError, Refused
from warroom.client.room import Room
from warroom.client.view import RoomView

T = TypeVar("T")


@asynccontextmanager
async def connected() -> AsyncIterator[Client]:
    """A live client of the server that is meant; its failures as sentences and exit statuses.

    Raises:
        Stop: not reachable, not let in, or no answer in time.
    """
    here = context()
    try:
        tracer = here.tracer("warroom-cli")
        async with Client(here.server.url, here.server.token, kind="cli", tls=here.tls, tracer=tracer) as client:
            await client.live(here.timeout)
            yield client
    except Refused as refused:
        raise Stop(Exit.REFUSED, refused.words) from None
    except ClientError as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None


async def caught_up(client: Client, incident: str) -> Room:
    """The room of an incident, whole.

    Raises:
        Stop: there is none, it may not be seen, or no answer in time.
    """
    here = context()
    room = await client.follow(incident)
    changed = asyncio.Event()
    unsubscribe = client.on_change(lambda _topics: changed.set())
    try:
        async with asyncio.timeout(here.timeout):
            while not room.caught_up.is_set() and not room.view.ended:
                await changed.wait()
                changed.clear()
    except TimeoutError:
        raise Stop(Exit.TIMEOUT, f"{incident} did not come in {here.timeout:g} seconds") from None
    finally:
        unsubscribe()
    if room.view.ended or not room.state.seq:
        raise Stop(Exit.REFUSED, room.view.ended or f"there is no incident {incident}")
    return room


def read_room(inc: str) -> RoomView:
    """The incident that is meant, as it is now.

    Raises:
        Stop: as `connected` and `caught_up`.
    """
    incident = context().incident(inc)

    async def read() -> RoomView:
        async with connected() as client:
            return (await caught_up(client, incident)).view

    return asyncio.run(read())


def ask(question: Callable[[Client], Awaitable[T]]) -> T:
    """Run one question on a live client.

    Raises:
        Stop: as `connected`.
    """

    async def asked() -> T:
        async with connected() as client:
            return await question(client)

    return asyncio.run(asked())
