"""A query written out again, as Loki writes it.

Invariant: what is written reads as the same tree.
"""

from __future__ import annotations

from collections.abc import Iterable

from warroom.embedded.go_text import quote
from warroom.embedded.logql import ast, units


def query_text(query: ast.Query) -> str:
    """A query in Loki's own spelling, on one line."""
    match query:
        case ast.LogQuery():
            return _log_text(query)
        case ast.RangeAggregation():
            parameter = "" if query.parameter is None else f"{units.number_text(query.parameter)},"
            grouped = "" if query.grouping is None else _grouping_text(query.grouping)
            return f"{query.operation}({parameter}{_range_text(query.range)}){grouped}"
        case ast.VectorAggregation():
            grouped = "" if query.grouping.one else _grouping_text(query.grouping)
            parameter = f"{query.parameter}," if query.operation in ("topk", "bottomk") else ""
            return f"{query.operation}{grouped}({parameter}{query_text(query.inner)})"
        case ast.Binary():
            return f"({query_text(query.left)} {_operation_text(query)} {query_text(query.right)})"
        case ast.Number():
            return units.literal_text(query.value)
        case ast.VectorLiteral():
            return f"vector({query.value:f})"
        case ast.LabelReplace():
            texts = (query.target, query.replacement, query.source, query.pattern)
            return f"label_replace({query_text(query.inner)},{','.join(map(quote, texts))})"
    raise TypeError(f"no query: {type(query).__name__}")


def _log_text(query: ast.LogQuery) -> str:
    selector = "{" + ", ".join(map(_matcher_text, query.matchers)) + "}"
    return " ".join([selector, *map(stage_text, query.stages)])


def _range_text(over: ast.Range) -> str:
    offset = f" offset {units.go_duration_text(over.offset)}" if over.offset else ""
    unwrap = _unwrap_text(over.unwrap) if over.unwrap is not None else ""
    return f"{_log_text(over.query)}{unwrap}[{units.prometheus_duration_text(over.interval)}]{offset}"


def _unwrap_text(unwrap: ast.Unwrap) -> str:
    label = f"{unwrap.conversion}({unwrap.label})" if unwrap.conversion else unwrap.label
    return f" | unwrap {label}" + "".join(f" | {filter_text(one)}" for one in unwrap.filters)


def _grouping_text(grouping: ast.Grouping) -> str:
    return f" {'without' if grouping.without else 'by'} ({','.join(grouping.names)})"


def _operation_text(query: ast.Binary) -> str:
    said = f"{query.operation} bool" if query.returns_bool else query.operation
    matching = query.matching
    if not matching.on and matching.names is None and not matching.many:
        return said
    group = f" group_{matching.many}" if matching.many else ""
    if matching.include is not None:
        group += f" ({','.join(matching.include)})"
    return f"{said} {'on' if matching.on else 'ignoring'} ({','.join(matching.names or ())}){group or ' '}"


def _matcher_text(matcher: ast.Matcher) -> str:
    return f"{matcher.name}{matcher.op}{quote(matcher.value)}"


def stage_text(stage: ast.Stage) -> str:
    """One stage with its bar."""
    match stage:
        case ast.LineFilter():
            return f"{stage.op} {' or '.join(map(_needle_text, stage.needles))}"
        case ast.JsonParser():
            return f"| json{_extractions_text(stage.fields)}"
        case ast.LogfmtParser():
            strict, keep = " --strict" if stage.strict else "", " --keep-empty" if stage.keep_empty else ""
            return f"| logfmt{strict}{keep}{_extractions_text(stage.fields)}"
        case ast.PatternParser():
            return f"| pattern {quote(stage.pattern)}"
        case ast.RegexpParser():
            return f"| regexp {quote(stage.pattern)}"
        case ast.UnpackParser():
            return "| unpack"
        case ast.LineFormat():
            return f"| line_format {quote(stage.template)}"
        case ast.LabelsFormat():
            return f"| label_format {','.join(map(_format_text, stage.formats))}"
        case ast.Decolorize():
            return "| decolorize"
        case ast.DropLabels():
            return f"| drop {_named_text(stage.labels)}"
        case ast.KeepLabels():
            return f"| keep {_named_text(stage.labels)}"
    return f"| {filter_text(stage)}"


def _needle_text(needle: ast.Needle) -> str:
    return f"ip({quote(needle.text)})" if needle.ip else quote(needle.text)


def _extractions_text(fields: Iterable[ast.Extraction]) -> str:
    said = ",".join(f"{field.name}={quote(field.path)}" for field in fields)
    return f" {said}" if said else ""


def _format_text(form: ast.LabelFormat) -> str:
    return f"{form.name}={form.value if form.rename else quote(form.value)}"


def _named_text(labels: Iterable[ast.Named]) -> str:
    return ",".join(one.name if one.matcher is None else _matcher_text(one.matcher) for one in labels)


def filter_text(one: ast.LabelFilter) -> str:
    """A filter of labels."""
    match one:
        case ast.StringFilter():
            return _matcher_text(one.matcher)
        case ast.NumberFilter():
            return f"{one.name}{one.op}{units.number_text(one.value)}"
        case ast.DurationFilter():
            return f"{one.name}{one.op}{units.go_duration_text(one.value)}"
        case ast.BytesFilter():
            return f"{one.name}{one.op}{_size_text(one.value)}"
        case ast.IpFilter():
            return f"{one.name}{one.op}ip({quote(one.value)})"
        case ast.BothFilters():
            return f"( {filter_text(one.left)} , {filter_text(one.right)} )"
        case ast.EitherFilter():
            return f"( {filter_text(one.left)} or {filter_text(one.right)} )"
    raise TypeError(f"no filter: {type(one).__name__}")


def _size_text(count: int) -> str:
    """As Loki writes it where that means the same number of bytes; in bytes where it would be rounded."""
    said = units.size_text(count)
    return said if units.size(said) == count else f"{count}B"
