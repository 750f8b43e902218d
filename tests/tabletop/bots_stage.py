"""A stage for bots: a real room and real stores, with telemetry that a test says, to see one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from warroom.embedded.backends import Backends
from warroom.embedded.logql import LogqlError
from warroom.embedded.promql import PromqlError
from warroom.incident.state import IncidentState
from warroom.tabletop.bots.team import Bot
from warroom.tabletop.deeds import FACILITATOR, Act, Whisper
from warroom.tabletop.look import PlayerView, Tools, Trouble, look_at
from warroom.tabletop.room import Room
from warroom.tabletop.runbook import Runbook, parse_runbook
from warroom.telemetry.block import Block

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
BOOK = """
apiVersion: warroom/v1
kind: Runbook
metadata: {id: stage, title: A short runbook}
users:
  title: Share of requests served well
  query: 'users_well'
  healthy: "value >= 0.99"
checks:
  - id: hot
    title: Is a service short of CPU?
    ask: metrics
    query: 'cpu > 0.9'
    takes: 20s
    suspects:
      - text: "{service} is short of CPU since {change}"
        probability: 0.6
        actions: [{kind: rollback, target: "{service}"}, {kind: scale, target: "{service}"}]
      - text: "{service} is asked too much"
        probability: 0.2
        refuted_by: {title: Traffic is flat, ask: metrics, query: 'traffic < 110'}
  - id: wobble
    title: Does something wobble?
    ask: metrics
    query: 'wobble > 0.5'
    takes: 20s
    noise: true
    suspects: [{text: "the wobble of {service} means something", probability: 0.15}]
"""
ACTIONS: tuple[dict[str, Any], ...] = (
    {"id": "back", "title": "Roll edge back", "kind": "rollback", "target": "edge", "takes_seconds": 30,
     "needs": "operations_lead", "approval": "incident_commander"},
    {"id": "more", "title": "Scale edge", "kind": "scale", "target": "edge", "takes_seconds": 30},
)  # fmt: skip


class Stage:
    """`figures` gives the value of each metric (`users_well`, `cpu`, `traffic`, `wobble`) at a second."""

    def __init__(self, bot: Bot, figures: Callable[[Stage, int], dict[str, float]], book: str = BOOK) -> None:
        self.bot, self.figures = bot, figures
        self.runbook: Runbook = parse_runbook(book, "stage.yaml")
        self.second = 0
        self.done: dict[str, int] = {}
        self.whispers: list[Whisper] = []
        self.refused: list[tuple[int, Act, str]] = []
        self.troubles: dict[str, Trouble] = {}
        self.backends = Backends(lambda: START.timestamp() + self.second)
        self.room = Room("INC-STAGE", 1)
        exercise = {
            "scenario": "stage", "title": "A stage", "seed": 1, "truth": "0" * 64, "hosts": [FACILITATOR],
            "actions": list(ACTIONS), "roles": ["incident_commander", "scribe"],
        }  # fmt: skip
        self.say(FACILITATOR, "declare-incident", title="A stage", triage=True, exercise=exercise)

    @property
    def state(self) -> IncidentState:
        return self.room.state

    @property
    def moment(self) -> datetime:
        return START + timedelta(seconds=self.second)

    def say(self, who: str, type_: str, /, **fields: Any) -> str:
        refusal = self.room.ask(who, {"type": type_, **fields}, self.moment)
        return "" if refusal is None else refusal.words

    def until(self, second: int, each: Callable[[Stage], None] | None = None) -> Stage:
        while self.second < second:
            self.second += 1
            self._measure()
            self._facilitate()
            if each is not None:
                each(self)
            for asked in self.bot.act(self.view()):
                refusal = self.room.ask(asked.who, asked.fields, self.moment)
                if refusal is not None:
                    self.refused.append((self.second, asked, refusal.words))
        return self

    def view(self) -> PlayerView:
        held = self.backends
        tools = Tools(
            held.promql, held.logql, held.trace_store.search, held.alert_store.alerts, (PromqlError, LogqlError)
        )
        now = START.timestamp() + self.second
        look = look_at(tools, self.state, now, self.troubles)
        return PlayerView(self.second, now, self.state, look, self.runbook, tuple(self.whispers))

    def _measure(self) -> None:
        if self.second % 5:
            return
        figures = self.figures(self, self.second)
        keys = tuple((("__name__", name), ("service", "edge")) for name in sorted(figures))
        values = np.array([[figures[name] for name in sorted(figures)]])
        self.backends.append(Block(keys, np.array([START.timestamp() + self.second]), values))

    def _facilitate(self) -> None:
        for asked in self.state.actions:
            started = asked.status == "approved" or (asked.status == "requested" and not asked.approval)
            if started:
                ends = (self.moment + timedelta(seconds=30)).isoformat()
                self.say(FACILITATOR, "start-action", number=asked.number, second=self.second, ends=ends)
            elif asked.status == "running" and asked.ends_at is not None and asked.ends_at <= self.moment:
                self.say(FACILITATOR, "finish-action", number=asked.number, outcome="done", second=self.second)
                self.done[asked.action] = self.second
