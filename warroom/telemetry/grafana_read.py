"""What Grafana says, as this package's own shapes: pure, no network. Times are seconds since the epoch.

Follows https://grafana.com/docs/grafana/latest/developers/http_api/. Whatever does not fit raises KeyError, TypeError,
ValueError or IndexError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class GrafanaHealth:
    """`ok` when its database works. Version and commit are empty where its settings hide them."""

    ok: bool
    version: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class DashboardHit:
    """One line of a search. `url` is its path below the server's URL."""

    uid: str
    title: str
    folder: str = ""
    folder_uid: str = ""
    tags: tuple[str, ...] = ()
    url: str = ""
    starred: bool = False
    kind: str = "dash-db"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard as it is kept: `model` is its JSON, `meta` what the server says about it."""

    uid: str
    title: str
    model: dict[str, Any]
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The last part of its address, which Grafana does not look at."""
        return str(self.meta.get("slug") or "")


@dataclass(frozen=True, slots=True)
class Annotation:
    """A mark on the time axis. `end` equals `start` for a moment; without `dashboard_uid` it is on all dashboards."""

    id: int
    start: float
    end: float
    text: str
    tags: tuple[str, ...] = ()
    dashboard_uid: str = ""
    panel_id: int = 0
    who: str = ""
    alert: str = ""


@dataclass(frozen=True, slots=True)
class DataSource:
    """A server that Grafana asks. `kind` is its plug-in: prometheus, loki, jaeger …"""

    uid: str
    name: str
    kind: str
    default: bool = False


def health_of(said: Mapping[str, Any]) -> GrafanaHealth:
    return GrafanaHealth(_text(said["database"]) == "ok", _text(said.get("version", "")), _text(said.get("commit", "")))


def hits_of(said: Any) -> tuple[DashboardHit, ...]:
    """Dashboards in the order of the answer."""
    return tuple(
        DashboardHit(
            uid=_text(one["uid"]),
            title=_text(one["title"]),
            folder=_text(one.get("folderTitle") or ""),
            folder_uid=_text(one.get("folderUid") or ""),
            tags=_texts(one.get("tags")),
            url=_text(one.get("url") or ""),
            starred=bool(one.get("isStarred")),
            kind=_text(one.get("type") or "dash-db"),
        )
        for one in _list(said)
    )


def hit_of_object(said: Mapping[str, Any]) -> DashboardHit:
    """As one of `hits_of`, from an object of the newer API."""
    metadata, spec = said["metadata"], said["spec"]
    uid = _text(metadata["name"])
    folder = (metadata.get("annotations") or {}).get("grafana.app/folder", "")
    return DashboardHit(
        uid, _text(spec["title"]), folder_uid=_text(folder), tags=_texts(spec.get("tags")), url=f"/d/{uid}"
    )


def dashboard_of(said: Mapping[str, Any]) -> Dashboard:
    model, meta = _object(said["dashboard"]), _object(said["meta"])
    return Dashboard(_text(model["uid"]), _text(model["title"]), model, meta)


def dashboard_of_object(said: Mapping[str, Any]) -> Dashboard:
    """As `dashboard_of`, from an object of the newer API, whose name is the uid."""
    model, metadata = _object(said["spec"]), _object(said["metadata"])
    uid = _text(metadata["name"])
    folder = (metadata.get("annotations") or {}).get("grafana.app/folder", "")
    meta = {"url": f"/d/{uid}", "folderUid": folder, "apiVersion": said.get("apiVersion", "")}
    return Dashboard(uid, _text(model["title"]), {**model, "uid": uid}, meta)


def annotations_of(said: Any) -> tuple[Annotation, ...]:
    """Annotations, the oldest first."""
    found = []
    for one in _list(said):
        start = _whole(one["time"]) / 1000
        ends = _whole(one.get("timeEnd") or 0) / 1000
        found.append(
            Annotation(
                id=_whole(one["id"]),
                start=start,
                end=max(start, ends),
                text=_text(one["text"]),
                tags=_texts(one.get("tags")),
                dashboard_uid=_text(one.get("dashboardUID") or ""),
                panel_id=_whole(one.get("panelId") or 0),
                who=_text(one.get("login") or one.get("userName") or ""),
                alert=_text(one.get("alertName") or ""),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.start, one.id)))


def data_sources_of(said: Any) -> tuple[DataSource, ...]:
    """Data sources by name."""
    found = [
        DataSource(_text(one["uid"]), _text(one["name"]), _text(one["type"]), bool(one.get("isDefault")))
        for one in _list(said)
    ]
    return tuple(sorted(found, key=lambda one: one.name))


def id_of(said: Mapping[str, Any]) -> int:
    """The id of what was made."""
    return _whole(said["id"])


def _object(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise TypeError("an object was expected")
    return said


def _list(said: Any) -> list[Any]:
    if not isinstance(said, list):
        raise TypeError("a list was expected")
    return said


def _texts(said: Any) -> tuple[str, ...]:
    return tuple(_text(one) for one in _list([] if said is None else said))


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise TypeError("a text was expected")
    return said


def _whole(said: Any) -> int:
    if not isinstance(said, int) or isinstance(said, bool):
        raise TypeError("a whole number was expected")
    return said
