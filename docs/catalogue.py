"""docs/events.md: every command and every event, from the classes and the rules themselves."""

from __future__ import annotations

import inspect
import re
from functools import cache
from types import ModuleType

from docs import shapes
from warroom.incident import commands as c
from warroom.incident import decide, events, fields
from warroom.incident.decode import UPCASTS
from warroom.incident.folds.redaction import REDACTABLE
from warroom.incident.rules import duties, exercise, lifecycle, redaction, signals, words, work
from warroom.incident.rules.rule import Need
from warroom.incident.verdict import Reason

_TOPICS: tuple[tuple[str, ModuleType], ...] = (
    ("Its life", lifecycle),
    ("Duties, and who may see", duties),
    ("Words", words),
    ("Redaction", redaction),
    ("Work", work),
    ("Panels, signals, impact, updates, playbooks", signals),
    ("Exercises", exercise),
)
_TYPES = (
    ("line", "one line of text, 1 to 200 characters"),
    ("optional line", "the same, possibly empty"),
    ("text", "text, 1 to 10,000 characters; line breaks and tabs are kept"),
    ("optional text", "the same, possibly empty"),
    ("word", "one line of at most 64 characters, possibly empty"),
    ("query", "text in the language of its source, 1 to 4,000 characters"),
    ("data", "a JSON object or list as text, at most 128 KiB in UTF-8; or empty"),
    ("person", "a name, 1 to 64 characters"),
    ("service", "a name, 1 to 100 characters"),
    ("url", "1 to 2,000 characters, beginning with `https://` or `http://`"),
    ("moment", "a time with a zone (ISO 8601), kept in UTC"),
    ("number", "the number of an entry, task, hypothesis, decision, evidence pin or panel: 1 to 1,000,000,000"),
    ("labels", "an object of at most 64 texts: names of at most 200 characters, values of at most 2,000"),
    ("incident id", "`INC-` and four to eight letters and digits, such as `INC-7K3Q`"),
    ("severity, status, duty, milestone", "one of the words in [terms.md](terms.md)"),
)
_SHARED = (
    fields.Alert,
    fields.Evidence,
    fields.EvidenceSeries,
    fields.BoardPanel,
    fields.Threshold,
    fields.PinnedPlaybook,
    fields.PlaybookStep,
)
_HEAD = """# Commands and events

Generated from the code by `make docs`. A *command* is what a participant asks for; an *event* is what then stands in
the log. `decide` turns one into the other or refuses; the wire around them is in [protocol.md](protocol.md), the
envelope and the chain in [log.md](log.md).

A command carries no time, no actor and no id of its own making: the server adds who and when. `= empty` and `= VALUE`
mark fields that may be left out. An unknown field, a NaN, or a value out of bounds refuses the command (`invalid`).
Text is cleaned when it is read: control characters and escape sequences go, Unicode is kept.

Evidence keeps what was seen, so that no backend is needed to read it. A `metric` has its lines in `series`; the
others have their answer in `data`: `logs` an object with `lines` (`ns`, `text`, `labels`, `metadata`), `trace` one with
`spans` (`span_id`, `parent`, `service`, `operation`, `start` and `duration` in microseconds, `error` ...), `alerts` a
list of groups with `alerts`, `services` an object with `nodes` and `edges`, `text` any object or none.

An event type never changes once released: a new version gets a new tag (`severity-changed.2`), and the old one is
upcast when it is read. A client keeps an event with an unknown tag as an opaque entry; a server decides nothing on a
log it cannot fully read.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## Field types\n", _table(("type", "what"), _TYPES), "\nStructures:\n"]
    parts.append(_table(("structure", "fields"), [(shapes.kind(one.__name__), shapes.fields(one)) for one in _SHARED]))
    parts += ["\n## Who may\n", _who(), "\n## Commands\n"]
    for title, module in _TOPICS:
        parts += [f"### {title}\n", _commands(module), ""]
    parts += [_notes(), "\n## Refusals\n", _refusals(), "\n## Bounds of one incident\n", _bounds(), "\n## Events\n"]
    parts.append(
        "`fields` is what the event holds beside its `type`. *Erasable*: `redact-entry` may erase it; the others are "
        "part of what the incident is.\n"
    )
    old = ", ".join(f"`{tag}` is read as `{new({})['type']}`" for tag, new in UPCASTS.items())
    parts.append(f"Written by earlier versions: {old}.\n")
    parts.append(_events())
    return "\n".join(parts) + "\n"


@cache
def leads_to(command: type[c.Command]) -> tuple[str, ...]:
    """Tags of the events that the command's rule can record, read from the rule's own source."""
    rule = decide.RULES[command][1]
    source = inspect.getsource(rule)
    if "_JUDGED" in source:
        return (work._JUDGED[command][1].TAG,)
    names = dict.fromkeys(re.findall(r"\be\.([A-Z]\w+)\(", source))
    return tuple(getattr(events, name).TAG for name in names)


def _table(head: tuple[str, ...], rows: object) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in rows]  # type: ignore[attr-defined]
    return "\n".join(lines)


def _who() -> str:
    meaning = {
        Need.WORK: "responder access",
        Need.LEAD: "the incident commander, or commander access; any responder while nobody holds command",
        Need.COMMAND: "the incident commander, or commander access, also while nobody holds command",
        Need.GUARD: "commander access; no duty stands in for it",
    }
    return (
        "Each command needs one of these, and the right to see the incident: a private one is seen by its members, by "
        "whoever holds a duty in it or is offered command, and by commander access. Whoever may not see it is "
        "answered as if it were not there. An observer may read, and change nothing.\n\n"
        + _table(("", "who"), [(need.name.lower(), meaning[need]) for need in Need])
    )


def _commands(module: ModuleType) -> str:
    mine = [cls for cls in decide.RULES if cls in module.RULES or (module is lifecycle and cls is c.DeclareIncident)]
    rows = []
    for cls in mine:
        ended = "yes" if cls in decide.AFTER_THE_END else ""
        made = ", ".join(f"`{tag}`" for tag in leads_to(cls))
        rows.append((f"`{cls.TAG}`", decide.RULES[cls][0].name.lower(), shapes.fields(cls), made, ended))
    return _table(("command", "who", "fields", "leads to", "when over"), rows)


def _notes() -> str:
    said = [
        (
            "*When over*: still possible when the incident is closed, declined or merged: the record goes on, the "
            "response does not. A command that asks for what is so already is accepted and records nothing.\n"
        )
    ]
    for cls in decide.RULES:
        text = inspect.cleandoc(cls.__doc__ or "")
        if text and text != inspect.cleandoc(c.Command.__doc__ or ""):
            said.append(f"- `{cls.TAG}`: {' '.join(text.split())}")
    said.append(
        "- `redact-entry`: erases payload and salt for good. What the entry did besides saying something, and that "
        "still holds (an assignee, a time, a task done, a decision taken), follows as events of its own."
    )
    return "\n".join(said)


def _refusals() -> str:
    source = inspect.getsource(Reason)
    meanings = dict(re.findall(r'= "([a-z-]+)"\n\s+"""(.*?)"""', source, re.DOTALL))
    rows = [(f"`{reason.value}`", " ".join(meanings[reason.value].split())) for reason in Reason]
    return "A refusal has a stable reason and one sentence for a person.\n\n" + _table(("reason", "meaning"), rows)


def _bounds() -> str:
    found = {}
    for _, module in _TOPICS:
        for name, value in vars(module).items():
            if name.startswith("MOST_") and isinstance(value, int):
                found[name.removeprefix("MOST_").replace("_", " ").lower()] = value
    found["samples in one evidence pin"] = found.pop("samples")
    found["bytes of data in all evidence"] = found.pop("data")
    found["panels on the board"] = found.pop("panels")
    found["findings of one hypothesis"] = found.pop("findings")
    found["objections to one decision"] = found.pop("objections")
    found["duties held at the same time"] = found.pop("holdings")
    found["incidents merged into it"] = found.pop("absorbed")
    return _table(("what", "at most"), [(name, f"{value:,}") for name, value in sorted(found.items())])


def _events() -> str:
    by: dict[str, list[str]] = {}
    for cls in decide.RULES:
        for tag in leads_to(cls):
            by.setdefault(tag, []).append(f"`{cls.TAG}`")
    rows = []
    for tag, cls in events.TAGS.items():
        erasable = "yes" if cls.KIND in REDACTABLE else ""
        rows.append((f"`{tag}`", shapes.fields(cls), ", ".join(by.get(tag, [])), erasable))
    return _table(("event", "fields", "by", "erasable"), rows)
