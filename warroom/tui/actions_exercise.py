"""What a person can do in an exercise: its players on their board, its hosts on a screen of their own.

The scopes: `drill` works on all screens of an exercise, `offered` among what can be done, `inbox` in the inbox,
`control` on the screen that only hosts see.
"""

from __future__ import annotations

from warroom.tui.action import Action, to_do

EXERCISE_SCOPES: tuple[tuple[str, str], ...] = (
    ("drill", "In every screen of an exercise"),
    ("offered", "Actions of the exercise"),
    ("inbox", "Inbox"),
    ("control", "The facilitator's screen"),
)
"""Scope and title, in the order help shows them."""

HOSTED_PANE = "pane.open-control"

_ROOM: tuple[Action, ...] = (
    to_do("exercise.open-exercise", "The exercise", "What you can do in it; for its hosts, what only they see", "E",
          hint="exercise", access="observer", cli="exercise show INC"),
    to_do("exercise.request-action", "Ask for an action", "Something that changes the imaginary production", "",
          slash="act", cli="exercise act INC ACTION"),
    to_do("exercise.approve-action", "Approve an action", "It begins at once; for who holds the duty", "",
          slash="approve", cli="exercise approve INC N"),
    to_do("exercise.reject-action", "Reject an action", "It does not begin; with the reason", "", slash="reject",
          cli="exercise reject INC N REASON"),
    to_do("exercise.ask-for-hint", "Ask for a hint, at a cost", "The facilitator helps; it takes points off the score",
          "", slash="hint", cli="exercise hint INC", dangerous=True),
)  # fmt: skip

_PANES: tuple[Action, ...] = (
    to_do("pane.open-actions", "Actions", "Exercise: what you can do to the imaginary production, and what waits", "X",
          scope="panes", access="observer", slash="actions", cli="exercise show INC"),
    to_do("pane.open-inbox", "Inbox", "Exercise: the briefing, what people tell you, hints", "I", scope="panes",
          access="observer", slash="inbox", cli="exercise inbox INC"),
    to_do(HOSTED_PANE, "Facilitator", "Exercise: what only its hosts see and do", "", scope="panes",
          access="responder", slash="control", cli="exercise host INC WORD"),
)  # fmt: skip

_APP = (
    Action("app.stop-exercise", "Stop the exercise by its safe word",
           "Something real has come up: it ends for everybody at once", "", "app", "", "stop-exercise",
           "exercise stop INC", "responder", dangerous=True),
)  # fmt: skip


def _drill(id_: str, title: str, help_: str, keys: str, hint: str = "") -> Action:
    return to_do(id_, title, help_, keys, scope="drill", hint=hint, access="observer")


_DRILL: tuple[Action, ...] = (
    _drill("drill.leave", "Back", "One step back: a detail, the board", "escape", "back"),
    _drill("drill.open-exercise", "The exercise", "What you can do; for its hosts, what only they see", "E"),
)


def _offered(id_: str, title: str, help_: str, keys: str, hint: str) -> Action:
    return to_do(id_, title, help_, keys, scope="offered", hint=hint)


_OFFERED: tuple[Action, ...] = (
    _offered("offered.ask", "Ask for it", "Ask for the selected action; what it does is told first", "enter", "ask"),
    _offered("offered.approve", "Approve", "Let the selected action begin", "a", "approve"),
    _offered("offered.reject", "Reject", "The selected action does not begin; with the reason", "x", "reject"),
    _offered("offered.hint", "Hint", "Ask the facilitator for a hint; it takes points off the score", "h", "hint"),
)

_INBOX: tuple[Action, ...] = (
    to_do("inbox.hint", "Hint", "Ask the facilitator for a hint; it takes points off the score", "h", scope="inbox",
          hint="hint"),
)  # fmt: skip


def _control(id_: str, title: str, help_: str, keys: str, hint: str = "") -> Action:
    return to_do(id_, title, help_, keys, scope="control", hint=hint)


_CONTROL: tuple[Action, ...] = (
    _control("control.toggle-pause", "Start, pause, go on", "Let time run, or stand", "space", "run/pause"),
    _control("control.faster", "Faster", "The next pace up: 1, 2, 5, 10, 20, 30, 60", "plus,equals_sign", "faster"),
    _control("control.slower", "Slower", "The next pace down", "minus", "slower"),
    _control("control.fire", "Fire", "Deliver the selected inject now", "f", "fire"),
    _control("control.skip", "Skip", "The selected inject will not come", "x", "skip"),
    _control("control.edit", "Edit", "Other words for the selected inject", "e", "edit"),
    _control("control.reschedule", "Reschedule", "Another moment for the selected inject", "r", "move"),
    _control("control.say", "Say", "An inject that is not in the script, to all, a duty or a person", "a", "say"),
    _control("control.whisper", "Whisper", "The same in private; its words are not on the log", "w", "whisper"),
    _control("control.hint", "Give a hint", "The selected or next hint of the script, or your own words", "h", "hint"),
    _control("control.withhold", "Withhold", "Take a person out: their commands are refused", "o", "withhold"),
    _control("control.return", "Return", "Bring a person back", "b", "return"),
    _control("control.begin-fault", "Begin a fault", "One of the scenario's, now", "F", "fault"),
    _control("control.end-fault", "End a fault", "As if it had been fixed", "D"),
    _control("control.degrade", "Degrade a tool", "Slow, failing, or down for the players", "d", "degrade"),
    _control("control.restore", "Restore a tool", "It works again", "u"),
    _control("control.override", "Override a metric", "A metric says what you want; empty says nothing", "c"),
    _control("control.end-override", "End an override", "The metric tells the truth again", "C"),
    _control("control.mute", "Mute a pane", "A pane shows nothing, or speaks again", "m", "mute"),
    _control("control.reveal", "Reveal", "The next part of the truth, to all", "v", "reveal"),
    _control("control.mark", "Mark", "Points on a rubric, or whether a hypothesis names the truth", "p", "mark"),
    _control("control.toggle-truth", "Truth", "Unfold the truth on your screen, or fold it", "t", "truth"),
    _control("control.stop", "Stop", "End the exercise", "Q", "stop"),
)

EXERCISE_ACTIONS: tuple[Action, ...] = (*_ROOM, *_APP, *_PANES, *_DRILL, *_OFFERED, *_INBOX, *_CONTROL)
