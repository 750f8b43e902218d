"""What a LogQL query says: frozen dataclasses, nothing else.

Invariant: a tree holds what was written, checked; it holds no compiled thing, so trees compare by value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

MatchOp: TypeAlias = Literal["=", "!=", "=~", "!~"]
LineOp: TypeAlias = Literal["|=", "!=", "|~", "!~", "|>", "!>"]
Compare: TypeAlias = Literal["==", "!=", ">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class Matcher:
    """A label and what its value must be."""

    name: str
    op: MatchOp
    value: str


@dataclass(frozen=True, slots=True)
class Needle:
    """What a line filter looks for; `ip` when it is a network address, a range or a CIDR."""

    text: str
    ip: bool = False


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Lines that have any of the needles, or none of them for the negative signs."""

    op: LineOp
    needles: tuple[Needle, ...]


@dataclass(frozen=True, slots=True)
class Extraction:
    """`name` takes the value of the field that `path` names."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class JsonParser:
    """All fields of a JSON object, or the ones named."""

    fields: tuple[Extraction, ...] = ()


@dataclass(frozen=True, slots=True)
class LogfmtParser:
    """All pairs of a logfmt line, or the ones named."""

    fields: tuple[Extraction, ...] = ()
    strict: bool = False
    keep_empty: bool = False


@dataclass(frozen=True, slots=True)
class PatternParser:
    """Fields by a pattern such as `<ip> - <_> "<method> <path>"`."""

    pattern: str


@dataclass(frozen=True, slots=True)
class RegexpParser:
    """Fields by the named groups of a regular expression."""

    pattern: str


@dataclass(frozen=True, slots=True)
class UnpackParser:
    """Labels and the line out of what Promtail packed."""


@dataclass(frozen=True, slots=True)
class LineFormat:
    """The line rewritten by a template."""

    template: str


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """One new label: a template, or the name of the label to rename."""

    name: str
    value: str
    rename: bool = False


@dataclass(frozen=True, slots=True)
class LabelsFormat:
    """Several labels at once."""

    formats: tuple[LabelFormat, ...]


@dataclass(frozen=True, slots=True)
class Decolorize:
    """Without the colours of a terminal."""


@dataclass(frozen=True, slots=True)
class Named:
    """A label by its name, or by a matcher."""

    name: str
    matcher: Matcher | None = None


@dataclass(frozen=True, slots=True)
class DropLabels:
    labels: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class KeepLabels:
    labels: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class StringFilter:
    matcher: Matcher


@dataclass(frozen=True, slots=True)
class NumberFilter:
    name: str
    op: Compare
    value: float


@dataclass(frozen=True, slots=True)
class DurationFilter:
    """`value` in nanoseconds."""

    name: str
    op: Compare
    value: int


@dataclass(frozen=True, slots=True)
class BytesFilter:
    name: str
    op: Compare
    value: int


@dataclass(frozen=True, slots=True)
class IpFilter:
    name: str
    op: Literal["=", "!="]
    value: str


@dataclass(frozen=True, slots=True)
class BothFilters:
    left: LabelFilter
    right: LabelFilter


@dataclass(frozen=True, slots=True)
class EitherFilter:
    left: LabelFilter
    right: LabelFilter


LabelFilter: TypeAlias = (
    StringFilter | NumberFilter | DurationFilter | BytesFilter | IpFilter | BothFilters | EitherFilter
)
Stage: TypeAlias = (
    LineFilter | JsonParser | LogfmtParser | PatternParser | RegexpParser | UnpackParser | LineFormat | LabelsFormat
    | Decolorize | DropLabels | KeepLabels | LabelFilter
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A selector of streams and the stages that their lines go through."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Unwrap:
    """The label whose value is the sample; `conversion` is empty, bytes, duration or duration_seconds."""

    label: str
    conversion: str = ""
    filters: tuple[LabelFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """Lines of the last `interval` nanoseconds, `offset` nanoseconds ago."""

    query: LogQuery
    interval: int
    unwrap: Unwrap | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Grouping:
    names: tuple[str, ...]
    without: bool = False

    @property
    def one(self) -> bool:
        """Whether all series become one without labels."""
        return not self.names and not self.without


@dataclass(frozen=True, slots=True)
class RangeAggregation:
    operation: str
    range: Range
    parameter: float | None = None
    grouping: Grouping | None = None


@dataclass(frozen=True, slots=True)
class VectorAggregation:
    operation: str
    inner: Metric
    parameter: int = 0
    grouping: Grouping = Grouping(())


@dataclass(frozen=True, slots=True)
class Matching:
    """How the series of two sides find each other. `many` is the side with several to one: left, right or neither.
    `names` is None where nothing was said.
    """

    on: bool = False
    names: tuple[str, ...] | None = None
    many: Literal["", "left", "right"] = ""
    include: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    operation: str
    left: Metric
    right: Metric
    matching: Matching = Matching()
    returns_bool: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class VectorLiteral:
    value: float


@dataclass(frozen=True, slots=True)
class LabelReplace:
    inner: Metric
    target: str
    replacement: str
    source: str
    pattern: str


Metric: TypeAlias = RangeAggregation | VectorAggregation | Binary | Number | VectorLiteral | LabelReplace
Query: TypeAlias = LogQuery | Metric
