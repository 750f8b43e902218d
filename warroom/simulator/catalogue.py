"""Every metric of the imaginary production but those of requests themselves: its name, its series, what it tells.

Names: the Prometheus naming conventions, kube-state-metrics, the node and blackbox exporters, OpenTelemetry's database
client metrics, and the service graph of Grafana Tempo.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from warroom.simulator.axes import Axes, Floats
from warroom.simulator.meters import Family, still
from warroom.simulator.seconds import Seconds

_USUAL_CORRECTIONS = 0.0002
"""Of the requests: refunds, complaints, corrections that are always there."""


def families(axes: Axes) -> tuple[Family, ...]:
    """All of them, in a fixed order."""
    return (*_saturation(axes), *_runtime(axes), *_platform(axes), *_calls(axes), *_data(axes), *_users(axes))


def _of(name: str) -> Callable[[Seconds], Floats]:
    return attrgetter(name)


def _saturation(axes: Axes) -> tuple[Family, ...]:
    all_of_them = axes.of_services()
    return (
        Family("service_requests_rejected_total", "count", all_of_them, _of("shed"),
               "Requests refused because the queue was full or nobody served."),
        Family("http_requests_in_flight", "gauge", all_of_them, lambda t: np.rint(t.busy + t.backlog),
               "Requests being answered or waiting now."),
        Family("service_workers", "gauge", all_of_them, lambda t: np.rint(t.threads), "Requests answered at once."),
        Family("service_workers_in_use", "gauge", all_of_them, lambda t: np.rint(np.minimum(t.busy, t.threads)),
               "Workers that are busy."),
        Family("service_queue_length", "gauge", all_of_them, lambda t: np.rint(t.backlog), "Requests that wait."),
    )  # fmt: skip


def _runtime(axes: Axes) -> tuple[Family, ...]:
    each = axes.instances
    return (
        Family("process_cpu_seconds_total", "sum", each, _of("cpu_seconds"), "CPU time used.", "seconds"),
        Family("runtime_gc_pause_seconds_total", "sum", axes.of_services(lambda one: one.gc), _of("gc"),
               "Time in which garbage collection stopped the program.", "seconds"),
        Family("up", "gauge", each, lambda t: (t.up >= 0.2).astype(np.float64), "Whether the scrape worked."),
        Family("process_cpu_utilisation", "gauge", each, _of("cpu"), "Share of its cores in use."),
        Family("process_resident_memory_bytes", "gauge", each, _of("memory"), "Memory in use.", "bytes"),
        Family("process_memory_limit_bytes", "gauge", each, _of("memory_limit"), "Memory that may be used.", "bytes"),
        Family("process_open_fds", "gauge", each, lambda t: np.rint(40 + t.busy + t.backlog + t.connections),
               "Open file descriptors."),
    )  # fmt: skip


def _platform(axes: Axes) -> tuple[Family, ...]:
    services = axes.topology.services
    all_of_them = axes.of_services()
    scaled = axes.of_services(lambda one: one.autoscaler is not None)
    most = np.array([[one.autoscaler.most if one.autoscaler else 0] * axes.count for one in services], np.float64)
    disks = axes.of_services(lambda one: one.disk_gb > 0, mountpoint="/data", fstype="ext4", device="/dev/nvme1n1")
    certified = axes.of_services(lambda one: one.certificate_days is not None)
    guards = {one.service for one in axes.topology.flags if one.unguarded}
    guarded = axes.of_services(lambda one: one.name in guards)

    def looked_up(t: Seconds) -> Floats:
        return 0.02 * t.arrivals + 0.2

    return (
        Family("dns_lookups_total", "count", axes.of_services(rcode="NOERROR"), lambda t: looked_up(t) * t.dns,
               "Look-ups of the service's name, by answer."),
        Family("dns_lookups_total", "count", axes.of_services(rcode="NXDOMAIN"), lambda t: looked_up(t) * (1 - t.dns),
               "Look-ups of the service's name, by answer."),
        Family("tls_handshake_errors_total", "count", certified, lambda t: looked_up(t) * t.handshake_errors,
               "Handshakes that failed with the certificate of the service."),
        Family("kube_deployment_spec_replicas", "gauge", all_of_them, lambda t: np.rint(t.desired), "Replicas wanted."),
        Family("kube_deployment_status_replicas_available", "gauge", all_of_them, lambda t: np.rint(t.replicas * t.up),
               "Replicas that serve."),
        Family("kube_pod_container_status_restarts_total", "level", all_of_them, lambda t: np.floor(t.restarts),
               "Containers that were started again."),
        Family("kube_pod_container_oom_kills_total", "level", all_of_them, lambda t: np.floor(t.oom_kills),
               "Containers killed because their memory was at its limit."),
        Family("kube_horizontalpodautoscaler_status_desired_replicas", "gauge", scaled, lambda t: np.rint(t.desired),
               "Replicas the autoscaler wants."),
        Family("kube_horizontalpodautoscaler_spec_max_replicas", "gauge", scaled, still(most),
               "Replicas the autoscaler may want."),
        Family("node_filesystem_size_bytes", "gauge", disks, _of("disk_size"), "Size of the disk.", "bytes"),
        Family("node_filesystem_avail_bytes", "gauge", disks, lambda t: np.maximum(t.disk_size - t.disk, 0.0),
               "What is free of the disk.", "bytes"),
        Family("node_timex_offset_seconds", "gauge", all_of_them, _of("skew_s"), "Error of the clock.", "seconds"),
        Family("probe_ssl_earliest_cert_expiry", "gauge", certified, _of("cert_expires"),
               "When the certificate ends, seconds since the epoch.", "seconds"),
        Family("security_rules_enforced", "gauge", guarded, _of("security"), "Whether the security rules are on."),
    )  # fmt: skip


def _calls(axes: Axes) -> tuple[Family, ...]:
    edges = axes.topology.edges
    each = axes.of_edges()
    breakers = axes.of_edges(lambda at: edges[at].breaker is not None)
    pools = axes.of_edges(lambda at: edges[at].pool > 0, "pool")
    used = axes.of_edges(lambda at: edges[at].pool > 0, "pool", state="used")
    idle = axes.of_edges(lambda at: edges[at].pool > 0, "pool", state="idle")
    where = axes.topology.service_index
    target = np.array([where[edge.target] for edge in edges], np.intp)
    names = "client_requests_total", "Calls to others, retries included, by what became of them."
    connects = "client_connect_errors_total", "Connections to others that could not be made, by reason."

    def answered(t: Seconds) -> Floats:
        found: Floats = t.calls * (1 - np.maximum(t.call_errors, t.timed_out))
        return found

    def broken(t: Seconds) -> Floats:
        return t.calls * np.maximum(t.call_errors - t.timed_out, 0.0)

    def unresolved(t: Seconds) -> Floats:
        return t.calls * (1 - t.dns.take(target, axis=-2)) * np.minimum(t.call_errors, 1.0)

    def untrusted(t: Seconds) -> Floats:
        return t.calls * t.handshake_errors.take(target, axis=-2) * np.minimum(t.call_errors, 1.0)

    return (
        Family(names[0], "count", axes.of_edges(outcome="ok"), answered, names[1]),
        Family(names[0], "count", axes.of_edges(outcome="error"), broken, names[1]),
        Family(names[0], "count", axes.of_edges(outcome="timeout"), lambda t: t.calls * t.timed_out, names[1]),
        Family("client_retries_total", "count", each, _of("retried"), "Calls that repeat a failed one."),
        Family(connects[0], "count", axes.of_edges(reason="dns"), unresolved, connects[1]),
        Family(connects[0], "count", axes.of_edges(reason="tls"), untrusted, connects[1]),
        Family(connects[0], "count", axes.of_edges(reason="network"), lambda t: t.calls * t.loss, connects[1]),
        Family("db_client_connections_timeouts_total", "count", pools, lambda t: t.calls * t.pool_timeouts,
               "Calls that got no connection of the pool in time."),
        Family("traces_service_graph_request_total", "count", axes.whole_edges, lambda t: t.calls.sum(-1),
               "Calls between two services, from their spans."),
        Family("traces_service_graph_request_failed_total", "count", axes.whole_edges,
               lambda t: (t.calls * t.call_errors).sum(-1), "Failed calls between two services, from their spans."),
        Family("client_request_duration_seconds_sum", "sum", each, lambda t: t.calls * t.call_latency,
               "Time that calls to others took.", "seconds"),
        Family("client_request_duration_seconds_count", "sum", each, _of("calls"), "Calls to others.", "seconds"),
        Family("circuit_breaker_state", "gauge", breakers, _of("breaker"), "0 closed, 1 half open, 2 open."),
        Family("network_packet_loss_ratio", "gauge", each, _of("loss"), "Share of packets lost on the way."),
        Family("network_round_trip_seconds", "gauge", each, _of("network_s"), "Round trip to the callee.", "seconds"),
        Family("db_client_connections_usage", "gauge", used, lambda t: np.rint(t.pool_used), "Connections of a pool."),
        Family("db_client_connections_usage", "gauge", idle,
               lambda t: np.rint(np.maximum(t.pool_size - t.pool_used, 0)),
               "Connections of a pool."),
        Family("db_client_connections_max", "gauge", pools, lambda t: np.rint(t.pool_size), "Connections at most."),
        Family("db_client_connections_pending_requests", "gauge", pools, lambda t: np.rint(t.pool_waiting),
               "Calls that wait for a connection."),
    )  # fmt: skip


def _data(axes: Axes) -> tuple[Family, ...]:
    caches = {result: axes.of_services(lambda one: one.kind == "cache", result=result) for result in ("hit", "miss")}
    databases = axes.of_services(lambda one: one.kind == "database")
    whole = axes.by_service(lambda one: one.kind == "database")
    numbers = np.arange(axes.count)
    looked = "cache_requests_total", "Look-ups in the cache."

    def primary(t: Seconds) -> Floats:
        found: Floats = (t.primary[..., None] == numbers).astype(np.float64)
        return found

    return (
        Family(looked[0], "count", caches["hit"], lambda t: t.served * t.hit, looked[1]),
        Family(looked[0], "count", caches["miss"], lambda t: t.served * (1 - t.hit), looked[1]),
        Family("queue_published_total", "count", axes.queues, _of("published"), "Messages left in the queue."),
        Family("queue_consumed_total", "count", axes.queues, _of("consumed"), "Messages taken from the queue."),
        Family("queue_dropped_total", "count", axes.queues, _of("dropped"), "Messages that found the queue full."),
        Family("quota_refused_total", "count", axes.quotas, lambda t: t.quota_used * t.quota_refused,
               "Calls refused because the quota was used up."),
        Family("queue_messages", "gauge", axes.queues, lambda t: np.rint(t.depth), "Messages that wait."),
        Family("queue_oldest_message_age_seconds", "gauge", axes.queues, _of("queue_lag"),
               "How long the oldest message has waited.", "seconds"),
        Family("queue_consumers", "gauge", axes.queues, _of("consumers"), "Consumers at work."),
        Family("quota_used_per_second", "gauge", axes.quotas, _of("quota_used"), "Calls that count against it."),
        Family("quota_limit_per_second", "gauge", axes.quotas, _of("quota_limit"), "Calls that the quota allows."),
        Family("db_replication_lag_seconds", "gauge", databases, _of("lag_s"), "What the copy is behind.", "seconds"),
        Family("db_is_primary", "gauge", databases, primary, "Whether writes are taken here."),
        Family("db_connections", "gauge", databases, lambda t: np.rint(t.connections), "Connections that are open."),
        Family("db_lost_writes_total", "level", whole, lambda t: np.floor(t.lost_writes), "Writes that are gone."),
        Family("db_divergent_writes_total", "level", whole, lambda t: np.floor(t.divergent_writes),
               "Writes that only one of two primaries has."),
        Family("backup_last_success_age_seconds", "gauge", whole, _of("backup_age_s"), "Age of the backup.", "seconds"),
        Family("backup_last_size_bytes", "gauge", whole, _of("backup_bytes"), "Size of the last backup.", "bytes"),
    )  # fmt: skip


def _users(axes: Axes) -> tuple[Family, ...]:
    journeys = axes.topology.journeys
    worth = np.array([[one.value] * axes.count for one in journeys], np.float64)
    told = "user_requests_total", "What users asked for and how it ended: well, failed, or later than they wait."

    priced = axes.of_journeys(lambda at: journeys[at].value > 0, currency="EUR")

    def well(t: Seconds) -> Floats:
        return t.requests - t.failed - t.late

    def earned(t: Seconds) -> Floats:
        return worth * np.maximum(t.requests - t.failed - t.wrong, 0.0)

    return (
        Family(told[0], "count", axes.of_journeys(outcome="ok"), well, told[1]),
        Family(told[0], "count", axes.of_journeys(outcome="failed"), _of("failed"), told[1]),
        Family(told[0], "count", axes.of_journeys(outcome="late"), _of("late"), told[1]),
        Family("business_events_total", "count", axes.of_journeys(), lambda t: t.requests - t.failed,
               "What users got done."),
        Family("business_corrections_total", "count", axes.of_journeys(),
               lambda t: t.wrong + _USUAL_CORRECTIONS * t.requests,
               "Answers that were wrong, as reconciliation found: refunds, duplicates, complaints."),
        Family("business_value_total", "sum", priced, earned, "What it was worth."),
        Family("user_request_duration_seconds_sum", "sum", axes.of_journeys(), lambda t: t.requests * t.journey_latency,
               "How long users waited.", "seconds"),
        Family("user_request_duration_seconds_count", "sum", axes.of_journeys(), _of("requests"),
               "What users asked for.", "seconds"),
    )  # fmt: skip


def numeric(value: Any) -> float | None:
    """The number in a setting's value, None when it is none."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None
