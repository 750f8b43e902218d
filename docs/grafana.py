"""docs/dashboards.md: what of Grafana's dashboards is shown, from the tables that the readers and drawers go by."""

from __future__ import annotations

from collections.abc import Iterable

from warroom.dashboards.calcs import CALCS
from warroom.dashboards.check import CODES
from warroom.dashboards.fields import MATCHERS
from warroom.dashboards.legacy import SAME_TODAY
from warroom.dashboards.read_variables import KINDS
from warroom.dashboards.sources import SPEAKS
from warroom.dashboards.support import PANELS, PASSED_OVER, TRANSFORMATIONS
from warroom.dashboards.unit_table import CUSTOM, UNITS
from warroom.dashboards.values import FORMATS

_HEAD = """# Grafana dashboards

Generated from the code by `make docs`. A dashboard is read from Grafana or from a file, and its panels are drawn in
the terminal. What a terminal cannot show becomes a box with the reason; nothing is left out in silence:

    warroom dashboard check node-exporter-full.json

names each place by a JSON path, with a code from the [list below](#what-the-check-says), and says how many panels can
be drawn. With `--strict` a warning fails it.

A file may be the classic model of any schema (rows with spans, the old graph, singlestat and table panels), the API's
`{dashboard, meta}`, a Kubernetes object with a `spec`, an export with `__inputs`, or the schema with `elements` and
`layout`.

Colours say a level: red is critical, orange and yellow are warnings, green is ok. Patterns are those of JavaScript as
far as Python has the same; one that repeats what repeats is refused, because a text could keep it busy for ever.
"""
_VARIABLES = {
    "query": "label_values, label_names, metrics, query_result and series of Prometheus; labels of Loki",
    "custom": "its list, with `text : value`",
    "interval": "with `auto`",
    "constant": "as saved",
    "datasource": "the sources of its type",
    "textbox": "what is typed",
    "adhoc": "label filters, added to every selector",
    "groupby": "keeps what was saved",
    "switch": "two values",
}
_BUILT_IN = (
    "`$__interval`, `$__interval_ms`, `$__rate_interval`, `$__range`, `$__range_s`, `$__range_ms`, `$__from` and "
    "`$__to` (with `:date` formats), `$__dashboard`, `$__timezone`, `$__auto`, `$__url_time_range`, "
    "`$__all_variables`"
)
_OTHERS = """
Any other type is a plugin and becomes a box too, and so does a panel whose only queries ask a source that is not
supported.
"""
_SOURCES = f"""Panels and variables may ask {", ".join(f"`{name}`" for name in SPEAKS)}. A source named by a variable,
by a placeholder of an export or by nothing at all is found by the variable's type, the export's list, or the query
itself. Expressions over other queries: math, reduce, resample, threshold.
"""
_SAFE = """In a query a value stays where it was put: inside of quotes it cannot end the string, and outside of quotes a
value that came from a server may only be a plain word.
"""


def page() -> str:
    """The whole page."""
    drawn = [(f"`{kind}`", one.shape, one.note) for kind, one in PANELS.items() if one.drawn]
    boxes = [(f"`{kind}`", one.note) for kind, one in PANELS.items() if not one.drawn]
    older = [(f"`{old}`", f"`{new}`") for old, new in SAME_TODAY.items()] + [("`table-old`", "`table`")]
    parts = [
        _HEAD,
        "## Panels\n",
        _table(("type", "drawn as", "what differs"), drawn),
        "\nOlder types and plugins that show the same:\n",
        _table(("type", "drawn as"), older),
        "\nA box with the reason instead:\n",
        _table(("type", "reason"), boxes),
        _OTHERS,
        "## Sources\n",
        _SOURCES,
        "## Variables\n",
        _table(("kind", "how"), [(f"`{kind}`", _VARIABLES[kind]) for kind in KINDS]),
        f"\nFormats: {_listed(FORMATS)}. Grafana's own: {_BUILT_IN}.\n",
        _SAFE,
        "## Transformations\n",
        _table(("id", "what it does"), [(f"`{kind}`", text) for kind, text in TRANSFORMATIONS.items()]),
        "\nLeft out, with a note on the panel (others that are not known, too):\n",
        _table(("id", "instead"), [(f"`{kind}`", text) for kind, text in PASSED_OVER.items()]),
        "\n## Fields\n",
        f"Overrides pick fields by {_listed(MATCHERS)}.\n",
        "Calculations: " + ", ".join(f"`{name}` ({one.name})" for name, one in CALCS.items()) + ", `p1` to `p99`.\n",
        "## Units\n",
        _table(("category", "ids"), _units()),
        "\nUnits that authors make up:\n",
        _table(("begins with", "what it is"), [(f"`{start}`", text) for start, text in CUSTOM.items()]),
        "\n## What the check says\n",
        _table(("code", "meaning"), [(f"`{code}`", meaning) for code, meaning in CODES.items()]),
    ]
    return "\n".join(parts) + "\n"


def _units() -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for name, unit in UNITS.items():
        found.setdefault(unit.category, []).append(f"`{name}`")
    return [(category, ", ".join(names)) for category, names in sorted(found.items())]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
