"""The one registry of what a person can do in the console.

Bindings, the command palette, `?`, the keymap check and the documentation all read it, so an action that is
not here does not exist. Ids are stable for ever: keymap files name them.
"""

from __future__ import annotations

from warroom.tui.action import Action
from warroom.tui.action import of_app as _app
from warroom.tui.action import to_do as _do
from warroom.tui.actions_exercise import EXERCISE_ACTIONS, EXERCISE_SCOPES
from warroom.tui.actions_telemetry import TELEMETRY_ACTIONS, TELEMETRY_SCOPES

__all__ = ["ACTIONS", "BY_ID", "BY_SLASH", "PANES", "SCREENS", "Action", "of_scope"]

ACTIONS: tuple[Action, ...] = (
    # The console itself
    _app("app.command-palette", "Command palette", "Find any action by a few letters", "ctrl+p", "palette"),
    _app("app.show-help", "Help", "The keys that work here, and what they do", "question_mark,f1", "help"),
    _app("app.change-theme", "Theme", "Choose the colours: night, light, high contrast, colour-blind safe", "f9"),
    _app("app.toggle-calm", "Low bandwidth", "Redraw charts and clocks seldom, for a slow link", "f8"),
    _app("app.show-unsent", "Unsent and refused", "What still waits for the server, and what it refused and why", "f2"),
    _app("app.copy", "Copy", "Copy the selected row to the clipboard of your own terminal", "y"),
    _app("app.quit", "Quit", "Leave the console; the incident goes on", "ctrl+q", cli=""),
    # The lobby
    _do("lobby.declare", "Declare an incident", "Open a new incident; a title is enough", "D", hint="declare",
        slash="declare", cli="declare TITLE", scope="lobby"),
    _do("lobby.open", "Open", "Join the selected incident", "enter", hint="open", scope="lobby", access="observer",
        cli="show INC"),
    _do("lobby.filter", "Filter", "Show only incidents that match", "slash", hint="filter", scope="lobby",
        access="observer", cli="list"),
    _do("lobby.toggle-over", "Show closed", "Show or hide incidents that are over", "x", hint="closed", scope="lobby",
        access="observer", cli="list --all"),
    # Moving about in a room
    _do("room.leave", "Back to the lobby", "Leave this incident's board", "escape", access="observer", cli="list"),
    _do("room.zoom", "Zoom", "Give the focused pane the whole screen, or take it back",
        "z", hint="zoom", access="observer"),
    _do("room.filter", "Filter", "Show only the entries that match; !word excludes, #alerts picks a kind",
        "slash", hint="filter", access="observer"),
    _do("room.prompt", "Command line", "Type any command", "colon", access="observer"),
    _do("room.chat", "Chat", "Write to everybody in the room", "c", slash="chat", cli="chat INC TEXT"),
    _do("room.catch-up", "Catch up", "What happened, who leads, what is next: for whoever joins now", "b", hint="brief",
        slash="brief", access="observer", cli="catchup INC"),
    _do("room.spotlight", "Spotlight", "Commander: show everybody the pane or entry you look at; again to end it",
        "o", slash="spotlight", access="commander"),
    _do("room.follow-spotlight", "Go to the spotlight", "Jump to what the commander points at", "O", access="observer"),
    _do("room.toggle-follow", "Follow the spotlight", "Go where the commander points by itself, or no longer", "W",
        access="observer"),
    # The incident
    _do("incident.acknowledge", "Acknowledge", "Say that somebody is on it",
        "a", hint="ack", slash="ack", cli="ack INC"),
    _do("incident.accept", "Accept", "Out of triage: this is an incident", "", slash="accept", cli="accept INC"),
    _do("incident.decline", "Decline", "Out of triage: a false alarm, with the reason", "", slash="decline",
        cli="decline INC REASON", dangerous=True),
    _do("incident.change-severity", "Severity", "Set how bad it is, with the definitions at hand", "v", hint="severity",
        slash="severity", cli="severity INC SEV"),
    _do("incident.change-status", "Status", "Investigating, identified, monitoring, resolved, closed",
        "s", hint="status",
        slash="status", cli="status INC STATE"),
    _do("incident.reopen", "Reopen", "It is back, or was never gone", "", slash="reopen", cli="reopen INC REASON"),
    _do("incident.change-title", "Title", "Say better what this is about", "", slash="title", cli="title INC TEXT"),
    _do("incident.change-summary", "Summary", "The situation in plain words, for whoever joins now",
        "", slash="summary",
        cli="summary INC TEXT"),
    _do("incident.change-services", "Services", "Which services are affected", "", slash="services",
        cli="services INC SERVICE..."),
    _do("incident.correct-milestone", "Correct a milestone", "Set when impact began, or another of the eight times", "",
        slash="milestone", cli="milestone INC MILESTONE TIME"),
    _do("incident.publish-update", "Publish an update", "Tell the stakeholders; the next one falls due by severity",
        "u",
        hint="update", slash="update", cli="update INC TEXT"),
    _do("incident.set-next-update", "Next update", "When the next update is due", "", slash="next",
        cli="next-update INC MINUTES"),
    _do("incident.count-impact", "Customer impact", "Count affected customers or tickets", "i", slash="impact",
        cli="impact count INC COUNTER VALUE"),
    _do("incident.describe-impact", "Describe the impact", "What customers notice, in their words", "",
        slash="impact-text", cli="impact describe INC TEXT"),
    _do("incident.record-change", "Record a change", "A deploy, rollback, flag or config change; drawn on the charts",
        "C",
        slash="change", cli="change INC KIND"),
    _do("incident.add-link", "Link", "A ticket, dashboard, call or anything with an address", "", slash="link",
        cli="link INC URL TITLE"),
    _do("incident.merge", "Merge", "End this one as a duplicate of another", "", slash="merge", cli="merge INC INTO",
        dangerous=True),
    _do("incident.change-privacy", "Private", "Only members may see it, or everybody again", "", slash="private",
        cli="private INC", access="commander", dangerous=True),
    _do("incident.add-member", "Add a member", "Let one more person see a private incident", "", slash="member",
        cli="member add INC WHO", access="commander"),
    _do("incident.remove-member", "Remove a member", "One person may no longer see a private incident", "",
        slash="remove-member", cli="member remove INC WHO", access="commander", dangerous=True),
    # Roles
    _do("role.assign", "Assign a role", "Give somebody a duty; yourself when no name follows", "r", hint="role",
        slash="role", cli="role assign INC ROLE WHO"),
    _do("role.release", "Release a role", "Give a duty back", "", slash="release", cli="role release INC ROLE WHO"),
    _do("role.take-command", "Take command", "Lead, when nobody does or the commander does not answer",
        "", slash="command",
        cli="command take INC"),
    _do("role.offer-command", "Offer command", "Hand over with a brief; it is yours until it is accepted", "",
        slash="offer", cli="command offer INC WHO BRIEF"),
    _do("role.accept-command", "Accept command", "You have the brief; from now on you lead", "", slash="accept-command",
        cli="command accept INC"),
    _do("role.end-command-offer", "Decline command", "Decline or withdraw an offer of command", "",
        slash="decline-command", cli="command decline INC"),
    # The record
    _do("entry.add-note", "Note", "Put on record what you see or did; @09:41 at the start dates it back",
        "n", hint="note",
        slash="note", cli="note INC TEXT"),
    _do("entry.pin", "Pin or unpin", "Keep the selected entry in sight", "p", scope="timeline", slash="pin",
        cli="pin INC SEQ"),
    _do("entry.correct", "Correct", "Supersede the selected entry; the first version stays readable", "e",
        scope="timeline", slash="correct", cli="correct INC SEQ TEXT"),
    _do("entry.redact", "Redact", "Erase the selected entry's words from every disk, for a secret pasted by mistake",
        "",
        scope="timeline", slash="redact", cli="redact INC SEQ REASON", access="commander", dangerous=True),
    _do("entry.open-evidence", "Open the evidence", "What the selected entry pinned, from the log: no backend is asked",
        "enter", hint="evidence", scope="timeline", access="observer", cli="evidence show INC N"),
    _do("entry.pin-evidence", "Pin evidence", "Keep the selected chart's data on the log", "p", scope="metrics",
        slash="evidence", cli="evidence pin INC QUERY"),
    _do("metrics.explore-chart", "Explore", "The selected chart in the metrics pane, to zoom and compare", "enter",
        scope="metrics", access="observer", cli="query EXPR"),
    _do("metrics.remove-panel", "Off the board", "Take the selected chart off everybody's board", "x", scope="metrics",
        cli="panel remove INC NUMBER"),
    # Tasks
    _do("task.add", "Task", "Work for a named person: `@jana 20m drain the queue`", "t", hint="task", slash="task",
        cli="task add INC TITLE"),
    _do("task.follow-up", "Follow-up", "Work for after the incident", "", slash="follow-up",
        cli="task add INC TITLE --follow-up"),
    _do("task.acknowledge", "Acknowledge the task", "Wilco",
        "a", scope="tasks", slash="task-ack", cli="task ack INC N"),
    _do("task.finish", "Finish the task", "Done, with what came of it", "enter,space", scope="tasks", slash="done",
        cli="task done INC N"),
    _do("task.assign", "Assign the task", "To a named person", "m", scope="tasks", slash="assign",
        cli="task assign INC N WHO"),
    _do("task.drop", "Drop the task", "No longer needed", "x", scope="tasks", slash="drop", cli="task drop INC N",
        dangerous=True),
    # Hypotheses and decisions
    _do("hypothesis.propose", "Hypothesis", "What may be the cause", "h", slash="hypothesis",
        cli="hypothesis propose INC TEXT"),
    _do("hypothesis.support", "Support", "Evidence that speaks for it", "plus", scope="hypotheses", slash="support",
        cli="hypothesis support INC N"),
    _do("hypothesis.refute", "Refute", "Evidence that rules it out", "minus", scope="hypotheses", slash="refute",
        cli="hypothesis refute INC N"),
    _do("hypothesis.confirm", "Confirm", "This is the cause", "enter", scope="hypotheses", slash="confirm",
        cli="hypothesis confirm INC N"),
    _do("hypothesis.rate", "Rate", "How likely you hold it to be, in percent", "percent_sign", scope="hypotheses",
        slash="rate", cli="hypothesis rate INC N PERCENT"),
    _do("decision.take", "Decision", "Decide and say why; opens and takes it in one step", "d", hint="decision",
        slash="decide", cli="decision take INC CHOICE"),
    _do("decision.open", "Open a decision", "Ask, with the options, before deciding", "", slash="decision",
        cli="decision open INC QUESTION"),
    _do("decision.object", "Object", "Say what speaks against an open decision", "", slash="object",
        cli="decision object INC N TEXT"),
    # Alerts
    _do("alert.acknowledge", "Acknowledge the alert", "Somebody looks after this alert", "a", scope="alerts",
        slash="alert-ack", cli="alert ack INC FINGERPRINT"),
    # The playbook
    _do("playbook.attach", "Attach a playbook", "Choose among those that match this incident", "P", slash="playbook",
        cli="playbook attach INC ID"),
    _do("playbook.complete-step", "Step done", "The selected step is done",
        "enter,space", scope="playbook", slash="step",
        cli="playbook done INC STEP"),
    _do("playbook.skip-step", "Skip the step", "Not needed here, with the reason", "x", scope="playbook", slash="skip",
        cli="playbook skip INC STEP REASON"),
    _do("playbook.assign-step", "Assign the step", "To a named person", "m", scope="playbook", slash="step-assign",
        cli="playbook assign INC STEP WHO"),
    _do("playbook.reopen-step", "Reopen the step", "It was not done after all", "backspace", scope="playbook",
        slash="step-reopen", cli="playbook reopen INC STEP"),
    *TELEMETRY_ACTIONS,
    *EXERCISE_ACTIONS,
)  # fmt: skip
"""Every action, in the order help shows them."""

SCREENS = (*TELEMETRY_SCOPES, *EXERCISE_SCOPES)
"""The scopes of what fills the screen beside the board, (name, title)."""

PANES: tuple[tuple[str, str], ...] = (
    ("metrics", "Metrics"),
    ("timeline", "Timeline"),
    ("playbook", "Playbook"),
    ("alerts", "Alerts"),
    ("chat", "Chat"),
    ("roles", "Roles"),
    ("tasks", "Tasks"),
    ("hypotheses", "Hypotheses"),
)
"""The board's panes, (name, title); the n-th is reached by the digit n."""

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}
BY_SLASH: dict[str, Action] = {action.slash: action for action in ACTIONS if action.slash}


def of_scope(*scopes: str) -> tuple[Action, ...]:
    """The actions whose keys work in any of these scopes, in the registry's order."""
    return tuple(action for action in ACTIONS if action.scope in scopes)
