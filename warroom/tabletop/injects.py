"""What reaches the players and when: by the clock, by a condition, by hand, openly or in a whisper; and hints.

Invariant: an inject is delivered once, and one that was skipped never.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from warroom.incident.state import IncidentState
from warroom.incident.words import Duty
from warroom.tabletop.acts import HintSpec, InjectSpec
from warroom.tabletop.deeds import FACILITATOR, Command, Deed, Whisper, command
from warroom.tabletop.expressions import Watch, condition
from warroom.tabletop.model import Scenario
from warroom.tabletop.production import Facts

WAITS_FOR_A_HOLDER = 180
"""Seconds that words for a duty wait until somebody holds it; then they go to everybody."""
BRIEFING = "briefing"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the facilitator's schedule. `at` is its second, None while it waits for a condition or a hand."""

    id: str
    at: int | None
    when: str
    to: str
    sender: str
    method: str
    text: str
    forces: str = ""
    contingency: bool = False
    whispered: bool = False
    cost: float = 0.0
    state: str = "waiting"


class Schedule:
    """The injects of one drill. `rows` are what the facilitator's screen shows, in the scenario's order."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.rows: dict[str, Row] = {BRIEFING: _briefing(scenario)} if scenario.briefing else {}
        for duty, text in scenario.roles.private_briefs.items():
            row = _brief(Duty(duty), text)
            self.rows[row.id] = row
        for inject in scenario.injects:
            self.rows[inject.id] = _row(inject)
        self._watches = {
            one.id: Watch(condition(one.when), scenario.slos) for one in scenario.injects if one.when is not None
        }
        self._due_since: dict[str, int] = {}

    def act(self, state: IncidentState, facts: Facts, *, automatic: bool) -> Iterator[Deed]:
        """Deliver what is due now."""
        second = facts.second
        known = state.exercise.injects if state.exercise is not None else ()
        met = {name for name, watch in self._watches.items() if watch.holds(facts)}
        for row in tuple(self.rows.values()):
            if row.state != "waiting":
                continue
            if row.id in known:
                self.rows[row.id] = replace(row, state="fired")
                continue
            due = row.at <= second if row.at is not None else row.id in met
            if due and (automatic or not row.contingency):
                yield from self._deliver(row, state, second)

    def fire(self, inject: str, state: IncidentState, second: int) -> tuple[Deed, ...]:
        """Deliver one now, whatever it waits for.

        Raises:
            KeyError: there is none of that id.
        """
        self._due_since[inject] = second - WAITS_FOR_A_HOLDER
        return tuple(self._deliver(self.rows[inject], state, second))

    def change(self, inject: str, **fields: object) -> None:
        """Edit, skip or reschedule one that has not been delivered.

        Raises:
            KeyError: there is none of that id.
            ValueError: it was delivered already.
        """
        row = self.rows[inject]
        if row.state == "fired":
            raise ValueError(f"{inject} has reached the players already")
        if "at" in fields:
            self._watches.pop(inject, None)
        self.rows[inject] = replace(row, **fields)  # type: ignore[arg-type]

    def _deliver(self, row: Row, state: IncidentState, second: int) -> Iterator[Deed]:
        to = row.to
        if to in tuple(Duty) and not state.holder(Duty(to)):
            since = self._due_since.setdefault(row.id, second)
            if second - since < WAITS_FOR_A_HOLDER:
                return
            if row.whispered and row.id.startswith("brief:"):
                # A brief is for whoever takes the seat, however late.
                return
            to = "all"
        self.rows[row.id] = replace(row, state="fired")
        yield from delivery(replace(row, to=to, whispered=row.whispered and to != "all"))


def delivery(row: Row) -> tuple[Deed, ...]:
    """The deeds by which an inject reaches the players: one in the room, and for a whisper its words beside it."""
    told: Command = command(
        "deliver-inject", inject=row.id, sender=row.sender, to=row.to, method=row.method,
        text="" if row.whispered else row.text, whispered=row.whispered, forces=row.forces,
    )  # fmt: skip
    return (told, Whisper(row.to, row.sender, row.text, row.id)) if row.whispered else (told,)


def _briefing(scenario: Scenario) -> Row:
    return Row(BRIEFING, 0, "", "all", FACILITATOR, "channel", scenario.briefing)


def _brief(duty: Duty, text: str) -> Row:
    return Row(f"brief:{duty.value}", 0, "", duty.value, FACILITATOR, "dm", text, whispered=True)


def _row(inject: InjectSpec) -> Row:
    text = f"{inject.subject}\n{inject.text}" if inject.subject else inject.text
    return Row(
        inject.id, inject.at, inject.when or "", inject.to, inject.from_, inject.method, text, inject.forces,
        inject.contingency, inject.whispered,
    )  # fmt: skip


class Hints:
    """What is told to players who ask for help, the first that fits, and what it costs."""

    def __init__(self, scenario: Scenario) -> None:
        self._hints = list(scenario.hints)
        self._watches = {one.id: Watch(condition(one.when), scenario.slos) for one in scenario.hints if one.when}
        self._given: set[str] = set()
        self._read = 0

    def act(self, state: IncidentState, facts: Facts) -> Iterator[Deed]:
        """Answer whoever asked since the last look."""
        met = {name for name, watch in self._watches.items() if watch.holds(facts)}
        for seq in range(self._read + 1, state.seq + 1):
            entry = state.entry(seq)
            if entry is not None and entry.kind == "hint-asked":
                yield from self._answer(facts.second, met)
        self._read = state.seq

    def give(self, hint: str) -> tuple[Deed, ...]:
        """Give one by hand.

        Raises:
            KeyError: there is none of that id.
        """
        found = next((one for one in self._hints if one.id == hint), None)
        if found is None:
            raise KeyError(hint)
        return (self._told(found),)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The hints as lines of the facilitator's schedule."""
        return tuple(
            Row(one.id, None, one.when or f"asked for, from second {one.after} on", "all", FACILITATOR, "channel",
                one.text, cost=one.cost, state="fired" if one.id in self._given else "waiting")
            for one in self._hints
        )  # fmt: skip

    def _answer(self, second: int, met: set[str]) -> Iterator[Deed]:
        for hint in self._hints:
            ready = second >= hint.after and (not hint.when or hint.id in met)
            if ready and hint.id not in self._given:
                yield self._told(hint)
                return
        yield command("give-hint", inject="no-hint", text="There is no hint for you at this point.", cost=0.0)

    def _told(self, hint: HintSpec) -> Command:
        self._given.add(hint.id)
        return command("give-hint", inject=hint.id, text=hint.text, cost=hint.cost)
