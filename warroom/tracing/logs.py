"""The server's log on its way to the collector, beside standard error.

Invariant: as there, only named fields go along; texts of queries stay on standard error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from warroom.tracing.context import Context
from warroom.tracing.spans import LogLine, Sink

LEFT_OUT = frozenset({"query", "level", "words", "timestamp", "service", "version", "environment"})
"""Free text, and what a line or its resource says in a place of its own."""


class OtlpLogs(logging.Handler):
    """`told` gives the fields of a record, as the formatter of standard error writes them."""

    def __init__(self, service: str, sink: Sink, told: Callable[[logging.LogRecord], Mapping[str, Any]]) -> None:
        super().__init__()
        self._service = service
        self._sink = sink
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields = dict(self._told(record))
            trace, span = fields.pop("trace_id", ""), fields.pop("span_id", "")
            attributes = {
                name: value if isinstance(value, str | int | float | bool) else str(value)
                for name, value in fields.items()
                if name not in LEFT_OUT
            }
            self._sink.take(
                LogLine(
                    self._service,
                    int(record.created * 1e9),
                    record.levelno,
                    record.getMessage(),
                    Context(str(trace), str(span)) if trace and span else None,
                    attributes,
                )
            )
        except Exception:
            self.handleError(record)
