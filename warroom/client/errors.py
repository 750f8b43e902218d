"""What the client raises.

ClientError
 +-- BadAddress     an address or an invite that cannot be read; says what one looks like
 +-- Unreachable    no live link in time; the request was not answered (commands never raise this: they wait)
 +-- Refused        the server said no: `reason` for programs, `words` for people
"""

from __future__ import annotations


class ClientError(Exception):
    """Root of what the client raises; its text is one sentence for a person."""


class BadAddress(ClientError): ...


class Unreachable(ClientError): ...


class Refused(ClientError):
    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words or reason)
        self.reason = reason
        self.words = words or reason
