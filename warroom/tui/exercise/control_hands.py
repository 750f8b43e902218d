"""What the keys of the facilitator's screen do: each asks the facilitator for one thing, most after a small form.

Invariant: nothing is done here; the facilitator does it, or says in words why not.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from warroom.tui.exercise import control_forms as forms
from warroom.tui.exercise.screens import DrillScreen
from warroom.tui.forms import Form
from warroom.tui.screens import later
from warroom.tui.slash import Payload, SlashError


class ControlHands(DrillScreen):
    """The part of the screen that acts."""

    view: Mapping[str, Any]
    """What the facilitator answered last."""
    unfolded: bool

    @abstractmethod
    def chosen(self, kind: str) -> str:
        """The id of what is selected, if it is of this kind."""

    @abstractmethod
    def inject(self) -> Mapping[str, Any] | None:
        """The selected inject; the next one while none is."""

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

    def do_end_override(self) -> None:
        """It tells the truth again."""
        self.form(lambda: forms.end_override(self.view, self.chosen("override")), "end-override")

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
