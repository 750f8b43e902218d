"""What the facilitator does by hand. Each control gives the deeds that put it on the log.

What users would feel differently is sealed under the drill's key, so that players cannot read it and the replay can.

Invariant: a control that cannot be carried out raises one clear sentence and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from warroom.simulator.faults import FaultError
from warroom.tabletop.asked import AskedError, matchers_of
from warroom.tabletop.convert import stages
from warroom.tabletop.deeds import Deed, command
from warroom.tabletop.injects import Hints, Row, Schedule, delivery
from warroom.tabletop.look import TOOLS, Trouble
from warroom.tabletop.seal import seal_change
from warroom.telemetry.alerts import Matcher

if TYPE_CHECKING:
    from warroom.incident.state import IncidentState
    from warroom.tabletop.model import Scenario
    from warroom.tabletop.production import Production
    from warroom.tabletop.tamper import Tampering

PANES = tuple(TOOLS)
"""Panes that can be muted, by the kind of question they answer."""
SERVERS = (*TOOLS.values(), "dashboards")


class ControlError(ValueError):
    """A control that cannot be carried out, in one sentence."""


class Controls:
    """The facilitator's hands; mixed into the drill, which has what they reach for."""

    scenario: Scenario
    key: bytes
    production: Production
    tampering: Tampering
    schedule_of: Schedule
    hints_of: Hints
    troubles: dict[str, Trouble]
    by_hand_troubles: dict[str, Trouble]
    automatic: bool
    speed: float
    _state: IncidentState
    told = 0
    _adhoc = 0
    _paused_from = 1.0

    @property
    def schedule(self) -> tuple[Row, ...]:
        """Every inject and every hint, with where it stands."""
        return (*self.schedule_of.rows.values(), *self.hints_of.rows)

    @property
    def degraded(self) -> dict[str, tuple[float, float, bool]]:
        """The tools in trouble: seconds slower, share of answers that fail, whether down."""
        return {tool: (one.latency, one.error_rate, one.down) for tool, one in self.troubles.items()}

    @property
    def truth_text(self) -> tuple[str, ...]:
        """The stages in which the truth is told."""
        return stages(self.scenario.sealed.story)

    @property
    def muted(self) -> frozenset[str]:
        """The panes that are muted by hand."""
        down = {tool for tool, trouble in self.by_hand_troubles.items() if trouble.down}
        return frozenset(pane for pane, tool in TOOLS.items() if tool in down)

    # -- injects and hints -------------------------------------------------------------------------------------------

    def fire(self, inject_id: str) -> tuple[Deed, ...]:
        """Deliver an inject now. Raises ControlError when there is none of that id, or it was delivered."""
        if self._row(inject_id).state == "fired":
            raise ControlError(f"inject {inject_id} has reached the players already")
        return self.schedule_of.fire(inject_id, self._state, self.production.second)

    def skip(self, inject_id: str) -> tuple[Deed, ...]:
        """Never deliver it. Raises ControlError."""
        return self._edited(inject_id, state="skipped")

    def edit(self, inject_id: str, text: str) -> tuple[Deed, ...]:
        """Give it other words. Raises ControlError."""
        return self._edited(inject_id, text=text)

    def reschedule(self, inject_id: str, second: int) -> tuple[Deed, ...]:
        """Deliver it at another second. Raises ControlError when that second has passed."""
        if second < self.production.second:
            raise ControlError(f"second {second} has passed; it is second {self.production.second}")
        return self._edited(inject_id, at=second, state="waiting")

    def adhoc(self, to: str, sender: str, text: str, method: str = "dm", *, whisper: bool = False) -> tuple[Deed, ...]:
        """Deliver words that no scenario foresaw."""
        self._adhoc += 1
        row = Row(f"by-hand-{self._adhoc}", None, "", to, sender, method, text, whispered=whisper)
        return delivery(row)

    def hint(self, inject_id: str = "", text: str = "", cost: float = 0.0) -> tuple[Deed, ...]:
        """Give a hint: one of the scenario by its id, or any words at a cost. Raises ControlError."""
        if any(one.id == inject_id for one in self.scenario.hints):
            return self.hints_of.give(inject_id)
        if not text:
            known = ", ".join(one.id for one in self.scenario.hints) or "none"
            raise ControlError(f"a hint needs words, or the id of one of the scenario's ({known})")
        return (command("give-hint", inject="by-hand", text=text, cost=cost),)

    # -- people ------------------------------------------------------------------------------------------------------

    def withhold(self, who: str, reason: str = "") -> tuple[Deed, ...]:
        """Take a person out."""
        return (command("withhold-person", who=who, reason=reason),)

    def give_back(self, who: str) -> tuple[Deed, ...]:
        """Return a person."""
        return (command("return-person", who=who),)

    # -- the imaginary production and its telemetry ------------------------------------------------------------------

    def begin_fault(self, fault: str | Mapping[str, Any]) -> tuple[Deed, ...]:
        """Let a fault begin: one of the scenario by its id, or any by its fields. Raises ControlError."""
        if isinstance(fault, str) and self.scenario.fault(fault) is None:
            raise ControlError(f"the scenario has no fault {fault}")
        if isinstance(fault, str) and self.production.active(fault):
            raise ControlError(f"fault {fault} acts already")
        return self._changed("begin", fault=fault if isinstance(fault, str) else dict(fault))

    def end_fault(self, fault_id: str) -> tuple[Deed, ...]:
        """End a fault. Raises ControlError when it does not act."""
        if not self.production.active(fault_id):
            raise ControlError(f"fault {fault_id} does not act now")
        return self._changed("end", fault=fault_id)

    def override(self, metric: str, value: float | None = None) -> tuple[Deed, ...]:
        """Let every series that fits the metric's name, or the matchers, have this value from now on, or none at all.

        Raises ControlError.
        """
        self.tampering.overrides[metric] = (_series(metric), value)
        return self._changed("override", metric=metric, value=value)

    def end_override(self, metric: str) -> tuple[Deed, ...]:
        """Let the series tell the truth again. Raises ControlError."""
        if self.tampering.overrides.pop(metric, None) is None:
            raise ControlError(f"nothing is overridden by {metric}")
        return self._changed("end-override", metric=metric)

    def mute(self, pane: str) -> tuple[Deed, ...]:
        """Let a pane have no answers: metrics, logs, traces or alerts. Raises ControlError."""
        return self.degrade(self._tool(pane), down=True)

    def unmute(self, pane: str) -> tuple[Deed, ...]:
        """Let it answer again. Raises ControlError."""
        return self.restore(self._tool(pane))

    def degrade(
        self, tool: str, *, latency: float = 0.0, error_rate: float = 0.0, down: bool = False
    ) -> tuple[Deed, ...]:
        """Let a tool be slow (seconds), fail (share), or be down. Raises ControlError."""
        if tool not in SERVERS:
            raise ControlError(f"{tool!r} is no tool; use {', '.join(SERVERS)}")
        if latency < 0 or not 0 <= error_rate <= 1:
            raise ControlError("latency is seconds from 0 on, error_rate a share from 0 to 1")
        self.by_hand_troubles[tool] = Trouble(latency, error_rate, down)
        return self._changed("degrade", tool=tool, latency=latency, error_rate=error_rate, down=down)

    def restore(self, tool: str) -> tuple[Deed, ...]:
        """Let a tool be as the scenario has it. Raises ControlError."""
        if self.by_hand_troubles.pop(tool, None) is None:
            raise ControlError(f"{tool} was not degraded by hand")
        return self._changed("restore", tool=tool)

    # -- pace, judgement, the end ------------------------------------------------------------------------------------

    def pace(self, speed: float) -> tuple[Deed, ...]:
        """Set how fast the exercise runs; 0 is a pause. Raises ControlError."""
        if not 0 <= speed <= 1000:
            raise ControlError("the speed is from 0 (a pause) to 1000")
        self.speed = speed
        return (command("set-pace", speed=speed),)

    def pause(self) -> tuple[Deed, ...]:
        """Stop the exercise's time."""
        self._paused_from = self.speed or self._paused_from
        return self.pace(0.0)

    def resume(self) -> tuple[Deed, ...]:
        """Let it go on at the speed it had."""
        return self.pace(self._paused_from)

    def reveal(self) -> tuple[Deed, ...]:
        """Tell the next stage of the truth. Raises ControlError when all of it is told."""
        if self.told >= len(self.truth_text):
            raise ControlError("the whole truth has been told")
        self.told += 1
        return (command("reveal-truth", stage=self.told, text=self.truth_text[self.told - 1]),)

    def mark(
        self, rubric: str, points: float = 0.0, text: str = "", hypothesis: int | None = None, verdict: str = ""
    ) -> tuple[Deed, ...]:
        """Judge something by hand."""
        return (
            command("mark-exercise", rubric=rubric, points=points, text=text, hypothesis=hypothesis, verdict=verdict),
        )

    def stop(self, reason: str = "abandoned", text: str = "") -> tuple[Deed, ...]:
        """End the exercise now."""
        return (command("stop-exercise", reason=reason, text=text, key=self.key.hex()),)

    def _row(self, inject: str) -> Row:
        row = self.schedule_of.rows.get(inject)
        if row is None:
            raise ControlError(f"the scenario has no inject {inject}")
        return row

    def _edited(self, inject: str, **fields: object) -> tuple[Deed, ...]:
        self._row(inject)
        try:
            self.schedule_of.change(inject, **fields)
        except ValueError as error:
            raise ControlError(str(error)) from None
        return ()

    def _tool(self, pane: str) -> str:
        tool = TOOLS.get(pane)
        if tool is None:
            raise ControlError(f"{pane!r} cannot be muted; use {', '.join(PANES)}")
        return tool

    def _changed(self, what: str, **fields: object) -> tuple[Deed, ...]:
        """A change of what users or players meet: done now, and told under seal."""
        change = {"do": what, "second": self.production.second, **fields}
        try:
            self.production.by_hand(change)
        except FaultError as error:
            raise ControlError(str(error)) from None
        return (command("change-world", sealed=seal_change(self.key, change)),)

    def repeat(self, change: Mapping[str, Any]) -> None:
        """Do again what was done by hand before, as the log has it."""
        what = change.get("do")
        if what == "override":
            value = change.get("value")
            self.tampering.overrides[str(change["metric"])] = (_series(str(change["metric"])), value)
        elif what == "end-override":
            self.tampering.overrides.pop(str(change["metric"]), None)
        elif what == "degrade":
            self.by_hand_troubles[str(change["tool"])] = Trouble(
                float(change["latency"]), float(change["error_rate"]), bool(change["down"])
            )
        elif what == "restore":
            self.by_hand_troubles.pop(str(change["tool"]), None)
        else:
            self.production.by_hand(change)


def _series(metric: str) -> tuple[Matcher, ...]:
    """The series that are meant: by the bare name of a metric, a name with matchers, or matchers alone."""
    name, brace, rest = metric.strip().partition("{")
    try:
        wanted = matchers_of(brace + rest)
    except AskedError as error:
        raise ControlError(str(error)) from None
    named = (Matcher("__name__", name),) if name else ()
    if not named and not wanted:
        raise ControlError('an override needs a metric or matchers, like up{job="edge"}')
    return (*named, *wanted)
