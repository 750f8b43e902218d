"""Every type of fault leaves its signature in what people can look at, and none of them is in a calm production."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.simulator.emitted import START, Kept, Run
from warroom.simulator.faults import FAULT_TYPES

CALM, WRONG = 120, 240
ONSET = START + CALM


@dataclass(frozen=True)
class Case:
    """A fault, and what is seen of it: each check is of the whole run, and must be false of a calm one."""

    kind: str
    target: dict[str, object]
    seen: Callable[[Kept], bool]
    topology: str = "shop"
    params: dict[str, object] = field(default_factory=dict)
    along: tuple[str, dict[str, object]] | None = None
    """A fault that is there as well, in the calm production too."""
    lasts: int = WRONG


def ratio(name: str, most: float, **labels: str) -> Callable[[Kept], bool]:
    """The counter grew at least so many times as fast after the onset as before."""

    def check(kept: Kept) -> bool:
        whole, late = kept.gained(name, START, **labels), kept.gained(name, ONSET, **labels)
        before = (whole - late) / CALM
        return late / WRONG > most * max(before, 1e-3)

    return check


def fewer(name: str, most: float, **labels: str) -> Callable[[Kept], bool]:
    """The counter grew at most so many times as fast after the onset as before."""

    def check(kept: Kept) -> bool:
        whole, late = kept.gained(name, START, **labels), kept.gained(name, ONSET, **labels)
        return late / WRONG < most * (whole - late) / CALM

    return check


def above(name: str, least: float, **labels: str) -> Callable[[Kept], bool]:
    """A gauge was above that after the onset."""
    return lambda kept: kept.most(name, ONSET, **labels) > least


def below(name: str, most: float, **labels: str) -> Callable[[Kept], bool]:
    """A gauge ended below that."""
    return lambda kept: kept.last(name, **labels) < most


def said(words: str, least: int = 1, **labels: str) -> Callable[[Kept], bool]:
    """Such lines were written after the onset."""
    return lambda kept: len(kept.said(words, ONSET, **labels)) >= least


def slower(service: str, factor: float, **tags: str) -> Callable[[Kept], bool]:
    """The service's spans took so many times as long after the onset."""

    def check(kept: Kept) -> bool:
        spans = kept.spans(service=service, kind="server", **tags)
        early = [one.duration for one in spans if one.start < ONSET * 1e6]
        late = [one.duration for one in spans if one.start > ONSET * 1e6]
        return bool(late) and sum(late) / len(late) > factor * sum(early) / max(len(early), 1)

    return check


def both(*checks: Callable[[Kept], bool]) -> Callable[[Kept], bool]:
    return lambda kept: all(one(kept) for one in checks)


def _hidden(kept: Kept) -> bool:
    late = kept.samples(ONSET + 10, service="cart", __name__="http_requests_in_flight")
    return kept.samples(START, service="cart", __name__="http_requests_in_flight") > 0 and late == 0


def _swings(kept: Kept, name: str, least: float, **labels: str) -> bool:
    for times, values in kept.series(name, **labels).values():
        late = [value for at, value in zip(times, values, strict=True) if at > ONSET]
        if late and max(late) > (1 + least) * max(min(late), 1e-9):
            return True
    return False


CASES = (
    Case("latency_add", {"service": "payment"}, slower("payment", 1.8), params={"ms": 300}),
    Case(
        "service_time_x",
        {"service": "recommend"},
        both(slower("recommend", 1.7), above("process_cpu_utilisation", 0.1)),
        params={"factor": 4},
    ),
    Case(
        "cpu_saturation",
        {"service": "edge"},
        both(above("process_cpu_utilisation", 0.9, service="edge"), said("cpu throttled", service_name="edge")),
        params={"service_time_x": 40},
    ),
    Case(
        "gc_pause",
        {"service": "catalog"},
        both(ratio("runtime_gc_pause_seconds_total", 3, service="catalog"), said("gc pause", service_name="catalog")),
    ),
    Case(
        "error_rate",
        {"service": "payment"},
        both(
            ratio("http_requests_total", 5, service="payment", status="500"),
            said("request failed", service_name="payment"),
        ),
    ),
    Case(
        "crash_loop",
        {"service": "shipping"},
        both(
            ratio("kube_pod_container_status_restarts_total", 2, service="shipping"),
            said("process started", service_name="shipping"),
        ),
    ),
    Case(
        "scale_to_zero",
        {"service": "cart"},
        both(
            below("up", 0.5, service="cart"),
            said("Scaled", 0),
            below("kube_deployment_status_replicas_available", 0.5, service="cart"),
        ),
    ),
    Case(
        "pool_shrink",
        {"edge": "payment->psp"},
        both(
            below("db_client_connections_max", 100, service="payment"),
        ),
        params={"factor": 0.02},
    ),
    Case(
        "pool_leak",
        {"edge": "payment->psp"},
        above("db_client_connections_usage", 45, service="payment", state="used"),
        params={"per_minute": 20},
    ),
    Case(
        "memory_leak",
        {"service": "web"},
        above("process_resident_memory_bytes", 1.5e9, service="web"),
        params={"mb_per_minute": 250},
    ),
    Case(
        "disk_fill",
        {"service": "postgres"},
        both(below("node_filesystem_avail_bytes", 1e12, service="postgres")),
        params={"gb_per_minute": 120},
    ),
    Case(
        "cache_flush",
        {"service": "redis"},
        both(ratio("cache_requests_total", 2, result="miss"), said("cache is cold", service_name="redis")),
    ),
    Case(
        "queue_consumer_slow",
        {"queue": "order-events"},
        both(above("queue_messages", 500, queue="order-events"), said("consumer is behind", service_name="orders")),
    ),
    Case("traffic_surge", {}, ratio("user_requests_total", 2)),
    Case("traffic_drop", {}, fewer("user_requests_total", 0.3), params={"fraction": 0.9}),
    Case(
        "retry_policy",
        {"edge": "web->catalog"},
        ratio("client_retries_total", 2500, service="web", peer_service="catalog"),
        params={"retries": 8},
        along=("error_rate", {"service": "catalog"}),
    ),
    Case(
        "packet_loss",
        {"edge": "checkout->payment"},
        above("network_packet_loss_ratio", 0.1, service="checkout"),
        params={"loss": 0.2},
    ),
    Case(
        "partition",
        {"edge": "checkout->payment"},
        both(
            ratio("client_requests_total", 20, service="checkout", outcome="error"),
            said("payment", service_name="checkout"),
        ),
    ),
    Case(
        "dns_empty",
        {"service": "payment"},
        both(
            ratio("dns_lookups_total", 20, service="payment", rcode="NXDOMAIN"),
            said("lookup failed", service_name="checkout"),
        ),
        params={"recycle_s": 60},
    ),
    Case(
        "cert_expired",
        {"service": "payment"},
        both(
            ratio("tls_handshake_errors_total", 20, service="payment"),
            said("tls handshake failed", service_name="checkout"),
        ),
    ),
    Case(
        "clock_skew",
        {"service": "payment"},
        both(above("node_timex_offset_seconds", 60, service="payment"), said("token is not valid yet")),
    ),
    Case(
        "config_bad_value",
        {"service": "edge", "key": "waf_rules"},
        both(
            ratio("http_requests_total", 5, service="edge", status="500"), said("change=CHG", 1, service_name="changes")
        ),
        params={"value": "r419", "error_rate": 0.3},
    ),
    Case(
        "flag_flip",
        {"flag": "new-checkout"},
        both(
            above("feature_flag_enabled", 0.5, flag="new-checkout", variant="on"),
            said("kind=flag", 1, service_name="changes"),
        ),
        params={"variant": "on", "error_rate": 0.2},
    ),
    Case(
        "deploy_bad",
        {"service": "cart"},
        both(
            ratio("http_requests_total", 5, service="cart", status="500"),
            said("kind=deploy", 1, service_name="changes"),
            lambda kept: bool(kept.series("service_build_info", version="v303")),
        ),
        params={"version": "v303", "error_rate": 0.3},
    ),
    Case(
        "autoscaler_wrong_signal",
        {"service": "web"},
        both(above("kube_deployment_spec_replicas", 8.5, service="web"), said("Scaled", service_name="kubernetes")),
        params={"reads_x": 3},
    ),
    Case(
        "failover_split",
        {"service": "postgres", "region": "us-east"},
        both(said("topology change", 1, service_name="postgres"), above("db_is_primary", 0.5, region="us-east")),
    ),
    Case(
        "replication_lag",
        {"service": "postgres"},
        both(above("db_replication_lag_seconds", 100), said("replication lag", service_name="postgres")),
    ),
    Case(
        "data_loss",
        {"service": "postgres"},
        both(
            ratio("http_requests_total", 20, service="postgres", status="500"),
            said("row not found", service_name="postgres"),
        ),
        params={"fraction": 0.5},
    ),
    Case("backup_unusable", {"service": "postgres"}, below("backup_last_size_bytes", 1, service="postgres")),
    Case("quota_exhausted", {"quota": "psp-requests"}, both(ratio("quota_refused_total", 5), said("quota exceeded"))),
    Case(
        "dependency_3p_down",
        {"service": "psp"},
        ratio("client_requests_total", 20, peer_service="psp", outcome="error"),
    ),
    Case(
        "automation_runaway",
        {"automation": "capacity-tool", "service": "catalog"},
        below("kube_deployment_status_replicas_available", 6, service="catalog"),
        params={"per_minute": 4},
    ),
    Case("metric_gap", {"service": "cart"}, _hidden),
    Case(
        "log_delay",
        {"service": "web"},
        lambda kept: (
            not kept.said("", ONSET + WRONG - 100, service_name="web")
            and bool(kept.said("", ONSET, service_name="web"))
        ),
        params={"seconds": 120},
    ),
    Case(
        "trace_sampling_drop",
        {},
        lambda kept: (
            sum(one.start > ONSET * 1e6 for one in kept.spans(service="edge"))
            < 0.2 * sum(one.start < ONSET * 1e6 for one in kept.spans(service="edge"))
        ),
    ),
    Case(
        "wrong_unit",
        {"metric": "process_resident_memory_bytes", "service": "web"},
        below("process_resident_memory_bytes", 1e7, service="web"),
        params={"factor": 0.001},
    ),
    Case(
        "alert_flap",
        {"metric": "process_cpu_utilisation", "service": "edge"},
        lambda kept: _swings(kept, "process_cpu_utilisation", 0.8, service="edge"),
        params={"amplitude": 1.0},
    ),
    Case(
        "metric_wobble",
        {"metric": "db_replication_lag_seconds", "service": "postgres"},
        lambda kept: _swings(kept, "db_replication_lag_seconds", 0.8, service="postgres", region="us-east"),
        params={"amplitude": 0.6},
    ),
    Case(
        "feature_stale",
        {"feature": "user-activity"},
        above("feature_age_seconds", 330, feature="user-activity"),
        "ml-platform",
        lasts=400,
    ),
    Case(
        "feature_schema_change",
        {"feature": "user-activity"},
        both(above("feature_null_ratio", 0.3, feature="user-activity"), said("unknown or empty features")),
        "ml-platform",
    ),
    Case(
        "feature_file_oversize",
        {"feature": "bot-features"},
        both(above("feature_file_bytes", 170_000, feature="bot-features"), said("too many features")),
    ),
    Case(
        "input_drift",
        {"model": "ranking"},
        both(above("model_input_psi", 0.2, model="ranking"), said("drift report")),
        "ml-platform",
        {"shift": 2.0},
    ),
    Case("label_delay", {"model": "ranking"}, above("model_label_age_seconds", 1950, model="ranking"), "ml-platform"),
    Case(
        "slice_bias",
        {"model": "credit", "group": "under-30"},
        below("model_slice_positive_ratio", 0.45, model="credit", slice="under-30"),
        "ml-platform",
    ),
    Case(
        "model_swap",
        {"model": "ranking"},
        above("model_info", 0.5, model="ranking", version="r30"),
        "ml-platform",
        {"version": "r30"},
    ),
    Case(
        "llm_rate_limit",
        {"model": "assistant"},
        both(ratio("llm_requests_total", 10, status="429"), said("provider refused")),
        "ml-platform",
    ),
    Case("llm_quality_drop", {"model": "assistant"}, below("llm_answer_quality_score", 0.6), "ml-platform"),
)


def lived(topology: str, case: Case | None = None, along: tuple[str, dict[str, object]] | None = None) -> Kept:
    run = Run(topology, seed=5, traces=6.0)
    run.live(CALM)
    if along is not None:
        run.wrong(*along)
    if case is not None:
        run.wrong(case.kind, case.target, **case.params)
    return run.live(case.lasts if case is not None else WRONG)


@pytest.fixture(scope="module")
def calm():
    return {name: lived(name) for name in ("shop", "ml-platform")}


@pytest.mark.parametrize("case", CASES, ids=lambda one: one.kind)
def test_a_fault_leaves_its_signature(case, calm):
    assert case.seen(lived(case.topology, case, case.along))
    usual = lived(case.topology, along=case.along) if case.along else calm[case.topology]
    assert not case.seen(usual), "it is there when nothing is wrong"


def test_every_type_of_fault_that_telemetry_tells_of_is_tried():
    # A degraded tool is slow to be asked: what it is asked for stays as it is.
    assert {one.kind for one in CASES} == set(FAULT_TYPES) - {"tool_degraded"}


def test_what_is_behind_a_trouble_is_noted_for_the_facilitator():
    run = Run()
    run.wrong("error_rate", {"service": "payment"}, rate=0.5)
    kept = run.live(120)
    notes = list(run.emitter.provenance)
    assert {note.fault for note in notes} == {"F-error_rate"}
    assert {note.kind for note in notes} >= {"service", "trace", "log"}
    known = {trace.trace_id for trace in kept.followed}
    assert {note.key for note in notes if note.kind == "trace"} & known
    assert not any("F-error_rate" in line.text for line in kept.written)
    assert not any("F-error_rate" in repr(trace) for trace in kept.followed)


def test_changes_are_lines_that_do_not_say_which_fault_they_belong_to():
    run = Run(changes=60.0)
    run.wrong("deploy_bad", {"service": "cart"}, version="v303", error_rate=0.1)
    kept = run.live(600)
    lines = kept.said("", service_name="changes")
    assert {change.id for change in run.world.changes if change.second >= 0} == {
        line.text.split("change=")[1].split()[0] for line in lines if "change=" in line.text
    }
    assert len(lines) >= 5
    assert not any("F-deploy_bad" in line.text for line in lines)
    blamed = [note for note in run.emitter.provenance if note.kind == "change"]
    assert [note.fault for note in blamed] == ["F-deploy_bad"]
