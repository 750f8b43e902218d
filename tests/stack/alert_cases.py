"""For every alert of the bundle: what makes it fire, and what is as near to that as can be and must not.

Series are in promtool's notation (`a+bxn`: start, step, number of steps), one sample every 15 seconds unless `interval`
says otherwise. Counters of the same name and other labels make up the whole that ratios are of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

Series = dict[str, str]

SHOP = 'job="sample", service="shop"'


@dataclass(frozen=True)
class Case:
    """`fires` makes the alert fire at `at`, `quiet` does not; `not_yet` is a time at which `fires` must still be
    silent, as its `for` has not passed.
    """

    alert: str
    fires: Series
    quiet: Series
    at: str = "10m"
    not_yet: str = ""
    interval: str = "15s"
    evaluated: str = "15s"


def requests(good: float, bad: float, n: int = 400) -> Series:
    """A service's requests: so many a sample."""
    return {
        f'http_requests_total{{{SHOP}, status="200"}}': f"0+{good}x{n}",
        f'http_requests_total{{{SHOP}, status="503"}}': f"0+{bad}x{n}",
    }


def latency(within: dict[str, float], whole: float, n: int = 400) -> Series:
    """A service's durations: so many a sample below each bound (cumulative, as buckets are)."""
    name = "http_request_duration_seconds"
    return {
        **{f'{name}_bucket{{{SHOP}, le="{bound}"}}': f"0+{count}x{n}" for bound, count in within.items()},
        f'{name}_bucket{{{SHOP}, le="+Inf"}}': f"0+{whole}x{n}",
        f"{name}_count{{{SHOP}}}": f"0+{whole}x{n}",
    }


def up(job: str, values: str, optional: bool = False) -> Series:
    label = ', optional="yes"' if optional else ""
    return {f'up{{job="{job}", instance="127.0.0.1:1"{label}}}': values}


def buckets(name: str, labels: str, within: dict[str, float], whole: float, n: int = 100) -> Series:
    """Any histogram: so many a sample below each bound."""
    return {
        **{f'{name}_bucket{{{labels}, le="{bound}"}}': f"0+{count}x{n}" for bound, count in within.items()},
        f'{name}_bucket{{{labels}, le="+Inf"}}': f"0+{whole}x{n}",
    }


def burn(alert: str, share: float, slow: float, at: str, step_minutes: int, steps: int) -> Case:
    """An error budget: of 1000 requests a step, `share` fail; `slow` is a share that must not alert."""
    return Case(
        alert,
        requests(1000 * (1 - share), 1000 * share, steps),
        requests(1000 * (1 - slow), 1000 * slow, steps),
        at,
        interval=f"{step_minutes}m",
        evaluated=f"{step_minutes}m",
    )


WARROOM = 'job="warroom", instance="127.0.0.1:8765"'
PROM = 'job="prometheus", instance="127.0.0.1:9090"'
AM = 'job="alertmanager", instance="127.0.0.1:9093"'
LOKI = 'job="loki", instance="127.0.0.1:3100"'
JAEGER = 'job="jaeger", instance="127.0.0.1:18888"'
COLLECTOR = 'job="collector", instance="127.0.0.1:8888"'
MODEL = 'job="sample", service="models", model="large"'


def counter(name: str, labels: str, grows: str = "0+1x100", still: str = "7+0x100", alert: str = "") -> Case:
    """An alert on a counter that must not grow."""
    return Case(alert, {f"{name}{{{labels}}}": grows}, {f"{name}{{{labels}}}": still})


def gauge(alert: str, series: str, bad: str, good: str, at: str = "10m", not_yet: str = "") -> Case:
    """An alert on a value."""
    return Case(alert, {series: f"{bad}x100"}, {series: f"{good}x100"}, at, not_yet)


CASES = (
    # 5 % is still allowed, 6 % is not; and not before five minutes.
    Case("HighErrorRate", requests(94, 6), requests(95, 5), not_yet="4m"),
    # p95 between the bounds 0.5 and 1: 94 of 100 within half a second, or all but four.
    Case(
        "HighLatency",
        latency({"0.25": 90, "0.5": 94, "1": 100}, 100),
        latency({"0.25": 90, "0.5": 96, "1": 100}, 100),
        not_yet="1m",
    ),
    Case("LowAvailability", requests(992, 8), requests(996, 4), at="5m"),
    Case(
        "NearlyFull",
        {f"service_workers_in_use{{{SHOP}}}": "95x100", f"service_workers{{{SHOP}}}": "100x100"},
        {f"service_workers_in_use{{{SHOP}}}": "89x100", f"service_workers{{{SHOP}}}": "100x100"},
        not_yet="4m",
    ),
    # Half an hour of traffic and then none, against a service that never had any.
    Case(
        "NoTraffic",
        {f'http_requests_total{{{SHOP}, status="200"}}': "0+10x120 1200+0x120"},
        {f'http_requests_total{{{SHOP}, status="200"}}': "5+0x240"},
        at="50m",
        not_yet="32m",
    ),
    # The budget is 0.1 %: 1.5 % is above 14.4 times that and 1.4 % is below, and so on.
    burn("ErrorBudgetBurnFast", 0.015, 0.014, "2h", 1, 150),
    burn("ErrorBudgetBurnSteady", 0.0065, 0.0055, "8h", 5, 120),
    burn("ErrorBudgetBurnSlow", 0.0035, 0.0025, "36h", 30, 100),
    burn("ErrorBudgetBurnCreeping", 0.0015, 0.0008, "90h", 60, 100),
    Case(
        "ModelErrors",
        {
            f'model_requests_total{{{MODEL}, status="ok"}}': "0+90x100",
            f'model_requests_total{{{MODEL}, status="error"}}': "0+10x100",
        },
        {
            f'model_requests_total{{{MODEL}, status="ok"}}': "0+96x100",
            f'model_requests_total{{{MODEL}, status="error"}}': "0+4x100",
        },
        at="15m",
    ),
    Case(
        "ModelSlow",
        buckets("model_request_duration_seconds", MODEL, {"1": 50, "2.5": 100}, 100),
        buckets("model_request_duration_seconds", MODEL, {"1": 96, "2.5": 100}, 100),
        at="15m",
    ),
    Case(
        "ModelMemoryHigh",
        {f"model_memory_bytes{{{MODEL}}}": "95x100", f"model_memory_limit_bytes{{{MODEL}}}": "100x100"},
        {f"model_memory_bytes{{{MODEL}}}": "90x100", f"model_memory_limit_bytes{{{MODEL}}}": "100x100"},
    ),
    gauge("ModelCrowded", f"model_active_connections{{{MODEL}}}", "51", "50", not_yet="4m"),
    Case(
        "ModelCriticalErrors",
        {f'model_errors_total{{{MODEL}, type="out_of_memory", severity="critical"}}': "0+1x100"},
        {f'model_errors_total{{{MODEL}, type="timeout", severity="warning"}}': "0+1x100"},
    ),
    # Gone after it was there; and a warroom that nobody ever started.
    Case("WarroomDown", up("warroom", "1x20 0x40", True), up("warroom", "0x60", True), not_yet="5m30s"),
    gauge("WarroomTakesNoCommands", f"warroom_store_writable{{{WARROOM}}}", "0", "1"),
    Case(
        "WarroomSlowDisk",
        buckets("warroom_commit_seconds", WARROOM, {"0.256": 90, "0.512": 100}, 100),
        buckets("warroom_commit_seconds", WARROOM, {"0.128": 99.5, "0.512": 100}, 100),
        at="15m",
    ),
    Case(
        "WarroomSlowFanout",
        buckets("warroom_fanout_seconds", WARROOM, {"1.024": 90, "2.048": 100}, 100),
        buckets("warroom_fanout_seconds", WARROOM, {"0.512": 99.5, "2.048": 100}, 100),
        at="15m",
    ),
    counter("warroom_evictions_total", f'{WARROOM}, reason="slow"', "0+3x100", "0+1x100", "WarroomReadersCut"),
    counter("warroom_refusals_total", f'{WARROOM}, reason="guessing"', alert="WarroomGuessed"),
    counter("warroom_refusals_total", f'{WARROOM}, reason="crowded"', alert="WarroomCrowded"),
    Case(
        "WarroomBlind",
        {
            f'warroom_telemetry_queries_total{{{WARROOM}, kind="panel", outcome="ok"}}': "0+1x100",
            f'warroom_telemetry_queries_total{{{WARROOM}, kind="panel", outcome="timeout"}}': "0+2x100",
        },
        {
            f'warroom_telemetry_queries_total{{{WARROOM}, kind="panel", outcome="ok"}}': "0+2x100",
            f'warroom_telemetry_queries_total{{{WARROOM}, kind="panel", outcome="timeout"}}': "0+1x100",
        },
        at="15m",
    ),
    # Nothing silences it.
    Case("Watchdog", {}, {}, at="1m"),
    Case("TargetDown", up("loki", "1x20 0x40"), up("grafana", "0x60", True), not_yet="5m30s"),
    Case("OptionalTargetDown", up("grafana", "1x20 0x40", True), up("grafana", "0x60", True), not_yet="6m"),
    counter("prometheus_rule_evaluation_failures_total", f'{PROM}, rule_group="x"', alert="PrometheusRuleFailures"),
    Case(
        "PrometheusRulesSlow",
        {
            f'prometheus_rule_group_last_duration_seconds{{{PROM}, rule_group="x"}}': "16x100",
            f'prometheus_rule_group_interval_seconds{{{PROM}, rule_group="x"}}': "15x100",
        },
        {
            f'prometheus_rule_group_last_duration_seconds{{{PROM}, rule_group="x"}}': "14x100",
            f'prometheus_rule_group_interval_seconds{{{PROM}, rule_group="x"}}': "15x100",
        },
    ),
    gauge("PrometheusConfigRefused", f"prometheus_config_last_reload_successful{{{PROM}}}", "0", "1"),
    counter("prometheus_notifications_dropped_total", PROM, alert="PrometheusCannotAlert"),
    counter("prometheus_tsdb_compactions_failed_total", PROM, alert="PrometheusDiskTrouble"),
    counter(
        "alertmanager_notifications_failed_total", f'{AM}, integration="webhook"', alert="AlertmanagerCannotNotify"
    ),
    gauge("AlertmanagerConfigRefused", f"alertmanager_config_last_reload_successful{{{AM}}}", "0", "1"),
    counter("loki_discarded_samples_total", f'{LOKI}, reason="rate_limited"', alert="LokiDiscards"),
    Case(
        "LokiErrors",
        {
            f'loki_request_duration_seconds_count{{{LOKI}, route="push", status_code="204"}}': "0+8x100",
            f'loki_request_duration_seconds_count{{{LOKI}, route="push", status_code="500"}}': "0+2x100",
        },
        {
            f'loki_request_duration_seconds_count{{{LOKI}, route="push", status_code="204"}}': "0+8x100",
            f'loki_request_duration_seconds_count{{{LOKI}, route="push", status_code="429"}}': "0+2x100",
        },
    ),
    counter("loki_panic_total", LOKI, alert="LokiPanics"),
    counter("otelcol_receiver_refused_spans_total", f'{JAEGER}, receiver="otlp"', alert="SpansRefused"),
    counter("otelcol_exporter_send_failed_log_records_total", f'{COLLECTOR}, exporter="loki"', alert="TelemetryLost"),
    Case(
        "CollectorQueueFull",
        {
            f'otelcol_exporter_queue_size{{{COLLECTOR}, exporter="loki", data_type="logs"}}': "900x100",
            f'otelcol_exporter_queue_capacity{{{COLLECTOR}, exporter="loki"}}': "1000x100",
        },
        {
            f'otelcol_exporter_queue_size{{{COLLECTOR}, exporter="loki", data_type="logs"}}': "800x100",
            f'otelcol_exporter_queue_capacity{{{COLLECTOR}, exporter="loki"}}': "1000x100",
        },
    ),
    counter(
        "jaeger_storage_requests_total", f'{JAEGER}, operation="find_traces", result="err"', alert="JaegerStorageErrors"
    ),
    Case(
        "DiskNearlyFull",
        {
            'node_filesystem_avail_bytes{job="node", mountpoint="/", fstype="ext4"}': "9x100",
            'node_filesystem_size_bytes{job="node", mountpoint="/", fstype="ext4"}': "100x100",
        },
        {
            'node_filesystem_avail_bytes{job="node", mountpoint="/run", fstype="tmpfs"}': "1x100",
            'node_filesystem_size_bytes{job="node", mountpoint="/run", fstype="tmpfs"}': "100x100",
        },
        at="15m",
        not_yet="9m",
    ),
)


def latency_burn() -> Case:
    """The other promise: 99 % within half a second, so 14.4 times its budget is 14.4 %."""
    case = next(case for case in CASES if case.alert == "ErrorBudgetBurnFast")
    return replace(
        case,
        fires=latency({"0.5": 850, "1": 1000}, 1000, 150),
        quiet=latency({"0.5": 860, "1": 1000}, 1000, 150),
    )
