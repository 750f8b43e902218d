"""Logs of exercises made by hand, through the core: every entry was decided and sealed at the second it carries."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from warroom.incident.chain import seal_all
from warroom.incident.commands import COMMAND
from warroom.incident.decide import decide
from warroom.incident.record import Record
from warroom.incident.state import Actor, IncidentState
from warroom.incident.verdict import Refusal
from warroom.incident.words import Access, Duty
from warroom.tabletop.curve import Curve
from warroom.tabletop.score.curves import Curves
from warroom.tabletop.score.log import ExerciseLog
from warroom.tabletop.score.terms import Evidence, Expected, Terms, content_words, plain

START = datetime(2026, 3, 3, 13, 42, tzinfo=UTC)
HOST = "facilitator"
FULL = (
    "Impact: one in five payments fails. Scope: all regions. We know: since the rule. We do: switch it off. "
    "Next update: 14:20"
)

ACTIONS = (
    {"id": "rule-off", "title": "Switch the rule off", "kind": "flag", "takes_seconds": 60,
     "approval": "incident_commander"},
    {"id": "rollback", "title": "Roll the rule back", "kind": "rollback", "takes_seconds": 420},
    {"id": "scale", "title": "More edge replicas", "kind": "scale", "takes_seconds": 180},
    {"id": "restart", "title": "Restart the edge", "kind": "restart", "takes_seconds": 90},
)  # fmt: skip


class Words:
    """A truth that is named by any of a few texts, and factors by half of their words."""

    def __init__(self, names: Sequence[str], factors: Sequence[str] = ()) -> None:
        self._names = [plain(one) for one in names]
        self._factors = [content_words(one) for one in factors]

    def names(self, text: str) -> bool:
        return any(f" {one} " in f" {plain(text)} " for one in self._names)

    def contributing(self, text: str) -> list[int]:
        said = content_words(text)
        return [place for place, one in enumerate(self._factors) if len(one & said) * 2 >= len(one)]


FACTORS = ("CPU guard removed in a refactor", "Rules reach every region at once")


def terms(**changes: Any) -> Terms:
    """A fault at second 120 that a rule change made, on a scenario that a good team ends within 25 minutes."""
    fields: dict[str, Any] = {
        "scenario": "edge-rule",
        "title": "Edge CPU pinned worldwide",
        "version": 1,
        "nothing_wrong": False,
        "onset": 120.0,
        "expected": 1500.0,
        "horizon": 3600,
        "truth": Words(["CHG-118", "waf rule"], FACTORS),
        "declare_by": 300.0,
        "accepted": (frozenset({"rule-off"}), frozenset({"rollback"})),
        "harmful": frozenset({"restart"}),
        "contributing": FACTORS,
        "seats": (Duty.INCIDENT_COMMANDER, Duty.COMMUNICATIONS_LEAD, Duty.SCRIBE),
        "milestones": (
            Expected("M1", "incident.declared", 300.0),
            Expected("M2", "role.assigned:incident_commander", 300.0),
            Expected("M3", "update.posted:external", 900.0, 600.0),
            Expected("M4", "hypothesis.names:GT", 720.0),
        ),
        "reference": ((720.0, "rule-off"),),
        "evidence": (Evidence("CPU of the edge went up in all regions", "metrics", "cpu", 130.0),),
        "target": 0.99,
    }
    return Terms(**{**fields, **changes})


def quiet(**changes: Any) -> Terms:
    """A scenario in which nothing is wrong."""
    fields: dict[str, Any] = {
        "scenario": "noop",
        "title": "A flapping alert",
        "nothing_wrong": True,
        "onset": 0.0,
        "truth": Words(["nothing is wrong", "false alarm"]),
        "declare_by": 600.0,
        "accepted": (),
        "harmful": frozenset({"restart", "rollback"}),
        "contributing": (),
        "milestones": (),
        "reference": (),
        "evidence": (),
        "seats": (Duty.INCIDENT_COMMANDER,),
    }
    return terms(**{**fields, **changes})


class Tape:
    """One exercise's log. `tell` does something at a second; refused commands raise."""

    def __init__(self, *, scenario: str = "edge-rule", title: str = "Checkout is slow", seed: int = 7,
                 hosts: Sequence[str] = (HOST,), incident: str = "INC-7K3Q") -> None:  # fmt: skip
        self.state = IncidentState(id=incident)
        self.records: list[Record] = []
        self._numbers: dict[str, int] = {}
        self._salts = random.Random(seed)
        exercise = {
            "scenario": scenario, "version": 1, "title": title, "seed": seed, "truth": "ab" * 32, "hosts": list(hosts),
            "actions": list(ACTIONS), "roles": ["incident_commander", "communications_lead", "scribe"],
        }  # fmt: skip
        self.tell(0, HOST, "declare-incident", title=title, triage=True, exercise=exercise)

    def tell(self, second: float, who: str, type_: str, /, **fields: Any) -> int:
        """`who` did that then; returns the number of the last entry."""
        number = self._numbers[who] = self._numbers.get(who, 0) + 1
        command = COMMAND.validate_python({"type": type_, **fields})
        actor, at = Actor(who, Access.COMMANDER), START + timedelta(seconds=second)
        verdict = decide(self.state, command, actor, at)
        if isinstance(verdict, Refusal):
            raise ValueError(f"{who} cannot {type_} at {second}: {verdict.words}")
        salts = [self._salts.randbytes(16) for _ in verdict]
        records, self.state = seal_all(self.state, verdict, actor, at, f"of-{who}", number, salts)
        self.records += records
        return self.state.seq

    def act(self, second: int, action: str, *, who: str = "ben", by: str = "", takes: int = 60,
            outcome: str = "done") -> int:  # fmt: skip
        """An action from being asked for to its end, approved by `by` where it is given; returns its number."""
        self.tell(second, who, "request-action", action=action)
        number = len(self.state.actions)
        if by:
            self.tell(second + 5, by, "approve-action", number=number)
        ends = (START + timedelta(seconds=second + takes)).isoformat()
        self.tell(second + 6, HOST, "start-action", number=number, second=second + 6, ends=ends)
        self.tell(second + takes, HOST, "finish-action", number=number, outcome=outcome, second=second + takes)
        return number

    def pin(self, second: float, who: str = "ben", title: str = "CPU", query: str = "up", kind: str = "metric") -> int:
        """A piece of evidence; returns its number."""
        data = "" if kind == "metric" else '{"lines": []}'
        series = [{"label": "edge", "times": [1.0, 2.0], "values": [0.4, 1.0]}] if kind == "metric" else []
        evidence = {"title": title, "query": query, "kind": kind, "data": data, "series": series}
        self.tell(second, who, "pin-evidence", evidence=evidence)
        return len(self.state.evidence)

    def stop(self, second: float, reason: str = "finished") -> None:
        self.tell(second, HOST, "stop-exercise", reason=reason)

    def log(self) -> ExerciseLog:
        return ExerciseLog(self.records)


def curve(hurt: Sequence[tuple[int, int, float]] = (), *, seconds: int = 3600, rps: float = 600.0) -> Curve:
    """A steady load of which the given share fails from one second to another; a thousandth of it always does."""
    rows = []
    for second in range(seconds):
        share = max([0.0005, *(share for start, end, share in hurt if start <= second < end)])
        rows.append((rps, rps * share, 0.0))
    return Curve.of(rows)


def curves(ended: int | None = None, *, onset: int = 120, share: float = 0.2, reference: int = 720) -> Curves:
    """A fault that a team ended at a second, or not at all."""
    return Curves(
        curve([(onset, 3600 if ended is None else ended, share)]),
        curve([(onset, 3600, share)]),
        curve([(onset, reference, share)]),
    )


def well_played() -> Tape:
    """A team that does everything right."""
    tape = Tape()
    alert = {"fingerprint": "f1", "name": "EdgeCpu", "service": "edge", "starts_at": START.isoformat()}
    tape.tell(125, HOST, "attach-alert", alert=alert)
    tape.tell(150, "ana", "acknowledge-alert", fingerprint="f1")
    tape.tell(170, "ana", "take-command")
    tape.tell(180, "ana", "accept-incident")
    tape.tell(185, "ana", "assign-role", duty="communications_lead", who="cleo")
    tape.tell(186, "ana", "assign-role", duty="scribe", who="dan")
    tape.tell(240, "ben", "propose-hypothesis", text="An attack on the edge", probability=0.4)
    tape.tell(260, "cleo", "publish-update", text=FULL, audience="external", next_in_minutes=10)
    pin = tape.pin(300, title="CPU of the edge in all regions", query="cpu")
    tape.tell(320, "ben", "propose-hypothesis", text="The waf rule of CHG-118 burns CPU", probability=0.7)
    tape.tell(330, "ben", "support-hypothesis", hypothesis=2, evidence="CPU went up everywhere at once", pins=[pin])
    logs = tape.pin(360, title="Requests by country", query="logs", kind="logs")
    tape.tell(370, "ben", "refute-hypothesis", hypothesis=1, evidence="no country stands out", pins=[logs])
    tape.tell(380, "ben", "rate-hypothesis", hypothesis=2, probability=0.95)
    tape.act(400, "rule-off", by="ana")
    tape.tell(480, "ana", "change-status", status="monitoring")
    tape.pin(500, title="Failing requests", query="errors")
    tape.tell(700, "cleo", "publish-update", text=FULL, audience="external", next_in_minutes=10)
    tape.tell(720, "ana", "confirm-hypothesis", hypothesis=2)
    tape.tell(760, "ana", "change-status", status="resolved")
    tape.tell(765, "cleo", "publish-update", text=FULL, audience="external", next_in_minutes=0)
    tape.stop(800)
    due = (START + timedelta(days=7)).isoformat()
    tape.tell(900, "dan", "add-task", title="Put the CPU guard back that the refactor removed", follow_up=True,
              assignee="ben", due=due)  # fmt: skip
    tape.tell(910, "dan", "add-task", title="Rules reach one region at once, never all", follow_up=True,
              assignee="ana", due=due)  # fmt: skip
    return tape
