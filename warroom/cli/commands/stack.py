"""The bundled stack: start it, end it, see how it is, read what it wrote.

Invariant: no secret is printed; `up` only says where the password is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from warroom.cli import output
from warroom.cli.act import json_option
from warroom.cli.context import context
from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from warroom.bundle.errors import StackError
    from warroom.bundle.life import Stack
    from warroom.bundle.state import ServiceState
    from warroom.cli.progress import Progress

_STATUS = {
    "no-engine": Exit.UNREACHABLE,
    "elsewhere": Exit.UNREACHABLE,
    "no-registry": Exit.UNREACHABLE,
    "slow": Exit.TIMEOUT,
    "no-service": Exit.USAGE,
}
"""Exit status by what went wrong; everything else was refused."""


class ServiceName(click.ParamType[str]):
    """A service of the stack, completed from the compose file."""

    name = "service"

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 (click names the parameters of what it calls)
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        from warroom.bundle.compose_file import read_bundle, shipped_file
        from warroom.bundle.errors import StackError

        try:
            services = read_bundle(shipped_file(), {}).services
        except StackError:
            return []
        return [CompletionItem(one.name) for one in services if one.name.startswith(incomplete)]


service_argument = click.argument("service", type=ServiceName(), metavar="SERVICE")


@click.group("stack")
def stack_command() -> None:
    """Run Prometheus, Alertmanager, Loki, Jaeger and Grafana on this machine.

    In containers, on loopback only. Needs Docker and its compose plugin.
    """


@stack_command.command("up")
@click.option(
    "--profile",
    type=click.Choice(["full", "minimal", "sample"]),
    default="full",
    show_default=True,
    help="minimal leaves out Grafana and the collector; sample adds a small service to look at.",
)
@click.option(
    "--wait",
    "seconds",
    type=click.FloatRange(1, 3600),
    default=180,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait until every service is well.",
)
def stack_up(profile: str, seconds: float) -> None:
    """Start the stack and wait until every service is well.

    What runs already goes on. The first start makes the secrets and pulls the images.
    """
    from warroom.bundle.life import up
    from warroom.bundle.secret_files import GRAFANA_PASSWORD

    with _stack() as stack, _progress(stack) as tell:
        state = up(stack, profile, _intake_secret(), tell, seconds)
    output.say(state.words)
    grafana = state.service("grafana")
    if grafana is not None and grafana.well:
        where = f"http://127.0.0.1:{grafana.ports[0]}" if grafana.ports else "its port"
        output.say(f"Grafana: {where}, user admin, password in {stack.secrets / GRAFANA_PASSWORD}")


@stack_command.command("down")
@click.option("--volumes", is_flag=True, help="Delete what the services have stored as well.")
@click.option("--yes", is_flag=True, help="Do not ask before data is deleted.")
def stack_down(volumes: bool, yes: bool) -> None:
    """End the stack; what it has stored stays, unless told otherwise."""
    from warroom.bundle.life import down

    with _stack() as stack:
        if volumes:
            output.confirm("Delete the metrics, logs, traces and dashboards that the stack has stored?", yes=yes)
        with _progress(stack) as tell:
            ended = down(stack, tell, volumes=volumes)
    kept = "; what it stored is deleted" if volumes else "; what it stored is kept" if ended else ""
    output.say(("the stack has ended" if ended else "nothing of the stack ran") + kept)


@stack_command.command("status")
@json_option
def stack_status(as_json: bool) -> None:
    """How each service is: state, health, what it uses.

    Exit status 1 when a service that was started is not well.
    """
    from dataclasses import asdict

    from warroom.bundle.life import look

    with _stack() as stack:
        state = look(stack)
    if as_json:
        output.put_json("stack", {"ok": state.engine == "ok" and not state.unwell, **asdict(state)})
    elif state.engine == "ok":
        heads = ("SERVICE", "STATE", "HEALTH", "SINCE", "RESTARTS", "CPU", "MEMORY", "PORTS", "IMAGE")
        for line in output.table([_row(one) for one in state.services], heads):
            output.data(line)
        for one in state.unwell:
            output.say(f"{one.name}: {one.words}; `warroom stack logs {one.name}` tells more")
    if state.engine != "ok":
        raise Stop(Exit.REFUSED if state.engine == "denied" else Exit.UNREACHABLE, state.words)
    if state.unwell:
        raise Stop(Exit.REFUSED, state.words)
    if not state.started and not as_json:
        output.say("the stack is not started; `warroom stack up` starts it")


@stack_command.command("logs")
@service_argument
@click.option("--follow", "-f", is_flag=True, help="Go on with each new line, until Ctrl-C.")
@click.option(
    "--tail",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    metavar="N",
    help="Begin with the last N lines.",
)
def stack_logs(service: str, follow: bool, tail: int) -> None:
    """Print what a service wrote, with secrets masked."""
    import sys

    from warroom.bundle.life import read_log

    with _stack() as stack:
        for line in read_log(stack, service, tail, following=follow):
            output.data(line)
            if follow:
                sys.stdout.flush()


@stack_command.command("restart")
@service_argument
def stack_restart(service: str) -> None:
    """Restart a service and wait until it is well."""
    from warroom.bundle.life import restart

    with _stack() as stack, _progress(stack) as tell:
        restart(stack, service, tell)
    output.say(f"{service} runs again")


@contextmanager
def _stack() -> Iterator[Stack]:
    """The stack; its failures become the command's end, after the lines they bring."""
    from warroom.bundle.errors import StackError
    from warroom.bundle.life import open_stack

    try:
        yield open_stack(context().places.state / "stack")
    except StackError as failed:
        raise _stop(failed) from None


def _progress(stack: Stack) -> Progress:
    from warroom.cli.progress import Progress

    return Progress(one.name for one in stack.bundle.services)


def _stop(failed: StackError) -> Stop:
    for line in failed.details:
        output.say(f"    {line}")
    return Stop(_STATUS.get(failed.kind, Exit.REFUSED), failed.words)


def _intake_secret() -> str:
    """The secret of the door for alerts, made when there is none yet, so that Alertmanager may post to it."""
    from warroom.app import intake_secret, make_data_dir
    from warroom.app_listen import CannotServe

    here = context()
    settings = here.loaded.settings
    folder: Path = settings.data_dir or here.places.data
    try:
        make_data_dir(folder)
        return intake_secret(settings.intake, folder)
    except CannotServe as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None


def _row(one: ServiceState) -> list[str]:
    colour = "green" if one.well else None if one.absent else "red"
    return [
        one.name,
        click.style(one.state, fg=None if one.well else colour),
        click.style("-" if one.health == "none" else one.health, fg=colour),
        _age(one.since),
        str(one.restarts) if not one.absent else "-",
        "-" if one.cpu is None else f"{one.cpu:.1f} %",
        _memory(one),
        " ".join(map(str, one.ports)) or "-",
        one.image,
    ]


def _memory(one: ServiceState) -> str:
    if one.memory is None:
        return "-"
    limit = f" of {one.memory_limit / 1024**2:.0f}" if one.memory_limit else ""
    return f"{one.memory / 1024**2:.0f}{limit} MiB"


def _age(since: str) -> str:
    """How long ago, in its largest unit and the next."""
    if not since:
        return "-"
    seconds = int(max(timedelta(0), datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    for size, unit, part, small in ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            return f"{seconds // size}{unit} {seconds % size // part}{small}"
    return f"{seconds}s"
