"""The facilitator's screen: the script, the world, the people, the plan and the truth, and hands on all of it.

Invariant: for hosts alone; the server says so. Nothing is done but by asking the facilitator, whose words are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import DescendantFocus
from textual.widget import Widget

from warroom.tui.exercise import control_forms as forms
from warroom.tui.exercise import control_rows as rows
from warroom.tui.exercise.control_strip import strip_lines
from warroom.tui.exercise.screens import DrillScreen, drill_bindings
from warroom.tui.forms import Form
from warroom.tui.palette import Palette
from warroom.tui.screens import later
from warroom.tui.slash import Payload, SlashError
from warroom.tui.widgets.line import Line
from warroom.tui.widgets.rows import RowList
from warroom.tui.widgets.strips import LineBar, TabStrip

PARTS = (
    ("schedule", "Script"), ("world", "World"), ("people", "People"), ("plan", "Plan"), ("truth", "Truth"),
)  # fmt: skip
"""The parts of the screen, (name, title); the n-th is reached by the digit n."""
_LINES_OF_INJECT = 4
"""Lines for each inject from which on all of its words are shown."""


class ControlScreen(DrillScreen):
    """Hosts only."""

    PANE = "control"
    TITLE_TEXT = "Facilitator"
    SCOPE = "control"
    BINDINGS: ClassVar[list[BindingType]] = [
        *drill_bindings("control"),
        *(Binding(str(n), f"jump('{name}')", title, show=False) for n, (name, title) in enumerate(PARTS, start=1)),
    ]

    def __init__(self, incident: str, shown: Mapping[str, Any] | None = None) -> None:
        super().__init__(incident, shown)
        self.view: Mapping[str, Any] = {}
        self.unfolded = False
        self.part = "schedule"
        self._followed: str | None = None

    def compose_body(self) -> ComposeResult:
        yield LineBar(id="control-strip")
        yield TabStrip([(str(n), title) for n, (_, title) in enumerate(PARTS, start=1)], id="control-tabs")
        with Container(id="control"):
            yield RowList("Script", number="1", id="schedule", empty="asking the facilitator")
            yield RowList("World", number="2", id="world", empty="nothing is wrong")
            yield RowList("People", number="3", id="people", empty="nobody plays yet")
            yield RowList("Plan", number="4", id="plan", empty="nothing is expected")
            yield RowList("Truth", number="5", id="truth", empty="no truth")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#control-strip", LineBar).paint_with(self._paint_strip)
        self._show_part()

    def focus_target(self) -> Widget | None:
        return self.part_of(self.part)

    def part_of(self, name: str) -> RowList:
        """The list of a part."""
        return self.query_one(f"#{name}", RowList)

    def head_note(self) -> str:
        return "" if self.view else "asking the facilitator"

    # What comes in

    def ask_now(self) -> None:
        self.ask("exercise", self._came)

    def ticked(self) -> None:
        if not self.busy:
            self.ask_now()
        self.show_state()

    def _came(self, result: Any) -> None:
        self.view = dict(result or {})
        self.show_state()
        self._follow_next()

    def _follow_next(self) -> None:
        """The next inject is the selected one, until the host selects another."""
        coming = rows.next_inject(self.view)
        if coming is None or not self.is_whole:
            return
        script, key = self.part_of("schedule"), f"inject:{coming['id']}"
        if key != self._followed and script.selected_key in (None, self._followed):
            script.select(key)
            self._followed = key

    def failed(self, words: str) -> None:
        if not self.view and self.is_whole:
            self.part_of("schedule").set_empty(words)

    def show_state(self) -> None:
        view, state = self.view, self.state
        if not view or not self.is_whole:
            return
        here = () if self.room is None else tuple(one.name for one in self.room.people if one.state != "lost")
        told: dict[str, Iterator[rows.ControlRow]] = {
            "schedule": rows.schedule_rows(view, roomy=self._is_roomy(view)),
            "world": rows.world_rows(view),
            "people": rows.people_rows(view, state, here),
            "plan": rows.plan_rows(view, state, self.console.now()),
            "truth": rows.truth_rows(view, unfolded=self.unfolded),
        }
        for name, found in told.items():
            listed = self.part_of(name)
            before = listed.source if isinstance(listed.source, rows.ControlRows) else None
            source = rows.ControlRows(found, before)
            if before is None or source.rows != before.rows:
                listed.show(source)
        self.query_one("#control-strip", LineBar).redraw()

    def _is_roomy(self, view: Mapping[str, Any]) -> bool:
        return self.part_of("schedule").size.height >= _LINES_OF_INJECT * len(view.get("schedule", ()))

    def _paint_strip(self, width: int, _height: int, palette: Palette) -> list[Line]:
        return strip_lines(self.view, self.state, width, palette)

    # Where the host is

    def action_jump(self, name: str) -> None:
        """Go to a part."""
        self.part = name
        self._show_part()
        self.set_focus(self.part_of(name))

    def _show_part(self) -> None:
        for name, _ in PARTS:
            self.part_of(name).set_class(name != self.part, "-away")
        self.query_one("#control-tabs", TabStrip).active = str([name for name, _ in PARTS].index(self.part) + 1)

    def on_tab_strip_picked(self, event: TabStrip.Picked) -> None:
        """A click on a tab."""
        self.action_jump(PARTS[int(event.key) - 1][0])

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        if isinstance(event.widget, RowList) and event.widget.id in dict(PARTS):
            self.part = str(event.widget.id)
            listed = event.widget
            if listed.count and listed.selected_row is None:
                listed.select(listed.source.key(listed.source.row(0)), reveal=False)

    def selected(self) -> Any:
        focused = self.focused
        return focused.selected_row if isinstance(focused, RowList) else None

    def chosen(self, kind: str) -> str:
        """The id of what is selected, if it is of this kind; in whatever part it stands."""
        row = self.selected()
        if isinstance(row, rows.ControlRow) and row.kind == kind:
            return row.id
        return ""

    def inject(self) -> Mapping[str, Any] | None:
        """The selected inject; the next one while none is."""
        wanted = self.chosen("inject")
        if not wanted:
            return rows.next_inject(self.view)
        return next((one for one in self.view.get("schedule", ()) if one["id"] == wanted), None)

    # Acting

    def do(self, what: str, **told: Any) -> None:
        """Ask the facilitator for something; its words, or why not, are told."""

        def came(future: Future[Any]) -> None:
            error = future.exception()
            if error is not None:
                self.console.tell(str(error), "warning")
            else:
                self.console.tell(str((future.result() or {}).get("words", "done")))
            if self.is_mounted:
                self.ask_now()

        if not self.ask_aside("facilitate", came, do=what, told=told):
            self.console.tell("not connected yet; try again in a moment", "warning")

    def form(self, make: Callable[[], Form], key: str) -> None:
        """Ask, then do; why it cannot be asked is told."""
        try:
            made = make()
        except SlashError as wrong:
            self.console.tell(str(wrong), "warning")
            return

        def done(payload: Payload | None) -> None:
            if payload is not None:
                self.do(payload["do"], **payload["told"])

        self.app.push_screen(later.form_screen()(made, self.console.drafts.setdefault(f"control:{key}", {})), done)

    def confirm(self, question: str, what: str, **told: Any) -> None:
        """Ask once more, then do."""
        self.app.push_screen(later.confirm_screen()(question), lambda yes: self.do(what, **told) if yes else None)

    @property
    def speed(self) -> float:
        """The pace now, 0 while it stands."""
        return float(self.view.get("speed", 0.0))

    def do_toggle_pause(self) -> None:
        """Let time run, or stand."""
        self.do("pause" if self.speed else "resume")

    def do_faster(self) -> None:
        """The next pace up."""
        self.do("pace", speed=forms.faster(self.speed))

    def do_slower(self) -> None:
        """The next pace down."""
        self.do("pace", speed=forms.slower(self.speed or forms.PACES[0]))

    def _on_inject(self, then: Callable[[Mapping[str, Any]], None]) -> None:
        one = self.inject()
        if one is None:
            self.console.tell("select an inject of the script first (1)", "warning")
        else:
            then(one)

    def do_fire(self) -> None:
        """The selected inject comes now."""
        self._on_inject(lambda one: self.do("fire", inject_id=one["id"]))

    def do_skip(self) -> None:
        """The selected inject does not come."""
        self._on_inject(
            lambda one: self.confirm(f"Skip {one['id']}?\n\n{one['text']}", "skip", inject_id=one["id"])
        )  # fmt: skip

    def do_edit(self) -> None:
        """Other words for it."""
        self._on_inject(lambda one: self.form(lambda: forms.edit(one), f"edit:{one['id']}"))

    def do_reschedule(self) -> None:
        """Another moment for it."""
        second = int(self.view.get("second", 0))
        self._on_inject(lambda one: self.form(lambda: forms.reschedule(one, second), f"move:{one['id']}"))

    def do_say(self) -> None:
        """Words that are in no script."""
        self.form(lambda: forms.say(self.context(), whisper=False), "say")

    def do_whisper(self) -> None:
        """The same in private."""
        self.form(lambda: forms.say(self.context(), whisper=True), "whisper")

    def do_hint(self) -> None:
        """A hint of the script, or one's own."""
        hints = [one for one in self.view.get("schedule", ()) if one["cost"] and one["state"] == "waiting"]
        chosen = self.chosen("inject")
        first = chosen if any(one["id"] == chosen for one in hints) else hints[0]["id"] if hints else ""
        self.form(lambda: forms.hint(hints, first), "hint")

    def do_withhold(self) -> None:
        """Take somebody out."""
        self.form(lambda: forms.withhold(self.context(), self.chosen("person")), "withhold")

    def do_return(self) -> None:
        """Bring somebody back."""
        self.form(lambda: forms.bring_back(self.context(), self.chosen("person")), "return")

    def do_begin_fault(self) -> None:
        """A fault begins."""
        self.form(lambda: forms.fault(self.view, self.chosen("fault"), begin=True), "begin")

    def do_end_fault(self) -> None:
        """A fault ends."""
        self.form(lambda: forms.fault(self.view, self.chosen("fault"), begin=False), "end")

    def do_degrade(self) -> None:
        """A tool is in trouble."""
        self.form(lambda: forms.degrade(self.chosen("tool")), "degrade")

    def do_restore(self) -> None:
        """A tool works again."""
        self.form(lambda: forms.restore(self.view, self.chosen("tool")), "restore")

    def do_override(self) -> None:
        """A metric says what the host wants."""
        self.form(lambda: forms.override(self.context()), "override")

    def do_mute(self) -> None:
        """A pane is silent, or speaks again."""
        self.form(lambda: forms.mute(self.view, self.chosen("pane")), "mute")

    def do_reveal(self) -> None:
        """The next part of the truth, to all."""
        stages, out = list(self.view.get("truth", ())), int(self.view.get("revealed", 0))
        if out >= len(stages):
            self.console.tell("all of the truth is out")
        else:
            self.confirm(f"Reveal part {out + 1} of {len(stages)} to everybody?\n\n{stages[out]}", "reveal")

    def do_mark(self) -> None:
        """Points, or a verdict."""
        self.form(lambda: forms.mark(self.context(), ""), "mark")

    def do_toggle_truth(self) -> None:
        """Unfold the truth here, or fold it."""
        self.unfolded = not self.unfolded
        self.show_state()

    def do_stop(self) -> None:
        """End the exercise."""
        self.form(lambda: forms.stop(self.context()), "stop")
