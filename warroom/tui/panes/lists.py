"""The board's short lists as rows: alerts, roles and who is here, tasks, hypotheses and decisions, the playbook.

Invariant: a row carries every word it shows, ages included, so equal rows look equal and are not repainted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style

from warroom.client.view import Person
from warroom.incident.state import AlertState, Decision, Hypothesis, IncidentState, PlaybookState, Task
from warroom.incident.words import Duty, Severity
from warroom.tui.glyphs import age, glyphs, short_clock
from warroom.tui.palette import Palette, style
from warroom.tui.panes.source import Rows
from warroom.tui.widgets.line import Line, Span, justify, wrap

_NULL = Style.null()


def since(moment: datetime, now: datetime) -> str:
    """How long ago, in a few cells: `47m`."""
    return age(max(0.0, (now - moment).total_seconds()))


class AlertRow(NamedTuple):
    key: tuple[str, str]
    name: str
    about: str
    severity: str
    status: str
    age: str
    by: str
    times: int


class Alerts(Rows[AlertRow]):
    """Firing ones first, then acknowledged, then resolved; the newest of each first."""

    def __init__(self, alerts: Iterable[AlertState], now: datetime, previous: Alerts | None = None) -> None:
        order = {"firing": 0, "acknowledged": 1, "resolved": 2}
        ranked = sorted(alerts, key=lambda one: (order.get(one.status, 3), -one.seq))
        super().__init__((self._row(one, now) for one in ranked), previous)

    @staticmethod
    def _row(one: AlertState, now: datetime) -> AlertRow:
        when = one.ended_at if one.status == "resolved" and one.ended_at else one.starts_at
        about = one.service or one.summary
        return AlertRow(
            (one.source, one.fingerprint), one.name, about, one.severity, one.status, since(when, now),
            one.acknowledged_by, one.times_fired,
        )  # fmt: skip

    def render(self, row: AlertRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """A bar in the severity's colour, the name, what it is about, its age and its state in words."""
        state, colour = {
            "firing": ("FIRING", palette.bad),
            "acknowledged": ("ACK" + (f" {row.by}" if width >= 44 else ""), palette.soft),
        }.get(row.status, ("RESOLVED" if width >= 44 else "OK", palette.good))
        over = row.status == "resolved"
        bar = palette.good if over else palette.severity(_alert_severity(row.severity))
        name: list[Span] = [
            (glyphs().bar + " ", style(bar)),
            (row.name, style(palette.muted if over else palette.text, bold=not over)),
        ]
        if row.times > 1:
            name.append((f" x{row.times}", style(palette.hue("orange"))))
        right: list[Span] = [(f"{row.age} ", style(palette.muted)), (state, style(colour, bold=row.status == "firing"))]
        left = width - sum(cell_len(words) for words, _ in (*name, *right))
        # Alerts of one name differ by what they are about: it is cut short only where there is much room.
        if row.about and (width >= 52 or cell_len(row.about) + 3 <= left):
            name.append((f"  {row.about}", style(palette.faint if over else palette.muted)))
        return [justify(name, right, width)]


def alerts_in_words(alerts: Sequence[AlertState]) -> str:
    """How many fire, or are seen to by somebody where none does."""
    count = Counter(one.status for one in alerts)
    status = "acknowledged" if count["acknowledged"] and not count["firing"] else "firing"
    return f"{count[status]} {status} of {len(alerts)}"


def _alert_severity(label: str) -> str:
    """The severity behind an alert's own label, so that both share one colour."""
    try:
        return Severity.parse(label).value if label else "unset"
    except ValueError:
        return "unset"


class RoleRow(NamedTuple):
    key: str
    duty: str
    who: str
    state: str
    looking_at: str
    note: str


class Roles(Rows[RoleRow]):
    """The commander first, also when nobody is; then the duties that are held; then whoever else is here."""

    def __init__(
        self, state: IncidentState, people: Sequence[Person], now: datetime, previous: Roles | None = None
    ) -> None:
        super().__init__(self._rows(state, {person.name: person for person in people}, now), previous)

    def _rows(self, state: IncidentState, here: dict[str, Person], now: datetime) -> Iterator[RoleRow]:
        if not state.commander:
            yield RoleRow("nobody", Duty.INCIDENT_COMMANDER.short, "", "", "", "nobody leads: r to assign")
        for held in state.roles:
            yield self._row(f"{held.duty}:{held.who}", held.duty.short, held.who, here, since(held.since, now))
        if state.offer is not None:
            yield RoleRow("offer", "IC " + glyphs().arrow, state.offer.to, "", "", "command offered, not yet accepted")
        holders = {held.who for held in state.roles}
        for name, person in sorted(here.items()):
            if name not in holders:
                yield self._row(f"here:{name}", person.access, name, here, person.kind)

    @staticmethod
    def _row(key: str, duty: str, who: str, here: dict[str, Person], note: str) -> RoleRow:
        person = here.get(who)
        if person is None:
            return RoleRow(key, duty, who, "away", "", note)
        return RoleRow(key, duty, who, person.state, "typing" if person.typing else person.looking_at, note)

    def render(self, row: RoleRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """The duty, a dot that tells whether the person is here, the name, and what they look at."""
        g = glyphs()
        if row.key == "nobody":
            warn = style(palette.warn, bold=True)
            return [[(f"{row.duty:<10}", warn), (f"{g.ring} ", warn), (row.note, style(palette.warn))]]
        dot = {"here": g.dot, "idle": g.half}.get(row.state, g.ring)
        duty = style(palette.hue("cyan") if row.duty.isupper() else palette.muted, bold=row.duty == "IC")
        left: list[Span] = [
            (f"{row.duty:<10}", duty),
            (f"{dot} ", style(palette.person(row.who) if row.state else palette.muted)),
            (row.who, style(palette.text if row.state in ("here", "") else palette.soft)),
        ]
        doing = {"typing": f"typing{g.ellipsis}"}.get(row.looking_at, row.looking_at)
        words = " ".join(part for part in (doing if row.state == "here" else row.state, row.note) if part)
        return [justify(left, [(words, style(palette.muted))], width)]


class TaskRow(NamedTuple):
    key: int
    title: str
    who: str
    status: str
    time: str
    late: bool
    follow_up: bool
    result: str


class Tasks(Rows[TaskRow]):
    """Open tasks first, the one with the least time left on top; then follow-ups; then what is done."""

    row_lines: int | None = None

    def __init__(self, tasks: Iterable[Task], now: datetime, previous: Tasks | None = None) -> None:
        rows = [self._row(task, now) for task in tasks]
        order = {"acknowledged": 0, "open": 0, "done": 2, "dropped": 3}
        rows.sort(key=lambda row: (order.get(row.status, 0) or row.follow_up, not row.late, row.key))
        super().__init__(rows, previous)

    @staticmethod
    def _row(task: Task, now: datetime) -> TaskRow:
        left = "" if task.due_at is None else short_clock(abs((task.due_at - now).total_seconds()))
        late = task.due_at is not None and now > task.due_at
        if task.status in ("done", "dropped"):
            left, late = (since(task.ended_at, now) if task.ended_at else ""), False
        elif task.follow_up and task.due_at is not None:
            left = task.due_at.strftime("due %d %b")
        elif left:
            left = f"late {left}" if late else left
        return TaskRow(task.number, task.title, task.assignee, task.status, left, late, task.follow_up, task.result)

    def render(self, row: TaskRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """The state's sign, the number, the title, the named person, and the time left."""
        g = glyphs()
        sign, colour = {
            "done": (g.tick, palette.good),
            "dropped": (g.cross, palette.muted),
            "acknowledged": (g.half, palette.accent),
        }.get(row.status, (g.ring, palette.warn if not row.who else palette.soft))
        over = row.status in ("done", "dropped")
        left: list[Span] = [
            (f"{sign} ", style(colour)),
            (f"{row.key:>2} ", style(palette.muted)),
            (f"{g.deploy} " if row.follow_up else "", style(palette.hue("violet"))),
            (row.title, style(palette.muted if over else palette.text, strike=row.status == "dropped")),
        ]
        right: list[Span] = [
            (row.who or ("" if over else "nobody"), style(palette.person(row.who) if row.who else palette.warn)),
            (f" {row.time}" if row.time else "", style(palette.bad if row.late else palette.muted, bold=row.late)),
        ]
        lines: list[Line] = [justify(left, right, width)]
        if row.result and (selected or width >= 60):
            lines += [[("     ", _NULL), (text, style(palette.soft))] for text in wrap(row.result, width - 5)[:3]]
        return lines


class CauseRow(NamedTuple):
    key: tuple[str, int]
    title: str
    status: str
    who: str
    details: tuple[str, ...]
    likely: str = ""


class Causes(Rows[CauseRow]):
    """Decisions still open, then hypotheses that still stand, then what was decided, then what was ruled out."""

    row_lines: int | None = None

    def __init__(
        self, hypotheses: Iterable[Hypothesis], decisions: Iterable[Decision], previous: Causes | None = None
    ) -> None:
        rows = [self._decision(one) for one in decisions] + [self._hypothesis(one) for one in hypotheses]
        order = {"open": 0, "confirmed": 1, "supported": 2, "proposed": 3, "taken": 4, "refuted": 5}
        rows.sort(key=lambda row: (order.get(row.status, 6), -row.key[1]))
        super().__init__(rows, previous)

    @staticmethod
    def _hypothesis(one: Hypothesis) -> CauseRow:
        details = tuple(
            f"{finding.verdict} by {finding.who}: {finding.text}"
            + (f" [pin {finding.pins[0]}]" if finding.pins else "")
            for finding in one.evidence
        )
        likely = "" if one.probability is None else f"{one.probability:.0%}"
        return CauseRow(("H", one.number), one.text, one.status, one.proposed_by, details, likely)

    @staticmethod
    def _decision(one: Decision) -> CauseRow:
        if one.choice:
            details = tuple(part for part in (one.question if one.question != one.choice else "", one.reason) if part)
            return CauseRow(("D", one.number), one.choice, "taken", one.decided_by, details)
        details = tuple(f"option: {option}" for option in one.options)
        details += tuple(f"{objection.who} objects: {objection.text}" for objection in one.objections)
        return CauseRow(("D", one.number), one.question, "open", one.opened_by, details)

    def render(self, row: CauseRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """The state's sign and word, the number, the words, and under it the newest evidence."""
        g = glyphs()
        sign, colour, word = {
            "open": (g.up, palette.hue("amber"), "decide"),
            "taken": (g.up, palette.good, "decided"),
            "confirmed": (g.diamond, palette.good, "confirmed"),
            "supported": (g.hollow_diamond, palette.hue("cyan"), "supported"),
            "refuted": (g.cross, palette.muted, "refuted"),
        }.get(row.status, (g.hollow_diamond, palette.hue("violet"), "proposed"))
        out = row.status == "refuted"
        left: list[Span] = [
            (f"{sign} ", style(colour)),
            (f"{row.key[0]}{row.key[1]:<2} ", style(palette.muted)),
            (
                row.title,
                style(palette.muted if out else palette.text, strike=out, bold=row.status in ("open", "confirmed")),
            ),
        ]
        likely: Span = (f"{row.likely} " if row.likely else "", style(palette.text, bold=True))
        lines: list[Line] = [justify(left, [likely, (word, style(colour))], width)]
        shown = row.details if selected else row.details[-1:] if width >= 40 else ()
        for detail in shown:
            lines += [[("      ", _NULL), (text, style(palette.soft))] for text in wrap(detail, max(8, width - 6))[:2]]
        return lines


class StepRow(NamedTuple):
    key: tuple[str, str]
    place: int
    title: str
    owner: str
    assignee: str
    status: str
    is_next: bool
    by: str
    at: str
    words: str
    instructions: str
    expected: str


class Steps(Rows[StepRow]):
    """The steps of the playbooks in their order; the first open one is marked as next."""

    row_lines: int | None = None

    def __init__(self, playbooks: Iterable[PlaybookState], zone: tzinfo, previous: Steps | None = None) -> None:
        super().__init__((row for one in playbooks for row in self._rows(one, zone)), previous)

    @staticmethod
    def _rows(one: PlaybookState, zone: tzinfo) -> Iterator[StepRow]:
        waiting = next((step.id for step in one.steps if step.status == "open"), "")
        for place, step in enumerate(one.steps, start=1):
            at = step.at.astimezone(zone).strftime("%H:%M") if step.at and step.status != "open" else ""
            owner = Duty(step.owner).short if step.owner in set(Duty) else step.owner
            yield StepRow(
                (one.id, step.id), place, step.title, owner, step.assignee, step.status, step.id == waiting,
                step.by if step.status != "open" else "", at, step.words, step.instructions, step.expected,
            )  # fmt: skip

    def render(self, row: StepRow, width: int, selected: bool, palette: Palette) -> Sequence[Line]:
        """The state's sign, number, title, and who did it when; the selected step also tells how."""
        g = glyphs()
        sign, colour = {"done": (g.tick, palette.good), "skipped": (g.cross, palette.muted)}.get(
            row.status, (g.half, palette.accent) if row.is_next else (g.ring, palette.soft)
        )
        ink = style(palette.text, bold=True) if row.is_next else style(palette.muted if row.by else palette.soft)
        left: list[Span] = [(f"{sign} ", style(colour)), (f"{row.place:>2} ", style(palette.muted)), (row.title, ink)]
        who = row.by or row.assignee
        right: list[Span] = [
            (who or row.owner, style(palette.person(who)) if who else style(palette.muted)),
            (f" {row.at}" if row.at else "", style(palette.muted)),
        ]
        lines: list[Line] = [justify(left, right, width)]
        if row.words:
            reason = f"skipped: {row.words}" if row.status == "skipped" else row.words
            lines += [[("     ", _NULL), (text, style(palette.hue("teal")))] for text in wrap(reason, width - 5)[:2]]
        if selected and row.instructions:
            for paragraph in row.instructions.splitlines():
                lines += [[("     ", _NULL), (text, style(palette.soft))] for text in wrap(paragraph, width - 5)]
        if selected and row.expected:
            lines += [
                [("     ", _NULL), (text, style(palette.hue("teal")))]
                for text in wrap(f"Expected: {row.expected}", width - 5)
            ]
        return lines
