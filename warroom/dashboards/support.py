"""What of Grafana's panels and transformations is done here; the source of the compatibility page.

Invariant: the readers and drawers go by these tables, so the page cannot claim what is not so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a panel type is drawn, as what, and what is left out of it (or why it is not drawn)."""

    drawn: bool
    shape: str
    note: str = ""


PANELS: Final[Mapping[str, Support]] = {
    "timeseries": Support(True, "chart", "gradients and annotations of regions are left out"),
    "trend": Support(True, "chart", "against time"),
    "xychart": Support(True, "chart", "against time, not against another field"),
    "candlestick": Support(True, "chart", "as lines"),
    "stat": Support(True, "numbers"),
    "gauge": Support(True, "numbers", "as a bar between its two ends"),
    "bargauge": Support(True, "bars"),
    "piechart": Support(True, "bars", "as shares of the whole"),
    "barchart": Support(True, "bars", "rows of a table become bars; several values a row stand below each other"),
    "table": Support(True, "table", "paging is the reader's; cells as images, links and JSON are text"),
    "heatmap": Support(True, "heatmap"),
    "histogram": Support(True, "histogram"),
    "state-timeline": Support(True, "states"),
    "status-history": Support(True, "states", "every sample on its own"),
    "logs": Support(True, "lines"),
    "text": Support(True, "text", "HTML is reduced to its text"),
    "alertlist": Support(True, "list", "of the alerts that the room knows"),
    "annolist": Support(True, "list", "of annotations"),
    "dashlist": Support(True, "list", "of dashboards"),
    "row": Support(True, "title"),
    "news": Support(False, "box", "it reads a feed of the internet"),
    "nodeGraph": Support(
        False, "box", "a graph of nodes has no shape in a terminal; its table may be asked for in explore"
    ),
    "geomap": Support(False, "box", "a map has no shape in a terminal"),
    "canvas": Support(False, "box", "a free drawing has no shape in a terminal"),
    "flamegraph": Support(False, "box", "profiles are not read"),
    "traces": Support(False, "box", "a trace is opened in the trace view"),
    "welcome": Support(False, "box", "it shows nothing of a system"),
    "gettingstarted": Support(False, "box", "it shows nothing of a system"),
    "debug": Support(False, "box", "it shows nothing of a system"),
}
"""By today's type; older types are turned into these when they are read."""

NEEDS_NO_QUERY: Final = frozenset({"row", "text", "alertlist", "annolist", "dashlist"})

_PLUGIN: Final = "a plugin that is not supported"


def support_of(kind: str) -> Support:
    """What is done with a panel of a type."""
    return PANELS.get(kind) or Support(False, "box", f"{kind or 'a panel without a type'} is {_PLUGIN}")


TRANSFORMATIONS: Final[Mapping[str, str]] = {
    "organize": "renames, hides and orders fields",
    "reduce": "each series to a row of numbers, or each field to one number",
    "merge": "one table of all",
    "seriesToRows": "one table with a row for each sample",
    "seriesToColumns": "one table, joined by a field",
    "joinByField": "one table, joined by a field (outer, outer tabular, inner)",
    "joinByLabels": "one row for each set of labels",
    "concatenate": "all fields side by side",
    "filterFieldsByName": "keeps and drops fields by name or pattern",
    "filterByRefId": "keeps the answers of some queries",
    "filterByValue": "keeps or drops rows by their values",
    "renameByRegex": "renames fields by a pattern",
    "calculateField": "a field from others: two of them, all of a row, the place of a row, one value",
    "groupBy": "rows with the same values become one",
    "groupingToMatrix": "rows and columns by two fields",
    "sortBy": "orders rows",
    "limit": "the first rows",
    "labelsToFields": "labels become columns, or rows",
    "labelsToFieldsColumns": "labels become columns",
    "convertFieldType": "texts to numbers and times",
    "formatTime": "times to texts",
    "formatString": "upper and lower case, parts of texts",
    "extractFields": "fields from JSON and key=value texts",
    "prepareTimeSeries": "many series as they are",
    "timeSeriesTable": "each series to a row with its last value",
    "transpose": "rows become columns",
}
"""The transformations that are done, and what each does."""

PASSED_OVER: Final[Mapping[str, str]] = {
    "configFromData": "the panel is shown with the configuration of its author",
    "rowsToFields": "rows stay rows",
    "heatmap": "heatmaps are made by the panel",
    "histogram": "histograms are made by the panel",
    "partitionByValues": "the table stays one",
    "fieldLookup": "nothing is looked up",
    "spatial": "there are no maps",
    "regression": "there is no model of the data",
    "smoothing": "lines stay as they were measured",
    "convertFrameType": "frames stay as they are",
}
"""The transformations that are left out, and what is shown in their place. Unknown ones are left out too."""
