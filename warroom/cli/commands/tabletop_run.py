"""Playing an exercise: live with the console on it, without one, or headless with a bot at the keys."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from warroom.cli import output
from warroom.cli.commands.console import keymap_of, need_terminal
from warroom.cli.context import Context, context
from warroom.cli.exits import Exit, Stop
from warroom.cli.parsing import parse_duration

if TYPE_CHECKING:
    from warroom.app_exercise import ExercisePlan, OpenExercise
    from warroom.incident.record import Record
    from warroom.tabletop.headless import Run
    from warroom.tabletop.model import Scenario

BOTS = ("nothing", "guess", "textbook")
SLOWEST, FASTEST = 1.0, 60.0


def _speed(_ctx: click.Context, _param: click.Parameter, text: str) -> float:
    """`1x` to `60x`, `2.5`; `max` is for headless runs, which take no time anyway."""
    if text == "max":
        return 0.0
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = -1.0
    if not SLOWEST <= speed <= FASTEST:
        raise click.BadParameter(f"{text!r} is no speed; use 1x to 60x, or with --headless max")
    return speed


def _minute(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(parse_duration(text).total_seconds())
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


@click.command("run")
@click.argument("scenario", metavar="ID", required=False)
@click.option("--speed", callback=_speed, default="1x", metavar="1x..60x", help="How fast its time runs.")
@click.option("--seed", type=click.IntRange(0, 2**53), metavar="N", help="Other details than its own seed gives.")
@click.option(
    "--players", type=click.IntRange(0, 50), default=0, metavar="N", help="Invite so many; it starts with them."
)
@click.option("--solo", is_flag=True, help="Play alone: the facilitator and your colleagues are automated.")
@click.option("--headless", is_flag=True, help="No room and no time: a bot plays, for CI and for comparing.")
@click.option("--bot", type=click.Choice(BOTS), default="textbook", show_default=True, help="Who plays headless.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Headless: in JSON.")
@click.option("--branch", "origin", metavar="INC", help="Go on from an exercise that was played, to decide otherwise.")
@click.option("--at", callback=_minute, metavar="12m", help="With --branch: from which moment of it.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, metavar="PORT", help="Port to listen on; 0: any.")
@click.option("--host", "address", metavar="ADDRESS", help="Address to listen on; beyond loopback it needs TLS.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Keep its log there.")
@click.option("--plain", is_flag=True, help="Print a line for each event, not the console.")
def run_command(scenario: str | None, seed: int | None, **told: Any) -> None:
    """Play a scenario: host it, play it alone, or let a bot play.

    The room is warroom itself, on an imaginary production that reacts to what is done. Nothing outside is reached, and
    every screen says that it is an exercise. Its log stays, for `warroom tabletop review`.
    """
    here = context()
    before = _before(here, told["origin"], told["at"])
    found = _scenario(scenario, before)
    if told["headless"]:
        _headless(here, found, seed, told, before)
        return
    if not told["speed"]:
        raise Stop(Exit.USAGE, "--speed max is for --headless; people need 1x to 60x")
    if told["solo"] and told["players"]:
        raise Stop(Exit.USAGE, "--solo is for one; leave out --players, or --solo")
    plan = _plan(here, found, seed, told, before)
    if not told["plain"]:
        need_terminal()
    from warroom.app_exercise import CannotHost
    from warroom.store.port import StoreError
    from warroom.tabletop.live import CannotPlay

    try:
        if told["plain"]:
            asyncio.run(_follow(plan))
        else:
            _show(here, plan)
    except (CannotHost, CannotPlay, StoreError, OSError) as error:
        raise Stop(Exit.REFUSED, str(error)) from None
    output.say(f"the log is in {plan.directory}; `warroom tabletop review {plan.incident}` tells how it went")


def _scenario(name: str | None, before: tuple[tuple[Record, ...], int] | None) -> Scenario:
    """The scenario of that id, or the one that was played before.

    Raises:
        Stop: there is none, or none is named.
    """
    from warroom.tabletop.library import installed

    if name is None and before is not None:
        from warroom.incident.decode import fold

        played = fold(before[0]).exercise
        name = played.scenario if played is not None else None
    if name is None:
        raise Stop(Exit.USAGE, "name a scenario; `warroom tabletop list` lists them")
    found = installed().find(name)
    if found is None:
        raise Stop(Exit.USAGE, f"there is no scenario {name!r}; `warroom tabletop list` lists them")
    return found.scenario


def _before(here: Context, origin: str | None, at: int | None) -> tuple[tuple[Record, ...], int] | None:
    """The log to go on from and the second of it, None when it begins anew."""
    if origin is None and at is None:
        return None
    if origin is None or at is None:
        raise Stop(Exit.USAGE, "to go on from an exercise say which and from when: --branch INC --at 12m")
    from warroom.app_exercise_store import ExerciseNotFound, read_exercise

    try:
        return asyncio.run(read_exercise(here.places.state / "exercises", origin)), at
    except ExerciseNotFound as missing:
        raise Stop(Exit.REFUSED, str(missing)) from None


def _plan(here: Context, scenario: Scenario, seed: int | None, told: dict[str, Any], before: Any) -> ExercisePlan:
    from dataclasses import replace

    from warroom.app_exercise import ExercisePlan, fresh_directory

    settings = here.loaded.settings.listen
    listen = replace(settings, port=told["port"], host=told["address"] or "127.0.0.1")
    directory = told["keep"] or fresh_directory(here.places.state / "exercises", scenario)
    played = before[0][0].recorded_at if before else None
    return ExercisePlan(
        scenario=scenario,
        seed=scenario.world.seed if seed is None else seed,
        me=_other_than_the_facilitator(here.me),
        directory=directory,
        start=played or scenario.world.start or datetime.now(UTC).replace(microsecond=0),
        speed=told["speed"],
        players=told["players"],
        solo=told["solo"],
        listen=listen,
        branch=before,
    )


def _other_than_the_facilitator(me: str) -> str:
    """What whoever runs it is called: never as somebody who plays by itself."""
    from warroom.tabletop.deeds import FACILITATOR
    from warroom.tabletop.responders import TEAM

    return f"{me}-2" if me in (FACILITATOR, *TEAM) else me


# -- live ------------------------------------------------------------------------------------------------------------


def _show(here: Context, plan: ExercisePlan) -> None:
    """Open the console on it, until the person leaves."""
    import gc
    import logging

    from warroom.app_show import Show

    gc.disable()
    # The console owns the terminal: without any handler, a warning would be written across it.
    logging.getLogger().addHandler(logging.NullHandler())
    console = here.loaded.settings.console
    looks: dict[str, Any] = {
        "theme": console.theme or None, "keymap": keymap_of(here)[0], "calm": console.calm, "zone": here.zone
    }  # fmt: skip
    with Show(plan) as show:
        if plan.players:
            output.say("preparing the imaginary production ...")
            _invite(show.open())
            click.pause("Press any key to open your screen as the host.")
        from warroom.tui.app import run as run_console

        run_console(show.opener, show.options(banner=_banner(plan), **looks))


def _banner(plan: ExercisePlan) -> str:
    if plan.solo:
        return "EXERCISE: nothing here is real. Your colleagues are automated; X shows what you can do, ? the keys."
    return "EXERCISE: nothing here is real. You host it; E shows what only you see, ? the keys."


def _invite(opened: OpenExercise) -> None:
    """Print how each player joins."""
    address = opened.url.split("://", 1)[1].removesuffix("/ws")
    output.say(f"EXERCISE {opened.incident}: each player runs one of these, in a terminal of their own:")
    for number, code in enumerate(opened.codes, start=1):
        output.data(f"  warroom join {address}#{code} --name player-{number}")
    output.say(f"A player who left comes back by their name: WARROOM_NAME=player-1 warroom --server {address}")


async def _follow(plan: ExercisePlan) -> None:
    """Without a console: a line for each entry, until the exercise is over."""
    from warroom.app_exercise import exercise

    async with exercise(plan) as opened:
        if plan.players:
            _invite(opened)
        else:
            await opened.start()
        shown = 0
        changed = asyncio.Event()
        opened.facilitator.on_change(changed.set)
        while not opened.facilitator.over.is_set():
            state = opened.facilitator.state
            for entry in list(state.timeline)[shown:]:
                words = " ".join(entry.words.split())
                output.data(
                    f"{entry.occurred_at:%H:%M:%S}  {entry.seq:>3}  {entry.actor:<12}  {entry.kind:<20}  {words}"
                )
            shown = len(state.timeline)
            changed.clear()
            await _either(changed, opened.facilitator.over)


async def _either(*events: asyncio.Event) -> None:
    """Return once one of them is set."""
    waiting = [asyncio.ensure_future(one.wait()) for one in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


# -- headless --------------------------------------------------------------------------------------------------------


def _headless(here: Context, scenario: Scenario, seed: int | None, told: dict[str, Any], before: Any) -> None:
    """Let a bot play at once; the log is kept, the report is JSON."""
    import orjson

    from warroom.app_exercise import fresh_directory, keep_in
    from warroom.garbage import collect_seldom
    from warroom.tabletop.branch import BranchError
    from warroom.tabletop.isolation import isolated

    if told["players"] or told["solo"]:
        raise Stop(Exit.USAGE, "--headless is played by a bot; leave out --players and --solo")
    collect_seldom()
    with isolated():
        try:
            run = _played(scenario, seed, told["bot"], before)
        except BranchError as wrong:
            raise Stop(Exit.USAGE, str(wrong)) from None
        report = _report(run)
    directory = told["keep"] or fresh_directory(here.places.state / "exercises", scenario)
    asyncio.run(keep_in(directory, run.records))
    body = orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    if told["report"] is None:
        output.data(body.decode().rstrip())
        return
    try:
        told["report"].write_bytes(body)
    except OSError as error:
        raise Stop(Exit.REFUSED, f"{told['report']} cannot be written: {error.strerror or error}") from None
    output.say(f"{run.state.id}: {report['score']['total']} of 100 by {run.bot}; the report is in {told['report']}")


def _played(scenario: Scenario, seed: int | None, bot: str, before: Any) -> Run:
    from warroom.tabletop.branch import branch
    from warroom.tabletop.headless import run_headless

    if before is not None:
        records, second = before
        return branch(records, scenario, second, bot)
    return run_headless(scenario, scenario.world.seed if seed is None else seed, bot)


def _report(run: Run) -> dict[str, Any]:
    """What became of the run, with its score. The same for the same scenario, seed and bot."""
    from warroom.tabletop.headless import summary
    from warroom.tabletop.score.shapes import score_json
    from warroom.tabletop.score.total import score

    return {**summary(run), "score": score_json(score(run.records, run.scenario))}
