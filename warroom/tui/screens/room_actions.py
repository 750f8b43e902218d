"""What the keys, the palette and the chat line do in a room.

Invariant: every change of the incident goes out as a command of the core; nothing is changed on this screen first.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from warroom.incident.state import Entry
from warroom.tui.access import barred
from warroom.tui.actions import BY_ID, BY_SLASH, PANES, Action
from warroom.tui.acts import DIRECT, FORMS
from warroom.tui.explore.pinned import shown_of
from warroom.tui.forms import Context
from warroom.tui.panes.timeline import keeper
from warroom.tui.screens import later
from warroom.tui.screens.arrivals import Arrivals
from warroom.tui.slash import Payload, SlashError, parse, usage
from warroom.tui.widgets.prompt import Completion, Prompt, Word
from warroom.tui.widgets.rows import RowList

if TYPE_CHECKING:
    from warroom.tui.app import WarroomApp


class RoomActions(Screen[None]):
    """The part of the board that acts."""

    incident: str
    arrivals: Arrivals
    solo: str = ""
    """The pane that has the board to itself, or an empty string."""
    _prompt_for: str = "command"

    @property
    @abstractmethod
    def console(self) -> WarroomApp:
        """The app."""

    @abstractmethod
    def context(self) -> Context:
        """What a form may know now."""

    @abstractmethod
    def submit(self, payload: Payload, then: Callable[[Any], None] | None = None) -> None:
        """Send a command."""

    @abstractmethod
    def focused_pane(self) -> str:
        """The focused pane's name."""

    @abstractmethod
    def pane(self, name: str) -> Any:
        """A pane by name."""

    @abstractmethod
    def show_solo(self, name: str) -> None:
        """Give one pane the board."""

    @abstractmethod
    def action_jump(self, name: str) -> None:
        """Go to a pane."""

    def action_do(self, id_: str) -> None:
        """Run an action of the registry by its id."""
        action = BY_ID[id_]
        reason = self._barred(action)
        if reason:
            self.console.tell(reason, "warning")
            return
        if action.scope == "lobby":
            self.console.go_and_do("", action.id)
            return
        if action.scope == "app":
            self.console.action_do(action.id)
            return
        if action.scope == "panes":
            self.console.open_pane(self.incident, action.id.removeprefix("pane.open-"))
            return
        own = getattr(self, f"do_{action.method}", None) if action.id not in FORMS and action.id not in DIRECT else None
        if own is not None:
            own()
            return
        context = self.context()
        try:
            if action.id in DIRECT:
                payload = DIRECT[action.id](context)
                self._confirmed(payload, action.title if action.dangerous else "")
            elif action.id in FORMS:
                form = FORMS[action.id](context)
                drafts = self.console.drafts.setdefault(f"{self.incident}:{action.id}", {})
                self.app.push_screen(later.form_screen()(form, drafts), self._built)
        except SlashError as error:
            self.console.tell(str(error), "warning")

    def _barred(self, action: Action) -> str:
        """Why this person may not, told instead of sending what is sure to be refused."""
        console = self.console
        return barred(action, console.view.link.access, console.me, self.context().state)

    def _built(self, payload: Payload | None) -> None:
        if payload is not None:
            self.submit(payload)

    def _confirmed(self, payload: Payload, question: str) -> None:
        if not question:
            self.submit(payload)
            return
        self.app.push_screen(later.confirm_screen()(f"{question}?"), lambda yes: self.submit(payload) if yes else None)

    # Moving about

    def do_leave(self) -> None:
        """One level back: zoom, filter, then the lobby."""
        prompt = self.query_one("#prompt-row")
        if prompt.display:
            self._hide_prompt()
        elif self.solo:
            self.show_solo("")
        elif self._filtered():
            self._filter_with("")
        else:
            self.console.show_lobby()

    def do_zoom(self) -> None:
        """All of the board's room for the focused pane, or back."""
        self.show_solo("" if self.solo else self.focused_pane())

    def do_prompt(self) -> None:
        """The command line at the foot of the board."""
        self._show_prompt("command", "/")

    def do_filter(self) -> None:
        """Filter the timeline."""
        self._show_prompt("filter", "")

    def _show_prompt(self, purpose: str, start: str) -> None:
        self._prompt_for = purpose
        self.query_one("#prompt-row").display = True
        prompt = self.query_one("#prompt", Prompt)
        prompt.text = ""
        hint = "type a command; Tab completes"
        if purpose == "filter":
            hint = "filter the timeline: words, !word to exclude, #decisions #alerts #notes #chat; empty shows all"
        prompt.input.placeholder = hint
        prompt.focus_input(start)

    def _hide_prompt(self) -> None:
        self.query_one("#prompt-row").display = False
        self.query_one("#timeline", RowList).focus()

    def _filtered(self) -> bool:
        return bool(getattr(self, "filter_text", ""))

    def _filter_with(self, text: str) -> None:
        self.filter_text = text
        timeline = self.query_one("#timeline", RowList)
        timeline.set_filter(keeper(text))
        timeline.set_title(f"Timeline / {text}" if text else "Timeline")

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """A line of the chat, a command, or a filter."""
        event.stop()
        if event.prompt.id == "prompt":
            self._hide_prompt()
            if self._prompt_for == "filter":
                self._filter_with(event.text.strip())
                return
            self._run_line(event.text, event.prompt)
        elif event.text.startswith("/"):
            self._run_line(event.text, event.prompt)
        elif event.text.strip():
            reason = self._barred(BY_ID["room.chat"])
            if reason:
                self.console.tell(reason, "warning")
                event.prompt.text = event.text
            else:
                self.submit({"type": "post-chat", "text": event.text})

    def on_prompt_left(self, event: Prompt.Left) -> None:
        """Esc leaves the line for the list it belongs to."""
        event.stop()
        if event.prompt.id == "prompt":
            self._hide_prompt()
        else:
            self.query_one("#chat-rows", RowList).focus()

    def _run_line(self, line: str, prompt: Prompt) -> None:
        if not line.strip().strip("/"):
            return
        context = self.context()
        try:
            parsed = parse(line, context.state, context.me, context.now, context.zone)
        except SlashError as error:
            self.console.tell(str(error), "warning")
            prompt.text = line
            return
        if parsed.action:
            self.action_do(parsed.action)
        elif parsed.command is not None:
            action = BY_SLASH[line.strip().lstrip("/").split(" ", 1)[0]]
            reason = self._barred(action)
            if reason:
                self.console.tell(reason, "warning")
                prompt.text = line
                return
            self._confirmed(parsed.command, action.title if action.dangerous else "")

    def do_chat(self) -> None:
        """Write to everybody."""
        self.action_jump("chat")

    def do_catch_up(self) -> None:
        """The brief, with what is new since the reader was last here."""
        from warroom.review.brief import brief
        from warroom.tui.screens.reading import ReadingScreen

        context = self.context()
        sections = brief(context.state, context.now, context.zone, since_seq=self.arrivals.since)
        self.app.push_screen(ReadingScreen(f"Brief of {self.incident}", sections))

    def do_spotlight(self) -> None:
        """Show everybody the focused pane, or the selected entry; the same once more ends it."""
        selected = self.context().selected
        seq = getattr(selected, "seq", None)
        wire = self.console.bridge.wire
        target = f"entry:{seq}" if seq else self.focused_pane()
        room = self.console.view.rooms.get(self.incident)
        lit = None if room is None else room.spotlight
        if wire is not None:
            again = lit is not None and lit.by == self.console.me and lit.target == target
            wire.light(self.incident, "" if again else target)

    def do_follow_spotlight(self) -> None:
        """Go where the commander points."""
        self.console.follow_spotlight(self.incident)

    def do_toggle_follow(self) -> None:
        """Go where the commander points by itself, or no longer."""
        self.console.guide.toggle(self.incident)

    def do_open_evidence(self) -> None:
        """What the selected entry pinned, from the log."""
        context = self.context()
        entry = context.selected
        if not isinstance(entry, Entry) or entry.kind != "evidence-pinned" or not entry.ref:
            self.console.tell("select an entry of pinned evidence; /#notes in the filter finds them", "warning")
            return
        pin = context.state.evidence[entry.ref - 1]
        shown = shown_of(pin)
        if entry.redacted or (shown is None and not pin.data):
            self.console.tell("nothing was kept with this evidence" if not entry.redacted else entry.words, "warning")
        elif shown is not None:
            self.console.open_pane(self.incident, shown["pane"], shown)
        else:
            from warroom.review.brief import Section
            from warroom.review.evidence_text import evidence_text
            from warroom.tui.screens.reading import ReadingScreen

            rows = tuple(evidence_text(pin, context.zone, width=86))
            self.app.push_screen(ReadingScreen(f"Evidence {pin.number}", [Section(pin.title, rows or ("",))]))

    def go_to(self, target: str) -> None:
        """Go to a pane of the board, or to an entry (`entry:41`)."""
        kind, _, number = target.partition(":")
        if kind == "entry" and number.isdigit():
            self.action_jump("timeline")
            self.query_one("#timeline", RowList).select(int(number))
        elif target in {name for name, _ in PANES}:
            self.action_jump(target)
        else:
            self.console.tell("nobody points at anything now")

    def do_pin_evidence(self) -> None:
        """Keep the selected chart's data on the log."""
        payload = self.pane("metrics").evidence()
        if payload is None:
            self.console.tell("select a chart with data first: 1, then the arrows", "warning")
        else:
            self.submit(payload)

    def do_explore_chart(self) -> None:
        """The selected chart in the metrics pane."""
        shown = self.pane("metrics").shown()
        if shown is None:
            self.console.tell("select a chart first: 1, then the arrows", "warning")
        else:
            self.console.open_pane(self.incident, "metrics", shown)

    def do_remove_panel(self) -> None:
        """Take the selected chart off everybody's board, if somebody put it there."""
        chosen = self.pane("metrics").chosen
        number = None if chosen is None else chosen.spec.get("number")
        if number is None:
            self.console.tell("select a chart that somebody added; those of the services stay", "warning")
        else:
            self.submit({"type": "remove-panel", "number": number})

    def do_open_exercise(self) -> None:
        """What one can do in the exercise, or what its hosts see."""
        self.console.exercises.open(self.incident)

    def do_attach(self) -> None:
        """Ask the server which playbooks match, and let the reader choose."""
        if not self.console.bridge.ask("playbooks.suggest", self._playbooks_came, incident=self.incident):
            self.console.tell("not connected yet", "warning")

    def _playbooks_came(self, answer: Future[Any]) -> None:
        """The ones that match; below them, all others, because the reader may know better."""
        matching = self._answered(answer)
        if matching is not None:
            self.console.bridge.ask("playbooks.list", lambda everything: self._offer_playbooks(matching, everything))

    def _offer_playbooks(self, matching: list[dict[str, Any]], answer: Future[Any]) -> None:
        from warroom.tui.screens.reading import PlaybookScreen

        known = {one["id"] for one in matching}
        others = [one for one in self._answered(answer) or () if one["id"] not in known]
        if not matching and not others:
            self.console.tell("this server has no playbook; `warroom playbook list` shows where they are looked for")
            return
        self.app.push_screen(PlaybookScreen([*matching, *others]), self._playbook_chosen)

    def _answered(self, answer: Future[Any]) -> list[dict[str, Any]] | None:
        """The playbooks of an answer; None, and the reason told, when there is none."""
        error = answer.exception()
        if error is not None:
            self.console.tell(str(error), "warning")
            return None
        return list((answer.result() or {}).get("playbooks", ()))

    def _playbook_chosen(self, pinned: dict[str, Any] | None) -> None:
        if pinned is not None:
            self.submit({"type": "attach-playbook", "playbook": pinned})

    # Completion

    def complete_command(self, word: Word) -> Sequence[Completion]:
        """Verbs for the first word, then what the verb takes."""
        if self._prompt_for == "filter":
            return ()
        return self.complete_chat(word)

    def complete_chat(self, word: Word) -> Sequence[Completion]:
        """`/` at the start offers verbs, `@` people, and some verbs their own words."""
        text = word.text
        if word.start == 0 and text.startswith("/"):
            found = [verb for verb in BY_SLASH if verb.startswith(text[1:])]
            return [Completion(f"/{verb}", usage(verb) or f"/{verb}", BY_SLASH[verb].title) for verb in found]
        if text.startswith("@"):
            people = self.context().people
            return [Completion(f"@{name}") for name in people if name.casefold().startswith(text[1:].casefold())]
        if word.line.startswith("/"):
            verb = word.line[1:].split(" ", 1)[0]
            if word.line.count(" ", 0, word.start) == 1:
                return [
                    Completion(one, one, help_) for one, help_ in _words_of(verb) if one.startswith(text.casefold())
                ]
        return ()


def _words_of(verb: str) -> list[tuple[str, str]]:
    from warroom.incident.words import PHASES, Duty, Milestone, Severity

    if verb == "severity":
        return [(one.value.casefold(), one.meaning) for one in Severity]
    if verb == "status":
        return [(one.value, "") for one in PHASES[1:]]
    if verb in ("role", "release"):
        return [(one.value, one.label) for one in Duty]
    if verb == "milestone":
        return [(one.value, "") for one in Milestone]
    if verb == "change":
        return [(one, "") for one in ("deploy", "rollback", "config", "flag", "scale", "other")]
    return []
