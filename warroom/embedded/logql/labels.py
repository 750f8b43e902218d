"""The labels of one line on its way through the stages.

Three kinds are kept apart, as Loki keeps them: those of the stream, the metadata beside the line, and what a parser
found; what was found wins over metadata, and metadata over the stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from warroom.embedded.log_levels import CLASH
from warroom.telemetry.logs import Pairs

ERROR = "__error__"
DETAILS = "__error_details__"


class Labels:
    """Labels of one line. `base` belongs to the stream and is shared; the rest is this line's own."""

    __slots__ = ("base", "details", "error", "gone", "meta", "ns", "parsed")

    def __init__(self, base: Mapping[str, str], metadata: Pairs, ns: int = 0) -> None:
        self.base = base
        self.meta = dict(metadata)
        self.parsed: dict[str, str] = {}
        self.gone: set[str] = set()
        self.error = ""
        self.details = ""
        self.ns = ns

    def get(self, name: str) -> str | None:
        """A label's value; None when there is none."""
        found = self.parsed.get(name)
        if found is not None:
            return found
        found = self.meta.get(name)
        if found is not None:
            return found
        if self.gone and name in self.gone:
            return None
        return self.base.get(name) or None

    def value(self, name: str) -> str:
        """A label's value for comparing with a text: empty when there is none. Knows the two of an error."""
        if name == ERROR:
            return self.error
        if name == DETAILS:
            return self.details
        return self.get(name) or ""

    def found(self, name: str, value: str) -> None:
        """A parser found a field. The first finding of a name counts; a clash gets another name."""
        if name in self.base or name in self.meta:
            name += CLASH
        if name not in self.parsed:
            self.parsed[name] = value

    def set(self, name: str, value: str) -> None:
        """Give a label a value, whatever it was."""
        self.meta.pop(name, None)
        self.parsed[name] = value

    def drop(self, name: str) -> None:
        """Take a label away."""
        self.parsed.pop(name, None)
        self.meta.pop(name, None)
        self.gone.add(name)

    def fail(self, kind: str, details: str) -> None:
        """Note what a stage could not do."""
        self.error, self.details = kind, details

    def stream(self) -> dict[str, str]:
        """The stream's labels that are left."""
        gone, meta, parsed = self.gone, self.meta, self.parsed
        return {
            name: value
            for name, value in self.base.items()
            if name not in gone and name not in meta and name not in parsed
        }

    def findings(self) -> dict[str, str]:
        """What parsers found, with the error if there is one."""
        if not self.error and not self.details:
            return self.parsed
        said = dict(self.parsed)
        if self.error:
            said[ERROR] = self.error
        if self.details:
            said[DETAILS] = self.details
        return said

    def every(self) -> dict[str, str]:
        """All labels in one."""
        return {**self.stream(), **self.meta, **self.findings()}

    def names(self) -> Iterator[str]:
        """Names of all labels but those of an error."""
        yield from self.stream()
        yield from list(self.meta)
        yield from list(self.parsed)

    @property
    def untouched(self) -> bool:
        """Whether the stages left the labels as they came."""
        return not self.parsed and not self.gone and not self.error and not self.details
