"""Metrics, logs, traces and alerts kept in this process, answered as Prometheus, Loki, Jaeger and Alertmanager do."""
