"""Every command by name: where it is defined and its one line of help, so that listing them loads none.

Invariant: the line here is the command's own first line of help.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """`module` under `warroom.cli.commands`, the attribute in it, one line of help, the section of the overview."""

    module: str
    attribute: str
    help: str
    section: str


COMMANDS: dict[str, Place] = {}


def _section(title: str, *rows: tuple[str, str, str]) -> None:
    for name, module, help_ in rows:
        COMMANDS[name] = Place(module, name.replace("-", "_") + "_command", help_, title)


_section(
    "The room",
    ("console", "console", "Open the console."),
    ("join", "joining", "Join another machine's server by an invite, and open the console."),
    ("leave", "joining", "Forget the server joined last."),
    ("demo", "demo", "An incident under way, with you in the room: nothing else installed."),
    ("list", "reading", "List the incidents."),
    ("show", "reading", "Show an incident: all that is known now."),
    ("log", "log", "Print an incident's log, entry by entry."),
    ("follow", "log", "Follow an incident, a plain line for each event."),
    ("catchup", "reading", "Catch up: who leads, how bad, what was tried, what is next."),
)
_section(
    "An incident's life",
    ("declare", "life", "Declare an incident; a title is enough."),
    ("ack", "life", "Say that somebody is on it."),
    ("accept", "life", "Out of triage: this is an incident."),
    ("decline", "life", "Out of triage: a false alarm, with the reason."),
    ("severity", "life", "Set how bad it is; without a severity, what they mean."),
    ("status", "life", "Change where it stands: investigating, identified, monitoring, resolved, closed."),
    ("resolve", "life", "Say that it is resolved."),
    ("close", "life", "Close it: nothing more is expected."),
    ("reopen", "life", "Open it again, with the reason."),
    ("merge", "life", "End it as a duplicate of another incident."),
    ("title", "life", "Change its title."),
    ("summary", "life", "Say in plain words how things stand, for whoever joins now."),
    ("services", "life", "Name the services it is about."),
    ("milestone", "life", "Correct one of its eight times."),
    ("private", "privacy", "Make it private: only members, commanders and admins may see it."),
    ("public", "privacy", "Let everybody see it again."),
    ("member", "privacy", "Who may see a private incident."),
)
_section(
    "Words",
    ("note", "words", "Write a note on the timeline."),
    ("chat", "words", "Write to everybody in the room."),
    ("update", "words", "Publish an update."),
    ("next-update", "words", "Say when the next update is due."),
    ("correct", "words", "Correct an entry; the first version stays readable."),
    ("pin", "words", "Pin an entry."),
    ("unpin", "words", "Take a pin off."),
    ("redact", "words", "Erase an entry's words for good; a tombstone stays."),
)
_section(
    "Who does what",
    ("role", "duties", "Assign and release roles."),
    ("command", "duties", "Offer, accept, decline and take command."),
    ("task", "work", "Add tasks, and say what became of them."),
)
_section(
    "Finding out",
    ("hypothesis", "work", "Propose causes, and speak for or against them."),
    ("decision", "work", "Open decisions, object to them, take them."),
    ("evidence", "evidence", "Pin what telemetry says, with its data; list and read it."),
    ("panel", "panels", "Put charts on everybody's board, and take them off."),
    ("alert", "signals", "Attach, acknowledge, resolve, list and silence alerts."),
    ("link", "signals", "Add a link: a ticket, a dashboard, a runbook, a call."),
    ("change", "signals", "Record a deploy, a rollback or another change."),
    ("impact", "signals", "Count and describe what customers feel."),
    ("playbook", "playbook", "Playbooks: list, read, check, attach, tick off."),
    ("dashboard", "dashboard", "Grafana dashboards: draw one, or check what of a file can be drawn."),
)
_section(
    "Telemetry",
    ("query", "telemetry", "Ask for metrics: PromQL, as charts of text."),
    ("logs", "telemetry", "Ask for log lines: LogQL, oldest first."),
    ("traces", "telemetry", "Search traces; without SERVICE, the services that have some."),
    ("trace", "telemetry", "Show one trace as a waterfall."),
    ("map", "telemetry", "Show the services: who calls whom, and how each fares."),
    ("health", "telemetry", "Say how the server and all it stands on are; exit status 1 unless all is well."),
)
_section(
    "Exercises",
    ("exercise", "exercise", "Play an exercise: what is on offer, actions, hints, the inbox, the safe word."),
    ("tabletop", "tabletop", "Exercises: incidents of an imaginary production, played with the real tools."),
)
_section(
    "Afterwards",
    ("postmortem", "review", "Write the post-mortem from the log."),
    ("verify", "archive", "Prove that nobody changed the log, or name the first broken record."),
    ("export", "archive", "Take one incident out as a file that proves itself."),
    ("import", "archive", "Bring an exported incident into this server's log."),
    ("backup", "archive", "Copy the whole log while the server goes on."),
    ("restore", "archive", "Put a proven backup in place of the log; the server must be stopped."),
)
_section(
    "The server",
    ("serve", "serving", "Run the coordination server and the door for alerts."),
    ("stop", "serving", "End the local server."),
    ("invite", "tokens", "Make an invite for one person."),
    ("token", "tokens", "List and revoke tokens."),
    ("quarantine", "serving", "What the door for alerts could not understand or place."),
    ("stack", "stack", "Run Prometheus, Alertmanager, Loki, Jaeger and Grafana on this machine."),
    ("embedded", "embedded", "Serve Prometheus, Loki, Jaeger and Alertmanager APIs from memory."),
    ("doctor", "doctor", "What works, what does not, and what to do about it."),
)
_section(
    "This program",
    ("config", "config", "Show the settings and where each came from."),
    ("keys", "keys", "List the console's keys and check the keymap file."),
    ("completion", "completion", "Print the script that completes commands in a shell."),
)
