"""What a LogQL query can be refused with, in Loki's own words."""

from __future__ import annotations

from collections.abc import Mapping

from warroom.embedded.go_text import labels_text


class LogqlError(Exception):
    """A query that cannot be answered. The message is what Loki would say; `status` is the code it would say it with:
    400 for a wrong query or one over a limit, 504 for one that would read too much.
    """

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.words = words
        self.status = status


class ParseError(LogqlError):
    """The text is no query. `line` and `column` count from 1; both are 0 where the mistake has no one place."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        place = f"at line {line}, col {column}" if line or column else ""
        super().__init__(f"parse error {place}: {message}")
        self.line, self.column = line, column


def pipeline_error(labels: Mapping[str, str]) -> LogqlError:
    """A line that a stage could not read is counted in no metric: what Loki says of the first such series."""
    kind = labels.get("__error__", "")
    return LogqlError(
        f"pipeline error: '{kind}' for series: '{labels_text(labels.items())}'.\n"
        f'Use a label filter to intentionally skip this error. (e.g | __error__!="{kind}").\n'
        'To skip all potential errors you can match empty errors.(e.g __error__="")\n'
        'The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )\n'
    )
