"""What the exit status of every command says; scripts may rely on it.

Invariant: a number never changes its meaning.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The contract; `meaning` is the sentence in the documentation."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    TIMEOUT = 4
    DAMAGED = 5
    FAILED = 70
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "Done.",
    Exit.REFUSED: "The server refused it, or what was asked for is not there; the reason is on stderr.",
    Exit.USAGE: "Wrong usage: an unknown option, a value that cannot be read, settings that are wrong.",
    Exit.UNREACHABLE: "No server can be reached; with --later the command is kept and sent at the next contact.",
    Exit.TIMEOUT: "The server did not answer in time; whether it was recorded is not known.",
    Exit.DAMAGED: "A log, a backup or an archive is damaged, or its chain does not hold.",
    Exit.FAILED: "A fault of warroom itself; the details are in the file that stderr names.",
    Exit.INTERRUPTED: "Interrupted by Ctrl-C.",
}


class Stop(Exception):
    """Ends a command: one sentence for stderr and the exit status."""

    def __init__(self, status: Exit, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
