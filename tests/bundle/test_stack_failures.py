"""Whatever goes wrong with the stack, on a real engine: one sentence with the next step, and the right exit status."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bundle.conftest import StackHome
from tests.bundle.stand_ins import import_one, put_image, script
from tests.cli.cli_home import CliHome
from warroom.bundle.compose_file import Bundle

pytestmark = pytest.mark.timeout(600)


def test_a_taken_port_is_told_with_its_holder_before_anything_starts(stack: StackHome, bundle: Bundle) -> None:
    port = bundle.service("prometheus").ports[0]
    code = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print('up', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        done = stack.run("up")
        holder.communicate("")
    assert done.returncode == 1
    assert f"port {port}, which prometheus needs, is held by python" in done.stderr
    assert f"(pid {holder.pid})" in done.stderr
    assert "then `warroom stack up`" in done.stderr
    with stack.engine.client() as client:
        assert client.containers(all=True) == [], "nothing was started"


def test_an_image_that_no_registry_gives_is_named(stack: StackHome, bundle: Bundle) -> None:
    image = bundle.service("jaeger").image
    with stack.engine.client() as client:
        client.remove_image(image)
    done = stack.run("up")
    assert done.returncode == 3
    assert f"no registry gives the image {image}" in done.stderr
    assert "check the network and the proxy" in done.stderr
    assert "jaeger        pulling" in done.stderr


@contextmanager
def _another_program(stack: StackHome, bundle: Bundle, name: str, text: str) -> Iterator[None]:
    """The service's image has this script as its program for a while."""
    service = bundle.service(name)
    with stack.engine.client() as client:
        put_image(client, service.image, *script(service, text))
        try:
            yield
        finally:
            stack.engine.clear()
            import_one(client, service)


def test_a_service_that_ends_at_once_is_shown_with_the_end_of_its_log(stack: StackHome, bundle: Bundle) -> None:
    text = "echo reading the configuration; echo 'no such option: turbo' >&2; exit 3"
    with _another_program(stack, bundle, "loki", text):
        done = stack.run("up", "--profile", "minimal")
        assert done.returncode == 1, done.stderr
        assert "    no such option: turbo" in done.stderr.splitlines()
        assert "loki does not come up, it is restarting (exit code 3)" in done.stderr
        assert "`warroom stack logs loki` shows more" in done.stderr


def test_a_service_that_never_gets_ready_ends_the_wait(stack: StackHome, bundle: Bundle) -> None:
    with _another_program(stack, bundle, "loki", "echo waiting for a friend; trap 'exit 0' TERM; sleep 3600 & wait"):
        done = stack.run("up", "--profile", "minimal", "--wait", "8")
        assert done.returncode == 4, done.stderr
        assert "loki (starting: http://127.0.0.1:3100/ready does not answer (Connection refused))" in done.stderr
        assert "    waiting for a friend" in done.stderr.splitlines()


def test_a_container_that_ran_out_of_memory_is_told_so(stack: StackHome, bundle: Bundle) -> None:
    with stack.engine.client() as client:
        config = client.create_host_config(mem_limit="12m", memswap_limit="12m", network_mode="none")
        made = client.create_container(
            bundle.service("loki").image, entrypoint=["/bin/tail", "/dev/zero"], host_config=config,
            labels={"com.docker.compose.project": "warroom", "com.docker.compose.service": "loki"},
        )  # fmt: skip
        client.start(made["Id"])
        client.wait(made["Id"])
    done = stack.run("status")
    assert done.returncode == 1
    assert "loki: exited: out of memory, killed by the kernel" in done.stderr


def test_an_unknown_service_is_wrong_usage(stack: StackHome) -> None:
    for words in (("logs", "mimir"), ("restart", "mimir")):
        done = stack.run(*words)
        assert done.returncode == 2
        assert "'mimir' is no service of the stack; it has prometheus" in done.stderr


def test_without_compose_it_says_what_to_install(stack: StackHome, tmp_path: Path) -> None:
    done = stack.run("up", env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "neither `docker compose` nor `docker-compose` is installed" in done.stderr


@pytest.mark.parametrize("words", [("up",), ("down",), ("status",), ("logs", "loki"), ("restart", "loki")])
def test_without_an_engine_every_command_says_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    home = CliHome(tmp_path)
    done = home.run("stack", *words, env={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    assert done.returncode == 3
    assert f"no Docker engine runs on this machine ({tmp_path}/none.sock); start it" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_engine_that_has_died_is_told_from_one_that_never_was(tmp_path: Path) -> None:
    home = CliHome(tmp_path)
    left = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left))
    done = home.run("stack", "status", "--json", env={"DOCKER_HOST": f"unix://{left}"})
    assert done.returncode == 3
    assert f"the Docker engine at {left} does not answer (Connection refused)" in done.stderr
    assert '"engine": "none"' in done.stdout


def test_an_engine_on_another_machine_is_refused(tmp_path: Path) -> None:
    done = CliHome(tmp_path).run("stack", "up", env={"DOCKER_HOST": "tcp://user:pw@192.0.2.7:2376"})
    assert done.returncode == 3
    assert "is on another machine" in done.stderr
    assert "pw@" not in done.stderr


def test_without_permission_it_says_how_to_get_it(tmp_path: Path) -> None:
    home = CliHome(tmp_path)
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        words = home.command("stack", "status")
        if os.geteuid() == 0:
            # Root passes every door, until it lays that power down.
            setpriv = shutil.which("setpriv")
            assert setpriv, "setpriv is not installed (Debian: util-linux)"
            os.chown(path, 65534, 65534)
            caps = "-dac_override,-dac_read_search"
            words = [setpriv, f"--bounding-set={caps}", f"--inh-caps={caps}", *words]
            path.chmod(0o600)
        else:
            path.chmod(0o000)
        done = subprocess.run(
            words, env=home.env | {"DOCKER_HOST": f"unix://{path}"}, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 1, done.stderr
    assert f"you may not use the Docker engine at {path}; join its group" in done.stderr
