"""Alert intake: what Alertmanager, Grafana and PagerDuty clients send becomes incidents, by rules people can read."""
