"""The stage of the script: who is there, what they know, and how a beat is played without fighting anybody.

Invariant: whoever holds command decides. What belongs to the commander is done by one of the cast only while one of
the cast holds command, or nobody does; else it is asked of whoever does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from warroom.demo.cast import Responder
from warroom.demo.clock import DemoClock
from warroom.demo.house import Open
from warroom.demo.world import World
from warroom.incident.state import IncidentState
from warroom.incident.words import PHASES, Status

JITTER = 1.4
"""Seconds by which a beat comes early or late."""
Test = Callable[[IncidentState], bool]


class Scene:
    """The main incident as the script plays it. `hold` is set while somebody asked everybody to wait."""

    def __init__(self, opened: Open, cast: Mapping[str, Responder]) -> None:
        self.cast = dict(cast)
        self.you = opened.me
        self.world: World = opened.world
        self.clock: DemoClock = opened.plan.clock
        self.go = asyncio.Event()
        self.go.set()
        self.agreed = asyncio.Event()
        """The one in command said yes in the chat."""
        self._zero = self.clock.monotonic()
        self._chance = random.Random(opened.plan.seed)  # noqa: S311 (timing of a made-up story)
        self._changed = asyncio.Event()
        self._shift = 0.0
        self.lead.client.on_change(lambda _: self._changed.set())

    @property
    def lead(self) -> Responder:
        """The one who leads as long as nobody else does."""
        return self.cast["ana"]

    @property
    def state(self) -> IncidentState:
        """The incident now."""
        return self.lead.state

    @property
    def yours(self) -> bool:
        """Whether somebody who is not of the cast holds command."""
        return bool(self.state.commander) and self.state.commander not in self.cast

    @property
    def commander(self) -> Responder:
        """Who of the cast speaks for command."""
        return self.cast.get(self.state.commander, self.lead)

    # Time

    async def at(self, seconds: float) -> None:
        """Wait for that second of the story, moved by what people took longer for, a little early or late."""
        due = self._zero + seconds + self._shift + self._chance.uniform(-JITTER, JITTER)
        await self.clock.wait(due - self.clock.monotonic())
        await self.go.wait()

    def late(self, seconds: float) -> None:
        """What comes after second `seconds` of the story starts from now."""
        self._shift = max(self._shift, self.clock.monotonic() - self._zero - seconds)

    async def until(self, test: Test, patience: float) -> bool:
        """Wait until the incident is so, at most `patience` seconds of the demo."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience / self.clock.speed):
                while not test(self.state):
                    self._changed.clear()
                    await self._changed.wait()
        return test(self.state)

    # Beats

    async def say(self, seconds: float, who: str, text: str | Callable[[], str]) -> None:
        """Chat; `text` may be made up at that moment."""
        await self.at(seconds)
        if not self.state.status.is_over:
            await self.cast[who].say(text if isinstance(text, str) else text())

    async def do(
        self, seconds: float, who: str, type_: str, /, pane: str = "", when: Test | None = None, **fields: Any
    ) -> bool:
        """A command, if it still makes sense (`when`) after whatever others did meanwhile."""
        await self.at(seconds)
        if self.state.status.is_over or not (when is None or when(self.state)):
            return False
        if "text" in fields and pane:
            await self.cast[who].type(fields["text"], pane)
        return await self.cast[who].act({"type": type_, **fields}, pane)

    async def step(self, seconds: float, who: str, step: str, result: str) -> None:
        """Tick off a step of the playbook, unless somebody did or skipped it."""
        await self.at(seconds)
        for book in self.state.playbooks:
            found = next((one for one in book.steps if one.id == step), None)
            if found is not None and found.status == "open" and found.assignee in ("", who):
                await self.cast[who].act(
                    {"type": "complete-step", "playbook": book.id, "step": step, "result": result}, "playbook"
                )

    async def move(self, seconds: float, status: Status, reason: str, please: str) -> None:
        """On to a status, by whoever leads; one of the cast asks (`please`) when that is somebody else."""
        await self.at(seconds)
        if self.reached(status):
            return
        if self.yours:
            await self.cast["marek" if self.state.commander != "marek" else "sofia"].say(
                f"@{self.state.commander} {please}"
            )
            await self.until(lambda _: self.reached(status) or not self.yours, 90.0)
            self.late(seconds)
        if not self.reached(status) and not self.yours:
            await self.commander.act({"type": "change-status", "status": status.value, "reason": reason}, "timeline")

    def reached(self, status: Status) -> bool:
        """Whether it is there already, or beyond."""
        now = self.state.status
        return now not in PHASES or PHASES.index(now) >= PHASES.index(status)

    # What is where

    def task(self, start: str) -> int | None:
        """The number of the open task whose title begins so."""
        found = (t for t in self.state.tasks if t.title.startswith(start) and t.status in ("open", "acknowledged"))
        return next((task.number for task in found), None)

    def hypothesis(self, start: str) -> int | None:
        """The number of the hypothesis whose text begins so."""
        return next((one.number for one in self.state.hypotheses if one.text.startswith(start)), None)
