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

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from warroom.wire.up import (
    CLIENT_ID,
    MAX_DOWN,
    MAX_SHOWN,
    MAX_UP,
    PROTOCOL,
    AnyUp,
    ClientId,
    CloseCode,
    CommandFrame,
    Confirm,
    Count,
    Hello,
    Incident,
    Lobby,
    PanelSpec,
    Ping,
    Position,
    PresenceUp,
    Request,
    Shown,
    SpotlightUp,
    Subscribe,
    Tail,
    Threshold,
    Unsubscribe,
    Untail,
    Unwatch,
    Up,
    Watch,
    Word,
)

__all__ = [
    "CLIENT_ID",
    "MAX_DOWN",
    "MAX_SHOWN",
    "MAX_UP",
    "PROTOCOL",
    "AnyUp",
    "Bye",
    "ClientId",
    "CloseCode",
    "Closed",
    "CommandFrame",
    "Confirm",
    "Count",
    "Down",
    "Events",
    "Hello",
    "Incident",
    "Incidents",
    "Limits",
    "LinesDown",
    "Lobby",
    "LobbyLine",
    "Notice",
    "OutcomeDown",
    "PanelDown",
    "PanelSpec",
    "Person",
    "Ping",
    "Pong",
    "Position",
    "PresenceDown",
    "PresenceUp",
    "RecordDown",
    "Request",
    "Resend",
    "Response",
    "Shown",
    "SnapshotHeader",
    "SpotlightDown",
    "SpotlightUp",
    "Subscribe",
    "Tail",
    "Threshold",
    "TokenDown",
    "Unsubscribe",
    "Untail",
    "Unwatch",
    "Up",
    "Watch",
    "Welcome",
    "Word",
]


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
