"""What Docker answers, read as data: both control group versions, stopped containers, names of both composes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from warroom.bundle.compose import environment
from warroom.bundle.compose_file import Service, interpolated, read_bundle, shipped_file
from warroom.bundle.engine import failure
from warroom.bundle.errors import StackError
from warroom.bundle.logs import follow
from warroom.bundle.reading import Figures, figures, moment, newest, service_state
from warroom.bundle.secret_files import Mask, prepare
from warroom.bundle.state import StackState
from warroom.bundle.text import safe_line

CPU = {
    "cpu_stats": {
        "cpu_usage": {"total_usage": 849_377_647}, "system_cpu_usage": 9_573_510_000_000, "online_cpus": 2
    },
    "precpu_stats": {
        "cpu_usage": {"total_usage": 348_377_647}, "system_cpu_usage": 9_571_506_000_000, "online_cpus": 2
    },
}  # fmt: skip
LOKI = Service("loki", "grafana/loki:3.7.6", probe="http://127.0.0.1:3100/ready", ports=(3100,))


def test_the_processor_is_told_in_percent_of_one_core() -> None:
    # 0.501 s of processor time in 2.004 s of two cores, which is 1.002 s by the clock.
    assert figures(CPU).cpu == 50.0


@pytest.mark.parametrize("idle", ["total_inactive_file", "inactive_file"])
def test_memory_is_without_idle_page_cache_in_both_versions_of_control_groups(idle: str) -> None:
    said = figures({**CPU, "memory_stats": {"usage": 1000, "limit": 5000, "stats": {idle: 300}}}, machine_memory=9000)
    assert (said.memory, said.memory_limit) == (700, 5000)


def test_a_limit_of_the_whole_machine_is_none() -> None:
    said = figures({"memory_stats": {"usage": 1000, "limit": 9000, "stats": {}}}, machine_memory=9000)
    assert (said.memory, said.memory_limit) == (1000, None)


def test_a_stopped_container_has_no_figures() -> None:
    stopped = {
        "read": "0001-01-01T00:00:00Z", "memory_stats": {},
        "cpu_stats": {"cpu_usage": {"total_usage": 0}}, "precpu_stats": {"cpu_usage": {"total_usage": 0}},
    }  # fmt: skip
    assert figures(stopped) == Figures()


def _state(about: dict[str, Any], outside: str | None = None) -> tuple[str, str, str]:
    said = service_state(LOKI, {"State": about}, outside, Figures())
    return said.state, said.health, said.words


def test_health_is_the_container_s_own_or_what_answers_outside() -> None:
    assert _state({"Status": "running"}, "") == ("running", "healthy", "healthy")
    assert _state({"Status": "running"}, "no answer") == ("running", "starting", "starting: no answer")
    assert _state({"Status": "running"}) == ("running", "unknown", "running")
    assert _state({"Status": "running", "Health": {"Status": "starting"}}, "503") == (
        "running", "starting", "starting: 503"
    )  # fmt: skip
    assert _state({"Status": "running", "Health": {"Status": "starting"}}, "")[1] == "healthy"
    sick = {"Status": "unhealthy", "Log": [{"Output": "old"}, {"Output": "wget: \x1b[31mrefused\n"}]}
    assert _state({"Status": "running", "Health": sick}, "") == ("running", "unhealthy", "unhealthy: wget: refused")


def test_an_end_is_told_with_its_cause() -> None:
    assert _state({"Status": "exited", "ExitCode": 137, "OOMKilled": True})[2] == (
        "exited: out of memory, killed by the kernel"
    )
    assert _state({"Status": "exited", "ExitCode": 137})[2] == "killed (exit code 137)"
    assert _state({"Status": "exited", "ExitCode": 3})[2] == "ended (exit code 3)"
    assert _state({"Status": "created", "Error": "port is taken"})[2] == "never started: port is taken"


def test_containers_of_both_composes_are_found_and_one_offs_are_not() -> None:
    def one(id_: str, state: str, created: int, **labels: str) -> dict[str, Any]:
        labels = {f"com.docker.compose.{name}": value for name, value in labels.items()}
        return {"Id": id_, "State": state, "Created": created, "Labels": labels}

    found = newest([
        one("old", "running", 1, service="loki", oneoff="False"),
        one("new", "exited", 2, service="loki", oneoff="False"),
        one("run", "running", 3, service="loki", oneoff="True"),
        one("other", "exited", 1, service="jaeger"),
    ])  # fmt: skip
    assert {name: container["Id"] for name, container in found.items()} == {"loki": "old", "jaeger": "other"}


def test_times_lose_their_nanoseconds_and_docker_s_zero_is_none() -> None:
    assert moment("2026-11-21T08:23:19.300606084Z") == "2026-11-21T08:23:19Z"
    assert moment("0001-01-01T00:00:00Z") == moment(None) == ""


def test_the_shipped_file_says_how_each_service_is_probed() -> None:
    bundle = read_bundle(shipped_file(), {})
    assert {"prometheus", "alertmanager", "loki", "jaeger", "grafana", "collector", "sample"} == {
        one.name for one in bundle.services
    }
    for one in bundle.services:
        assert one.probe.startswith("http://127.0.0.1:"), one
        assert int(one.probe.split(":")[2].split("/")[0]) in one.ports, one
        assert ":" in one.image, "a tag, so that tomorrow's stack is today's"
    ports = [port for one in bundle.services for port in one.ports]
    assert len(ports) == len(set(ports)), "they share the machine's ports"
    assert [one.name for one in bundle.services if not one.is_in(())] == [
        one.name for one in bundle.services if one.profiles
    ]


def test_a_probe_that_leads_off_this_machine_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("services: {a: {image: b, labels: ['warroom.probe=http://192.0.2.1/']}}")
    with pytest.raises(StackError, match=r"warroom\.probe of a must be http on 127\.0\.0\.1"):
        read_bundle(file, {})


@pytest.mark.parametrize("text", ["", "- a", "services: 3", "a: [", "services: {a: {labels: {warroom.ports: x}}}"])
def test_a_broken_file_is_told_in_a_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "compose.yml"
    file.write_text(text)
    with pytest.raises(StackError, match=str(file)):
        read_bundle(file, {})


def test_variables_are_put_in_as_compose_does() -> None:
    known = {"A": "1", "EMPTY": ""}
    text = "$A ${A} ${B:-x} ${EMPTY:-y} ${EMPTY-z} ${B:?no} ${A:+set} $$A"
    assert interpolated(text, known) == "1 1 x y   set $A"


def test_another_project_s_variables_do_not_reach_compose(tmp_path: Path) -> None:
    env = environment({"COMPOSE_FILE": "x.yml", "PATH": "/bin"}, "unix:///s", tmp_path)
    assert env == {"PATH": "/bin", "DOCKER_HOST": "unix:///s", "WARROOM_STACK_SECRETS": str(tmp_path)}


def test_secrets_are_made_once_and_follow_the_settings(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    assert prepare(folder, "first-secret") == ("grafana-admin-password", "intake.secret")
    password, inode = (folder / "grafana-admin-password").read_text(), (folder / "intake.secret").stat().st_ino
    assert prepare(folder, "2nd") == ()
    assert (folder / "grafana-admin-password").read_text() == password
    assert (folder / "intake.secret").read_text() == "2nd"
    assert (folder / "intake.secret").stat().st_ino == inode, "a container has that very file mounted"


def test_the_mask_knows_environment_files_and_urls(tmp_path: Path) -> None:
    prepare(tmp_path, "intake-secret-1")
    mask = Mask(["DB_PASSWORD=hunter2xx", "MODE=production", "API_TOKEN=hunter2xx-longer"], tmp_path)
    assert mask("hunter2xx-longer hunter2xx production intake-secret-1 http://me:pw@h/") == (
        "*** *** production *** http://***@h/"
    )


def test_no_log_line_can_move_the_cursor() -> None:
    assert safe_line("\x1b[2J\x1b]0;title\x07a\x08\u202eb\tc\x9b31m") == "ab\tc31m"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("driver failed: Bind for 127.0.0.1:80 failed: port is already allocated", "port-taken"),
        ('Get "https://registry/v2/": dial tcp: lookup registry on DNS: no such host', "no-registry"),
        ("write /var/lib/docker/x: no space left on device", "disk"),
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "no-engine"),
        ("something else", "failed"),
    ],
)
def test_the_engine_s_words_are_recognised(said: str, kind: str) -> None:
    assert failure(said).kind == kind


class _Streams:
    """Two lives of a container; chunks end anywhere, and the second overlaps the first by a line."""

    def __init__(self) -> None:
        self.lives = iter([
            [b"2026-11-21T08:00:00.1Z one\n2026-11-21T08:0", b"0:00.2Z two\n"],
            [b"2026-11-21T08:00:00.2Z two\n2026-11-21T08:00:01.0Z three"],
        ])  # fmt: skip
        self.asked: list[Any] = []

    def logs(self, _id: str, *, since: Any, **_more: Any) -> Any:
        self.asked.append(since)
        return _Chunks(next(self.lives))


class _Chunks(list[bytes]):
    def close(self) -> None:
        """Nothing to close."""


def test_following_over_a_restart_shows_each_line_once() -> None:
    streams = _Streams()
    lives = iter([("a", True), ("a", False)])
    assert list(follow(streams, lambda: next(lives), 10, Mask(), lambda: None)) == ["one", "two", "three"]
    assert streams.asked[0] is None
    assert streams.asked[1] == 1795248000.0


def test_who_draws_the_state_loads_no_docker() -> None:
    code = (
        "import sys, warroom.bundle.state, warroom.bundle.life; print('docker' in sys.modules, 'yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_help_for_the_stack_loads_no_docker() -> None:
    code = (
        "import sys; from warroom.cli.main import main; main(['stack', 'up', '--help']); "
        "print({'docker', 'psutil', 'yaml', 'asyncio', 'requests'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "set()"


def test_a_state_has_words_before_anybody_looked() -> None:
    assert StackState().unwell == ()
