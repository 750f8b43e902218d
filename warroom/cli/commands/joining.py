"""Another machine's server: join it by an invite, leave it again."""

from __future__ import annotations

import asyncio
import sys

import click

from warroom.cli import output
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop


@click.command("join")
@click.argument("invitation", metavar="HOST[:PORT]#CODE")
@click.option("--name", metavar="NAME", help="What to be called, where the invite leaves it open.")
@click.option("--no-console", is_flag=True, help="Only keep the token; do not open the console.")
def join_command(invitation: str, name: str | None, no_console: bool) -> None:
    """Join another machine's server by an invite, and open the console.

    The code is used up and traded for a token, which is kept here readable by you alone. Commands use that server
    from then on, while none runs on this machine; `warroom leave` ends that.
    """
    from warroom.client.connect import read_invitation, trade
    from warroom.client.errors import BadAddress, ClientError, Refused

    here = context()
    try:
        read = read_invitation(invitation)
        grant = asyncio.run(trade(read, name or here.me, tls=here.trust, timeout=here.timeout))
        here.home(read.url).keep(grant)
    except BadAddress as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    except Refused as refused:
        raise Stop(Exit.REFUSED, refused.words) from None
    except ClientError as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None
    except OSError as error:
        raise Stop(Exit.REFUSED, f"the token could not be kept: {error.strerror or error}") from None
    here.remember_joined(read.url)
    output.say(f"joined {read.url} as {grant.name}, with {grant.access} access")
    if not no_console and sys.stdout.isatty():
        from warroom.cli.commands.console import open_console

        here.use(read.url, grant)
        open_console(here)


@click.command("leave")
@click.option("--forget-token", is_flag=True, help="Also remove the token; a new invite is needed to come back.")
def leave_command(forget_token: bool) -> None:
    """Forget the server joined last."""
    here = context()
    joined = here.joined()
    if not joined:
        output.say("no server was joined")
        return
    if forget_token:
        here.home(joined).forget()
    here.remember_joined("")
    output.say(f"left {joined}")
