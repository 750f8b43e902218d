"""Questions to an Alertmanager, and silences: its v2 API, answered with the types of `alerts`.

Held against Alertmanager 0.25, 0.28 and 0.33. Every method raises a TelemetryError and nothing else.

Its errors come in three shapes: a bare JSON string (a handler's), `{code, message}` (the validation before it), and
nothing at all (a silence that is not there). Format: api/v2/openapi.yaml of github.com/prometheus/alertmanager.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import orjson

from warroom.telemetry.alerts import ActiveAlert, AlertGroup, Matcher, Pairs, Silence
from warroom.telemetry.errors import BadQuery, NotReady, TelemetryError
from warroom.telemetry.prometheus_read import moment
from warroom.telemetry.source import Access, Limits, Source
from warroom.telemetry.upstream import Answer, Params, Upstream

Result = TypeVar("Result")

_API = "/api/v2"
_STATES = ("active", "suppressed", "unprocessed")
_SILENCE_STATES = ("pending", "active", "expired")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_PLAIN_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_EARLIEST = 0.0
_LATEST = 253_402_300_799.0


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert to post. `starts_at` and `ends_at` are seconds since the epoch; 0 leaves them to the server: now, and
    its resolve timeout after the last post.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float = 0.0
    ends_at: float = 0.0
    url: str = ""


@dataclass(frozen=True, slots=True)
class AlertmanagerStatus:
    """`cluster` is ready, settling or disabled; `peers` how many it has; `config` the YAML in force, its secrets
    struck out by the server.
    """

    version: str
    started_at: float
    cluster: str
    peers: int
    config: str


class Alertmanager:
    """One Alertmanager. Belongs to one event loop; `close` it there."""

    def __init__(
        self,
        source: Source,
        limits: Limits | None = None,
        access: Access | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """
        Raises:
            ValueError: a certificate or a key cannot be used; the sentence says which.
        """
        self.source = source
        self._upstream = Upstream(source, limits, access, words=_words, transport=transport)

    async def close(self) -> None:
        """Drop the kept connections."""
        await self._upstream.close()

    async def alerts(
        self,
        matching: Sequence[Matcher] = (),
        *,
        active: bool = True,
        silenced: bool = True,
        inhibited: bool = True,
        unprocessed: bool = True,
        receiver: str = "",
    ) -> tuple[ActiveAlert, ...]:
        """Alerts that all matchers match. The flags say which kinds to list; `receiver` is a regular expression that
        the whole name must match.
        """
        kinds = {"active": active, "silenced": silenced, "inhibited": inhibited, "unprocessed": unprocessed}
        return await self._list("/alerts", _asked(matching, kinds, receiver), _alert)

    async def groups(
        self,
        matching: Sequence[Matcher] = (),
        *,
        active: bool = True,
        silenced: bool = True,
        inhibited: bool = True,
        receiver: str = "",
    ) -> tuple[AlertGroup, ...]:
        """Alerts as they are notified of together; as `alerts`. Only here an alert that a time interval mutes says so
        (from 0.28 on).
        """
        kinds = {"active": active, "silenced": silenced, "inhibited": inhibited}
        return await self._list("/alerts/groups", _asked(matching, kinds, receiver), _group)

    async def post_alerts(self, alerts: Sequence[NewAlert]) -> None:
        """Raise alerts, or resolve them with an `ends_at` that is past. Posting one twice is the same as once."""
        said = [
            {"labels": dict(alert.labels), "annotations": dict(alert.annotations)}
            | ({"startsAt": _written(alert.starts_at)} if alert.starts_at else {})
            | ({"endsAt": _written(alert.ends_at)} if alert.ends_at else {})
            | ({"generatorURL": alert.url} if alert.url else {})
            for alert in alerts
        ]
        await self._ask("POST", "/alerts", json=said, again=True)

    async def silences(self, matching: Sequence[Matcher] = ()) -> tuple[Silence, ...]:
        """Silences, those that are over too (for five days), of which a matcher looks like each of these."""
        return await self._list("/silences", _asked(matching, {}, ""), _silence)

    async def silence(self, silence_id: str) -> Silence:
        """One silence. Raises BadQuery when there is none of that id."""
        answer = await self._ask("GET", f"/silence/{_path(silence_id)}", again=True, about=silence_id)
        return self._read(answer, _silence)

    async def create_silence(
        self, matchers: Sequence[Matcher], starts_at: float, ends_at: float, created_by: str, comment: str
    ) -> str:
        """Silence what all matchers match, and return the id. Said once only: never tried again by itself."""
        return await self._put_silence(Silence("", tuple(matchers), starts_at, ends_at, created_by, comment))

    async def edit_silence(
        self,
        silence_id: str,
        *,
        matchers: Sequence[Matcher] | None = None,
        starts_at: float | None = None,
        ends_at: float | None = None,
        created_by: str | None = None,
        comment: str | None = None,
    ) -> str:
        """Change a silence and return its id from now on. Where the server cannot change it in place (matchers or
        start are others, or it is over), it ends the old one and makes another.
        """
        old = await self.silence(silence_id)
        new = replace(
            old,
            matchers=old.matchers if matchers is None else tuple(matchers),
            starts_at=old.starts_at if starts_at is None else starts_at,
            ends_at=old.ends_at if ends_at is None else ends_at,
            created_by=old.created_by if created_by is None else created_by,
            comment=old.comment if comment is None else comment,
        )
        return await self._put_silence(new)

    async def extend_silence(self, silence_id: str, ends_at: float) -> str:
        """Let a silence end at another time, and return its id from now on. Raises BadQuery when it is over."""
        old = await self.silence(silence_id)
        if old.state == "expired":
            raise BadQuery(f"the silence {silence_id} is over; make a new one")
        return await self._put_silence(replace(old, ends_at=ends_at))

    async def expire_silence(self, silence_id: str) -> None:
        """End a silence now; one that is over stays so. Raises BadQuery when there is none of that id."""
        await self._ask("DELETE", f"/silence/{_path(silence_id)}", again=True, about=silence_id)

    async def receivers(self) -> tuple[str, ...]:
        """Names of all receivers, in the order of the configuration."""
        return await self._list("/receivers", (), lambda said: _text(said["name"]))

    async def status(self) -> AlertmanagerStatus:
        """The server itself."""
        return self._read(await self._ask("GET", "/status", again=True), _status)

    async def version(self) -> str:
        """Version of the server, such as 0.25.0."""
        return (await self.status()).version

    async def ready(self) -> None:
        """Return when the server says that it can answer. Raises NotReady or Unreachable."""
        answer = await self._upstream.exchange("GET", "/-/ready", again=True)
        if not answer.ok:
            said = self.source.clean(answer.text)
            raise NotReady(f"{self.source.name} is not ready: it answered {answer.status} {said}".rstrip())

    async def _put_silence(self, silence: Silence) -> str:
        if not silence.matchers:
            raise BadQuery("a silence needs at least one matcher")
        said: dict[str, Any] = {
            "matchers": [
                {"name": one.name, "value": one.value, "isRegex": one.is_regex, "isEqual": one.is_equal}
                for one in silence.matchers
            ],
            "startsAt": _written(silence.starts_at),
            "endsAt": _written(silence.ends_at),
            "createdBy": silence.created_by,
            "comment": silence.comment,
        }
        if silence.id:
            said["id"] = silence.id
        answer = await self._ask("POST", "/silences", json=said, about=silence.id)
        return self._read(answer, lambda told: _id(told["silenceID"]))

    async def _list(self, path: str, params: Params, parse: Callable[[Any], Result]) -> tuple[Result, ...]:
        answer = await self._ask("GET", path, params=params, again=True)
        return self._read(answer, lambda said: tuple(parse(one) for one in _items(said)))

    async def _ask(
        self, method: str, path: str, *, params: Params = (), json: Any = None, again: bool = False, about: str = ""
    ) -> Answer:
        """`about` is the id of the silence that is asked about, if any."""
        try:
            answer = await self._upstream.exchange(method, _API + path, params=params, json=json, again=again)
        except (UnicodeEncodeError, orjson.JSONEncodeError):
            raise BadQuery("there are characters in the question that are no Unicode text") from None
        if answer.ok:
            return answer
        raise self._refusal(answer, about)

    def _refusal(self, answer: Answer, about: str) -> TelemetryError:
        said = self.source.clean(_words(answer)[:2000])
        # 0.25 answers 500 and words where later ones answer 404 and nothing.
        missing = (answer.status == 404 and not said) or (answer.status == 500 and said == "silence not found")
        if about and missing:
            return BadQuery(f"{self.source.name} knows no silence {about}")
        if said and answer.status in (400, 404, 405, 409, 410, 415, 422) and "html" not in answer.kind:
            return BadQuery(f"{self.source.name}: {said}")
        return self._upstream.refusal(answer)

    def _read(self, answer: Answer, parse: Callable[[Any], Result]) -> Result:
        try:
            return parse(answer.json())
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as unexpected:
            told = f"{type(unexpected).__name__} {unexpected}"[:120]
            raise self._upstream.strange(told) from unexpected


def filter_of(matcher: Matcher) -> str:
    """A matcher as the API takes it: its value quoted and escaped, a name beyond letters, digits and _ quoted too."""
    sign = ("=~" if matcher.is_equal else "!~") if matcher.is_regex else ("=" if matcher.is_equal else "!=")
    name = matcher.name if _PLAIN_NAME.fullmatch(matcher.name) else _quoted(matcher.name)
    return name + sign + _quoted(matcher.value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _words(answer: Answer) -> str:
    """The server's own words, in whichever of its shapes."""
    try:
        said = answer.json()
    except ValueError:
        return answer.text
    if isinstance(said, Mapping):
        said = said.get("message") or said.get("error") or ""
    return said if isinstance(said, str) else answer.text


def _asked(matching: Sequence[Matcher], kinds: Mapping[str, bool], receiver: str) -> Params:
    """A value that is neither true nor false would be taken for false without a word, so these are ours."""
    asked = [("filter", filter_of(one)) for one in matching]
    asked += [(kind, "true" if wanted else "false") for kind, wanted in kinds.items()]
    return [*asked, ("receiver", receiver)] if receiver else asked


def _path(silence_id: str) -> str:
    if not _ID.fullmatch(silence_id):
        raise BadQuery(f"{silence_id[:80]!r} is not the id of a silence")
    return silence_id


def _written(at: float) -> str:
    if not _EARLIEST <= at <= _LATEST:
        raise BadQuery("a time is after 1970 and before the year 10000")
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _alert(said: Any) -> ActiveAlert:
    status = said["status"]
    return ActiveAlert(
        fingerprint=_text(said["fingerprint"]),
        labels=_pairs(said["labels"]),
        annotations=_pairs(said["annotations"]),
        starts_at=moment(said["startsAt"]),
        ends_at=moment(said["endsAt"]),
        state=_one_of(status["state"], _STATES),
        silenced_by=_texts(status["silencedBy"]),
        inhibited_by=_texts(status["inhibitedBy"]),
        muted_by=_texts(status.get("mutedBy") or ()),
        receivers=tuple(_text(one["name"]) for one in _items(said["receivers"])),
        url=_text(said.get("generatorURL", "")),
    )


def _group(said: Any) -> AlertGroup:
    alerts = tuple(_alert(one) for one in _items(said["alerts"]))
    return AlertGroup(_pairs(said["labels"]), _text(said["receiver"]["name"]), alerts)


def _silence(said: Any) -> Silence:
    return Silence(
        id=_id(said["id"]),
        matchers=tuple(_matcher(one) for one in _items(said["matchers"])),
        starts_at=moment(said["startsAt"]),
        ends_at=moment(said["endsAt"]),
        created_by=_text(said["createdBy"]),
        comment=_text(said["comment"]),
        state=_one_of(said["status"]["state"], _SILENCE_STATES),
    )


def _matcher(said: Any) -> Matcher:
    regex, equal = said["isRegex"], said["isEqual"]
    if not (isinstance(regex, bool) and isinstance(equal, bool)):
        raise TypeError("a matcher's flags are true or false")
    return Matcher(_text(said["name"]), _text(said["value"]), regex, equal)


def _status(said: Any) -> AlertmanagerStatus:
    return AlertmanagerStatus(
        version=_text(said["versionInfo"]["version"]),
        started_at=moment(said["uptime"]),
        cluster=_text(said["cluster"]["status"]),
        peers=len(_items(said["cluster"].get("peers") or [])),
        config=_text(said["config"]["original"]),
    )


def _pairs(said: Any) -> Pairs:
    if not isinstance(said, dict):
        raise TypeError("labels are an object")
    return tuple(sorted((name, _text(value)) for name, value in said.items()))


def _items(said: Any) -> list[Any]:
    if not isinstance(said, list):
        raise TypeError("a list was expected")
    return said


def _texts(said: Any) -> tuple[str, ...]:
    return tuple(_text(one) for one in said)


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise TypeError(f"{type(said).__name__} in place of a text")
    return said


def _id(said: Any) -> str:
    if not _text(said):
        raise ValueError("an empty id")
    return _text(said)


def _one_of(said: Any, known: Sequence[str]) -> str:
    if said not in known:
        raise ValueError(f"{said!r} is none of {', '.join(known)}")
    return _text(said)
