"""From a variable to its values: what to ask for it, what of the answer counts, and what is chosen.

The way of a caller, for each variable of `in_order`: `wanted_of` says what to ask (None: nothing), `options_of` makes
options of the answer, `choose` picks; the outcome goes into the values that the next variable sees.

Invariant: pure. A reference to a variable that is not there or that refers back stays in the text as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from warroom.dashboards.model import Dashboard, Option, Source, Variable
from warroom.dashboards.moments import span, worded
from warroom.dashboards.patterns import compiled
from warroom.dashboards.read_variables import ALL
from warroom.dashboards.said import clean, text
from warroom.dashboards.values import Chosen, Scope, fill_query, fill_text, variables_in

Ask: TypeAlias = Literal["label_values", "label_names", "metrics", "query_result", "series"]
MOST_OPTIONS: Final = 5_000
NO_SOURCE: Final = Source()

_CALL: Final = re.compile(r"\s*(label_values|label_names|metrics|query_result)\s*\((.*)\)\s*", re.DOTALL)
_LABEL: Final = re.compile(r"(?:(.*),)?\s*([A-Za-z_$\[{][\w$\]{}:.]*)\s*", re.DOTALL)
_NUMBER: Final = re.compile(r"\D*?(\d+)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask for a variable's options.

    `ask`: the values of `label` (of the series that `selector` matches, of all when it is empty); the names of
    labels; names of metrics that match the pattern `selector`; the result of the expression `selector`; or the
    series that `selector` matches. `source` is what the author named, `kind` prometheus or loki.
    """

    ask: Ask
    selector: str = ""
    label: str = ""
    source: Source = NO_SOURCE
    kind: Literal["prometheus", "loki"] = "prometheus"


def in_order(variables: Iterable[Variable]) -> tuple[Variable, ...]:
    """The variables so that each comes after those it refers to; of a circle the order of the file."""
    left = {one.name: one for one in variables}
    needs = {name: refers_to(one) & left.keys() - {name} for name, one in left.items()}
    done: list[Variable] = []
    while left:
        name = next((name for name in left if not needs[name] & left.keys()), next(iter(left)))
        done.append(left.pop(name))
    return tuple(done)


def circles(variables: Sequence[Variable]) -> frozenset[str]:
    """The names of variables that wait for themselves."""
    needs = {one.name: refers_to(one) for one in variables}

    def reached(name: str) -> set[str]:
        seen: set[str] = set()
        ahead = list(needs.get(name, ()))
        while ahead:
            one = ahead.pop()
            if one not in seen:
                seen.add(one)
                ahead += needs.get(one, ())
        return seen

    return frozenset(name for name in needs if name in reached(name))


def refers_to(variable: Variable) -> frozenset[str]:
    """The names that a variable's query, pattern or source uses."""
    raw = " ".join(one for one in variable.raw_query.values() if isinstance(one, str))
    return frozenset(variables_in(f"{variable.query} {variable.regex} {variable.source.uid} {raw}"))


def wanted_of(variable: Variable, scope: Scope, kind: str = "prometheus") -> Wanted | None:
    """What to ask for a variable; None when nothing has to be asked.

    `kind` is the kind of its source. Raises ValueError with one sentence for a query that is not understood.
    """
    if variable.kind != "query":
        return None
    if kind == "loki":
        return _from_loki(variable, scope)
    if kind != "prometheus":
        raise ValueError(f"asks a source of the kind {kind or 'unknown'}, which is not supported")
    said = fill_query(variable.query, scope).strip()
    return _read_query(said, variable.source)


def _read_query(said: str, source: Source) -> Wanted:
    call = _CALL.fullmatch(said)
    if call is None:
        if not said:
            raise ValueError("has no query")
        if re.fullmatch(r"[A-Za-z_:][\w:]*(\{.*\})?", said, re.DOTALL):
            return Wanted("series", said, source=source)
        raise ValueError(f"asks {said[:80]!r}, which is not one of label_values, label_names, metrics, query_result")
    name, inner = call[1], call[2].strip()
    match name:
        case "label_names":
            return Wanted("label_names", inner, source=source)
        case "metrics":
            return Wanted("metrics", inner, source=source)
        case "query_result":
            return Wanted("query_result", inner, source=source)
    found = _LABEL.fullmatch(inner)
    if found is None:
        raise ValueError(f"asks label_values({inner[:80]}); it must end with the name of a label")
    return Wanted("label_values", (found[1] or "").strip(), found[2], source)


def _from_loki(variable: Variable, scope: Scope) -> Wanted:
    raw = variable.raw_query
    if "label" in raw or "stream" in raw:
        label = fill_text(text(raw, "label"), scope)
        stream = fill_query(text(raw, "stream"), scope)
        return Wanted("label_values" if label else "label_names", stream, label, variable.source, "loki")
    found = _read_query(fill_query(variable.query, scope).strip(), variable.source)
    return Wanted(found.ask, found.selector, found.label, found.source, "loki")


def result_words(samples: Iterable[tuple[Mapping[str, str], float, float]]) -> tuple[str, ...]:
    """The answer of a `query_result` as Grafana words it: `name{label="value"} 42 1700000000000`.

    Each sample is its labels, its time (seconds since the epoch) and its value.
    """
    words = []
    for labels, at, value in samples:
        inner = ",".join(f'{key}="{one}"' for key, one in labels.items() if key != "__name__")
        words.append(f"{labels.get('__name__', '')}{{{inner}}} {value:g} {round(at * 1000)}")
    return tuple(words)


def options_of(variable: Variable, answer: Sequence[str], scope: Scope) -> tuple[Option, ...]:
    """The options of a variable, without All: from the answer to its question, or from what its author wrote."""
    match variable.kind:
        case "query":
            return _sorted(_filtered(variable, answer, scope), variable.sort)
        case "custom":
            return tuple(_written(fill_text(variable.query, scope))) or variable.options
        case "interval":
            given = [Option(one, one) for one in variable.query.replace(" ", "").split(",") if one]
            return (Option("$__auto", "auto"), *given) if variable.auto else tuple(given)
        case "datasource":
            return _filtered(variable, answer, scope) or variable.current
        case "textbox" | "constant":
            return variable.current[:1] or (Option(variable.query, variable.query),)
        case "switch":
            return variable.options or (Option("true", "true"), Option("false", "false"))
    return ()


def _written(said: str) -> list[Option]:
    """A list `one,two,label : value`; a backslash keeps a comma."""
    found = []
    for part in re.findall(r"(?:\\,|[^,])+", said)[:MOST_OPTIONS]:
        entry = part.replace("\\,", ",").strip()
        label, colon, value = entry.partition(" : ")
        if entry:
            found.append(Option(value.strip(), label.strip()) if colon else Option(entry, entry))
    return found


def _filtered(variable: Variable, answer: Sequence[str], scope: Scope) -> tuple[Option, ...]:
    pattern = compiled(fill_text(variable.regex, scope))
    found: dict[str, Option] = {}
    for word in answer:
        option = Option(clean(word), clean(word)) if pattern is None else _matched(pattern, clean(word))
        if option is not None:
            found.setdefault(option.value, option)
        if len(found) >= MOST_OPTIONS:
            break
    return tuple(found.values())


def _matched(pattern: re.Pattern[str], word: str) -> Option | None:
    found = pattern.search(word[:4000])
    if found is None:
        return None
    named = {name: one for name, one in found.groupdict().items() if one is not None}
    if "value" in named or "text" in named:
        value = named.get("value", named.get("text", ""))
        return Option(value, named.get("text", value))
    first = next((one for one in found.groups() if one is not None), None)
    value = first if first is not None else word
    return Option(value, value)


def _sorted(options: tuple[Option, ...], how: int) -> tuple[Option, ...]:
    """1/2 by letters, 3/4 by the first number, 5/6 by letters whatever their case, 7/8 naturally; even ones down."""
    if how == 0:
        return options

    def key(option: Option) -> Any:
        if how in {1, 2}:
            return option.text
        if how in {3, 4}:
            found = _NUMBER.match(option.text[:40])
            return int(found[1]) if found else -1
        if how in {5, 6}:
            return option.text.casefold()
        parts = re.split(r"([0-9]{1,18})", option.text)
        return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]

    return tuple(sorted(options, key=key, reverse=how % 2 == 0))


def choose(variable: Variable, options: Sequence[Option], scope: Scope, picked: Sequence[str] = ()) -> Chosen:
    """What is chosen: what was picked, else what was saved, else All, else the first.

    `picked` are values (or texts); a text box takes any. What is not among the options does not count.
    """
    if variable.kind in {"textbox", "constant", "adhoc", "groupby", "unsupported"}:
        mine = (Option(picked[0], picked[0]),) if picked and variable.kind == "textbox" else tuple(options[:1])
        return Chosen(mine, trusted=True)
    trusted = variable.kind != "query"
    list_like = variable.multi or variable.has_all
    saved = [one.value for one in variable.current]
    for words in (list(picked), saved):
        if variable.has_all and words and words[0] in {ALL, "All", "all"}:
            return _all(variable, options, scope, trusted=trusted)
        found = [one for word in words for one in options if word in (one.value, one.text)]
        if found:
            kept = tuple(dict.fromkeys(found)) if variable.multi else (found[0],)
            return Chosen(_resolved(variable, kept, scope), list_like=list_like, trusted=trusted)
    if variable.has_all:
        return _all(variable, options, scope, trusted=trusted)
    first = tuple(options[:1]) or (variable.current[:1] if variable.kind != "query" else ())
    return Chosen(_resolved(variable, first, scope), list_like=list_like, trusted=trusted)


def _all(variable: Variable, options: Sequence[Option], scope: Scope, *, trusted: bool) -> Chosen:
    verbatim = fill_text(variable.all_value, scope)
    return Chosen(tuple(options), True, verbatim, list_like=True, trusted=trusted)


def _resolved(variable: Variable, options: tuple[Option, ...], scope: Scope) -> tuple[Option, ...]:
    """`auto` of an interval variable as the duration that it stands for."""
    if variable.kind != "interval":
        return options
    least = span(variable.auto_least) or 10.0
    auto = worded(max(least, (scope.end - scope.start) / variable.auto_count))
    return tuple(Option(auto, "auto") if one.value.startswith("$__auto") else one for one in options)


def settled(dashboard: Dashboard, scope: Scope, picked: Mapping[str, Sequence[str]] | None = None) -> Scope:
    """The scope with a value for every variable that needs no answer, and what was saved for those that do."""
    for variable in in_order(dashboard.variables):
        saved = tuple(one for one in variable.current if one.value not in {ALL, ""})
        options = saved if variable.kind == "query" else options_of(variable, (), scope)
        chosen = choose(variable, options, scope, (picked or {}).get(variable.name, ()))
        scope = replace(scope, values={**scope.values, variable.name: chosen})
    return scope
