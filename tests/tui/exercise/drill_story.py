"""An exercise at its twelfth minute, told through the core, and what its host would be answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from tests.tui.consoles import until
from tests.tui.explore.answering import AnsweringWire
from tests.tui.local_wire import START, LocalWire, minutes
from warroom.client.view import Person
from warroom.tui.app import ConsoleOptions, WarroomApp
from warroom.tui.screens.board import BoardScreen
from warroom.tui.screens.reading import ReadingScreen

DRILL = "INC-7K30"
ACTIONS: tuple[dict[str, Any], ...] = (
    {"id": "pool-recycle", "title": "Recycle the connection pool", "kind": "pool_recycle", "target": "checkout",
     "takes_seconds": 60, "text": "Closes all connections of checkout and opens them anew."},
    {"id": "rollback", "title": "Roll back to v141", "kind": "rollback", "target": "checkout", "takes_seconds": 240,
     "needs": "operations_lead", "approval": "incident_commander",
     "text": "Puts the release before the last one back, replica by replica."},
    {"id": "shed", "title": "Shed a third of the load", "kind": "shed", "target": "gateway", "takes_seconds": 20,
     "approval": "incident_commander", "text": "One request in three is answered with 503 at the edge."},
    {"id": "scale", "title": "Twice the replicas", "kind": "scale", "target": "cart", "takes_seconds": 90},
    {"id": "failover", "title": "Fail over the database", "kind": "failover", "target": "orders-db",
     "takes_seconds": 300, "needs": "incident_commander", "text": "The replica becomes the primary. Lag is lost."},
)  # fmt: skip
EXERCISE: dict[str, Any] = {
    "scenario": "slow-leak",
    "version": 3,
    "title": "The slow leak",
    "seed": 42,
    "truth": "ab" * 32,
    "hosts": ["facilitator", "hana"],
    "actions": list(ACTIONS),
    "roles": ["incident_commander", "operations_lead"],
    "speed": 1.0,
}
WHISPERS = [
    {"at": "2026-11-21T09:06:00+00:00", "sender": "CFO", "to": "incident_commander", "inject": "cfo",
     "text": "The quarter closes tonight. How much revenue is at risk, and who tells the board?"},
]  # fmt: skip
VIEW: dict[str, Any] = {
    "second": 762,
    "speed": 1.0,
    "finished": False,
    "scenario": "slow-leak",
    "title": "The slow leak",
    "hard_stop": 2700,
    "expected": 1800,
    "users": {"requests": 1240.0, "failed": 64.0, "late": 118.0},
    "schedule": [
        {"id": "briefing", "at": 0, "when": "", "state": "fired", "to": "all", "sender": "Director",
         "text": "It is a quiet Saturday. You have the pager.", "forces": "", "cost": 0.0},
        {"id": "cfo", "at": 480, "when": "", "state": "fired", "to": "incident_commander", "sender": "CFO",
         "text": "The quarter closes tonight. How much revenue is at risk?", "forces": "a word to stakeholders",
         "cost": 0.0},
        {"id": "press", "at": 900, "when": "", "state": "waiting", "to": "communications_lead",
         "sender": "Press desk", "text": "A journalist asks whether card data is at risk. What may we say?",
         "forces": "an update", "cost": 0.0},
        {"id": "dba-asleep", "at": 1200, "when": "", "state": "waiting", "to": "all", "sender": "On-call DBA",
         "text": "Back from a flight, what is up?", "forces": "", "cost": 0.0},
        {"id": "nobody-leads", "at": None, "when": "no_event(role.assigned:incident_commander, 5m)",
         "state": "skipped", "to": "all", "sender": "Director", "text": "Who is in charge?", "forces": "command",
         "cost": 0.0},
        {"id": "hint-pool", "at": None, "when": "", "state": "waiting", "to": "all", "sender": "Coach",
         "text": "Look at what waits, not at what works.", "forces": "", "cost": 5.0},
    ],
    "faults": [
        {"id": "F1", "type": "pool_leak", "target": {"service": "checkout"}, "at": 0, "harmless": False,
         "text": "each retry keeps its connection", "severity": 0.72},
        {"id": "F2", "type": "cache_cold", "target": {"service": "catalogue"}, "at": 300, "harmless": True,
         "text": "a cold cache after the nightly restart", "severity": 0.15},
        {"id": "F3", "type": "replica_lag", "target": {"service": "orders-db"}, "at": 1500, "harmless": False,
         "text": "lag behind the primary", "severity": 0.0},
    ],
    "tools": {"loki": {"latency": 4.0, "error_rate": 0.2, "down": False}},
    "muted": ["traces"],
    "overrides": {"up": None, 'http_requests_total{service="cart"}': 0.5},
    "actions": [
        {"id": "pool-recycle", "title": "Recycle the connection pool", "verdict": "palliative", "takes": 60},
        {"id": "rollback", "title": "Roll back to v141", "verdict": "fix", "takes": 240},
        {"id": "shed", "title": "Shed a third of the load", "verdict": "harmful", "takes": 20},
        {"id": "scale", "title": "Twice the replicas", "verdict": "useless", "takes": 90},
        {"id": "failover", "title": "Fail over the database", "verdict": "harmful", "takes": 300},
    ],
    "milestones": [
        {"id": "m1", "text": "somebody leads", "due": 300, "met": 72, "judged": "event"},
        {"id": "m2", "text": "stakeholders are told", "due": 600, "met": None, "judged": "event"},
        {"id": "m3", "text": "users are well again", "due": 1500, "met": None, "judged": "score"},
    ],
    "withheld": ["tomas"],
    "truth": ["A release of checkout keeps a connection with every retry.",
              "The pool of 200 is full after twenty minutes at this load."],
    "revealed": 0,
    "debrief": ["When did the pool become a suspect, and what was looked at before?"],
}  # fmt: skip


def tell_drill(me: str = "ana") -> LocalWire:
    """The exercise at 09:10:42, eleven minutes after it began; `me` looks at it."""
    wire = LocalWire(me)
    wire.latest = wire.latest.__class__(
        link=wire.latest.link.__class__("live", START, latency_ms=18.0, name=me, access="commander", session="s",
                                        server="EXERCISE"),
        lobby={},
    )  # fmt: skip

    def do(name: str, at: float, type_: str, /, **fields: Any) -> None:
        settled = wire.act(
            name, {"type": type_, **fields}, "" if type_ == "declare-incident" else DRILL, at=START + minutes(at)
        )
        assert settled.accepted, settled.words

    do("facilitator", 0, "declare-incident", title="Checkout is slow", severity="SEV2", services=["checkout"],
       exercise=EXERCISE)  # fmt: skip
    do("facilitator", 0, "deliver-inject", inject="briefing", sender="Director", to="all", method="email",
       text="It is a quiet Saturday. You have the pager.")  # fmt: skip
    do("ana", 1, "accept-incident")
    do("ana", 1.2, "take-command")
    do("marek", 2, "assign-role", duty="operations_lead", who="marek")
    do("ana", 3, "post-chat", text="@marek what do the graphs say?")
    do("marek", 4, "propose-hypothesis", text="The last release leaks connections", probability=0.7)
    do("sofia", 4.5, "propose-hypothesis", text="The database is slow", probability=0.2)
    do("marek", 5, "request-action", action="pool-recycle")
    do("facilitator", 5, "start-action", number=1, second=301, ends=START + minutes(6))
    do("facilitator", 6, "finish-action", number=1, outcome="done", second=361, result="the pool is empty, for now")
    do("facilitator", 8, "deliver-inject", inject="cfo", sender="CFO", to="incident_commander", method="dm",
       whispered=True)  # fmt: skip
    do("facilitator", 9, "give-hint", inject="hint-graph", text="Compare the two releases.", cost=5.0)
    do("facilitator", 9.5, "withhold-person", who="tomas", reason="on a flight")
    do("sofia", 10, "request-action", action="scale")
    do("facilitator", 10, "start-action", number=2, second=601, ends=START + minutes(14))
    do("marek", 12, "request-action", action="rollback", note="v142 leaks, see the pool")
    wire.clock = START + minutes(12.7)
    wire.people[DRILL] = tuple(
        Person(name, "responder", "console", "here", looking)
        for name, looking in (("hana", "control"), ("ana", "timeline"), ("marek", "metrics"), ("sofia", "chat"))
    )
    return wire


def drill_wire(me: str = "ana", answers: Mapping[str, Any] | None = None) -> AnsweringWire:
    """The same with the facilitator's answers."""
    told = {
        "whispers": {"whispers": WHISPERS},
        "exercise": VIEW,
        "facilitate": {"words": "done"},
        **(answers or {}),
    }
    return AnsweringWire(tell_drill(me), told)


@asynccontextmanager
async def drill(
    size: tuple[int, int] = (120, 40), wire: AnsweringWire | None = None, *, me: str = "ana", **options: Any
) -> AsyncIterator[tuple[AnsweringWire, WarroomApp, Pilot[None]]]:
    """A console on the exercise's board, by the exercise's own clock."""
    told = wire or drill_wire(me)
    chosen = {
        "incident": DRILL, "clock": told.now, "clock_is_exercises": True, "theme": "warroom-night", **options
    }  # fmt: skip
    app = WarroomApp(told.opener, ConsoleOptions(me, **chosen))
    app.memory.see(DRILL, 40)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BoardScreen | ReadingScreen) and app.view.rooms != {})
        yield told, app, pilot
