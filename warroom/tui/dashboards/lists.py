"""The rows of list panels, from what the server knows: alerts, dashboards; and the incident's own marks.

Invariant: pure. An answer of another shape gives no rows, never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from warroom.dashboards.data import Level, Listing
from warroom.tui.dashboards.questions import Question
from warroom.tui.dashboards.texts import ListRow
from warroom.tui.glyphs import age
from warroom.tui.widgets.chart_data import Marker

_FIRING = frozenset({"firing", "alerting", "active"})
_QUIET = frozenset({"normal", "ok", "inactive", "resolved"})


def question_of_list(body: Listing) -> Question | None:
    """What to ask for a list; None for one that the incident itself answers, or nobody."""
    if body.what == "alerts":
        return Question("alerts")
    return Question("dashboards", (("query", body.query),)) if body.what == "dashboards" else None


def rows_of_list(body: Listing, result: Any, now: float) -> tuple[ListRow, ...]:
    """The rows of a list panel from the answer to its question."""
    if not isinstance(result, Mapping):
        return ()
    if body.what == "alerts":
        return tuple(_alerts(body, result, now))
    rows = []
    for one in _objects(result, "dashboards"):
        tags = [str(tag) for tag in one.get("tags") or ()]
        if all(tag in tags for tag in body.tags):
            rows.append(ListRow(str(one.get("title", "")), note=str(one.get("folder") or "")))
    return tuple(rows)


def _objects(raw: Any, key: str) -> Sequence[Mapping[str, Any]]:
    found = raw.get(key) if isinstance(raw, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []


def _alerts(body: Listing, result: Mapping[str, Any], now: float) -> list[ListRow]:
    if body.states and not {one.casefold() for one in body.states} & _FIRING:
        return []
    rows = []
    for group in _objects(result, "groups"):
        for one in _objects(group, "alerts"):
            labels = {str(key): str(value) for key, value in one.get("labels") or ()}
            name = labels.get("alertname", str(one.get("name", "")))
            if body.query.casefold() not in name.casefold() or not _matches(labels, body.labels):
                continue
            level: Level = "critical" if labels.get("severity", "") in {"critical", "page"} else "warning"
            since = one.get("starts_at", one.get("since"))
            note = age(now - since) if isinstance(since, int | float) else ""
            service = labels.get("service", labels.get("job", ""))
            state = str(one.get("state", ""))
            words = " ".join(part for part in (name, service) if part)
            rows.append(ListRow(words, level, " ".join(part for part in (state, note) if part)))
    return rows


def _matches(labels: Mapping[str, str], wanted: Sequence[tuple[str, str, str]]) -> bool:
    for name, sign, value in wanted:
        have = labels.get(name, "")
        try:
            same = have == value if sign in {"=", "!="} else re.fullmatch(value[:200], have[:500]) is not None
        except re.error:
            return False
        if same == sign.startswith("!"):
            return False
    return True


def rows_of_marks(marks: Sequence[Marker], body: Listing, zone: tzinfo) -> tuple[ListRow, ...]:
    """The incident's events as the rows of a list of annotations, the newest first."""
    ordered = sorted(marks, key=lambda mark: -mark.time)[: body.most]
    return tuple(
        ListRow(f"{mark.kind}: {mark.label}" if mark.label else mark.kind,
                note=datetime.fromtimestamp(mark.time, zone).strftime("%m-%d %H:%M"))
        for mark in ordered
    )  # fmt: skip
