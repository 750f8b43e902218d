"""What earlier commands could not send: sent through the client library, in order, each once.

Invariant: a command leaves the outbox only with its answer; a refusal is told, never swallowed.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from warroom.cli import output
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop


def unsent(directory: Path) -> int:
    """How many commands wait in the outboxes below a directory. A file that cannot be read counts as none."""
    count = 0
    for path in sorted(directory.glob("**/outbox*.db")):
        try:
            database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)
        except sqlite3.Error:
            continue
        try:
            count += int(database.execute("SELECT count(*) FROM command").fetchone()[0])
        except sqlite3.Error:
            continue
        finally:
            database.close()
    return count


def send_all(outbox: Path) -> None:
    """Send all that waits and is not held by a console.

    Raises:
        Stop: no answer in time; what is unsent stays.
    """
    if unsent(outbox.parent):
        asyncio.run(_send_all(outbox))


async def _send_all(outbox: Path) -> None:
    from warroom.client.client import Client
    from warroom.client.errors import ClientError

    here = context()
    try:
        async with Client(
            here.server.url,
            here.server.token,
            outbox=outbox,
            kind="cli",
            tls=here.tls,
        ) as client:
            tickets = list(client.tickets.values())
            if not tickets:
                return
            await client.live(here.timeout)
            async with asyncio.timeout(here.timeout):
                for ticket in tickets:
                    settled = await ticket.settled()
                    kind = str(ticket.command.get("type", "command")).replace("-", " ")
                    if settled.accepted:
                        output.say(f"sent what was kept: {kind} ({settled.incident} entry {settled.seq})")
                    else:
                        output.say(f"kept earlier and now refused: {kind} ({settled.incident}): {settled.words}")
            for refused in client.refused:
                client.seen(refused.serial)
    except (ClientError, TimeoutError) as error:
        raise Stop(Exit.TIMEOUT, f"what was kept earlier could not be sent: {error or 'no answer in time'}") from None
