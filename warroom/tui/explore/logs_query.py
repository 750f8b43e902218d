"""LogQL as the logs pane writes and rewrites it: pure text in, pure text out.

The grammar is Loki's: a stream selector `{name="value", ...}`, then a pipeline of line filters, parsers and label
filters. Invariant: a query that these functions give is valid LogQL whenever the one they got was, and says of every
value exactly that value, whatever characters are in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Origin = Literal["label", "metadata", "json", "logfmt", "text"]
"""Where a value was found: on the stream, beside the line, in the line by a parser, or the line itself."""

_STRING = r'"(?:[^"\\\n]|\\.)*"|`[^`]*`'
_MATCHER = re.compile(rf"\s*(?P<name>[A-Za-z_]\w*)\s*(?P<sign>=~|!~|!=|=)\s*(?P<value>{_STRING})\s*(?P<next>,|$)")
_SPAN = re.compile(rf"{_STRING}|#[^\n]*|[{{}}]")
_FIRST_FILTERS = re.compile(
    rf"(?:\s*(?:\|=|!=|\|~|!~|\|>|!>)\s*(?:{_STRING}|ip\(\s*(?:{_STRING})\s*\))(?:\s+or\s+(?:{_STRING}))*)+"
)
_REWRITES = re.compile(r"\|\s*(?:line_format|decolorize|unpack)\b")
_PARSER = re.compile(r"\|\s*(json|logfmt|pattern|regexp|unpack)\b")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_UNESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r", "'": "'"}
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One matcher of a stream selector; `value` is what it says, without its quotes."""

    name: str
    sign: str
    value: str

    def text(self) -> str:
        return f"{self.name}{self.sign}{quoted(self.value)}"

    @property
    def demands(self) -> bool:
        """Whether it cannot match a stream without that label: Loki wants at least one such matcher."""
        if self.sign == "=":
            return self.value != ""
        return self.sign == "=~" and self.value not in ("", ".*") and not re.fullmatch(r"\(?\|.*|.*\|\)?", self.value)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A log query in its two parts; `pipeline` is everything behind the selector, as it was written."""

    matchers: tuple[Matcher, ...]
    pipeline: str = ""

    def text(self) -> str:
        inside = ", ".join(one.text() for one in self.matchers)
        pipeline = self.pipeline.strip()
        return f"{{{inside}}} {pipeline}" if pipeline else f"{{{inside}}}"

    @property
    def parsers(self) -> frozenset[str]:
        """The parsers in the pipeline, by name."""
        return frozenset(_PARSER.findall(bare(self.pipeline)))


def quoted(value: str) -> str:
    """A value as a LogQL string in double quotes."""
    return '"' + "".join(_ESCAPES.get(char, char) for char in value) + '"'


def unquoted(text: str) -> str:
    """What a LogQL string says, in double quotes or backticks."""
    if text.startswith("`"):
        return text[1:-1]

    def one(found: re.Match[str]) -> str:
        said = found[1]
        return chr(int(said[1:], 16)) if len(said) > 1 else _UNESCAPES.get(said, found[0])

    return _ESCAPED.sub(one, text[1:-1])


def bare(text: str) -> str:
    """The text with nothing in its strings, for looking at its structure."""
    return re.sub(_STRING, '""', text)


def parse(text: str) -> LogQuery:
    """The parts of a log query.

    Raises:
        ValueError: it has no selector, is a metric query, or a matcher cannot be read; one sentence.
    """
    said = text.strip()
    if not said.startswith("{"):
        if "{" in said:
            raise ValueError(
                "this counts lines instead of showing them: a log query begins with {; metrics draw this one"
            )
        raise ValueError(f'a log query begins with a selector, as {{service_name="checkout"}}, not with {said[:20]!r}')
    end = _closing(said)
    if end is None:
        raise ValueError("the selector is not closed: a } is missing")
    return LogQuery(_matchers(said[1:end]), said[end + 1 :].strip())


def _closing(text: str) -> int | None:
    """Where the selector that begins the text ends."""
    for found in _SPAN.finditer(text, 1):
        if found[0] == "}":
            return found.start()
    return None


def _matchers(inside: str) -> tuple[Matcher, ...]:
    made, at = list[Matcher](), 0
    inside = re.sub(rf"({_STRING})|#[^\n]*", lambda found: found[1] or "", inside).strip()
    while at < len(inside):
        found = _MATCHER.match(inside, at)
        if not found:
            raise ValueError(f"this is no matcher of a selector: {inside[at:].strip()[:40]!r}")
        made.append(Matcher(found["name"], found["sign"], unquoted(found["value"])))
        at = found.end()
    return tuple(made)


def start_query(services: Iterable[str]) -> str:
    """What an incident's logs begin with: the lines of its services, or of everybody when none is named."""
    names = list(dict.fromkeys(name for name in services if name))
    if not names:
        return '{service_name=~".+"}'
    if len(names) == 1:
        return LogQuery((Matcher("service_name", "=", names[0]),)).text()
    return LogQuery((Matcher("service_name", "=~", "|".join(re2_escape(name) for name in names)),)).text()


def re2_escape(text: str) -> str:
    """The text as an expression of RE2 that matches it alone."""
    return re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", text)


def field_name(name: str) -> str:
    """A parsed field as Loki names its label: what a label may not have becomes `_`."""
    made = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{made}" if made[:1].isdigit() else made


def narrowed(text: str, origin: Origin, name: str, value: str, *, keep: bool, taken: Sequence[str] = ()) -> str:
    """The query that shows only lines with this value (`keep`), or only lines without it.

    A label of the stream changes the selector. Whatever else is found in a line becomes a label filter at the end of
    the pipeline, behind the parser that finds it; the line itself a line filter. What contradicts the new condition
    goes, and a condition that is there already is not put there twice.

    Args:
        text: a log query.
        origin: where the value was found.
        name: the label or field; of no meaning for `text`.
        value: exactly what it says.
        keep: True for in, False for out.
        taken: labels of the stream, because Loki renames a parsed field that has the name of one.

    Raises:
        ValueError: the query is no log query.
    """
    query = parse(text)
    if origin == "label" and not _added(name):
        return LogQuery(_matched(query.matchers, name, value, keep=keep), query.pipeline).text()
    if origin == "text":
        return LogQuery(query.matchers, _line_filtered(query.pipeline, value, keep=keep)).text()
    label = field_name(name)
    if origin in ("json", "logfmt"):
        if label in {field_name(one) for one in taken}:
            label += "_extracted"
        if not query.parsers:
            query = LogQuery(query.matchers, f"{query.pipeline} | {origin}".strip())
    return LogQuery(query.matchers, _label_filtered(query.pipeline, label, value, keep=keep)).text()


def _matched(matchers: Sequence[Matcher], name: str, value: str, *, keep: bool) -> tuple[Matcher, ...]:
    wanted = Matcher(name, "=" if keep else "!=", value)
    against = Matcher(name, "!=" if keep else "=", value)
    if keep:
        # The value is known to pass what the selector says of this label now: one matcher says it all.
        first = next((at for at, one in enumerate(matchers) if one.name == name), len(matchers))
        others = [one for one in matchers if one.name != name]
        return (*others[:first], wanted, *others[first:])
    left = [one for one in matchers if one not in (wanted, against)]
    left.append(wanted)
    if not any(one.demands for one in left):
        left.insert(0, Matcher(name, "=~", ".+"))
    return tuple(left)


def _label_filtered(pipeline: str, label: str, value: str, *, keep: bool) -> str:
    wanted = f"| {label}{'=' if keep else '!='}{quoted(value)}"
    against = f"| {label}{'!=' if keep else '='}{quoted(value)}"
    pipeline = _without(_without(pipeline, against), wanted)
    return f"{pipeline} {wanted}".strip()


def _line_filtered(pipeline: str, value: str, *, keep: bool) -> str:
    wanted = f"{'|=' if keep else '!='} {quoted(value)}"
    against = f"{'!=' if keep else '|='} {quoted(value)}"
    pipeline = _without(_without(pipeline, against), wanted)
    return _behind_filters(pipeline, wanted)


def pattern_filtered(text: str, pattern: str, *, keep: bool = True) -> str:
    """The query that shows only lines of a pattern of Loki's (`<_>` for what varies), or only others.

    Raises:
        ValueError: the query is no log query.
    """
    query = parse(text)
    wanted, against = (f"{sign} {quoted(pattern)}" for sign in (("|>", "!>") if keep else ("!>", "|>")))
    pipeline = _without(_without(query.pipeline, against), wanted)
    return LogQuery(query.matchers, _behind_filters(pipeline, wanted)).text()


def _behind_filters(pipeline: str, wanted: str) -> str:
    """Behind the line filters at the start, where it is cheapest; at the end where a stage writes the line anew."""
    if _REWRITES.search(bare(pipeline)):
        return f"{pipeline} {wanted}"
    found = _FIRST_FILTERS.match(pipeline)
    at = found.end() if found else 0
    return " ".join(part for part in (pipeline[:at].strip(), wanted, pipeline[at:].strip()) if part)


def _without(pipeline: str, stage: str) -> str:
    """The pipeline without this very stage, wherever it stands as a whole stage of its own."""
    kept, at = list[str](), 0
    for start, end in _stages(pipeline):
        if _unspaced(pipeline[start:end]) == _unspaced(stage):
            kept.append(pipeline[at:start].rstrip())
            at = end
    kept.append(pipeline[at:].strip() if not kept else pipeline[at:].rstrip())
    return " ".join(part.strip() for part in kept if part.strip())


def _unspaced(text: str) -> str:
    """The text without the blanks outside of its strings."""
    return re.sub(rf"({_STRING})|\s+", lambda found: found[1] or "", text)


_STAGE = re.compile(rf"{_STRING}|\|[=~>]|![=~>]|\|")


def _stages(pipeline: str) -> list[tuple[int, int]]:
    """Where each stage begins and ends. A `!=` behind a name is part of a label filter, not a stage."""
    starts = list[int]()
    for found in _STAGE.finditer(pipeline):
        before = pipeline[: found.start()].rstrip()[-1:]
        is_filter = found[0][0] == "!" and (before in ('"', "`", ")", "") or _ends_a_parser(pipeline[: found.start()]))
        if found[0][0] == "|" or is_filter:
            starts.append(found.start())
    return list(pairwise([*starts, len(pipeline)]))


def _ends_a_parser(before: str) -> bool:
    return re.search(r"\|\s*(?:json|logfmt|unpack|decolorize)\s*$", before) is not None


def counted(text: str, step: float) -> str:
    """The metric query for a strip of counts by level over a log query.

    Raises:
        ValueError: the query is no log query.
    """
    return f"sum by (detected_level) (count_over_time({parse(text).text()} [{max(1, round(step))}s]))"


def stream_query(labels: Iterable[tuple[str, str]]) -> str:
    """The selector of exactly one stream, without what Loki only adds to an answer."""
    return LogQuery(tuple(Matcher(name, "=", value) for name, value in labels if value and not _added(name))).text()


def _added(name: str) -> bool:
    return name.startswith("__") or name == "detected_level"
