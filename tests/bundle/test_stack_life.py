"""The bundled stack on a real engine, by the commands: it comes up, is seen, read, restarted, and ends."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.bundle.conftest import StackHome
from tests.cli.cli_home import until
from warroom.bundle.compose_file import Bundle

pytestmark = pytest.mark.timeout(600)
CORE = {"prometheus", "alertmanager", "loki", "jaeger"}


def test_the_whole_stack_comes_up_well_and_is_seen(stack: StackHome, bundle: Bundle) -> None:
    done = stack.ok("up")
    chosen = [one for one in bundle.services if one.is_in(("full",))]
    for service in chosen:
        lines = [line.split() for line in done.stderr.splitlines() if line.split()[0] == service.name]
        assert [service.name, "healthy"] in lines, done.stderr
    assert done.stdout == "", "up prints no data"
    _secrets_are_kept(stack, done)

    table = stack.ok("status").stdout.splitlines()
    assert table[0].split() == [
        "SERVICE", "STATE", "HEALTH", "SINCE", "RESTARTS", "CPU", "MEMORY", "PORTS", "IMAGE"
    ]  # fmt: skip
    rows = {line.split()[0]: line for line in table[1:]}
    assert rows.keys() == {one.name for one in bundle.services}
    for service in chosen:
        assert rows[service.name].split()[1:3] == ["running", "healthy"]
        assert service.image in rows[service.name]
    services = stack.status()
    for service in chosen:
        said = services[service.name]
        assert (said["state"], said["health"], said["restarts"]) == ("running", "healthy", 0)
        assert said["memory"] > 0
        assert said["cpu"] is not None
        assert said["since"].endswith("Z")
        assert tuple(said["ports"]) == service.ports
    assert services["sample"]["state"] == "absent"

    with urllib.request.urlopen("http://127.0.0.1:9090/api/v1/query?query=vector(1)", timeout=10) as answer:
        assert answer.status == 200
    for service in chosen:
        _listens_on_loopback_only(service.ports)
    again = stack.ok("up")
    assert "services are well" in again.stderr, "what runs already goes on"


def _secrets_are_kept(stack: StackHome, done: subprocess.CompletedProcess[str]) -> None:
    password = stack.secrets / "grafana-admin-password"
    assert str(password) in done.stderr
    assert len(password.read_text()) >= 20
    assert stat.S_IMODE(stack.secrets.stat().st_mode) == 0o700
    for path in (password, stack.secrets / "intake.secret"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() not in done.stdout + done.stderr
    assert (stack.secrets / "intake.secret").read_text() == (stack.home.data / "intake.secret").read_text().strip()


def _listens_on_loopback_only(ports: tuple[int, ...]) -> None:
    import psutil

    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr.port in ports:
            assert one.laddr.ip in ("127.0.0.1", "::1"), one


def test_a_service_is_read_restarted_and_found_dead(stack: StackHome) -> None:
    stack.ok("up", "--profile", "minimal")
    services = stack.status()
    assert {name for name, one in services.items() if one["state"] == "running"} == CORE
    wrote = stack.ok("logs", "loki", "--tail", "2").stdout.splitlines()
    assert len(wrote) == 2
    assert "stand-in for loki" in stack.ok("logs", "loki", "--tail", "100000").stdout

    before = stack.inspect("loki")["State"]["StartedAt"]
    done = stack.ok("restart", "loki")
    assert "loki runs again" in done.stderr
    assert stack.inspect("loki")["State"]["StartedAt"] > before
    assert stack.status()["loki"]["health"] == "healthy"

    # A process that dies by itself is started again by the restart policy, and the restart is counted.
    os.kill(stack.inspect("loki")["State"]["Pid"], signal.SIGKILL)
    until(lambda: stack.inspect("loki")["RestartCount"] == 1)
    until(lambda: stack.status()["loki"]["health"] == "healthy")
    assert stack.status()["loki"]["restarts"] == 1

    # One that somebody ends by hand stays ended, and the status says so and how.
    with stack.engine.client() as client:
        client.kill(stack.inspect("loki")["Id"])
    until(lambda: stack.inspect("loki")["State"]["Status"] == "exited")
    told = stack.run("status")
    assert told.returncode == 1
    assert "loki: killed (exit code 137); `warroom stack logs loki` tells more" in told.stderr
    assert stack.status()["loki"] | {"memory": None, "cpu": None} == stack.status()["loki"]
    assert "stand-in for loki" in stack.ok("logs", "loki").stdout, "a stopped container can still be read"

    stack.ok("up", "--profile", "minimal")
    assert stack.status()["loki"]["health"] == "healthy"


def test_a_followed_log_goes_on_over_a_restart(stack: StackHome) -> None:
    stack.ok("up", "--profile", "minimal")
    env = stack.home.env | stack.engine.env | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        stack.home.command("stack", "logs", "loki", "--follow", "--tail", "1"),
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=stack.home.base,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        stack.ok("restart", "loki")
        seen = ""
        while "stand-in for loki" not in seen:
            line = process.stdout.readline()
            assert line, "it goes on"
            seen += line
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def test_the_stack_ends_and_its_data_stay_until_they_are_to_go(stack: StackHome) -> None:
    stack.ok("up", "--profile", "sample")
    assert stack.status()["sample"]["health"] == "healthy"
    done = stack.ok("down")
    assert "what it stored is kept" in done.stderr
    assert all(one["state"] == "absent" for one in stack.status().values())
    assert _volumes(stack)

    refused = stack.run("down", "--volumes")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert _volumes(stack)
    assert "deleted" in stack.ok("down", "--volumes", "--yes").stderr
    assert not _volumes(stack)
    assert "nothing of the stack ran" in stack.ok("down").stderr
    never = stack.run("logs", "loki")
    assert never.returncode == 1
    assert "loki was not started; `warroom stack up` starts the stack" in never.stderr


def _volumes(stack: StackHome) -> list[str]:
    with stack.engine.client() as client:
        found = client.volumes(filters={"label": "com.docker.compose.project=warroom"})["Volumes"] or []
        return [one["Name"] for one in found]


def test_secrets_are_masked_in_what_is_read(stack: StackHome, tmp_path: Path) -> None:
    stack.ok("up", "--profile", "minimal")
    with stack.engine.client() as client:
        image = stack.inspect("loki")["Config"]["Image"]
        client.remove_container(stack.inspect("loki")["Id"], force=True)
        made = client.create_container(
            image,
            entrypoint=["/bin/sh", "-c", "echo password is $APP_PASSWORD; echo '\x1b[31mred\x1b[0m' http://u:pw12@h/"],
            environment={"APP_PASSWORD": "hunter2-and-more"},
            labels={"com.docker.compose.project": "warroom", "com.docker.compose.service": "loki"},
            host_config=client.create_host_config(network_mode="none"),
        )
        client.start(made["Id"])
        client.wait(made["Id"])
    said = stack.ok("logs", "loki").stdout.splitlines()
    assert said == ["password is ***", "red http://***@h/"]
    assert "hunter2" not in stack.run("status", "--json").stdout
