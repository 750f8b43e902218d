"""How one field is shown: defaults and overrides merged, then unit, thresholds, value mappings and its name.

Invariant: total. A property that is not understood is as if it were not there; later overrides win.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from warroom.dashboards.calcs import calculated
from warroom.dashboards.colours import hue_of, mark_of
from warroom.dashboards.data import PLAIN, Cell, Hue, Limit, Mark, Reading
from warroom.dashboards.model import FieldRules
from warroom.dashboards.moments import ISO, date_text
from warroom.dashboards.patterns import LONGEST_SUBJECT, compiled, finds
from warroom.dashboards.said import Raw, clean, flag, line, number, part, parts, text, texts
from warroom.dashboards.tables import Field, Frame, Item, word
from warroom.dashboards.units import HERE, Locale, shown
from warroom.dashboards.values import Scope, fill_text

_NAME_SLOT: Final = re.compile(r"\$\{__(field|series)\.([^}]{1,200})\}|\$__field_name|\$__cell_\d")
_QUOTED: Final = re.compile(r"""labels(?:\.([\w.]+)|\[["']([^"']+)["']\])""")

Where: TypeAlias = tuple[Frame, Field]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One value mapping: what it fits and what is shown in its place."""

    kind: str
    match: Raw
    text: str | None
    mark: Mark


@dataclass(frozen=True)
class Show:
    """The whole configuration of one field."""

    name: str
    unit: str = ""
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    limits: tuple[Limit, ...] = ()
    percent: bool = False
    mappings: tuple[Rewrite, ...] = ()
    no_value: str = ""
    hue: Hue = ""
    by_thresholds: bool = True
    custom: Raw = field(default_factory=dict)
    prefix: str = ""
    postfix: str = ""
    here: Locale = HERE

    def limits_in(self, low: float, high: float) -> tuple[Limit, ...]:
        """The thresholds as values; those in percent lie between the two ends."""
        if not self.percent:
            return self.limits
        start = self.low if self.low is not None else low
        end = self.high if self.high is not None else high
        return tuple(
            Limit(None if one.value is None else start + (end - start) * one.value / 100, one.mark)
            for one in self.limits
        )

    def mark(self, value: float | None, low: float = 0.0, high: float = 100.0) -> Mark:
        """What the thresholds say about a number."""
        if value is None or value != value or not self.by_thresholds:
            return Mark("", self.hue)
        found = PLAIN
        for one in self.limits_in(low, high):
            if one.value is None or value >= one.value:
                found = one.mark
        return found

    def text_of(self, value: Item, kind: str = "number") -> str:
        """A value as text, without mappings."""
        if value is None or (isinstance(value, float) and math.isnan(value) and self.no_value):
            return self.no_value or "-"
        if isinstance(value, str):
            return line(value)
        if isinstance(value, bool) and kind == "bool" and not self.unit:
            return "true" if value else "false"
        number_ = float(value)
        if kind == "time" and not self.unit:
            return date_text(number_, ISO, self.here.zone)
        said = shown(number_ * 1000 if kind == "time" else number_, self.unit, self.decimals, self.here)
        return f"{self.prefix}{said}{self.postfix}"

    def cell(self, value: Item, kind: str = "number", low: float = 0.0, high: float = 100.0) -> Cell:
        """A value as it is shown: mapped, in its unit, marked."""
        mapped = self._mapped(value)
        numeric = float(value) if isinstance(value, int | float) else None
        mark = self.mark(numeric, low, high) if kind in {"number", "bool"} else PLAIN
        kept = numeric if numeric is not None else value if isinstance(value, str) else None
        if mapped is None:
            return Cell(self.text_of(value, kind), kept, mark)
        said, own = mapped
        return Cell(self.text_of(value, kind) if said is None else line(said), kept, own if own != PLAIN else mark)

    def reading(self, name: str, value: float | None, low: float = 0.0, high: float = 100.0) -> Reading:
        """A number under its name."""
        cell = self.cell(value, "number", low, high)
        return Reading(line(name), value if value is None or value == value else None, cell.text, cell.mark)

    def _mapped(self, value: Item) -> tuple[str | None, Mark] | None:
        for one in self.mappings:
            found = _fits(one, value)
            if found is not None:
                said = one.text
                if said is not None and one.kind == "regex":
                    said = _expanded(found, said)
                return said, one.mark
        return None


def _expanded(found: re.Match[str] | bool, said: str) -> str:
    if isinstance(found, bool):
        return said
    return re.sub(r"\$(\d)", lambda slot: (found[int(slot[1])] or "") if int(slot[1]) <= found.re.groups else "", said)


def _fits(mapping: Rewrite, value: Item) -> re.Match[str] | bool | None:
    match mapping.kind:
        case "value":
            return True if value is not None and text(mapping.match, "is") in _spellings(value) else None
        case "range":
            low, high = number(mapping.match, "from"), number(mapping.match, "to")
            if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
                return None
            inside = (low is None or value >= low) and (high is None or value <= high)
            return True if inside else None
        case "regex":
            pattern = compiled(text(mapping.match, "pattern"))
            return pattern.search(word(value)[:LONGEST_SUBJECT]) if pattern and value is not None else None
        case "special":
            return True if _special(text(mapping.match, "match"), value) else None
    return None


def _spellings(value: Item) -> set[str]:
    found = {word(value)}
    if isinstance(value, float) and not math.isinf(value) and value == value:
        found |= {str(value), f"{value:.6g}"}
    return found


def _special(kind: str, value: Item) -> bool:
    nan = isinstance(value, float) and math.isnan(value)
    return {
        "null": value is None, "nan": nan, "null+nan": value is None or nan, "empty": value == "",
        "true": value is True, "false": value is False,
    }.get(kind, False)  # fmt: skip


def show_of(
    rules: FieldRules, frame: Frame, one: Field, scope: Scope, here: Locale, colouring: str = "thresholds"
) -> Show:
    """How a field of a frame is shown. `colouring` is the colour mode of a field that names none."""
    raw: dict[str, Any] = dict(rules.defaults)
    raw |= one.config
    custom: dict[str, Any] = {**part(rules.defaults, "custom"), **part(one.config, "custom")}
    for override in rules.overrides:
        if fits(override.matcher, override.options, frame, one, scope):
            for name, value in override.properties:
                if name.startswith("custom."):
                    _set_deep(custom, name.removeprefix("custom."), value)
                elif name == "links":
                    continue
                else:
                    raw[name] = value
    return _read(raw, custom, _name(text(raw, "displayName"), frame, one, scope), scope, here, colouring)


def _set_deep(custom: dict[str, Any], name: str, value: Any) -> None:
    head, _, rest = name.partition(".")
    if rest:
        custom[head] = {**part(custom, head), rest: value}
    else:
        custom[head] = value


def _read(raw: Raw, custom: Raw, name: str, scope: Scope, here: Locale, colouring: str) -> Show:
    colour = part(raw, "color")
    mode = text(colour, "mode") or colouring
    fixed = mode in {"fixed", "shades"}
    decimals = number(raw, "decimals")
    limits, percent = _limits(part(raw, "thresholds"))
    return Show(
        name=name,
        unit=line(fill_text(text(raw, "unit"), scope)),
        decimals=None if decimals is None else int(min(max(decimals, 0), 20)),
        low=number(raw, "min"),
        high=number(raw, "max"),
        limits=limits,
        percent=percent,
        mappings=tuple(_mappings(raw)),
        no_value=line(text(raw, "noValue")),
        hue=hue_of(text(colour, "fixedColor")) if fixed else "",
        by_thresholds=mode == "thresholds",
        custom=custom,
        here=here,
    )


def _name(template: str, frame: Frame, one: Field, scope: Scope) -> str:
    labels = dict(one.labels)

    def slot(found: re.Match[str]) -> str:
        kind, path = found[1] or "field", found[2] or "name"
        label = _QUOTED.fullmatch(path)
        if label:
            return labels.get(label[1] or label[2], "")
        if path == "labels":
            return ", ".join(f'{key}="{value}"' for key, value in one.labels)
        return {"name": one.shown, "displayName": one.shown}.get(path, frame.ref if kind == "series" else "")

    if not template:
        return line(one.shown)
    return line(fill_text(_NAME_SLOT.sub(slot, template), scope)) or line(one.shown)


def _limits(raw: Raw) -> tuple[tuple[Limit, ...], bool]:
    steps = [Limit(number(one, "value"), mark_of(text(one, "color"))) for _, one in parts(raw, "steps")]
    ordered = sorted(steps, key=lambda one: -math.inf if one.value is None else one.value)
    return tuple(ordered), text(raw, "mode") == "percentage"


def _mappings(raw: Raw) -> Iterable[Rewrite]:
    for _, one in parts(raw, "mappings"):
        kind = text(one, "type")
        options = part(one, "options")
        if kind in {"1", "2"} or not options:
            yield from _old_mapping(one, kind)
        elif kind == "value":
            for key, result in options.items():
                yield _mapping("value", {"is": clean(str(key))}, part({"_": result}, "_"))
        else:
            yield _mapping(kind, options, part(options, "result"))


def _mapping(kind: str, match: Raw, result: Raw) -> Rewrite:
    said = text(result, "text") if "text" in result else None
    colour = text(result, "color")
    return Rewrite(kind, match, said, mark_of(colour) if colour else PLAIN)


def _old_mapping(raw: Raw, kind: str) -> Iterable[Rewrite]:
    said = text(raw, "text")
    if kind == "2" or ("from" in raw and text(raw, "from") and "value" not in raw):
        yield Rewrite("range", {"from": raw.get("from"), "to": raw.get("to")}, said, PLAIN)
        return
    value = text(raw, "value")
    if value in {"null", "NaN"}:
        yield Rewrite("special", {"match": "null+nan"}, said, PLAIN)
    elif value:
        yield Rewrite("value", {"is": value}, said, PLAIN)


def fits(matcher: str, options: Any, frame: Frame, one: Field, scope: Scope) -> bool:
    """Whether a field matcher picks a field."""
    match matcher:
        case "byName":
            wanted = options if isinstance(options, str) else ""
            pattern = wanted.startswith("/") and wanted.endswith("/") and len(wanted) > 2
            name = fill_text(wanted, scope)
            return finds(name, one.shown) if pattern else name in {one.shown, one.name}
        case "byNames":
            names = texts(options, "names")
            return (one.shown in names or one.name in names) != (text(options, "mode") == "exclude")
        case "byRegexp" | "byRegexpOrNames":
            said = options if isinstance(options, str) else text(options, "pattern")
            return one.shown in texts(options, "names") or finds(fill_text(said, scope), one.shown)
        case "byType":
            return _of_type(options, one)
        case "byTypes":
            return any(_of_type(each, one) for each in options) if isinstance(options, list) else False
        case "byFrameRefID":
            return bool(options == frame.ref)
        case "numeric":
            return one.kind == "number"
        case "time":
            return one.kind == "time"
        case "byValue":
            return _by_value(options, one)
        case "byFirstTimeField":
            return one is frame.time
        case "first":
            return bool(frame.fields) and one is frame.fields[0]
    return False


def _by_value(options: Any, one: Field) -> bool:
    """A series picked by one of its numbers, such as `max` above 10."""
    mine, limit = calculated(text(options, "reducer"), one.numbers), number(options, "value")
    if one.kind != "number" or mine is None or limit is None:
        return False
    return {
        "gt": mine > limit, "gte": mine >= limit, "lt": mine < limit, "lte": mine <= limit, "eq": mine == limit,
        "neq": mine != limit,
    }.get(text(options, "op"), False)  # fmt: skip


MATCHERS: Final = ("byName", "byNames", "byRegexp", "byRegexpOrNames", "byType", "byTypes", "byFrameRefID", "byValue",
                   "numeric", "time", "first", "byFirstTimeField")  # fmt: skip
"""The field matchers that are understood."""


def _of_type(wanted: Any, one: Field) -> bool:
    return isinstance(wanted, str) and wanted == {"text": "string", "bool": "boolean"}.get(one.kind, one.kind)


def with_affixes(show: Show, options: Raw) -> Show:
    """The same with the texts that old panels put before and after a number."""
    prefix, postfix = text(options, "prefix"), text(options, "postfix")
    return replace(show, prefix=line(prefix), postfix=postfix and " " + line(postfix)) if prefix or postfix else show


def is_hidden(show: Show, where: str = "viz") -> bool:
    """Whether a field is left out of the drawing (`viz`) or of the legend."""
    return flag(part(show.custom, "hideFrom"), where) or (where == "viz" and flag(show.custom, "hidden"))


def ends_of(shows: Iterable[tuple[Show, Sequence[float | None]]]) -> tuple[float, float]:
    """The least and the greatest of all values, for percentages of thresholds; 0 and 100 without any."""
    found = [one for _, values in shows for one in values if one is not None and math.isfinite(one)]
    return (min(found), max(found)) if found else (0.0, 100.0)
