"""Everybody at work: the cast comes in, the script plays, alerts follow the figures, and then it is quiet.

Invariant: no one's failure ends the others' work; it is logged, and `close` takes everybody out.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from warroom.demo.alerts import WATCHED, WELL_FOR
from warroom.demo.cast import Responder
from warroom.demo.house import Open
from warroom.demo.names import ALERTMANAGER, CAST, ELSEWHERE
from warroom.demo.reactions import Reactions
from warroom.demo.scene import Scene
from warroom.demo.script import play

_IN_THE_ROOM = 15.0
_WELL = {rule.fingerprint: (rule.measure, rule.below) for rule in WATCHED}
_QUIET = (
    ("marek", "Still flat here."),
    ("tomas", "The post-mortem can be written from this log as it stands: who, when, why, with the charts."),
    ("sofia", "Fix for the retry path is in review, with a test this time."),
    ("june", "Support is happy. Almost suspicious."),
    ("ana", "Who wants to look at the canary rules with me tomorrow?"),
    ("sofia", "I do. That rollout went to all pods within a minute; too quick to notice."),
    ("marek", "Recommendations are back on, nothing moved."),
    ("tomas", "For the record: 21 minutes until we asked what had changed. That is the follow-up I care about."),
)
_LOG = logging.getLogger(__name__)


class Life:
    """Made in the house's loop. `played` is done when the story is over; `scene` is there once the cast is in."""

    def __init__(self, opened: Open) -> None:
        self.opened = opened
        self.scene: Scene | None = None
        self.played: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._main = asyncio.create_task(self._live(), name="demo-life")

    async def close(self) -> None:
        """Everybody leaves."""
        self._main.cancel()
        await asyncio.gather(self._main, return_exceptions=True)
        self.played.cancel()

    async def _live(self) -> None:
        opened = self.opened
        plan = opened.plan

        def person(name: str, incident: str, stays_at: str = "") -> Responder:
            token = opened.tokens[name]
            return Responder(name, opened.url, token, incident, plan.clock, plan.seed, stays_at=stays_at)

        async with AsyncExitStack() as stack:
            cast = {name: await stack.enter_async_context(person(name, opened.incident)) for name in CAST}
            watcher = await stack.enter_async_context(person(ALERTMANAGER, opened.incident, "alerts"))
            other = await stack.enter_async_context(person(ELSEWHERE, opened.elsewhere))
            async with asyncio.timeout(_IN_THE_ROOM):
                for responder in (*cast.values(), watcher, other):
                    await responder.room.caught_up.wait()
            scene = self.scene = Scene(opened, cast)
            reactions = Reactions(scene)
            stack.push_async_callback(reactions.close)
            async with asyncio.TaskGroup() as group:
                for work in (self._story(scene), _alerts(scene, watcher), _elsewhere(scene, other)):
                    group.create_task(_guarded(work))

    async def _story(self, scene: Scene) -> None:
        try:
            await play(scene)
        finally:
            if not self.played.done():
                self.played.set_result(None)
        chance = random.Random(self.opened.plan.seed)  # noqa: S311 (pauses in small talk)
        for who, text in _QUIET:
            await scene.clock.wait(chance.uniform(35.0, 80.0))
            if scene.state.status.is_over:
                return
            await scene.cast[who].say(text)


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    """One strand of the story; when it fails, the rest goes on."""
    try:
        await work
    except Exception:
        _LOG.exception("a part of the demo ended early")


async def _alerts(scene: Scene, watcher: Responder) -> None:
    """Each alert resolves when its figure has been well for a while, as Alertmanager would say."""
    since: dict[str, float] = {}
    while not scene.state.status.is_over:
        await scene.clock.wait(4.0)
        now = scene.clock.now()
        for alert in scene.state.alerts:
            rule = _WELL.get(alert.fingerprint)
            if rule is None or alert.status == "resolved" or rule[0](scene.world, now) >= rule[1]:
                since.pop(alert.fingerprint, None)
            elif now - since.setdefault(alert.fingerprint, now) >= WELL_FOR:
                ended = scene.clock.moment() - timedelta(seconds=WELL_FOR)
                await watcher.act({"type": "resolve-alert", "source": alert.source, "fingerprint": alert.fingerprint,
                                   "ended_at": ended})  # fmt: skip


async def _elsewhere(scene: Scene, other: Responder) -> None:
    """The smaller incident goes on by itself."""
    await scene.clock.wait(70.0)
    await other.act({"type": "record-change", "kind": "deploy", "service": "billing", "version": "v1.9.3",
                     "text": "no retry after success"}, "timeline")  # fmt: skip
    await scene.clock.wait(95.0)
    await other.act({"type": "change-status", "status": "monitoring", "reason": "no duplicate since the fix"})
    await scene.clock.wait(150.0)
    await other.act({"type": "publish-update", "text": "Invoices go out once again. Duplicates can be ignored."})
    await scene.clock.wait(60.0)
    await other.act({"type": "change-status", "status": "resolved", "reason": "a quiet hour"})
