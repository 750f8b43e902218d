"""Acting on an incident: one command of the core, sent, answered, told in a sentence.

Invariant: a command that could not be sent is said to be unsent, and kept only when asked for (`--later`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from warroom.cli import output
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop
from warroom.cli.parsing import INCIDENT

if TYPE_CHECKING:
    from warroom.cli.direct import Answer

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON in place of words.")


def acting(function: F) -> F:
    """The options of every command that writes to the log."""
    function = click.option(
        "--later", is_flag=True, help="Keep it and send it at the next contact when no server can be reached."
    )(function)
    return json_option(function)


incident_argument = click.argument("inc", type=INCIDENT, metavar="[INC]")


class IncidentCommand(click.Command):
    """A command whose first argument is an incident, which may be left out while exactly one is live."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing and not ({"--help", "-h"} & set(args)):
            values, rest, _order = self.make_parser(ctx).parse_args(list(args))
            arguments = [one for one in self.params if isinstance(one, click.Argument) and one.required]
            given = sum(_is_given(values.get(one.name or "")) for one in arguments)
            if given < len(arguments) and not rest:
                args = ["-", *args]
        return super().parse_args(ctx, args)


def _is_given(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, tuple | list) and bool(value))


def act(
    command: Mapping[str, Any],
    inc: str,
    done: str,
    *,
    as_json: bool,
    later: bool,
    prints_id: bool = False,
    otherwise: Callable[[Answer], Mapping[str, Any] | None] | None = None,
) -> None:
    """Send a command for an incident and tell what became of it. `done` is the sentence; `{inc}` and `{seq}` in it.

    `otherwise` is asked when it is refused; the command it names, if any, is sent in its place.

    Raises:
        Stop: refused, or not sent.
    """
    here = context()
    here.later = later
    try:
        incident = here.incident(inc) if inc else ""
        send_kept()
        answer = here.line.submit(command, incident)
        instead = otherwise(answer) if otherwise is not None and answer.reason else None
        if instead is not None:
            answer = here.line.submit(instead, incident)
    except Stop as stop:
        if stop.status is not Exit.UNREACHABLE or not later:
            raise
        keep(command, here.incident(inc) if inc else "", stop.words, as_json=as_json)
        return
    tell(answer, done, as_json=as_json)
    if prints_id and not as_json:
        output.data(answer.incident)


def tell(answer: Answer, done: str, *, as_json: bool) -> None:
    """Print the answer.

    Raises:
        Stop: it is a refusal.
    """
    from warroom.cli.direct import status_of

    if answer.reason:
        if as_json:
            body = {"incident": answer.incident, "accepted": False, "reason": answer.reason, "words": answer.words}
            output.put_json("answer", {**body, "entry": None})
        raise Stop(status_of(answer.reason), answer.words or answer.reason)
    if as_json:
        entry = answer.seq or None
        body = {"incident": answer.incident, "accepted": True, "reason": "", "words": "", "entry": entry}
        output.put_json("answer", body)
    else:
        words = done.replace("{inc}", answer.incident).replace("{seq}", str(answer.seq))
        output.say(words if answer.seq else f"{answer.incident}: it was so already; nothing was recorded")


def keep(command: Mapping[str, Any], incident: str, why: str, *, as_json: bool) -> None:
    """Put a command into the outbox that the next command or console empties.

    Raises:
        Stop: it is no valid command, or the disk does not take it.
    """
    from pydantic import ValidationError

    from warroom.client.outbox import Outbox
    from warroom.incident.commands import COMMAND
    from warroom.wire.codec import first_complaint

    here = context()
    try:
        body = COMMAND.validate_python(dict(command)).model_dump(mode="json")
        outbox = Outbox.open(here.home(address_for_later()).outbox)
    except ValidationError as wrong:
        raise Stop(Exit.USAGE, first_complaint(wrong)) from None
    except OSError as error:
        raise Stop(Exit.UNREACHABLE, f"{why}; it could not be kept: {error}") from None
    try:
        outbox.add(incident, body, datetime.now(UTC))
    except OSError as error:
        raise Stop(Exit.UNREACHABLE, f"{why}; it could not be kept: {error}") from None
    finally:
        outbox.close()
    if as_json:
        output.put_json("kept", {"incident": incident, "kept": True, "words": why})
    output.say(f"{why}; kept, and sent at the next contact")


def address_for_later() -> str:
    """The server an unsent command is for, also while it is down."""
    from warroom.cli.local import read_runtime

    here = context()
    named = here.loaded.settings.server or here.joined()
    if named:
        return named
    last = read_runtime(here.places.runtime_file)
    listen = here.loaded.settings.listen
    return last.url if last else f"ws://{listen.host}:{listen.port}"


def send_kept() -> None:
    """Send what earlier commands left in the outbox, before anything newer of the same person.

    Raises:
        Stop: the server does not answer in time.
    """
    here = context()
    if next(here.places.state.glob("servers/*/as-*/outbox*.db"), None) is None:
        return
    from warroom.cli.outbox import send_all

    send_all(here.home(here.server.url).outbox)
