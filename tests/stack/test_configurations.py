"""The stack's files say what they promise: pinned, on loopback, bounded, no password, and wired to each other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real_servers import PROMETHEUS
from tests.stack.files import COMPOSE, ROOT, STACK, boards, load
from warroom import __version__
from warroom.bundle.compose_file import read_bundle

AMTOOL = shutil.which("amtool")
DOCKER_COMPOSE = shutil.which("docker-compose")
SERVICES = {"prometheus", "alertmanager", "loki", "jaeger", "collector", "grafana", "sample"}
COMPOSE_FILE = load(COMPOSE)
ADDRESS = re.compile(r"\b(\d{1,3}(?:\.\d{1,3}){3}|localhost):(\d+)")


def services() -> list[Any]:
    return [pytest.param(name, body, id=name) for name, body in COMPOSE_FILE["services"].items()]


def listens(name: str) -> set[int]:
    """The ports that a service's own file tells it to listen on."""
    if name == "loki":
        server = load(STACK / "loki/loki.yml")["server"]
        assert server["http_listen_address"] == server["grpc_listen_address"] == "127.0.0.1"
        return {server["http_listen_port"], server["grpc_listen_port"]}
    if name in ("jaeger", "collector"):
        content = load(STACK / name / f"{name}.yml")
        found = set(endpoints({key: content.get(key) for key in ("receivers", "extensions")}))
        if name == "jaeger":
            # Where it asks, not where it listens.
            found.discard(("127.0.0.1", 9090))
        else:
            found |= set(endpoints(content["exporters"]["prometheus"]))
        reader = content["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
        found.add((reader["host"], reader["port"]))
        assert {host for host, _ in found} == {"127.0.0.1"}
        return {port for _, port in found}
    body = COMPOSE_FILE["services"][name]
    if name == "grafana":
        assert body["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
        return {int(body["environment"]["GF_SERVER_HTTP_PORT"])}
    if name == "sample":
        return {int(body["command"][body["command"].index("--port") + 1])}
    flag = next(word for word in body["command"] if word.startswith("--web.listen-address="))
    found = ADDRESS.search(flag)
    assert found
    assert found[1] == "127.0.0.1"
    return {int(found[2])}


def endpoints(content: Any) -> Iterator[tuple[str, int]]:
    """Every `endpoint:` below, as host and port."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key == "endpoint":
                found = ADDRESS.search(value)
                assert found, value
                yield found[1], int(found[2])
            else:
                yield from endpoints(value)


def test_the_commands_read_it() -> None:
    bundle = read_bundle(COMPOSE, {"WARROOM_STACK_SECRETS": "/somewhere"})
    assert bundle.project == "warroom"
    assert {one.name for one in bundle.services} == SERVICES
    assert {one.name for one in bundle.services if one.is_in(())} == {"prometheus", "alertmanager", "loki", "jaeger"}
    assert {one.name for one in bundle.services if one.is_in(("full",))} == SERVICES - {"sample"}
    (built,) = (one for one in bundle.services if one.built)
    assert built.image == f"warroom-sample:{__version__}"
    for one in bundle.services:
        assert one.probe.startswith("http://127.0.0.1:"), one.name
        assert int(one.probe.split(":")[2].partition("/")[0]) in one.ports, one.name
        assert set(one.ports) == listens(one.name), one.name
    ports = [port for one in bundle.services for port in one.ports]
    assert len(ports) == len(set(ports)), "two services want the same port"


@pytest.mark.skipif(not DOCKER_COMPOSE, reason="docker-compose is not installed")
def test_compose_accepts_it_and_asks_for_the_secrets(tmp_path: Path) -> None:
    """By 1.29 of Debian 12 as well as by version 2; no engine is needed for that."""
    assert DOCKER_COMPOSE
    asked = (DOCKER_COMPOSE, "-f", str(COMPOSE), "-p", "warroom", "--profile", "full", "--profile", "sample")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    known = {**env, "WARROOM_STACK_SECRETS": str(tmp_path)}
    done = subprocess.run((*asked, "config", "-q"), env=known, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    refused = subprocess.run((*asked, "config", "-q"), env=env, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0
    assert "start it with `warroom stack up`" in refused.stderr


@pytest.mark.parametrize(("name", "body"), services())
def test_every_service_is_pinned_bounded_and_closed(name: str, body: dict[str, Any]) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", body["image"]), "the tag says one release"
    assert body["network_mode"] == "host"
    assert "ports" not in body
    assert body["restart"] == "unless-stopped"
    assert body["mem_limit"]
    assert body["cpus"]
    assert body["pids_limit"]
    assert body["read_only"] is True
    assert body["cap_drop"] == ["ALL"]
    assert body["security_opt"] == ["no-new-privileges:true"]
    assert set(body["logging"]["options"]) == {"max-size", "max-file"}
    if body.get("user") == "0:0":
        assert body["cap_add"] == ["DAC_OVERRIDE"]
    else:
        assert "cap_add" not in body


@pytest.mark.parametrize(("name", "body"), services())
def test_health_is_checked_inside_only_where_there_is_something_to_check_with(name: str, body: dict[str, Any]) -> None:
    """Loki's image is distroless and the collector's from scratch: there is no shell and no wget in them."""
    if name in ("loki", "collector"):
        assert "healthcheck" not in body
        return
    test = body["healthcheck"]["test"]
    assert test[:2] == ["CMD", "python" if name == "sample" else "wget"]
    assert "http://127.0.0.1:" in test[-1]


@pytest.mark.parametrize(("name", "body"), services())
def test_what_is_mounted_is_there_and_not_written_to(name: str, body: dict[str, Any]) -> None:
    for mount in body.get("volumes", ()):
        # The secrets' variable has a message with colons in it.
        source, _, rest = re.sub(r"\$\{[^}]*\}", "SECRETS", mount).partition(":")
        if source.startswith("./"):
            assert (ROOT / source).exists(), mount
            assert rest.endswith(":ro"), mount
        elif source.startswith("SECRETS/"):
            assert source.partition("/")[2] in {"intake.secret", "grafana-admin-password"}
            assert rest.endswith(":ro"), mount
        else:
            assert source in COMPOSE_FILE["volumes"], mount


def test_data_has_an_end() -> None:
    flags = COMPOSE_FILE["services"]["prometheus"]["command"]
    assert any(flag.startswith("--storage.tsdb.retention.time=") for flag in flags)
    assert any(flag.startswith("--storage.tsdb.retention.size=") for flag in flags)
    loki = load(STACK / "loki/loki.yml")
    assert loki["compactor"]["retention_enabled"] is True
    assert loki["compactor"]["delete_request_store"] == "filesystem"
    assert loki["limits_config"]["retention_period"] == "168h"
    badger = load(STACK / "jaeger/jaeger.yml")["extensions"]["jaeger_storage"]["backends"]["traces"]["badger"]
    assert badger["ttl"]["spans"] == "72h"
    assert any(flag.startswith("--data.retention=") for flag in COMPOSE_FILE["services"]["alertmanager"]["command"])


def test_nothing_has_a_default_password_or_calls_home() -> None:
    grafana = COMPOSE_FILE["services"]["grafana"]["environment"]
    assert "GF_SECURITY_ADMIN_PASSWORD" not in grafana
    assert grafana["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana-admin-password"
    assert grafana["GF_AUTH_ANONYMOUS_ENABLED"] == grafana["GF_ANALYTICS_REPORTING_ENABLED"] == "false"
    assert load(STACK / "loki/loki.yml")["analytics"] == {"reporting_enabled": False}
    for path in (COMPOSE, *STACK.rglob("*.yml"), *STACK.rglob("*.json")):
        text = path.read_text("utf-8")
        assert not re.search(r"(?i)\b(password|token|secret|api_?key)\s*[:=]\s*['\"]?\w{4,}", text), path
        assert "0.0.0.0:" not in "\n".join(line for line in text.splitlines() if "#" not in line), path


def test_loki_has_what_the_room_asks_for() -> None:
    loki = load(STACK / "loki/loki.yml")
    assert loki["pattern_ingester"]["enabled"] is True
    assert loki["limits_config"]["volume_enabled"] is True
    assert loki["limits_config"]["allow_structured_metadata"] is True
    assert loki["schema_config"]["configs"][-1]["schema"] == "v13"


@pytest.mark.parametrize("name", ["collector", "jaeger"])
def test_pipelines_use_what_is_configured_and_all_of_it(name: str) -> None:
    content = load(STACK / name / f"{name}.yml")
    connectors = set(content.get("connectors", ()))
    for part in ("receivers", "processors", "exporters"):
        used = {one for pipeline in content["service"]["pipelines"].values() for one in pipeline[part]}
        assert used - connectors == set(content[part]), part
    assert set(content["service"]["extensions"]) == set(content["extensions"])
    for pipeline in content["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"


def test_the_collector_delivers_where_the_others_listen() -> None:
    exporters = load(STACK / "collector/collector.yml")["exporters"]
    jaeger = load(STACK / "jaeger/jaeger.yml")
    assert exporters["otlp_grpc/jaeger"]["endpoint"] == jaeger["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]
    loki = load(STACK / "loki/loki.yml")["server"]
    assert exporters["otlp_http/loki"]["endpoint"] == f"http://127.0.0.1:{loki['http_listen_port']}/otlp"
    scraped = {job["job_name"]: job for job in load(STACK / "prometheus/bundle.yml")["scrape_configs"]}
    assert scraped["traced"]["static_configs"][0]["targets"] == [exporters["prometheus"]["endpoint"]]
    assert scraped["traced"]["honor_labels"] is True
    assert exporters["prometheus"]["enable_open_metrics"] is True


def test_jaegers_figures_have_the_names_that_the_collector_makes() -> None:
    spans = load(STACK / "collector/collector.yml")["connectors"]["span_metrics"]
    assert spans["namespace"] == "traces.span.metrics"
    assert spans["histogram"]["unit"] == "ms"
    assert spans["exemplars"] == {"enabled": True}
    storage = load(STACK / "jaeger/jaeger.yml")["extensions"]
    figures = storage["jaeger_storage"]["metric_backends"][storage["jaeger_query"]["storage"]["metrics"]]["prometheus"]
    assert figures == {"endpoint": "http://127.0.0.1:9090", "normalize_calls": True, "normalize_duration": True}
    assert storage["jaeger_query"]["storage"]["traces"] in storage["jaeger_storage"]["backends"]


def test_every_server_is_scraped_where_it_listens() -> None:
    """All of the stack and warroom; what may be missing says so."""
    scraped = {}
    for job in load(STACK / "prometheus/bundle.yml")["scrape_configs"]:
        (only,) = job["static_configs"]
        (target,) = only["targets"]
        host, _, port = target.partition(":")
        assert host == "127.0.0.1"
        scraped[job["job_name"]] = (int(port), "optional" in only.get("labels", {}))
    for name in SERVICES:
        port, optional = scraped[name]
        assert port in listens(name)
        assert optional == bool(COMPOSE_FILE["services"][name].get("profiles")), name
    assert scraped["warroom"] == (8765, True)
    assert scraped["node"] == (9100, True)


@pytest.mark.servers
@pytest.mark.skipif(not PROMETHEUS, reason="promtool is not installed")
def test_prometheus_accepts_the_bundles_configuration(tmp_path: Path) -> None:
    """Debian's is older than the bundle's: what it does not know yet is left out, and only that."""
    promtool = shutil.which("promtool")
    assert promtool
    shutil.copytree(STACK / "prometheus", tmp_path / "prometheus")
    config = tmp_path / "prometheus/bundle.yml"
    text = config.read_text()
    version = subprocess.run((promtool, "--version"), capture_output=True, text=True, timeout=30)
    if " version 2." in version.stdout + version.stderr:
        text, count = re.subn(r"\notlp:\n  promote_resource_attributes: [^\n]*\n", "\n", text)
        assert count == 1
        config.write_text(text)
    done = subprocess.run((promtool, "check", "config", str(config)), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rules found") == 5


ROUTED = {
    "a storm": ("alertname=HighErrorRate", "job=sample", "severity=critical"),
    "no label at all": ("alertname=X",),
}


@pytest.mark.servers
@pytest.mark.skipif(not AMTOOL, reason="amtool is not installed")
@pytest.mark.parametrize("labels", ROUTED.values(), ids=ROUTED)
def test_alertmanager_sends_everything_to_the_room(labels: tuple[str, ...]) -> None:
    assert AMTOOL
    file = str(STACK / "alertmanager/alertmanager.yml")
    checked = subprocess.run((AMTOOL, "check-config", file), capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    asked = (AMTOOL, "config", "routes", "test", f"--config.file={file}", "--verify.receivers=warroom", *labels)
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_grafanas_sources_are_the_stacks_and_lead_to_each_other() -> None:
    sources = {one["uid"]: one for one in load(STACK / "grafana/provisioning/datasources/stack.yml")["datasources"]}
    assert set(sources) == {"prometheus", "loki", "jaeger", "alertmanager"}
    for uid, source in sources.items():
        found = ADDRESS.search(source["url"])
        assert found
        assert int(found[2]) in listens(uid)
    assert sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"][0]["datasourceUid"] == "jaeger"
    assert {field["datasourceUid"] for field in sources["loki"]["jsonData"]["derivedFields"]} == {"jaeger"}
    assert sources["jaeger"]["jsonData"]["tracesToLogsV2"]["datasourceUid"] == "loki"
    assert sources["jaeger"]["jsonData"]["tracesToMetrics"]["datasourceUid"] == "prometheus"
    text = (STACK / "grafana/provisioning/datasources/stack.yml").read_text()
    assert not re.search(r"(?<!\$)\$\{", text), "one $ is an environment variable to Grafana"


def test_a_trace_id_is_found_in_the_lines_that_services_write() -> None:
    sources = load(STACK / "grafana/provisioning/datasources/stack.yml")["datasources"]
    loki = next(one for one in sources if one["uid"] == "loki")
    pattern = next(
        field["matcherRegex"] for field in loki["jsonData"]["derivedFields"] if field["name"] == "trace in the line"
    )
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    for line in (
        f'{{"trace_id": "{trace}"}}',
        f"level=info trace_id={trace}",
        f"traceID={trace} x",
        f"traceId: {trace}",
    ):
        found = re.search(pattern, line)
        assert found, line
        assert found[1] == trace


@pytest.mark.parametrize("name", sorted(boards()))
def test_dashboards_are_complete(name: str) -> None:
    """Titles, units and thresholds people can read; sources that are provisioned; panels that do not overlap."""
    board = boards()[name]
    sources = {one["uid"] for one in load(STACK / "grafana/provisioning/datasources/stack.yml")["datasources"]}
    assert board["uid"].startswith("warroom-")
    assert board["annotations"]["list"]
    assert "warroom" in board["tags"]
    variables = {one["name"] for one in board["templating"]["list"]}
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert any(panel["type"] == "row" for panel in board["panels"])
    for panel in board["panels"]:
        assert panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["datasource"]["uid"] in sources
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs)), panel["title"]
        if panel["type"] in ("timeseries", "stat"):
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"], panel["title"]
        if panel["type"] == "timeseries":
            assert all(target["legendFormat"] not in ("", "__auto") for target in panel["targets"]), panel["title"]
        for target in panel["targets"]:
            used = set(re.findall(r"\$\{?([a-z]\w*)", target["expr"]))
            assert used <= variables, panel["title"]
