"""What a client may send: the frames up, and the words and bounds that both ways share.

Invariant: a field that is not named here is refused, and so is every value out of its bounds.
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
