"""What can go wrong between the relay and a telemetry server, in one tree.

    TelemetryError
    ├── Unreachable   refused, no route, unknown host, reset, timed out before an answer; worth another try
    ├── NotReady      not now: 503 text while it reads its log, 429, 502, 504; worth another try
    ├── Denied        401 or 403: the credentials of the settings are missing or wrong
    ├── BadQuery      the question is wrong (400), or its answer is ambiguous (422, many-to-many)
    ├── TooHeavy      the question costs too much: samples, points, evaluation time, size of the answer
    └── Protocol      an answer that no such server gives (HTML, half a body, another shape, a redirect)

Invariant: a message is one sentence for a person and never holds a credential, nor the userinfo of a URL.
"""

from typing import ClassVar

from warroom.telemetry.series import Reason


class TelemetryError(Exception):
    """`reason` is the kebab word for it in frames and metrics."""

    reason: ClassVar[Reason] = "protocol"


class Unreachable(TelemetryError):
    """No connection, or no answer in time."""

    reason: ClassVar[Reason] = "unreachable"


class NotReady(TelemetryError):
    """The server, or a gateway before it, asks to come back later."""

    reason: ClassVar[Reason] = "not-ready"


class Denied(TelemetryError):
    """The server wants other credentials."""

    reason: ClassVar[Reason] = "denied"


class BadQuery(TelemetryError):
    """The server refused the question itself."""

    reason: ClassVar[Reason] = "bad-query"


class TooHeavy(TelemetryError):
    """The question or its answer is over a limit, the server's or ours."""

    reason: ClassVar[Reason] = "too-heavy"


class Protocol(TelemetryError):
    """The answer is not what this kind of server says."""

    reason: ClassVar[Reason] = "protocol"
