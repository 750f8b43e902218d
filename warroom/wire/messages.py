"""The frames of protocol 1: JSON objects in text frames, told apart by `t`.

Up (client to server)                          Down (server to client)
 hello       who, which outbox, what it has     welcome    epoch, limits, what the server knows of the outbox
 command     one numbered command               events     records of one incident, contiguous
 confirm     outcomes up to n may go            outcome    the answer to one command that led to no event
 subscribe   follow an incident from a seq      resend     a command is missing: send again from n
 unsubscribe                                    snapshot   header; the state's JSON follows in binary frames
 lobby       follow the list of incidents       incidents  lines of the list that are new or changed
 presence    what I look at, idle, typing       presence   who is here, one frame for all, a few times a second
 spotlight   commander: look at this            spotlight
 watch       follow a panel                     panel      full series, increments or trouble of one panel
 unwatch                                        closed     a subscription ended, and why
 tail        follow the lines of a log query    lines      new lines of one tail, or its trouble
 untail
 request     anything with one answer           response
 ping                                           pong, notice, bye

An own event in `events` is the ack of its command; whoever does not follow that incident (or has just declared it)
gets an `outcome` instead, as does every command that led to no event. Both may come; the first one counts.
A `subscribe` is always answered, by a snapshot or by `events`, which may be empty.
A connection made with an invite is told its `token` before the welcome.
Unknown `t` from a server is ignored by a client; from a client it is refused. Records carry the event as JSON,
whose canonical bytes are `orjson.dumps` of it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from warroom.tracing.context import is_traceparent

PROTOCOL = 1
MAX_UP = 256 * 1024
"""Bytes of the largest frame a client may send."""
MAX_SHOWN = 8 * 1024
"""Bytes of the content of a spotlight."""
MAX_DOWN = 1024 * 1024
"""Bytes of the largest frame a server sends; a snapshot comes in several binary frames."""

CLIENT_ID = r"^[0-9a-zA-Z_-]{8,64}$"
ClientId = Annotated[str, StringConstraints(pattern=CLIENT_ID)]
Word = Annotated[str, StringConstraints(max_length=64)]
Incident = Annotated[str, StringConstraints(pattern=r"^INC-[0-9A-Z]{4,8}$")]
Count = Annotated[int, Field(ge=0, le=2**53)]


class CloseCode:
    """Close codes of the websocket beyond the standard ones."""

    MALFORMED = 4400
    UNAUTHORISED = 4401
    FORBIDDEN = 4403
    TOO_LATE = 4408
    """No hello in time."""
    REPLACED = 4409
    """The same outbox connected again."""
    FOREIGN = 4410
    """The outbox belongs to another name: come with another client id."""
    TOO_LARGE = 1009
    TOO_OLD = 4426
    """No common protocol version."""
    FLOODING = 4429
    SLOW = 4430
    """The reader fell behind; resume from where it is."""
    RESTART = 1012


class Up(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Position(Up):
    """Where a replica stands: the log's epoch, the seq it has, the hash of that record (hex)."""

    incident: Incident
    epoch: Word = ""
    seq: Count = 0
    hash: Word = ""


class Hello(Up):
    """First frame. `token` only where no header could be sent; `first` is the lowest command number not settled.

    `first` confirms all below it, so a server that knows less (a restored backup) goes on from there.
    `kind` is console, cli or automation. `wall` is the client's own time, seconds since the epoch, by which a
    wrong clock is found; 0 says nothing. `protocol` is the range spoken, lowest and highest.
    """

    t: Literal["hello"]
    protocol: tuple[int, int]
    client: ClientId
    first: Annotated[int, Field(ge=1, le=2**53)] = 1
    token: Annotated[str, StringConstraints(max_length=256)] = ""
    kind: Literal["console", "cli", "automation", "page"] = "console"
    agent: Word = ""
    wall: Annotated[float, Field(ge=0)] = 0.0


LONGEST_TRACE = f"00-{'1' * 32}-{'1' * 16}-01"
"""A traceparent is as long as any other."""


def _traceparent(said: object) -> str:
    return said if isinstance(said, str) and is_traceparent(said) else ""


class CommandFrame(Up):
    """`incident` is empty for declare-incident. `command` is validated by the core's own models.

    `trace` is a W3C traceparent, sent only to a server whose welcome `traces`; what is none is taken for none. It is
    never recorded.
    """

    t: Literal["command"]
    n: Annotated[int, Field(ge=1, le=2**53)]
    incident: Annotated[str, StringConstraints(pattern=r"^(INC-[0-9A-Z]{4,8})?$")] = ""
    command: dict[str, Any]
    trace: Annotated[str, BeforeValidator(_traceparent)] = ""


class Confirm(Up):
    t: Literal["confirm"]
    n: Count


class Subscribe(Up):
    t: Literal["subscribe"]
    position: Position


class Unsubscribe(Up):
    t: Literal["unsubscribe"]
    incident: Incident


class Lobby(Up):
    t: Literal["lobby"]
    follow: bool = True


class PresenceUp(Up):
    """`looking_at` is a pane (`timeline`, `chat` ...); `idle` in whole seconds."""

    t: Literal["presence"]
    incident: Incident
    looking_at: Word = ""
    idle: Annotated[int, Field(ge=0, le=10**7)] = 0
    typing: bool = False


def _small(shown: dict[str, Any]) -> dict[str, Any]:
    size = len(orjson.dumps(shown))
    if size > MAX_SHOWN:
        raise ValueError(f"has {size} bytes as JSON; at most {MAX_SHOWN} are shown")
    return shown


Shown = Annotated[dict[str, Any], AfterValidator(_small)]


class SpotlightUp(Up):
    """`target` is a pane or an entry (`entry:41`), empty to end it. `shown` is what the pane shows, in its own words:
    `{"pane":"logs","query":...,"start":...,"end":...}`; at most 8 KiB.
    """

    t: Literal["spotlight"]
    incident: Incident
    target: Word
    shown: Shown = Field(default_factory=dict)


class Threshold(Up):
    """A line across the chart; crossing it in the direction of `above` is of that level."""

    value: float
    level: Literal["warning", "critical"] = "critical"
    above: bool = True
    label: Word = ""


class PanelSpec(Up):
    """A panel as asked for; equal specs are one panel. `window` and `step` in seconds."""

    title: Annotated[str, StringConstraints(max_length=100)]
    query: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    unit: Word = ""
    legend: Annotated[str, StringConstraints(max_length=200)] = ""
    source: Word = "prometheus"
    window: Annotated[int, Field(ge=60, le=7 * 86_400)] = 3600
    step: Annotated[int, Field(ge=1, le=3600)] = 15
    thresholds: Annotated[tuple[Threshold, ...], Field(max_length=5)] = ()


class Watch(Up):
    """`id` is the client's own name for the panel in later frames on this connection."""

    t: Literal["watch"]
    incident: Incident
    id: Word
    panel: PanelSpec


class Unwatch(Up):
    t: Literal["unwatch"]
    id: Word


class Tail(Up):
    """Follow the new lines of a log query. `id` is the client's own name for the tail on this connection."""

    t: Literal["tail"]
    incident: Incident
    id: Word
    query: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    source: Word = "loki"


class Untail(Up):
    t: Literal["untail"]
    id: Word


class Request(Up):
    """One question with one answer; methods are listed in `warroom.server.methods`."""

    t: Literal["request"]
    id: Count
    method: Word
    params: dict[str, Any] = Field(default_factory=dict)


class Ping(Up):
    t: Literal["ping"]
    at: float = 0.0


AnyUp = Annotated[
    Hello | CommandFrame | Confirm | Subscribe | Unsubscribe | Lobby | PresenceUp | SpotlightUp | Watch | Unwatch
    | Tail | Untail | Request | Ping,
    Field(discriminator="t"),
]  # fmt: skip


class Down(BaseModel):
    """Frames from the server: a client ignores fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Limits(Down):
    max_frame: int = MAX_UP
    commands_per_second: float = 50.0
    burst: int = 200


class TokenDown(Down):
    """What an invite was traded for: sent once, before the welcome, and never again."""

    t: Literal["token"] = "token"
    token: str
    name: str
    access: str


class Welcome(Down):
    """`floor` is the highest command number confirmed; `known` the outcomes kept above it, to be settled at once.

    `traces` says that the server traces commands, and takes `trace` in them.
    """

    t: Literal["welcome"] = "welcome"
    protocol: int = PROTOCOL
    server: str
    epoch: str
    session: str
    name: str
    access: str
    now: str
    floor: int
    known: tuple[OutcomeDown, ...] = ()
    limits: Limits = Limits()
    heartbeat: float = 10.0
    """Seconds between pings either side expects."""
    traces: bool = False


class OutcomeDown(Down):
    """`seq` is the last record the command led to (0: none); `reason` is set for a refusal."""

    t: Literal["outcome"] = "outcome"
    n: int
    incident: str = ""
    seq: int = 0
    reason: str = ""
    words: str = ""


class RecordDown(Down):
    """One record; `event` and `salt` null where redacted. Hashes and salt in hex; times as the chain stamps them."""

    seq: int
    tag: str
    actor: str
    access: str
    duty: str
    at: str
    occurred: str
    client: str
    n: int
    event: dict[str, Any] | None
    salt: str | None
    payload_hash: str
    hash: str


class Events(Down):
    """Contiguous records after the one whose hash is `previous` (hex).

    `head` is the log's seq when this was sent, so that a follower knows when it has caught up; 0 says it has.
    `traces` is there only from a server that traces: the traceparents of the commands that led to these records.
    """

    t: Literal["events"] = "events"
    incident: str
    previous: str
    records: list[RecordDown]
    head: int = 0
    traces: list[str] = Field(default_factory=list)


class Resend(Down):
    t: Literal["resend"] = "resend"
    n: int


class SnapshotHeader(Down):
    """`parts` binary frames follow; joined they are the state's JSON of `size` bytes. `reason` says why not a resume.

    `seq` and `hash` are the state's; `head` is as in `events`.
    """

    t: Literal["snapshot"] = "snapshot"
    incident: str
    epoch: str
    seq: int
    hash: str
    size: int
    parts: int
    reason: Literal["new", "behind", "epoch", "mismatch", "redacted"] = "new"
    head: int = 0


class LobbyLine(Down):
    incident: str
    seq: int
    title: str
    severity: str
    status: str
    commander: str = ""
    services: tuple[str, ...] = ()
    declared_at: str = ""
    updated_at: str = ""
    next_update_due: str = ""
    firing: int = 0
    private: bool = False
    here: int = 0


class Incidents(Down):
    """`whole` when this is all of the list; `gone` names incidents that may no longer be seen."""

    t: Literal["incidents"] = "incidents"
    whole: bool = False
    lines: list[LobbyLine] = Field(default_factory=list)
    gone: list[str] = Field(default_factory=list)


class Person(Down):
    """`state` is here, idle or lost."""

    name: str
    access: str
    kind: str = "console"
    state: str = "here"
    looking_at: str = ""
    typing: bool = False
    since: str = ""


class PresenceDown(Down):
    """Everybody in the incident now; above 200, `spectators` counts the observers left out."""

    t: Literal["presence"] = "presence"
    incident: str
    people: list[Person]
    spectators: int = 0


class SpotlightDown(Down):
    t: Literal["spotlight"] = "spotlight"
    incident: str
    target: str
    by: str
    shown: dict[str, Any] = Field(default_factory=dict)


class PanelDown(Down):
    """`body` is what `warroom.telemetry.series` encodes: full, delta, trouble or recovered."""

    t: Literal["panel"] = "panel"
    id: str
    body: dict[str, Any]


class LinesDown(Down):
    """`body` is what `warroom.telemetry.line_frames` encodes: lines, or trouble or recovered as of a panel. `lost` are
    lines that this connection was too slow for.
    """

    t: Literal["lines"] = "lines"
    id: str
    lost: int = 0
    body: dict[str, Any]


class Closed(Down):
    t: Literal["closed"] = "closed"
    incident: str
    reason: str
    words: str


class Response(Down):
    t: Literal["response"] = "response"
    id: int
    ok: bool
    result: Any = None
    reason: str = ""
    words: str = ""


class Pong(Down):
    t: Literal["pong"] = "pong"
    at: float = 0.0


class Notice(Down):
    """`level` is information, warning or error; the client shows the words."""

    t: Literal["notice"] = "notice"
    level: str
    words: str


class Bye(Down):
    """The server is going; come back after `retry_after_ms`."""

    t: Literal["bye"] = "bye"
    words: str
    retry_after_ms: int


Welcome.model_rebuild()
