"""The messages of OTLP that are pushed to this process: traces, metrics and logs, as far as they are used here.

Source: opentelemetry/proto of github.com/open-telemetry/opentelemetry-proto, version 1.9.
"""

from __future__ import annotations

from warroom.embedded.protobuf import Message, message

_MANY = True

ANY_VALUE = message("AnyValue", {
    1: ("stringValue", "string"), 2: ("boolValue", "bool"), 3: ("intValue", "int64"), 4: ("doubleValue", "double"),
    7: ("bytesValue", "bytes"),
})  # fmt: skip
KEY_VALUE = message("KeyValue", {1: ("key", "string"), 2: ("value", ANY_VALUE)})
ANY_VALUE.fields |= message("", {
    5: ("arrayValue", message("ArrayValue", {1: ("values", ANY_VALUE, _MANY)})),
    6: ("kvlistValue", message("KeyValueList", {1: ("values", KEY_VALUE, _MANY)})),
}).fields  # fmt: skip
RESOURCE = message("Resource", {1: ("attributes", KEY_VALUE, _MANY)})
SCOPE = message("InstrumentationScope", {1: ("name", "string"), 2: ("version", "string"),
                                         3: ("attributes", KEY_VALUE, _MANY)})  # fmt: skip

EVENT = message("Event", {1: ("timeUnixNano", "fixed64"), 2: ("name", "string"), 3: ("attributes", KEY_VALUE, _MANY)})
LINK = message("Link", {1: ("traceId", "hex"), 2: ("spanId", "hex"), 3: ("traceState", "string"),
                        4: ("attributes", KEY_VALUE, _MANY)})  # fmt: skip
SPAN = message("Span", {
    1: ("traceId", "hex"), 2: ("spanId", "hex"), 3: ("traceState", "string"), 4: ("parentSpanId", "hex"),
    5: ("name", "string"), 6: ("kind", "int32"), 7: ("startTimeUnixNano", "fixed64"), 8: ("endTimeUnixNano", "fixed64"),
    9: ("attributes", KEY_VALUE, _MANY), 11: ("events", EVENT, _MANY), 13: ("links", LINK, _MANY),
    15: ("status", message("Status", {2: ("message", "string"), 3: ("code", "int32")})),
})  # fmt: skip

EXEMPLAR = message("Exemplar", {
    2: ("timeUnixNano", "fixed64"), 3: ("asDouble", "double"), 4: ("spanId", "hex"), 5: ("traceId", "hex"),
    6: ("asInt", "sfixed64"), 7: ("filteredAttributes", KEY_VALUE, _MANY),
})  # fmt: skip
NUMBER_POINT = message("NumberDataPoint", {
    2: ("startTimeUnixNano", "fixed64"), 3: ("timeUnixNano", "fixed64"), 4: ("asDouble", "double"),
    5: ("exemplars", EXEMPLAR, _MANY), 6: ("asInt", "sfixed64"), 7: ("attributes", KEY_VALUE, _MANY),
    8: ("flags", "uint32"),
})  # fmt: skip
HISTOGRAM_POINT = message("HistogramDataPoint", {
    2: ("startTimeUnixNano", "fixed64"), 3: ("timeUnixNano", "fixed64"), 4: ("count", "fixed64"), 5: ("sum", "double"),
    6: ("bucketCounts", "fixed64", _MANY), 7: ("explicitBounds", "double", _MANY), 8: ("exemplars", EXEMPLAR, _MANY),
    9: ("attributes", KEY_VALUE, _MANY), 10: ("flags", "uint32"),
})  # fmt: skip
SUMMARY_POINT = message("SummaryDataPoint", {
    2: ("startTimeUnixNano", "fixed64"), 3: ("timeUnixNano", "fixed64"), 4: ("count", "fixed64"), 5: ("sum", "double"),
    6: ("quantileValues", message("ValueAtQuantile", {1: ("quantile", "double"), 2: ("value", "double")}), _MANY),
    7: ("attributes", KEY_VALUE, _MANY), 8: ("flags", "uint32"),
})  # fmt: skip
METRIC = message("Metric", {
    1: ("name", "string"), 2: ("description", "string"), 3: ("unit", "string"),
    5: ("gauge", message("Gauge", {1: ("dataPoints", NUMBER_POINT, _MANY)})),
    7: ("sum", message("Sum", {1: ("dataPoints", NUMBER_POINT, _MANY), 2: ("aggregationTemporality", "int32"),
                               3: ("isMonotonic", "bool")})),
    9: ("histogram", message("Histogram", {1: ("dataPoints", HISTOGRAM_POINT, _MANY),
                                           2: ("aggregationTemporality", "int32")})),
    10: ("exponentialHistogram", message("ExponentialHistogram", {2: ("aggregationTemporality", "int32")})),
    11: ("summary", message("Summary", {1: ("dataPoints", SUMMARY_POINT, _MANY)})),
})  # fmt: skip

LOG_RECORD = message("LogRecord", {
    1: ("timeUnixNano", "fixed64"), 11: ("observedTimeUnixNano", "fixed64"), 2: ("severityNumber", "int32"),
    3: ("severityText", "string"), 5: ("body", ANY_VALUE), 6: ("attributes", KEY_VALUE, _MANY), 9: ("traceId", "hex"),
    10: ("spanId", "hex"), 12: ("eventName", "string"),
})  # fmt: skip


def _export(resources: str, scopes: str, leaves: str, leaf: Message) -> Message:
    by_scope = message("Scope", {1: ("scope", SCOPE), 2: (leaves, leaf, _MANY)})
    by_resource = message("Resource", {1: ("resource", RESOURCE), 2: (scopes, by_scope, _MANY)})
    return message("ExportRequest", {1: (resources, by_resource, _MANY)})


TRACES = _export("resourceSpans", "scopeSpans", "spans", SPAN)
METRICS = _export("resourceMetrics", "scopeMetrics", "metrics", METRIC)
LOGS = _export("resourceLogs", "scopeLogs", "logRecords", LOG_RECORD)
