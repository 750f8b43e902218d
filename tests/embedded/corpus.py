"""Queries about `promql_samples`, by what they are about: every function, operator and modifier, and their corners."""

from __future__ import annotations

from tests.embedded.corpus_matching import MATCHING

SELECTORS = """
up
http_requests_total
http_requests_total{job="api"}
http_requests_total{job!="api"}
http_requests_total{job=~"a.*|pay"}
http_requests_total{job!~"a.*"}
http_requests_total{job=~"ap"}
http_requests_total{job=~".+",code=~"[45].."}
http_requests_total{job="api",job="api"}
http_requests_total{job="api",job!="api"}
http_requests_total{missing=""}
http_requests_total{missing!=""}
http_requests_total{code=~"404|500",instance=~"(?i)A:1"}
http_requests_total{code=~""}
http_requests_total{code!~""}
http_requests_total{code=~"200|"}
{__name__="up"}
{__name__=~"memory_.*"}
{__name__=~"memory_.*",job="cart"}
{"up"}
{"up",job="pay"}
{job="api",__name__!~"http.*|latency.*"}
odd_labels
odd_labels{path="/a\\"b"}
odd_labels{path='/new\\nline'}
odd_labels{path=`/back\\slash`}
odd_labels{path=~"/new.line"}
odd_labels{path=~"/gr..e"}
odd_labels{path=""}
odd_labels{n=~"[0-3]"}
no_such_metric
special
nans
infs
rare
temperature
once
steady
marked
ended_total
holed_total
build_info
weight
up offset 5m
up offset -5m
up offset 1h30m
up offset 90s
http_requests_total{job="api"} offset 10m
up @ 1700004000
up @ 1700004000.137
up @ start()
up @ end()
up offset 5m @ 1700004000
up @ 1700004000 offset 5m
up @ end() offset -1m
marked offset 10m
build_info offset 1h
build_info @ end()
once offset -4m59s
once offset -5m
once offset 4m59s
once offset 300
rare offset 1
up{}
up # a comment
"""

RANGES = """
http_requests_total{job="api"}[1m]
up[2m] offset 3m
up[2m] @ 1700004000
once[1h]
marked[10m]
holed_total[20m]
build_info[1h]
special[1m]
temperature[8m]
no_such_metric[5m]
(queue_depth[1m])
queue_depth[1m:15s]
queue_depth[5m:]
rate(http_requests_total[1m])[3m:1m]
queue_depth[30s] offset -1m
sum(up)[3m:30s] offset 2m
(up * 2)[2m:1m] @ 1700005000
"""

LITERALS = """
1
-1
+1
0x1F
1e3
.5
1.
1e-3
5m
1h30m
Inf
-Inf
NaN
1 + 2 * 3
(1 + 2) * 3
2 ^ 3 ^ 2
-2 ^ 2
-1 ^ 0.5
7 % 3
-7 % 3
7 % -3
5.5 % 2
1 / 0
-1 / 0
0 / 0
7 atan2 2
1 == bool 1
1 != bool 1
1 < bool 2
1 > bool 2
2 >= bool 2
2 <= bool 1
NaN == bool NaN
NaN != bool NaN
Inf == bool Inf
1 - -1
- - 1
10 - 4 - 3
16 / 4 / 2
2 * 3 % 4
1 + 2 == bool 3
time()
time() - 1700000400
pi()
pi() * 2
-time()
time() % 60
"hello"
'single \\'quoted\\''
`raw \\n`
"new\\nline \\u00fc"
vector(1)
vector(time())
scalar(vector(3))
scalar(up)
scalar(up{job="api",instance="a:1"})
scalar(no_such_metric)
scalar(special{kind="nan"})
scalar(steady{room="x"}) + time()
vector(scalar(queue_depth{zone="eu"}))
-vector(1)
scalar(rare)
scalar(once)
scalar(build_info)
"""

AGGREGATIONS = """
sum(http_requests_total)
sum by (job) (http_requests_total)
sum(http_requests_total) by (job)
sum by (job, code) (http_requests_total)
sum without (instance) (http_requests_total)
sum without (job, instance, code) (http_requests_total)
sum without () (http_requests_total)
sum by () (http_requests_total)
sum by (missing) (http_requests_total)
sum by (job, missing) (http_requests_total)
sum by (__name__) ({__name__=~"memory_.*|up"})
sum by (__name__, job) ({__name__=~"memory_.*|up"})
sum without (__name__) (up)
avg by (job) (http_requests_total)
avg(queue_depth)
min by (job) (http_requests_total)
max by (job) (http_requests_total)
min(queue_depth)
max(queue_depth)
count(http_requests_total)
count by (code) (http_requests_total)
group(http_requests_total)
group by (job) (http_requests_total)
stddev by (job) (http_requests_total)
stdvar by (job) (http_requests_total)
stddev(queue_depth)
stdvar(queue_depth)
quantile(0.5, http_requests_total)
quantile by (job) (0.9, http_requests_total)
quantile without (instance) (0.25, http_requests_total)
quantile(0, queue_depth)
quantile(1, queue_depth)
quantile(-1, queue_depth)
quantile(2, queue_depth)
quantile(NaN, queue_depth)
quantile(scalar(ratio), queue_depth)
quantile(0.5, special)
quantile(0.2, {__name__=~"nans|infs"})
sum(special)
sum(special{kind!~"nan|.*inf"})
avg(special)
avg(special{kind=~"huge|plain"})
avg(special{kind=~"inf|-inf"})
avg(special{kind=~"inf|plain"})
sum(special{kind=~"inf|plain"})
sum(special{kind=~"nan|plain"})
min(special)
max(special)
min(special{kind=~"nan|plain"})
max(special{kind=~"nan|plain"})
max(special{kind="nan"})
stddev(special{kind=~"nan|plain"})
stddev(special{kind=~"inf|plain"})
count(special)
sum(marked or holed_total or rare)
count(marked or holed_total or rare)
avg by (kind) (marked or holed_total)
topk(3, http_requests_total)
topk(1, http_requests_total) by (job)
topk by (job) (2, http_requests_total)
topk(0, http_requests_total)
topk(-1, http_requests_total)
topk(100, queue_depth)
topk(2.7, queue_depth)
topk(NaN, queue_depth)
topk(Inf, queue_depth)
topk(scalar(stairs) + 1, queue_depth)
topk(3, special{kind!="minus zero"})
bottomk(2, http_requests_total)
bottomk by (job) (1, http_requests_total)
bottomk without (code, instance) (1, http_requests_total)
bottomk(3, special{kind!="minus zero"})
topk(2, queue_depth) by (tier)
topk(1, nans or infs)
bottomk(1, nans or infs)
topk(5, no_such_metric)
count_values("value", up)
count_values by (job) ("value", up)
count_values("job", up)
count_values by (job) ("job", up)
count_values("v", special)
count_values("v", ratio)
count_values without (instance) ("v", up)
count_values("v", round(queue_depth, 25))
count_values("v", memory_limit_bytes * 1e15)
count_values("v", memory_limit_bytes / 1e18)
sum(sum by (job) (http_requests_total))
max(sum by (job) (rate(http_requests_total[5m])))
avg(max by (job) (min by (job, code) (http_requests_total)))
sum(no_such_metric)
count(no_such_metric)
sum(1 + up)
sum(vector(1))
sum(build_info) by (version)
count by (version) (build_info)
sum by (job) (up) > 1
sum(up) by (job) / count(up) by (job)
"""

HISTOGRAMS = """
histogram_quantile(0.5, latency_seconds_bucket)
histogram_quantile(0.9, rate(latency_seconds_bucket[5m]))
histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket[5m])))
histogram_quantile(0.95, sum by (le, job) (rate(latency_seconds_bucket[5m])))
histogram_quantile(0.95, sum without (job) (rate(latency_seconds_bucket[5m])))
histogram_quantile(0, latency_seconds_bucket)
histogram_quantile(1, latency_seconds_bucket)
histogram_quantile(-1, latency_seconds_bucket)
histogram_quantile(2, latency_seconds_bucket)
histogram_quantile(NaN, latency_seconds_bucket)
histogram_quantile(scalar(ratio), latency_seconds_bucket)
histogram_quantile(0.9, sum(rate(latency_seconds_bucket[5m])))
histogram_quantile(0.9, increase(latency_seconds_bucket{job="api"}[10m]))
histogram_quantile(0.5, falling_bucket)
histogram_quantile(0.8, falling_bucket)
histogram_quantile(0.99, falling_bucket)
histogram_quantile(0.5, endless_bucket)
histogram_quantile(0.2, below_bucket)
histogram_quantile(0.4, below_bucket)
histogram_quantile(0.7, below_bucket)
histogram_quantile(0.5, lone_bucket)
histogram_quantile(0.5, empty_bucket)
histogram_quantile(0.85, nearly_bucket)
histogram_quantile(0.5, odd_bucket)
histogram_quantile(0.3, late_bucket)
histogram_quantile(0.7, late_bucket)
histogram_quantile(0.9, {__name__=~"falling_bucket|below_bucket"})
histogram_quantile(0.9, up)
histogram_quantile(0.9, no_such_metric)
histogram_quantile(0.9, latency_seconds_bucket{le!="+Inf"})
histogram_quantile(0.9, latency_seconds_bucket{le=~"0.5|.Inf"})
histogram_quantile(0.9, label_replace(latency_seconds_bucket{job="api"}, "le", "0.1", "le", "0.05"))
histogram_quantile(0.9, latency_seconds_bucket * -1)
histogram_quantile(0.9, latency_seconds_bucket * NaN)
histogram_quantile(0.9, latency_seconds_bucket / 0)
histogram_fraction(0, 0.2, latency_seconds_bucket)
histogram_fraction(0, 0.25, rate(latency_seconds_bucket[5m]))
histogram_fraction(0.1, Inf, latency_seconds_bucket)
histogram_fraction(-Inf, 0.3, latency_seconds_bucket)
histogram_fraction(0.3, 0.1, latency_seconds_bucket)
histogram_fraction(NaN, 0.1, latency_seconds_bucket)
histogram_fraction(-1.5, 0.5, below_bucket)
histogram_fraction(-5, 0, below_bucket)
histogram_fraction(0, 1, empty_bucket)
histogram_fraction(0, 1, endless_bucket)
histogram_fraction(0.01, 0.02, sum by (le) (rate(latency_seconds_bucket[5m])))
rate(latency_seconds_sum[5m]) / rate(latency_seconds_count[5m])
sum(rate(latency_seconds_bucket{le="0.25"}[5m])) / sum(rate(latency_seconds_count[5m]))
1 - sum(rate(http_requests_total{code="500"}[5m])) / sum(rate(http_requests_total[5m]))
"""

SUBQUERIES = """
max_over_time(queue_depth[10m:1m])
max_over_time(rate(http_requests_total[1m])[10m:1m])
min_over_time(rate(http_requests_total{job="api"}[2m])[10m:30s])
avg_over_time(sum by (job) (rate(http_requests_total[2m]))[10m:])
sum_over_time(up[5m:1m])
count_over_time(up[5m:1m])
count_over_time(up[5m:37s])
count_over_time(marked[20m:1m])
count_over_time(holed_total[30m:1m])
rate(http_requests_total{job="api"}[5m:15s])
increase(http_requests_total{job="api"}[5m:1m])
deriv(rate(http_requests_total{job="api"}[1m])[5m:30s])
quantile_over_time(0.9, rate(http_requests_total{job="api"}[1m])[10m:1m])
max_over_time((queue_depth > 20)[10m:1m])
max_over_time((time() - 1700000400)[5m:1m])
sum_over_time(vector(1)[5m:1m])
sum_over_time(time()[5m:1m])
max_over_time(queue_depth[10m:1m] offset 5m)
max_over_time(queue_depth[10m:1m] offset -5m)
max_over_time(queue_depth[10m:1m] @ 1700004000)
max_over_time(queue_depth[10m:1m] @ end())
max_over_time(queue_depth[10m:1m] @ start() offset 2m)
max_over_time(max_over_time(queue_depth[2m:30s])[10m:1m])
sum_over_time((queue_depth @ 1700004000)[5m:1m])
avg_over_time(avg_over_time(queue_depth[1m])[5m:1m])
absent_over_time(no_such_metric[5m:1m])
absent_over_time(up[5m:1m])
changes((queue_depth > bool 10)[20m:30s])
last_over_time(sum(up)[5m:1m])
count_over_time(once[10m:1m])
stddev_over_time(queue_depth[10m:1m])
predict_linear(queue_depth[10m:1m], 600)
irate(http_requests_total{job="api"}[5m:1m])
sum_over_time(topk(1, queue_depth)[5m:1m])
present_over_time(rare[30m:7m])
sum by (job) (avg_over_time(up[10m:1m]))
min_over_time(histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))[10m:1m])
"""

TIMES = """
timestamp(up)
timestamp(up offset 1m)
timestamp((up))
timestamp(up @ 1700004000)
timestamp(sum(up))
timestamp(timestamp(up))
timestamp(-up)
timestamp(marked)
timestamp(rare)
timestamp(vector(1))
time() - timestamp(temperature)
minute()
hour()
day_of_week()
day_of_month()
day_of_year()
days_in_month()
month()
year()
minute(vector(1700004061))
hour(epochs)
minute(epochs)
day_of_week(epochs)
day_of_month(epochs)
day_of_year(epochs)
days_in_month(epochs)
month(epochs)
year(epochs)
hour(up * 1e9)
hour(vector(time()))
hour(no_such_metric)
year(vector(-1))
minute(vector(59.9))
minute(vector(-0.5))
month(timestamp(up))
"""

LABELS = """
label_replace(up, "host", "$1", "instance", "(.*):.*")
label_replace(up, "host", "$2-$1", "instance", "(.*):(.*)")
label_replace(up, "host", "${1}x", "instance", "(.*):.*")
label_replace(up, "host", "$name", "instance", "(?P<name>.*):.*")
label_replace(up, "host", "${name}y", "instance", "(?P<name>.*):.*")
label_replace(up, "host", "$1x", "instance", "(.*):.*")
label_replace(up, "host", "$$1", "instance", "(.*):.*")
label_replace(up, "host", "$5", "instance", "(.*):.*")
label_replace(up, "host", "fixed", "instance", ".*")
label_replace(up, "host", "$1", "instance", "a")
label_replace(up, "host", "$1", "missing", "(.*)")
label_replace(up, "job", "", "job", ".*")
label_replace(up, "job", "one", "job", ".*")
label_replace(up, "job", "$1", "instance", "(.).*")
label_replace(up, "__name__", "down", "", "")
label_replace(up, "__name__", "x_$1", "job", "(.*)")
label_replace(up, "a.b", "$1", "job", "(.*)")
label_replace(up, "", "$1", "job", "(.*)")
label_replace(up, "x", "$1", "job", "(")
label_replace(odd_labels, "p", "[$1]", "path", "/(.*)")
label_replace(vector(1), "a", "b", "", "")
label_replace(rate(http_requests_total[5m]), "class", "${1}xx", "code", "(.)..")
sum by (class) (label_replace(rate(http_requests_total[5m]), "class", "${1}xx", "code", "(.).."))
label_join(up, "both", "-", "job", "instance")
label_join(up, "both", "", "job", "instance")
label_join(up, "both", ",", "job", "missing", "instance")
label_join(up, "both", ",")
label_join(up, "job", "", "missing")
label_join(up, "instance", "", "job")
label_join(up, "__name__", "_", "job", "instance")
label_join(up, "", "-", "job")
absent(up)
absent(no_such_metric)
absent(no_such_metric{job="a",instance=~"b.*"})
absent(no_such_metric{job="a",job="b",x="y"})
absent(no_such_metric{job="a",x!="y"})
absent({job="nobody"})
absent(sum(no_such_metric{job="a"}))
absent(marked)
absent(ended_total)
absent(once)
absent(up{job="api"} > 5)
absent(-no_such_metric{job="a"})
absent((no_such_metric{job="a"}))
absent(no_such_metric offset 5m)
absent_over_time(no_such_metric{job="a"}[5m])
absent_over_time(marked[5m])
absent_over_time(up[5m])
absent_over_time(once{room="x"}[5m])
absent_over_time(rate(no_such_metric{a="b"}[5m])[5m:1m])
sort(queue_depth)
sort_desc(queue_depth)
sort(special)
sort_desc(special)
sort(http_requests_total{job="api"})
sort_desc(sum by (job) (http_requests_total))
sort(topk(3, http_requests_total))
"""

_OVER_RANGES = (
    "rate", "increase", "delta", "irate", "idelta", "changes", "resets", "deriv", "avg_over_time", "sum_over_time",
    "min_over_time", "max_over_time", "count_over_time", "last_over_time", "present_over_time", "stdvar_over_time",
    "stddev_over_time",
)  # fmt: skip
_RANGE_ARGS = (
    'http_requests_total{job="pay"}[5m]', "queue_depth[90s]", "special[2m]", "nans[5m]", "infs[6m]", "marked[10m]",
    "holed_total[7m]", "noisy_total[5m]", "once[10m]",
)  # fmt: skip
_SOME_RANGE_ARGS = (
    "http_requests_total[1m]", "http_requests_total[20s]", "big_total[10m]", "temperature[10m]", "temperature[4m]",
    "http_requests_total[5m] offset 7m", "http_requests_total[5m] @ 1700004000", "ended_total[5m]", "build_info[1h]",
    "http_requests_total[1h]", "up[15s]", "stairs[20m]", "steady[5m]", "http_requests_total[5m] @ end() offset -2m",
    "rare[30m]", "no_such_metric[5m]", "mixed[3m]",
)  # fmt: skip
_SOME = ("rate", "increase", "delta", "irate", "changes", "resets", "sum_over_time", "avg_over_time", "last_over_time",
         "stddev_over_time", "max_over_time")  # fmt: skip

OVER_TIME = "\n".join(
    [f"{name}({arg})" for name in _OVER_RANGES for arg in _RANGE_ARGS]
    + [f"{name}({arg})" for number, arg in enumerate(_SOME_RANGE_ARGS) for name in _SOME[number % 3 :: 3]]
    + """
quantile_over_time(0.5, queue_depth[5m])
quantile_over_time(0.99, http_requests_total{job="api"}[5m])
quantile_over_time(0, queue_depth[5m])
quantile_over_time(1, queue_depth[5m])
quantile_over_time(-0.5, queue_depth[5m])
quantile_over_time(1.5, queue_depth[5m])
quantile_over_time(NaN, queue_depth[5m])
quantile_over_time(0.3, nans[5m])
quantile_over_time(0.9, infs[6m])
quantile_over_time(scalar(ratio), queue_depth[5m])
predict_linear(queue_depth[5m], 3600)
predict_linear(queue_depth[5m], -60)
predict_linear(memory_bytes[10m], 600)
predict_linear(steady[5m], 60)
predict_linear(queue_depth[5m] offset 5m, 300)
predict_linear(queue_depth[5m] @ 1700004000, 300)
predict_linear(queue_depth[5m], scalar(rare))
predict_linear(once[10m], 60)
predict_linear(special[5m], 60)
rate(http_requests_total[5m]) * 60
sum(rate(http_requests_total[5m]))
sum by (job) (rate(http_requests_total[5m]))
sum by (job) (increase(http_requests_total[1h]))
avg by (code) (irate(http_requests_total[1m]))
rate({__name__=~"same_."}[5m])
last_over_time({__name__=~"same_."}[5m])
rate({__name__=~"up|build_info",job="api"}[5m])
max_over_time({__name__=~"memory_.*"}[5m])
topk(2, rate(http_requests_total[5m]))
rate(http_requests_total[5m] offset 5m) - rate(http_requests_total[5m])
""".strip().split("\n")
)

_OF_VALUES = (
    "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad", "sgn", "round",
)  # fmt: skip
_VALUE_ARGS = ("queue_depth", "special", "ratio")

OF_VALUES = "\n".join(
    [f"{name}({arg})" for name in _OF_VALUES for arg in _VALUE_ARGS]
    + """
round(queue_depth, 5)
round(queue_depth, 0.1)
round(queue_depth, -3)
round(queue_depth, 0)
round(special, 0.5)
round(queue_depth, scalar(ratio))
clamp(queue_depth, 0, 20)
clamp(queue_depth, 20, 0)
clamp(special, -1, 1)
clamp(queue_depth, NaN, 20)
clamp(queue_depth, scalar(ratio), 20)
clamp_min(queue_depth, 10)
clamp_max(queue_depth, 10)
clamp_min(special, 0)
clamp_max(special, 0)
clamp_min(special, Inf)
clamp_max(special, -Inf)
clamp_min(special, NaN)
abs({__name__=~"same_."})
-{__name__=~"same_."}
+{__name__=~"same_."}
-queue_depth
-(queue_depth)
- -queue_depth
+queue_depth
-queue_depth ^ 2
abs(-queue_depth) + 1
sqrt(abs(queue_depth))
abs(no_such_metric)
exp(1)
""".strip().split("\n")
)

SECTIONS: dict[str, tuple[str, ...]] = {
    name: tuple(line for line in text.strip().split("\n") if line.strip())
    for name, text in {
        "selectors": SELECTORS,
        "ranges": RANGES,
        "literals": LITERALS,
        "aggregations": AGGREGATIONS,
        "histograms": HISTOGRAMS,
        "subqueries": SUBQUERIES,
        "times": TIMES,
        "labels": LABELS,
        "over time": OVER_TIME,
        "of values": OF_VALUES,
        "matching": MATCHING,
    }.items()
}
QUERIES: tuple[tuple[str, str], ...] = tuple((name, query) for name, part in SECTIONS.items() for query in part)
"""Every query with its section."""
