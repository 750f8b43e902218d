"""Addresses of Grafana's pages: pure text, nothing is asked.

Explore takes what it shows in its `panes` parameter, with `schemaVersion=1`, since Grafana 10
(https://grafana.com/docs/grafana/latest/explore/get-started-with-explore/#share-explore-urls). Times in addresses are
milliseconds, so a link shows the same range to whoever opens it, whenever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, urlencode

import orjson

SourceKind: TypeAlias = Literal["prometheus", "loki", "jaeger"]

_PANE = "war"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class ExploreQuery:
    """One query of a pane: PromQL, LogQL, or of a Jaeger a trace id (or a service, where `service` is set)."""

    kind: SourceKind
    text: str
    service: str = ""


def explore(base: str, datasource_uid: str, queries: Sequence[ExploreQuery], start: float, end: float, org: int) -> str:
    """The address of Explore with these queries and this range (seconds since the epoch)."""
    pane = {
        "datasource": datasource_uid,
        "queries": [_query(number, one, datasource_uid) for number, one in enumerate(queries)],
        "range": {"from": _ms(start), "to": _ms(end)},
    }
    asked = {"schemaVersion": "1", "panes": orjson.dumps({_PANE: pane}).decode(), "orgId": str(org)}
    return f"{base}/explore?{urlencode(asked, quote_via=quote)}"


def dashboard(
    base: str,
    uid: str,
    slug: str,
    variables: Mapping[str, str | Sequence[str]],
    start: float | None,
    end: float | None,
    org: int,
    panel_id: int | None,
) -> str:
    """The address of a dashboard, or of one panel of it in full view, with its variables and a range."""
    asked: list[tuple[str, str]] = [("orgId", str(org))]
    asked += [(name, _ms(value)) for name, value in (("from", start), ("to", end)) if value is not None]
    for name, value in variables.items():
        asked += [(f"var-{name}", one) for one in ((value,) if isinstance(value, str) else value)]
    if panel_id is not None:
        asked.append(("viewPanel", str(panel_id)))
    path = f"/d/{quote(uid, safe='')}" + (f"/{quote(slug, safe='')}" if slug else "")
    return f"{base}{path}?{urlencode(asked, quote_via=quote)}"


def _query(number: int, one: ExploreQuery, datasource_uid: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "refId": _LETTERS[number] if number < len(_LETTERS) else f"Q{number}",
        "datasource": {"type": one.kind, "uid": datasource_uid},
    }
    if one.kind == "jaeger":
        # Without a type the query is the id of a trace.
        return said | ({"queryType": "search", "service": one.service} if one.service else {"query": one.text})
    if one.kind == "loki":
        return said | {"expr": one.text, "queryType": "range", "editorMode": "code"}
    return said | {"expr": one.text, "range": True, "instant": False, "editorMode": "code"}


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))
