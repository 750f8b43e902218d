"""Metrics, logs, traces and alerts kept in this process, and answered as Prometheus, Loki, Jaeger and Alertmanager do."""
