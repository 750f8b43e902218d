"""Who may come in: invites and tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import click

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.context import context
from warroom.cli.parsing import DURATION, INCIDENT

ACCESS = ("observer", "responder", "commander", "admin")


@click.command("invite")
@click.option("--role", "access", type=click.Choice(ACCESS), default="responder", show_default=True,
              help="What the one invited may do.")  # fmt: skip
@click.option("--ttl", type=DURATION, default="8h", show_default=True, metavar="TIME", help="How long access lasts.")
@click.option("--code-ttl", type=DURATION, default="1h", show_default=True, metavar="TIME",
              help="How long the code may be used.")  # fmt: skip
@click.option("--name", default="", metavar="NAME", help="What they are called; left to them when not given.")
@click.option("--incident", "scopes", type=INCIDENT, multiple=True, metavar="INC",
              help="Bound access to this incident; may be repeated.")  # fmt: skip
@click.option("--host", metavar="HOST[:PORT]", help="The address to print, as others reach this server.")
@json_option
def invite_command(
    access: str,
    ttl: timedelta,
    code_ttl: timedelta,
    name: str,
    scopes: tuple[str, ...],
    host: str | None,
    as_json: bool,
) -> None:
    """Make an invite for one person.

    Prints HOST:PORT#CODE, for `warroom join`. The code works once.
    """
    here = context()
    made = here.line.request(
        "invite.create",
        access=access,
        ttl_seconds=int(ttl.total_seconds()),
        code_seconds=int(code_ttl.total_seconds()),
        name=name,
        scopes=[here.incident(scope) for scope in scopes],
    )
    parts = urlsplit(here.server.url)
    scheme = "wss://" if parts.scheme == "wss" else ""
    invitation = f"{scheme}{host or parts.netloc}#{made['code']}"
    if as_json:
        output.put_json("invite", {"invitation": invitation, **made, "ttl_seconds": int(ttl.total_seconds())})
        return
    output.data(invitation)
    output.say(
        f"for one person with {access} access; to be used within {_words(code_ttl)}: warroom join '{invitation}'"
    )


def _words(length: timedelta) -> str:
    from warroom.review.brief import duration

    return duration(length)


@click.group("token")
def token_command() -> None:
    """List and revoke tokens."""


@token_command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that have ended.")
@json_option
def token_list(everything: bool, as_json: bool) -> None:
    """List the tokens; what they are is never shown."""
    here = context()
    tokens = [one for one in here.line.request("token.list")["tokens"] if everything or one["live"]]
    if as_json:
        output.put_json("tokens", {"tokens": tokens})
        return
    rows = [_row(one, here) for one in tokens]
    for row in output.table(rows, ("ID", "NAME", "ACCESS", "KIND", "STATE", "EXPIRES", "MADE BY")):
        output.data(row)


def _row(one: dict[str, Any], here: Any) -> tuple[str, ...]:
    ends = datetime.fromisoformat(one["expires_at"]).astimezone(here.zone) if one["expires_at"] else None
    return (
        one["id"],
        one["name"] or "open",
        one["access"],
        "invite" if one["invite"] else "token",
        "live" if one["live"] else "ended",
        f"{ends:%Y-%m-%d %H:%M}" if ends else "never",
        one["created_by"],
    )


@token_command.command("revoke")
@click.argument("token_id", metavar="ID")
@json_option
def token_revoke(token_id: str, as_json: bool) -> None:
    """Revoke a token by its id; whoever uses it is put out at once."""
    done = context().line.request("token.revoke", id=token_id)
    if as_json:
        output.put_json("revoked", done)
    else:
        output.say(f"{done['name'] or 'the'} token {done['id']} is revoked")
