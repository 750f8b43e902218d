"""Every setting there is, as frozen dataclasses: its type, its default and the sentence that explains it.

Invariant: this is the only list; reading, `warroom config`, the environment and docs/configuration.md follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def setting(default: Any, help_: str, *, secret: bool = False, choices: tuple[str, ...] = ()) -> Any:
    about = {"help": help_, "secret": secret, "choices": choices}
    if isinstance(default, dict):
        made: Callable[[], Any] = default.copy
        return field(default_factory=made, metadata=about, repr=not secret)
    return field(default=default, metadata=about, repr=not secret)


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """Where `warroom serve` listens."""

    host: str = setting("127.0.0.1", "Address to listen on. Anything but loopback needs TLS.")
    port: int = setting(8765, "Port for consoles, commands and automations; 0 takes a free one.")
    tls_cert: Path | None = setting(None, "Certificate chain (PEM) to serve TLS with.")
    tls_key: Path | None = setting(None, "Private key (PEM) of the certificate.")
    insecure: bool = setting(False, "Listen beyond loopback without TLS: tokens then travel in the clear.")


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """The door for alerts, opened by `warroom serve`."""

    enabled: bool = setting(True, "Open the door for alerts beside the server.")
    host: str = setting("127.0.0.1", "Address the intake listens on.")
    port: int = setting(8766, "Port the intake listens on; 0 takes a free one.")
    secret: str = setting(
        "", "Shared secret of senders, 16 characters or more; made up and kept when empty.", secret=True
    )
    routing_keys: Mapping[str, str] = setting(
        {}, "PagerDuty integrations: name to routing key of 32 characters.", secret=True
    )
    rules: Path | None = setting(None, "Rule file (YAML) that maps labels to incidents; the shipped rules when unset.")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """A telemetry server: where it is and how to be let in."""

    url: str = setting("", "Address of its API; empty for none.")
    token: str = setting("", "Bearer token for it.", secret=True)
    username: str = setting("", "User name for it, where it asks for one.")
    password: str = setting("", "Password for it.", secret=True)
    ca_file: Path | None = setting(None, "Authorities (PEM) to trust for it, in place of the system's.")
    verify: bool = setting(True, "Check its certificate.")
    client_cert: Path | None = setting(None, "Certificate (PEM) to show it, where it asks for one (mutual TLS).")
    client_key: Path | None = setting(None, "Private key (PEM) of that certificate, where it is a file of its own.")
    tenant: str = setting("", "Tenant to ask for (X-Scope-OrgID), where it serves several.")
    proxy: str = setting("", "HTTP proxy on the way to it.", secret=True)


@dataclass(frozen=True, slots=True)
class PrometheusSettings(SourceSettings):
    """The Prometheus whose metrics are relayed to everybody in a room."""

    url: str = setting("http://127.0.0.1:9090", "Address of the Prometheus API; empty for none.")
    panels: Path | None = setting(None, "Panel file (YAML) in place of the shipped panels.")


@dataclass(frozen=True, slots=True)
class AlertmanagerSettings(SourceSettings):
    """The Alertmanager whose alerts and silences are shown."""

    url: str = setting("http://127.0.0.1:9093", "Address of the Alertmanager API; empty for none.")


@dataclass(frozen=True, slots=True)
class LokiSettings(SourceSettings):
    """The Loki whose logs are shown and tailed."""

    url: str = setting("http://127.0.0.1:3100", "Address of the Loki API; empty for none.")


@dataclass(frozen=True, slots=True)
class JaegerSettings(SourceSettings):
    """The Jaeger whose traces and services are shown."""

    url: str = setting("http://127.0.0.1:16686", "Address of Jaeger's query API; empty for none.")


@dataclass(frozen=True, slots=True)
class GrafanaSettings(SourceSettings):
    """The Grafana whose dashboards are shown and linked to."""

    url: str = setting("http://127.0.0.1:3000", "Address of Grafana; empty for none.")
    password: str = setting(
        "", "Password for it; that of the bundled stack when empty and Grafana is on this machine.", secret=True
    )


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Who may ask the telemetry servers what, and where warroom's own traces and logs go."""

    otlp: str = setting(
        "",
        "Collector (OTLP over HTTP, such as http://127.0.0.1:4318) that gets warroom's own traces and logs; none when "
        "empty.",
    )

    explore: str = setting(
        "responder",
        "Access that queries of one's own need; below it one sees what the board, the spotlight and pins show.",
        choices=("observer", "responder", "commander", "admin"),
    )


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """How the console looks and feels."""

    theme: str = setting("", "Colours of the console; chosen by the terminal when empty.")
    keymap: Path | None = setting(None, "Keymap file; `keymap.toml` beside the configuration when unset.")
    calm: bool = setting(False, "Draw charts and clocks seldom, for a slow link.")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. A table of the file is a field of the same name here."""

    name: str = setting("", "What you are called in the room; your login name when empty.")
    server: str = setting("", "Server to use, HOST[:PORT] or a ws(s) URL; the local one when empty.")
    token: str = setting("", "Token for `server`; the one kept by `warroom join` when empty.", secret=True)
    ca_file: Path | None = setting(None, "Authorities (PEM) to trust for `server`, in place of the system's.")
    timeout: float = setting(10.0, "Seconds a command waits for the server before it gives up.")
    utc: bool = setting(False, "Tell times in UTC in place of the local zone.")
    data_dir: Path | None = setting(None, "Directory of the log, made 0700; by the platform's custom when unset.")
    log_level: str = setting(
        "info", "How much the server writes to its log.", choices=("debug", "info", "warning", "error")
    )
    environment: str = setting("production", "Where it runs, as its own log and traces say: production, staging ...")
    listen: ListenSettings = field(default_factory=ListenSettings)
    intake: IntakeSettings = field(default_factory=IntakeSettings)
    prometheus: PrometheusSettings = field(default_factory=PrometheusSettings)
    alertmanager: AlertmanagerSettings = field(default_factory=AlertmanagerSettings)
    loki: LokiSettings = field(default_factory=LokiSettings)
    jaeger: JaegerSettings = field(default_factory=JaegerSettings)
    grafana: GrafanaSettings = field(default_factory=GrafanaSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
