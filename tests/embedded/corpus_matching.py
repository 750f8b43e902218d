"""Queries about operators between vectors, and about what no query may say."""

from __future__ import annotations

_ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
_COMPARED = ("==", "!=", ">", "<", ">=", "<=")

_GENERATED = (
    [f"queue_depth {operator} 3" for operator in _ARITHMETIC]
    + [f"3 {operator} queue_depth" for operator in _ARITHMETIC]
    + [f"queue_depth {operator} on(zone) queue_limit" for operator in _ARITHMETIC]
    + [f"special {operator} special" for operator in _ARITHMETIC]
    + [f"special {operator} 0" for operator in _ARITHMETIC]
    + [f"queue_depth {operator} 20" for operator in _COMPARED]
    + [f"20 {operator} queue_depth" for operator in _COMPARED]
    + [f"queue_depth {operator} bool 20" for operator in _COMPARED]
    + [f"20 {operator} bool queue_depth" for operator in _COMPARED]
    + [f"queue_depth {operator} on(zone) queue_limit" for operator in _COMPARED]
    + [f"queue_depth {operator} bool on(zone) queue_limit" for operator in _COMPARED]
    + [f"special {operator} special" for operator in _COMPARED]
    + [f"special {operator} bool NaN" for operator in _COMPARED[:3]]
)

_WRITTEN = """
up + up
up * up
up - on(job, instance) up
up - ignoring(missing) up
up + on(job) up
up + ignoring(instance) up
up / on(job, instance) memory_bytes
memory_bytes / on(job) group_left memory_limit_bytes
memory_bytes / on(job) group_left() memory_limit_bytes
memory_bytes / ignoring(instance) group_left memory_limit_bytes
memory_limit_bytes / on(job) group_right memory_bytes
memory_limit_bytes - ignoring(instance) group_right memory_bytes
memory_bytes * on(job) group_left(version) build_info
memory_bytes * on(job) group_left(version, missing) build_info
up * on(job) group_left(version) build_info
build_info * on(job) group_right(version) up
build_info + on(job) up
up + on(job) build_info
up == on(job) group_left(version) build_info
up == bool on(job) group_left(version) build_info
memory_bytes > on(job) group_left memory_limit_bytes
memory_limit_bytes < on(job) group_right memory_bytes
memory_limit_bytes <= bool on(job) group_right memory_bytes
http_requests_total / ignoring(code) group_left sum without (code) (http_requests_total)
http_requests_total / on(job) group_left sum by (job) (http_requests_total)
sum by (job) (rate(http_requests_total{code="500"}[5m])) / sum by (job) (rate(http_requests_total[5m]))
sum by (job) (rate(http_requests_total{code="500"}[5m])) / on() group_left sum(rate(http_requests_total[5m]))
http_requests_total{code="500"} / ignoring(code) http_requests_total{code="200"}
http_requests_total / ignoring(code) http_requests_total{code="200"}
http_requests_total{code="200"} / ignoring(code) http_requests_total
http_requests_total * on(job, instance) group_left(code) up
http_requests_total * on(job) group_left up
up * on(job) group_left http_requests_total
up * on(job, instance) group_right http_requests_total
queue_depth + on(zone) group_left(tier) queue_limit
queue_depth + on(zone) queue_limit
queue_depth + queue_limit
queue_depth > queue_limit
queue_depth > ignoring(tier) queue_limit
queue_limit - ignoring(tier) queue_depth
weight * 2 + weight
weight + ignoring(kind) weight
weight * on() group_left steady{room="x"}
sum(weight) + on() steady{room="x"}
same_a + same_b
same_a == same_b
same_a != same_b
same_a < bool same_b
same_a < same_b
{__name__=~"same_."} + 1
{__name__=~"same_."} > 1
{__name__=~"same_."} > 0
{__name__=~"same_."} > bool 1
{__name__=~"same_."} + same_a
same_a * on(job) group_right {__name__=~"same_."}
same_a + on(__name__) same_a
same_a + on(__name__) same_b
{__name__=~"same_."} + on(__name__, job) {__name__=~"same_."}
{__name__=~"same_."} - ignoring(job) same_a
up and up
up and on(job) build_info
up and on(job, instance) memory_bytes > 4.9e8
up and (memory_bytes > 5e8)
up unless on(job) build_info
up unless up
up unless (up == 1)
up or memory_bytes
up or on(job) memory_bytes
up{job="api"} or up
up{job="api"} or ignoring(job, instance) up
up{job="api"} or on() up
build_info or on(job) up
same_a or same_b
same_b or same_a
same_a or on(nothing) same_b
same_a and same_b
same_a unless same_b
sum(up) or vector(0)
sum(no_such_metric) or vector(0)
vector(0) or vector(1)
no_such_metric or up
up or no_such_metric
up and no_such_metric
up unless no_such_metric
no_such_metric + up
up + no_such_metric
up + on(job) no_such_metric
no_such_metric + on(job) up
marked or up{job="api"}
marked or on() up
marked and on() once
ended_total or on() vector(1)
ended_total or vector(1)
holed_total unless on() marked
queue_depth > 10 < 30
queue_depth > 10 and queue_depth < 30
(queue_depth > 10) * 2
(queue_depth > bool 10) + (queue_depth < bool 30)
queue_depth > 10 or queue_depth < -10
queue_depth * 2 > queue_depth + 10
2 * queue_depth - 3 * queue_depth ^ 2 % 7
queue_depth == queue_depth
queue_depth == queue_depth offset 5m
queue_depth - queue_depth offset 5m
queue_depth / (queue_depth offset 1h)
up == 0
up == 1
up != 1
count(up == 0)
sum(up == bool 0)
count(up == 0) or vector(0)
time() - up
vector(1) + vector(2)
vector(1) == vector(1)
vector(1) > bool vector(2)
vector(1) + on(job) up
up * on() group_left vector(2)
up * on() vector(2)
1 + up
up + NaN
up * Inf
up / 0
-up / 0
up % 0
0 ^ up
up == Inf
special == special{kind="nan"}
memory_bytes / 1024 / 1024
memory_bytes - memory_bytes
memory_bytes + memory_bytes @ 1700004000
memory_bytes and on(job) topk(1, sum by (job) (rate(http_requests_total[5m])))
scalar(sum(up)) * up
up + scalar(no_such_metric)
http_requests_total and on(code) vector(1)
rate(http_requests_total[5m]) > on(job) group_left 0.5 * max by (job) (rate(http_requests_total[5m]))
(rate(http_requests_total[5m]) > 1) / 2
sum by (job) (rate(http_requests_total[5m])) > bool 10
(sum by (job) (up) >= 1) and (sum by (job) (up) <= 2)
abs(up - up offset 1m) > 0
sum(rate(http_requests_total[5m])) by (job) * on(job) group_left(version) build_info
avg by (job) (memory_bytes) / on(job) memory_limit_bytes > 0.9
max by (job) (time() - timestamp(up))
"""

MATCHING = "\n".join([*_GENERATED, *(line for line in _WRITTEN.strip().split("\n"))])

REFUSED = (
    "", " ", "up{", "up{job=}", "up{job", "sum(up", "up)", "1 +", "up up", "nosuchfunc(up)", "rate(up)", "rate(up[5m",
    "up[5m] + 1", "sum(up[5m])", "sum(1)", "topk(up)", "topk(up, up)", 'topk("a", up)', "count_values(1, up)", "1 == 2",
    "1 and up", "up and 1", '"a" + 1', "{}", '{job=""}', '{job=~".*"}', '{job!="a"}', 'up{__name__="down"}',
    "up{job=~\"(\"}", "rate()", "time(1)", "clamp(up)", "up[5m][5m]", "up[0s]", "up[-5m]", "rate(up[5m])[5m]",
    "up offset", "up @", "up @ foo", "foo bar", "sum by (job up)", "a == bool", "up + on() group_left() on() up",
    "up and on(job) group_left up", "up + on(job) group_left(job) up", "absent(1)", "abs(up[5m])", "'abc", "$up",
    "up offset 1m offset 2m", "up @ 1 @ 2", "label_replace(up)", "vector(up)", "scalar(1)",
    "holt_winters(up[5m],.5,.5)",
    "double_exponential_smoothing(up[5m],.5,.5)", "mad_over_time(up[5m])", 'sort_by_label(up, "job")', "limitk(1, up)",
    "limit_ratio(0.5, up)", "info(up)", "first_over_time(up[5m])", "up =~ 1", "up{job=\"a\" or job=\"b\"}", "up or 1",
    "1 + on(job) up", "up[5m:", "sum", "by", "sum()", "-", "()", "(up", "quantile(up)", "histogram_quantile(up, up)",
    "max_over_time(up[5m:0s])", "sum without by (up)", "up != bool 1 2", "1 > bool up up",
    "ts_of_max_over_time(up[5m])",
)  # fmt: skip
"""What must be refused as `bad_data`. `sum` and `by` are no keywords alone, so the real server decides on each."""
