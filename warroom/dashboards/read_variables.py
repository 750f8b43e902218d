"""Reading the variables of a dashboard.

Invariant: nothing here raises; a variable without a name is left out, one of an unknown kind is `unsupported`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from warroom.dashboards.model import Hiding, Option, Source, Variable, VariableKind
from warroom.dashboards.said import Raw, as_number, clean, flag, line, part, parts, text, whole

KINDS: Final[dict[str, VariableKind]] = {
    "query": "query",
    "custom": "custom",
    "interval": "interval",
    "constant": "constant",
    "datasource": "datasource",
    "textbox": "textbox",
    "adhoc": "adhoc",
    "groupby": "groupby",
    "switch": "switch",
}
ALL: Final = "$__all"
_MOST: Final = 200


def read_variables(templating: Raw) -> tuple[Variable, ...]:
    """The variables of `templating`, in the order of the file."""
    found = [_variable(raw, at) for at, raw in parts(templating, "list")[:_MOST]]
    return tuple({one.name: one for one in found if one.name}.values())


def _variable(raw: Raw, at: int) -> Variable:
    kind = KINDS.get(text(raw, "type", "query"), "unsupported")
    query = raw.get("query")
    hiding: tuple[Hiding, ...] = ("", "label", "variable")
    asked = query if isinstance(query, str) else text(query, "query") or text(query, "expr")
    if kind == "query" and not asked:
        asked = text(raw, "definition")
    has_all = flag(raw, "includeAll")
    return Variable(
        name=line(text(raw, "name")),
        kind=kind,
        path=f"$.templating.list[{at}]",
        label=line(text(raw, "label")),
        hiding=hiding[whole(raw, "hide", 0, 0, 2)],
        query=clean(asked),
        raw_query=query if isinstance(query, dict) else {},
        regex=text(raw, "regex"),
        sort=whole(raw, "sort", 0, 0, 8),
        multi=flag(raw, "multi"),
        has_all=has_all,
        all_value=text(raw, "allValue"),
        current=tuple(_chosen(raw.get("current"))),
        options=tuple(
            Option(value, text(one, "text", value))
            for _, one in parts(raw, "options")
            if (value := _word(one.get("value"))) is not None
        ),
        source=named_source(raw.get("datasource")),
        auto=flag(raw, "auto"),
        auto_count=whole(raw, "auto_count", 30, 1, 10_000),
        auto_least=text(raw, "auto_min", "10s"),
        filters=tuple(
            (text(one, "key"), text(one, "operator", "="), text(one, "value"))
            for _, one in [*parts(raw, "filters"), *parts(raw, "baseFilters")]
            if text(one, "key")
        ),
        written=text(raw, "type", "query"),
    )


def named_source(said: Any) -> Source:
    """A data source as a panel, a target or a variable names it: a name, `{type, uid}`, a variable, nothing."""
    return Source("", clean(said)) if isinstance(said, str) else Source(text(said, "type"), text(said, "uid"))


def _chosen(current: Any) -> Iterator[Option]:
    """Value and text of what was chosen: both may be one or a list."""
    value = current.get("value") if isinstance(current, dict) else current if isinstance(current, str) else None
    shown = part(current).get("text") if isinstance(current, dict) else None
    values = value if isinstance(value, list) else [value]
    texts = shown if isinstance(shown, list) else [shown]
    for at, one in enumerate(values[:1000]):
        word = _word(one)
        if word is not None:
            name = _word(texts[at]) if at < len(texts) else None
            yield Option(word, name if name is not None else word)


def _word(said: Any) -> str | None:
    if isinstance(said, str):
        return clean(said)
    if isinstance(said, bool):
        return "true" if said else "false"
    return f"{said:g}" if isinstance(said, int | float) and as_number(said) is not None else None
