"""The demo's story, played on a real server: it ends well by itself, and follows a person who steps in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from warroom.client.client import Client
from warroom.client.room import Room
from warroom.demo.clock import DemoClock
from warroom.demo.house import CannotShow, Plan, house
from warroom.demo.life import Life
from warroom.demo.names import CAST
from warroom.demo.past import TITLE
from warroom.demo.run import living
from warroom.incident.state import IncidentState
from warroom.incident.words import Duty, Status
from warroom.store.sqlite import SqliteStore
from warroom.store.verify import verify_incident

DEADLINE = 60.0
FAST = 150.0


class Stage:
    """A person in a demo that runs."""

    def __init__(self, client: Client, room: Room, life: Life) -> None:
        self.client, self.room, self.life = client, room, life

    @property
    def state(self) -> IncidentState:
        return self.room.state

    async def until(self, test: Callable[[IncidentState], object]) -> None:
        """Wait until the incident is so."""
        changed = asyncio.Event()
        stop = self.client.on_change(lambda _: changed.set())
        try:
            async with asyncio.timeout(DEADLINE):
                while not test(self.state):
                    await changed.wait()
                    changed.clear()
        finally:
            stop()

    async def do(self, type_: str, **fields: Any) -> None:
        """Act, and be accepted."""
        ticket = self.client.submit({"type": type_, **fields}, self.room.incident)
        settled = await asyncio.wait_for(ticket.settled(), DEADLINE)
        assert settled.accepted, settled.words

    def said(self, who: str, words: str) -> bool:
        return any(e.actor == who and words in e.words for e in self.state.timeline)

    def by(self, kind: str, after: int = 0) -> list[str]:
        """Who did that, from entry `after` on."""
        return [entry.actor for entry in self.state.timeline if entry.kind == kind and entry.seq > after]

    def no_refusals(self) -> None:
        scene = self.life.scene
        assert scene is not None
        assert {name: one.refused for name, one in scene.cast.items() if one.refused} == {}


@asynccontextmanager
async def stage(keep: Path | None = None, speed: float = FAST, seed: int = 7) -> AsyncIterator[Stage]:
    plan = Plan("jana", DemoClock(speed), seed=seed, keep=keep)
    async with living(plan) as (opened, life), Client(opened.url, opened.tokens["jana"]) as client:
        room = await client.follow(opened.incident)
        await asyncio.wait_for(room.caught_up.wait(), DEADLINE)
        it = Stage(client, room, life)
        # What is said before the cast is in is heard by nobody.
        await it.until(lambda _: life.scene is not None)
        yield it


def statuses(state: IncidentState) -> list[str]:
    return [status.value for status, _ in state.statuses]


@pytest.mark.parametrize("seed", [7, 20])
async def test_without_help_it_is_resolved_and_its_log_proves_itself(seed: int) -> None:
    async with stage(seed=seed) as it:
        await asyncio.wait_for(asyncio.shield(it.life.played), DEADLINE)
        await it.until(lambda state: all(alert.status == "resolved" for alert in state.alerts))
        assert statuses(it.state) == ["triage", "investigating", "identified", "monitoring", "resolved"]
        assert [one.choice for one in it.state.decisions][-1].startswith("Roll back")
        assert {one.status for one in it.state.hypotheses} == {"refuted", "confirmed"}
        assert all(step.status == "done" for step in it.state.playbooks[0].steps)
        assert sum(task.follow_up for task in it.state.tasks) == 3
        assert it.state.next_update_due is None
        proof = await it.client.request("verify")
        assert proof["ok"]
        assert len(proof["incidents"]) == 3
        it.no_refusals()


async def test_the_room_is_full_before_anybody_acts() -> None:
    async with house(Plan("jana", DemoClock())) as opened, Client(opened.url, opened.tokens["jana"]) as client:
        room = await client.follow(opened.incident)
        await asyncio.wait_for(room.caught_up.wait(), DEADLINE)
        state = room.state
        assert state.title == TITLE
        assert state.seq == opened.head > 45
        assert state.commander == "ana"
        assert len(state.roles) == 5
        assert sum(alert.status == "firing" for alert in state.alerts) == 3
        assert len(state.chat) >= 6
        assert state.decisions[0].choice
        entries = [entry.occurred_at for entry in state.timeline]
        assert entries == sorted(entries) or state.changes
        assert (entries[-1] - entries[0]).total_seconds() > 15 * 60


async def test_whoever_takes_command_is_asked_and_never_overruled() -> None:
    async with stage() as it:
        await it.do("take-command", reason="I am on call today")
        taken = it.state.seq
        await it.until(lambda _: it.said("marek", "your call"))
        assert any(held.duty is Duty.DEPUTY and held.who == "ana" for held in it.state.roles)
        await it.do("post-chat", text="yes, do it")
        await it.until(lambda state: any(change.kind == "rollback" for change in state.changes))
        for status in (Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED):
            if status is not Status.IDENTIFIED:
                await it.until(lambda _, wanted=status: it.said("marek", f"{wanted.value.capitalize()}"))  # type: ignore[misc]
            await it.do("change-status", status=status.value)
        await asyncio.wait_for(asyncio.shield(it.life.played), DEADLINE)
        assert it.state.commander == "jana"
        assert set(it.by("status-changed", taken)) == {"jana"}
        assert it.by("decision-taken", taken) == []
        it.no_refusals()


async def test_another_decision_is_the_one_that_is_carried_out() -> None:
    async with stage() as it:
        await it.until(lambda state: len(state.decisions) > 1)
        await it.do("take-decision", decision=2, choice="Hotfix the retry path", reason="the gift-card fix must stay")
        await it.until(lambda state: any(change.version == "v2.14.1" for change in state.changes))
        assert not any(change.kind == "rollback" for change in it.state.changes)
        await asyncio.wait_for(asyncio.shield(it.life.played), DEADLINE)
        assert it.state.status is Status.RESOLVED
        it.no_refusals()


async def test_what_a_person_did_first_is_left_alone() -> None:
    async with stage() as it:
        await it.do("complete-step", playbook="service-errors", step="check-changes", result="I looked")
        await it.do("change-status", status="identified", reason="I know this one")
        await it.until(lambda _: it.said("tomas", "Noted: identified"))
        await asyncio.wait_for(asyncio.shield(it.life.played), DEADLINE)
        assert it.by("status-changed")[:1] == ["jana"]
        assert statuses(it.state).count("identified") == 1
        step = next(one for one in it.state.playbooks[0].steps if one.id == "check-changes")
        assert (step.by, step.words) == ("jana", "I looked")


async def test_questions_tasks_and_hypotheses_are_answered() -> None:
    async with stage(speed=60.0) as it:
        await it.do("post-chat", text="who leads here?")
        await it.until(lambda _: it.said("ana", "@jana I lead; marek OPS"))
        await it.do("post-chat", text="@sofia what is the cause?")
        await it.until(lambda _: it.said("sofia", "@jana Best guess"))
        await it.do("add-task", title="Look at the edge logs", assignee="marek")
        number = len(it.state.tasks)
        await it.until(lambda state: state.tasks[number - 1].status == "done")
        await it.do("propose-hypothesis", text="The moon is full")
        hypothesis = it.state.hypotheses[-1].number
        await it.until(lambda state: state.hypotheses[hypothesis - 1].status == "refuted")
        await it.do("add-note", text="Traffic from Spain looks odd")
        await it.until(lambda _: it.said("tomas", "good one, pinned"))
        it.no_refusals()


async def test_a_person_who_closes_it_is_not_spoken_over() -> None:
    async with stage() as it:
        for status in ("resolved", "closed"):
            await it.do("change-status", status=status)
        await asyncio.wait_for(asyncio.shield(it.life.played), DEADLINE)
        assert it.state.status is Status.CLOSED
        assert statuses(it.state)[-2:] == ["resolved", "closed"]


async def test_the_log_is_kept_where_asked_and_nowhere_else(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    async with stage(keep=keep) as it:
        incident = it.room.incident
    async with await SqliteStore.open(keep / "log.db") as store:
        proof = await verify_incident(store, incident, b"")
        assert proof.broken is None
        assert proof.head.seq > 45
    with pytest.raises(CannotShow, match="holds a log already"):
        async with house(Plan("jana", DemoClock(), keep=keep)):
            pass


async def test_a_port_in_use_is_said_in_words() -> None:
    async with house(Plan("jana", DemoClock())) as opened:
        port = int(opened.url.rsplit(":", 1)[1].split("/")[0])
        with pytest.raises(CannotShow, match=f"port {port}.*--port 0"):
            async with house(Plan("jana", DemoClock(), port=port)):
                pass


async def test_everybody_is_there_with_a_name_of_their_own() -> None:
    async with stage() as it:
        await it.until(lambda _: {person.name for person in it.room.people} >= {*CAST, "jana"})
        looking: Mapping[str, str] = {person.name: person.looking_at for person in it.room.people}
        assert all(looking[name] for name in CAST)


async def test_a_silent_commander_keeps_the_status_to_themselves() -> None:
    async with stage() as it:
        await it.do("take-command", reason="I am on call today")
        taken = it.state.seq
        await it.until(lambda _: it.said("marek", "No answer"))
        await asyncio.wait_for(asyncio.shield(it.life.played), DEADLINE)
        assert any(change.kind == "rollback" for change in it.state.changes)
        assert it.by("status-changed", taken) == []
        assert it.state.status is Status.INVESTIGATING
        it.no_refusals()


async def test_a_commander_can_make_everybody_wait() -> None:
    async with stage() as it:
        await it.do("take-command", reason="I am on call today")
        await it.do("post-chat", text="wait, I want to look first")
        await it.until(lambda _: it.said("marek", "holding"))
        scene = it.life.scene
        assert scene is not None
        await scene.clock.wait(600.0)
        assert not any(change.kind == "rollback" for change in it.state.changes)
        await it.do("post-chat", text="go")
        await it.until(lambda state: any(change.kind == "rollback" for change in state.changes))
        it.no_refusals()
