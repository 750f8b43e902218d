"""What `--json` prints, by the name in its `schema`: stable shapes, a field is only ever added.

Invariant: a test holds every command's output to this table, and the documentation is made from it.
"""

from __future__ import annotations

SCHEMAS: dict[str, tuple[str, dict[str, str]]] = {
    "answer": (
        "every command that writes to the log",
        {
            "incident": "id",
            "accepted": "whether it was recorded, or was so already",
            "reason": "stable word for a refusal: not-allowed, not-found, conflict, over, invalid, limit ...; or empty",
            "words": "the refusal in a sentence; or empty",
            "entry": "number of the entry it led to; null when it was so already",
        },
    ),
    "kept": (
        "the same with --later, when no server can be reached",
        {"incident": "id; empty for declare", "kept": "true", "words": "why it was not sent"},
    ),
    "list": (
        "list",
        {
            "incidents": "objects with incident, seq, title, severity, status, commander, services, declared_at, "
            "updated_at, next_update_due, firing, private, here"
        },
    ),
    "incident": (
        "show",
        {
            "incident": "id",
            "seq": "number of the newest entry",
            "head_hash": "hash of the newest record",
            "title": "",
            "summary": "",
            "status": "triage, investigating, identified, monitoring, resolved, closed, declined, merged",
            "severity": "SEV1 to SEV5, unset",
            "services": "names",
            "declared_by": "name",
            "private": "whether only members may see it",
            "members": "names",
            "acknowledged_by": "name",
            "commander": "who leads, or empty",
            "milestones": "impact_started_at ... closed_at: times known",
            "corrected": "milestones set by a correction",
            "severities": "pairs of severity and since when",
            "statuses": "pairs of status and since when",
            "roles": "duty, who, since, until",
            "past_roles": "the same, ended",
            "offer": "command offered: giver, to, brief, at; or null",
            "pins": "numbers of pinned entries",
            "tasks": "number, title, assignee, status, due_at, result ...",
            "hypotheses": "number, text, status, evidence ...",
            "decisions": "number, question, options, objections, choice, reason ...",
            "evidence": "number, kind, title, query, series, data (JSON as text) ...",
            "alerts": "fingerprint, source, name, status, starts_at, ended_at ...",
            "links": "title, url, kind",
            "changes": "kind, service, version, text, at",
            "counters": "name, value, peak",
            "impact": "in words",
            "updates": "text, audience, published_by, published_at",
            "next_update_due": "time or null",
            "merged_into": "id or empty",
            "absorbed": "ids merged into it",
            "playbooks": "id, version, title, steps",
            "participants": "name: when first seen on the log",
            "reopened": "how often",
            "opaque": "entries of types that this version does not know",
            "measures": "MTTD, MTTA, MTTM, MTTR: name, formula, seconds, reason, entries",
            "board": "panels that responders put on the board: number, title, query, source, window, step ...",
            "exercise": "null unless it is one: scenario, title, seed, hosts, actions on offer, speed, stopped_at ...",
            "actions": "what was asked for in an exercise: number, action, status, requested_by, approved_by, second",
            "people": "who is in the room now",
        },
    ),
    "evidence": (
        "evidence list",
        {
            "incident": "id",
            "evidence": "objects with number, seq, title, who, at, source, query, unit, start, end, step_seconds, "
            "note, kind, holds (how much it keeps, in words)",
        },
    ),
    "evidence-pin": (
        "evidence show",
        {
            "incident": "id",
            "number": "of the evidence",
            "seq": "entry it was pinned by",
            "title": "",
            "who": "name",
            "at": "when it was pinned",
            "source": "whom was asked",
            "query": "what was asked",
            "unit": "of a metric's values",
            "start": "time or null",
            "end": "time or null",
            "step_seconds": "number or null",
            "series": "lines of a metric: label, times, values",
            "note": "",
            "kind": "metric, logs, trace, alerts, services, text",
            "holds": "how much it keeps, in words",
            "data": "the answer of every other kind; null where there is none",
        },
    ),
    "panels": (
        "panel list",
        {
            "incident": "id",
            "panels": "objects with number, seq, added_by, added_at, title, query, source, unit, legend, thresholds "
            "(value, level, above, label), window, step",
        },
    ),
    "catchup": (
        "catchup",
        {
            "incident": "id",
            "seq": "number of the newest entry",
            "since": "the entry you saw last",
            "sections": "objects with title and lines",
        },
    ),
    "postmortem": (
        "postmortem",
        {"incident": "id", "seq": "entry", "head_hash": "hash", "file": "path or empty", "markdown": "the document"},
    ),
    "verify": (
        "verify",
        {
            "ok": "whether all of it holds",
            "incidents": "objects with incident, ok, records, head, seq, redacted, signatures, "
            "broken (seq and what, or null)",
        },
    ),
    "imported": ("import", {"incident": "id", "seq": "entries in all", "added": "entries that were new"}),
    "backup": ("backup", {"path": "the copy, on the server's machine"}),
    "restored": (
        "restore",
        {"path": "the log", "incidents": "ids", "replaced": "where the log before is kept, or empty"},
    ),
    "invite": (
        "invite",
        {
            "invitation": "HOST:PORT#CODE for `warroom join`",
            "code": "the code alone",
            "access": "what it allows",
            "code_seconds": "how long the code may be used",
            "ttl_seconds": "how long access lasts",
        },
    ),
    "tokens": (
        "token list",
        {"tokens": "objects with id, name, access, scopes, created_at, created_by, expires_at, live, invite"},
    ),
    "revoked": ("token revoke", {"id": "of the token", "name": "whose it was"}),
    "quarantine": (
        "quarantine list",
        {"entries": "objects with number, at, kind, door, field, problem, expected, body, body_bytes, known_sender"},
    ),
    "playbooks": ("playbook list", {"playbooks": "objects with id, version, title, steps"}),
    "playbook": (
        "playbook show",
        {"file": "path", "id": "", "title": "", "version": "", "digest": "of its content", "steps": "objects"},
    ),
    "scenarios": (
        "tabletop list",
        {
            "scenarios": "objects with name, title, version, difficulty, minutes, most_minutes, solo, seats, audience, "
            "topology; with --spoilers also id, tags, inspired_by"
        },
    ),
    "scenario": (
        "tabletop show",
        {"scenario": "what players may see, or all of it with --spoilers", "digest": "of its content"},
    ),
    "exercise": (
        "exercise show",
        {
            "incident": "id",
            "second": "of the exercise, by the newest entry of its log, or when it was stopped",
            "scenario": "id",
            "version": "of the scenario",
            "title": "",
            "speed": "beside real time; 0 is a pause",
            "safe_word": "",
            "hosts": "names",
            "roles": "seats that have to be taken",
            "actions": "what is offered: id, title, kind, target, takes_seconds, needs, approval, text",
            "withheld": "who is out of reach",
            "hints": "what hints cost so far",
            "started_at": "on the exercise's clock",
            "stopped_at": "the same, or null",
            "stop_reason": "finished, safe_word, hard_stop, abandoned; or empty",
            "asked": "what was asked for: number, action, status, requested_by, approved_by, started_at, ends_at, "
            "ended_at, second, words ...",
        },
    ),
    "inbox": (
        "exercise inbox",
        {"incident": "id", "whispers": "objects with at, sender, to, text, inject"},
    ),
    "tabletop-score": (
        "tabletop review --format json",
        {
            "incident": "id",
            "scenario": "id",
            "title": "the scenario's",
            "version": "of the scenario",
            "seed": "of the run",
            "started_at": "on the exercise's clock",
            "ended": "finished, stopped by the safe word, ran out of time, abandoned, still running",
            "team": "names of those who took part",
            "took_part": "whether they did anything but harm",
            "total": "0 to 100, after hints",
            "hints": "what hints cost",
            "categories": "objects with id, title, points, of, items (id, title, points, of, why, entries)",
            "clocks": "objects with id, title, second, entry, reference, nothing (seconds from the start, or null)",
            "spans": "objects with id, title, formula, seconds, reference, nothing",
            "milestones": "objects with id, text, due, second, status (met, late, missed, open), entry, objective",
            "lost": "user-minutes: asked, team, nothing, reference",
            "unscored": "panes, sightings, duplicates, gaps, voices, dead_ends, dead_end_seconds",
            "remarks": "what hosts judged: rubric, points, text, entry, counted",
            "file": "path or empty",
        },
    ),
    "tabletop-history": (
        "tabletop history",
        {
            "runs": "objects with incident, scenario, version, played_at, ended, total, hints, team, categories",
            "overall": "count, stopped (not in the rest), first, last, best, mean, gain (points per run), totals, "
            "earlier and later (share of each category); or null",
            "scenarios": "the same for each scenario",
        },
    ),
    "lint": ("playbook lint, tabletop lint", {"findings": "sentences", "ok": "whether none is an error"}),
    "dashboard": (
        "dashboard show",
        {
            "title": "the dashboard's",
            "uid": "Grafana's; may be empty for a file",
            "start": "seconds since the epoch",
            "end": "seconds since the epoch",
            "variables": "the chosen values by the variable's name",
            "panels": "objects with key, id, title, kind, body (by kind), empty, errors, notes",
        },
    ),
    "dashboard-check": (
        "dashboard check",
        {
            "title": "the dashboard's",
            "panels": "how many it has; rows do not count",
            "drawn": "how many of them can be drawn with their data",
            "findings": "objects with code, weight (warning or note), path (a JSON path), message",
            "ok": "whether the check passes",
        },
    ),
    "query": (
        "query",
        {
            "query": "as asked",
            "start": "seconds since the epoch of the first point",
            "step": "seconds",
            "count": "points of each series",
            "series": "objects with labels, legend, values (numbers, NaN, +Inf, -Inf, or null for a gap)",
            "warnings": "the server's remarks",
            "infos": "the same, milder",
        },
    ),
    "samples": ("query --instant", {"samples": "objects with labels, at, value", "warnings": "", "infos": ""}),
    "logs": (
        "logs",
        {
            "query": "as asked",
            "lines": "objects with ns (nanoseconds since the epoch), text, labels, metadata; oldest first",
            "full": "whether the limit cut it",
            "warnings": "the server's remarks",
        },
    ),
    "patterns": ("logs --patterns", {"patterns": "objects with pattern, level, samples, count; most lines first"}),
    "services": ("traces without a service", {"services": "names"}),
    "traces": (
        "traces",
        {"traces": "objects with trace_id, service, operation, start and duration (microseconds), spans, errors"},
    ),
    "trace": ("trace", {"trace_id": "32 hex digits", "spans": "objects", "warnings": "the server's remarks"}),
    "map": (
        "map",
        {
            "nodes": "objects with name, health (green, amber, red, unknown), rate, error_ratio, p95_seconds, words",
            "edges": "objects with parent, child, calls",
            "sources": "what told it",
            "warnings": "what could not be asked",
        },
    ),
    "alerts": ("alert list", {"groups": "objects with labels, receiver, alerts"}),
    "silences": ("alert list --silences", {"silences": "objects with id, matchers, starts_at, ends_at, comment ..."}),
    "health": (
        "health",
        {
            "status": "HEALTHY, DEGRADED or UNHEALTHY",
            "at": "seconds since the epoch",
            "results": "objects with name, status, message, response_time_ms, at, details",
            "history": "earlier results by check: at, status, response_time_ms",
        },
    ),
    "suggestions": ("playbook suggest", {"incident": "id", "playbooks": "best first, with score and reasons"}),
    "doctor": (
        "doctor",
        {"ok": "whether nothing failed", "checks": "objects with name, state (ok, warn, fail), words, remedy"},
    ),
    "stack": (
        "stack status",
        {
            "ok": "whether every service that was started is well",
            "engine": "ok, none, denied, unknown",
            "words": "how the stack is, in a clause",
            "at": "when it was looked at",
            "services": "objects with name, state, health, words, since, restarts, cpu (percent of one core), "
            "memory and memory_limit (bytes), image, ports, profiles",
        },
    ),
    "config": ("config", {"files": "paths read", "settings": "objects with key, value, origin; secrets masked"}),
    "paths": (
        "config path",
        {"file": "", "system_file": "", "config": "", "data": "", "state": "", "runtime": ""},
    ),
    "keys": ("keys", {"keymap": "path or empty", "actions": "objects with id, keys, title, scope, command"}),
}
