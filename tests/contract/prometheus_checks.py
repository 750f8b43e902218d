"""What must hold of any Prometheus, asked through the client."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.contract.suite import Ask, Suite
from warroom.telemetry import errors
from warroom.telemetry.prometheus import Histogram, HistogramLine, Line, Matrix, Prometheus, Text, Vector

PROMETHEUS = Suite()

RATE = "sum by (service,code)(rate(http_requests_total[30s]))"
NAN_INF = (
    'label_replace(vector(0/0),"k","nan","","") or label_replace(vector(1/0),"k","+inf","","")'
    ' or label_replace(vector(-1/0),"k","-inf","","")'
)
UNTIDY = 'sum(rate(http_requests_total{code=~"5.."}[5m])) by(service)/ sum(rate(http_requests_total[5m]))by (service)'


def on_the_grid(lines: tuple[Line, ...] | tuple[HistogramLine, ...], ask: Ask) -> None:
    """Every value is at a whole number of steps after the start, and none beyond the end."""
    for line in lines:
        assert len(line.times) == len(line.values) > 0
        for at in line.times:
            assert ask.start - 0.001 <= at <= ask.end + 0.001
            assert abs((at - ask.start) / ask.step - round((at - ask.start) / ask.step)) < 0.001


def whole(histogram: Histogram) -> None:
    """Its buckets rise without overlap, and together hold as many as it counts."""
    assert histogram.buckets
    for lower, higher in zip(histogram.buckets, histogram.buckets[1:], strict=False):
        assert lower.high <= higher.low
    assert math.isclose(sum(bucket.count for bucket in histogram.buckets), histogram.count)


@PROMETHEUS(query_range="query_range_matrix")
async def a_range_has_labels_times_and_values(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.range(RATE, ask.start, ask.end, ask.step)
    assert found.lines
    assert not found.histograms
    assert all({"service", "code"} == {name for name, _ in line.labels} for line in found.lines)
    on_the_grid(found.lines, ask)
    return found


@PROMETHEUS(query_range="query_range_empty", anywhere=True)
async def no_data_is_an_empty_range(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.range("nope_metric", ask.start, ask.end, ask.step)
    assert found == Matrix((), found.warnings, found.infos)
    return found


@PROMETHEUS(query_range="query_range_scalar", anywhere=True)
async def a_scalar_over_time_is_one_line_without_labels(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.range("scalar(vector(3))", ask.start, ask.end, ask.step)
    (line,) = found.lines
    assert line.labels == ()
    assert set(line.values) == {3.0}
    on_the_grid(found.lines, ask)
    return found


@PROMETHEUS(query_range="native_histogram_range")
async def native_histograms_over_time_have_buckets(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.range("rw_native_seconds", ask.start, ask.end, ask.step)
    assert found.lines == ()
    assert found.histograms
    assert any("native histograms" in remark for remark in found.warnings)
    on_the_grid(found.histograms, ask)
    for value in found.histograms[0].values:
        whole(value)
    return found


@PROMETHEUS(query="query_vector", anywhere=True)
async def up_is_a_value_of_every_target(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.instant("up", ask.at)
    for sample in found.samples:
        assert {"__name__", "job", "instance"} <= {name for name, _ in sample.labels}
        assert sample.value in (0.0, 1.0)
        assert abs(sample.at - ask.at) < 0.001
    return found


@PROMETHEUS(query="query_nan_inf", anywhere=True)
async def nan_and_infinities_are_values(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.instant(NAN_INF, ask.at)
    values = {dict(sample.labels)["k"]: sample.value for sample in found.samples}
    assert math.isnan(values.pop("nan"))
    assert values == {"+inf": math.inf, "-inf": -math.inf}
    # What JSON has no numbers for is written as words, so that a changed one is told from it.
    return [[sample.labels, sample.at, str(sample.value)] for sample in found.samples]


@PROMETHEUS(query="query_scalar", anywhere=True)
async def a_scalar_is_one_value(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.evaluate("scalar(vector(1))+2", ask.at)
    assert isinstance(found, Vector)
    assert [(sample.labels, sample.value) for sample in found.samples] == [((), 3.0)]
    return found


@PROMETHEUS(query="query_string", anywhere=True)
async def a_string_is_a_text(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.evaluate('"hello"', ask.at)
    assert isinstance(found, Text)
    assert (found.text, found.at) == ("hello", ask.at)
    with pytest.raises(errors.BadQuery, match="a string, and a value at one moment"):
        await prometheus.instant('"hello"', ask.at)
    return found


@PROMETHEUS(query="query_matrix_left_open|query_matrix_instant")
async def a_range_at_one_moment_has_the_raw_samples(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.evaluate("queue_depth[20s]", ask.at)
    assert isinstance(found, Matrix)
    (line,) = found.lines
    assert dict(line.labels)["__name__"] == "queue_depth"
    assert all(ask.at - 20 <= at <= ask.at for at in line.times)
    return found


@PROMETHEUS(query="native_histogram_instant")
async def a_native_histogram_has_buckets(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.instant("rw_native_seconds", ask.at)
    assert found.samples == ()
    (sample,) = found.histograms
    whole(sample.value)
    zero = sample.value.buckets[0]
    assert (zero.low, zero.high, zero.low_in, zero.high_in) == (-0.001, 0.001, True, True)
    assert not sample.value.buckets[1].low_in
    return found


@PROMETHEUS(query="native_histogram_matrix_instant")
async def raw_native_histograms_have_buckets(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.evaluate("rw_native_seconds[30s]", ask.at)
    assert isinstance(found, Matrix)
    (line,) = found.histograms
    for value in line.values:
        whole(value)
    return found


@PROMETHEUS(query="query_warnings_bad_quantile", since=(3,), anywhere=True)
async def warnings_are_carried(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.instant("quantile(2, up)", ask.at)
    assert any("quantile value should be between 0 and 1" in remark for remark in found.warnings)
    return found


@PROMETHEUS(query="query_infos_rate_on_gauge", since=(3,))
async def infos_are_carried(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.instant("rate(queue_depth[30s])", ask.at)
    assert found.samples
    assert any("might not be a counter" in remark for remark in found.infos)
    return found


@PROMETHEUS(labels="labels")
async def label_names_of_a_selector_are_sorted(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.label_names("http_requests_total", ask.start, ask.end)
    assert {"__name__", "code", "service"} <= set(found)
    assert list(found) == sorted(found)
    return [found, found.warnings, found.infos]


@PROMETHEUS(values="label_values", anywhere=True)
async def label_values_are_sorted(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.label_values("job", start=ask.start, end=ask.end)
    assert found
    assert list(found) == sorted(found)
    return [found, found.warnings, found.infos]


@PROMETHEUS(series="series")
async def series_are_label_sets(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.series("http_requests_total", ask.start, ask.end)
    assert found
    assert len(set(found)) == len(found)
    assert all(dict(labels)["__name__"] == "http_requests_total" for labels in found)
    return [found, found.warnings, found.infos]


@PROMETHEUS(query_exemplars="query_exemplars")
async def exemplars_lead_to_traces(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.exemplars("http_request_duration_seconds_bucket", ask.start, ask.end)
    assert found
    assert any(len(exemplar.trace_id) == 32 for exemplar in found)
    for exemplar in found:
        assert ask.start <= exemplar.at <= ask.end
        assert dict(exemplar.series)["__name__"] == "http_request_duration_seconds_bucket"
    return [found, found.warnings, found.infos]


@PROMETHEUS(rules="rules")
async def rules_have_states_and_health(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.rules()
    by_name = {rule.name: rule for rule in found}
    assert by_name["job:up:sum"].kind == "recording"
    assert by_name["job:up:sum"].state == ""
    assert by_name["TargetDown"].state == "firing"
    assert by_name["TargetDown"].query == "up == 0"
    assert (by_name["PendingForever"].state, by_name["PendingForever"].lasting) == ("pending", 86400.0)
    assert {rule.health for rule in found} == {"ok"}
    return [found, found.warnings, found.infos]


@PROMETHEUS(rules="rules")
async def rules_are_filtered_whether_or_not_the_server_does(prometheus: Prometheus, ask: Ask) -> Any:
    assert {rule.name for rule in await prometheus.rules(names=["TargetDown"])} == {"TargetDown"}
    assert await prometheus.rules(groups=["no such group"]) == ()
    return None


@PROMETHEUS(alerts="alerts")
async def alerts_are_firing_or_pending(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.alerts()
    states = {alert.label("alertname"): alert.state for alert in found}
    assert (states["TargetDown"], states["PendingForever"]) == ("firing", "pending")
    assert all(alert.starts_at > 1e9 and len(alert.fingerprint) == 16 for alert in found)
    return [found, found.warnings, found.infos]


@PROMETHEUS(targets="targets_active")
async def targets_are_up_or_say_why_not(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.targets()
    assert {target.health for target in found} == {"up", "down"}
    for target in found:
        assert (target.health == "down") == bool(target.error)
        assert target.job
        assert target.instance
        assert target.scraped_at > 1e9
    return [found, found.warnings, found.infos]


@PROMETHEUS(format_query="format_query", anywhere=True)
async def a_query_is_laid_out(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.format_query(UNTIDY)
    assert found.splitlines()[1:2] == ["/"]
    return found


@PROMETHEUS(status_buildinfo="status_buildinfo", anywhere=True)
async def the_version_is_numbers(prometheus: Prometheus, ask: Ask) -> Any:
    found = await prometheus.version()
    assert found[0].isdigit()
    assert found.count(".") >= 2
    return found


@PROMETHEUS(
    status_runtimeinfo="status_runtimeinfo",
    status_tsdb="status_tsdb",
    status_flags="status_flags",
    status_config="status_config",
    status_walreplay="status_walreplay",
    anywhere=True,
)
async def the_server_tells_of_itself(prometheus: Prometheus, ask: Ask) -> Any:
    runtime, head = await prometheus.api.runtime(), await prometheus.api.cardinality()
    assert runtime.config_ok
    assert runtime.started_at > 1e9
    assert head.series > 0
    assert 1e9 < head.start <= head.end
    assert head.metrics[0][1] >= head.metrics[-1][1] > 0
    flags, config, replay = await prometheus.api.flags(), await prometheus.api.config(), await prometheus.api.replay()
    assert "query.timeout" in dict(flags)
    assert "scrape_configs:" in config
    assert replay.first <= replay.last
    return [runtime, head, flags, config, replay]


async def _told(question: Any, kind: type[errors.TelemetryError], words: str) -> str:
    with pytest.raises(kind, match=words) as caught:
        await question
    assert type(caught.value) is kind
    return f"{kind.__name__}: {caught.value}"


@PROMETHEUS(query="error_parse_unknown_func", anywhere=True)
async def an_unknown_function_is_told_in_the_servers_words(prometheus: Prometheus, ask: Ask) -> Any:
    return await _told(
        prometheus.instant("nosuchfunc(up)", ask.at), errors.BadQuery, 'unknown function with name "nosuchfunc'
    )


@PROMETHEUS(query="error_query_missing", anywhere=True)
async def an_empty_query_is_told(prometheus: Prometheus, ask: Ask) -> Any:
    return await _told(prometheus.instant("", ask.at), errors.BadQuery, "no expression found in input")


@PROMETHEUS(query_range="error_range_on_range_vector", anywhere=True)
async def a_range_vector_over_time_is_told(prometheus: Prometheus, ask: Ask) -> Any:
    question = prometheus.range("up[5m]", ask.start, ask.end, ask.step)
    return await _told(question, errors.BadQuery, 'invalid expression type "range vector" for range query')


@PROMETHEUS(query="error_many_to_many")
async def many_to_many_is_told(prometheus: Prometheus, ask: Ask) -> Any:
    question = prometheus.instant("up + on(cluster) up", ask.at)
    return await _told(question, errors.BadQuery, "many-to-many matching not allowed")


@PROMETHEUS(query_exemplars="query_exemplars_error_end_before_start")
async def exemplars_of_no_query_are_told(prometheus: Prometheus, ask: Ask) -> Any:
    question = prometheus.exemplars("up{", ask.at - 60, ask.at)
    return await _told(question, errors.BadQuery, "end timestamp must not be before|parse error")
