"""How the cast meets a person: they answer, take what is given to them, and follow whoever takes command.

Invariant: only what one person did is reacted to, each entry once; nothing a person set is ever set back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from warroom.demo import replies
from warroom.demo.cast import Responder
from warroom.demo.scene import Scene
from warroom.incident.state import Entry
from warroom.incident.words import Status

_THINKING = 1.6
_TASK_TAKES = 40.0
_TASK_HELP_AFTER = 150.0
_SUSPECT = ("deploy", "release", "2.14", "leak", "connection", "pool", "retry", "rollback", "version")


class Reactions:
    """Follows the incident and answers what `scene.you` does. `close` ends it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._seen = scene.state.seq
        self._light = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = scene.lead.client.on_change(lambda _: self._look())
        self._pinned = False

    async def close(self) -> None:
        """Say nothing more."""
        self._stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look(self) -> None:
        state = self._scene.state
        for seq in range(self._seen + 1, state.seq + 1):
            entry = state.entry(seq)
            if entry is not None and entry.actor == self._scene.you:
                self._react(entry)
        self._seen = max(self._seen, state.seq)
        light = self._scene.lead.room.spotlight
        target = light.target if light is not None and light.by == self._scene.you else ""
        if target != self._light:
            self._light = target
            for person in self._scene.cast.values():
                person.look("timeline" if target.startswith("entry") else target)

    def _react(self, entry: Entry) -> None:
        found = getattr(self, f"_on_{entry.kind.replace('-', '_')}", None)
        if found is not None:
            self._start(found(entry))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _say(self, who: Responder, text: str, after: float = _THINKING) -> None:
        await self._scene.clock.wait(after)
        await who.say(text)

    # What a person may do

    async def _on_chat_posted(self, entry: Entry) -> None:
        scene, text = self._scene, entry.words
        called = [scene.cast[name] for name in replies.mentioned(text) if name in scene.cast]
        if not called and not replies.is_question(text):
            if scene.yours and replies.is_wait(text):
                scene.go.clear()
                await self._say(scene.cast["marek"], f"@{scene.you} holding. Say go when you want it.")
            elif replies.is_yes(text):
                held = not scene.go.is_set()
                scene.go.set()
                scene.agreed.set()
                if held or scene.yours:
                    await self._say(scene.cast["marek"], "Wilco.")
            return
        who = called[0] if called else self._who_knows(text)
        await self._say(who, f"@{scene.you} {replies.answer(text, scene.state, scene.clock.moment(), who.name)}")

    def _who_knows(self, text: str) -> Responder:
        said = set(replies.words_of(text))
        cast = self._scene.cast
        if said & {"customers", "impact", "update", "support", "users"}:
            return cast["june"]
        if said & {"cause", "why", "pool", "database", "leak"}:
            return cast["sofia"]
        return cast["marek"] if self._scene.yours else cast["ana"]

    async def _on_role_handed_over(self, _: Entry) -> None:
        scene = self._scene
        if scene.state.commander != scene.you:
            return
        duty = {"type": "assign-role", "duty": "deputy", "who": scene.lead.name}
        await scene.clock.wait(_THINKING)
        if not any(held.duty == "deputy" for held in scene.state.roles):
            await scene.lead.act(duty, "roles")
        await self._say(scene.lead, f"@{scene.you} has command. I stay as deputy; decisions are yours.", 0.4)

    _on_role_assigned = _on_role_handed_over

    async def _on_command_offered(self, _: Entry) -> None:
        offer = self._scene.state.offer
        if offer is not None and offer.to in self._scene.cast:
            who = self._scene.cast[offer.to]
            await self._say(who, "Rog. I have command.", 2.5)
            await who.act({"type": "accept-command"}, "roles")

    async def _on_hypothesis_proposed(self, entry: Entry) -> None:
        scene, number = self._scene, entry.ref or 0
        sofia = scene.cast["sofia"]
        await self._say(sofia, f"@{scene.you} looking for what speaks for or against hypothesis {number}.", 3.0)
        await scene.clock.wait(18.0)
        found = next((one for one in scene.state.hypotheses if one.number == number), None)
        if found is None or found.status != "proposed":
            return
        fits = any(word in found.text.casefold() for word in _SUSPECT)
        kind = "support-hypothesis" if fits else "refute-hypothesis"
        why = "fits the curve of open connections" if fits else "nothing of it in the figures of the last hour"
        await sofia.act({"type": kind, "hypothesis": number, "evidence": why}, "hypotheses")

    async def _on_task_added(self, entry: Entry) -> None:
        scene, number = self._scene, entry.ref or 0
        task = next((one for one in scene.state.tasks if one.number == number), None)
        if task is None or task.assignee not in scene.cast or task.follow_up:
            return
        who = scene.cast[task.assignee]
        await scene.clock.wait(4.0)
        await who.act({"type": "acknowledge-task", "task": number}, "tasks")
        await scene.clock.wait(_TASK_TAKES)
        task = next((one for one in scene.state.tasks if one.number == number), None)
        if task is not None and task.status == "acknowledged" and task.assignee == who.name:
            await who.act({"type": "finish-task", "task": number, "result": "done, nothing surprising"}, "tasks")

    _on_task_assigned = _on_task_added

    async def _on_task_finished(self, entry: Entry) -> None:
        await self._say(self._scene.commander, f"Thanks @{self._scene.you}, task {entry.ref} is off the list.")

    async def _on_note_added(self, entry: Entry) -> None:
        if not self._pinned:
            self._pinned = True
            await self._scene.clock.wait(5.0)
            await self._scene.cast["tomas"].act({"type": "pin-entry", "entry": entry.seq}, "timeline")
            await self._say(self._scene.cast["tomas"], f"@{self._scene.you} good one, pinned.", 0.5)

    async def _on_severity_changed(self, _: Entry) -> None:
        await self._say(self._scene.cast["june"], f"{self._scene.state.severity} it is; I follow with the updates.")

    async def _on_status_changed(self, _: Entry) -> None:
        scene = self._scene
        if scene.state.status in (Status.MONITORING, Status.RESOLVED) and scene.world.fixed_at is None:
            await self._say(scene.cast["marek"], f"@{scene.you} {scene.state.status}? p99 is still at 4 s here.")
        else:
            await self._say(scene.cast["tomas"], f"Noted: {scene.state.status}.")

    async def _on_decision_taken(self, _: Entry) -> None:
        self._scene.agreed.set()
        await self._say(self._scene.cast["marek"], "Rog.", 1.0)

    async def _on_update_published(self, _: Entry) -> None:
        await self._say(self._scene.cast["june"], f"@{self._scene.you} thanks, that saves me one.")

    async def _on_playbook_attached(self, _: Entry) -> None:
        await self._say(
            self._scene.cast["marek"], f"@{self._scene.you} second playbook noted; we finish the first one."
        )

    async def _on_incident_reopened(self, _: Entry) -> None:
        await self._say(self._scene.cast["marek"], f"@{self._scene.you} back at it. All figures look normal from here.")
