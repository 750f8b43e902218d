"""Numbers, lists and files in pages that people write are those of the code, and the examples in them can be used."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.intake.hostile_requests import CASES
from warroom.participants.intake.door import DoorSettings
from warroom.participants.intake.reading import Bounds
from warroom.playbooks import lint
from warroom.playbooks.load import LIMITS
from warroom.server.auth import TOKEN_TTL
from warroom.server.metrics import Metrics
from warroom.server.session import MOST_QUESTIONS
from warroom.server.settings import ServerLimits
from warroom.settings.load import load

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def blocks(name: str, language: str) -> Iterator[str]:
    """The fenced blocks of that language."""
    yield from re.findall(rf"^```{language}\n(.*?)^```", page(name), re.MULTILINE | re.DOTALL)


def test_the_architecture_tells_what_every_package_is_for() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", page("architecture.md"), re.MULTILINE))
    assert {one.parent.name for one in (DOCS.parent / "warroom").glob("*/__init__.py")} <= told


def test_alert_intake_tells_every_status_and_limit() -> None:
    text = page("alert-intake.md")
    told = {int(number) for row in re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE) for number in row.split(",")}
    assert {status for _, _, status in CASES} | {408, 429, 503} <= told
    door, bounds = DoorSettings(secret="x" * 16), Bounds()
    assert f"more than {door.per_second:g} requests a second from one address, after a burst of {door.burst}" in text
    assert f"too slow ({bounds.seconds:g} s), too large ({bounds.size >> 20} MiB)" in text


def test_playbooks_tells_every_finding_of_the_linter_and_its_bounds() -> None:
    text = page("playbooks.md")
    codes = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', Path(lint.__file__).read_text("utf-8")))
    assert not [code for code in codes if code not in text]
    assert f"more than {LIMITS.depth} levels and more than {LIMITS.size >> 10} KiB" in text


def test_security_tells_the_limits_of_the_door() -> None:
    text, limits = page("security.md"), ServerLimits()
    tokens, codes = 1 / limits.failures_per_second, 1 / limits.invite_failures_per_second
    assert f"{limits.failures} wrong tokens at once from one address, then one in {tokens:g} s" in text
    assert f"{limits.invite_failures} wrong codes at once from all, then one in {codes:g} s" in text
    assert TOKEN_TTL <= 31 * 86_400


def test_protocol_tells_how_many_requests_are_answered_at_a_time() -> None:
    assert f"At most {MOST_QUESTIONS} are answered at a time" in page("protocol.md")


def test_the_configuration_that_operations_shows_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = blocks("operations.md", "toml")
    path = tmp_path / "config.toml"
    path.write_text(shown)
    loaded = load(path, {})
    assert loaded.settings.listen.port == tomllib.loads(shown)["listen"]["port"]
    assert str(loaded.settings.data_dir) == "/var/lib/warroom/log"


def test_the_alerts_that_operations_shows_are_about_real_metrics(tmp_path: Path) -> None:
    (shown,) = blocks("operations.md", "yaml")
    rules = yaml.safe_load(shown)["groups"][0]["rules"]
    known = Metrics().exposition()
    for rule in rules:
        for name in re.findall(r"warroom_\w+", rule["expr"]):
            assert name.removesuffix("_bucket") in known, name
    promtool = shutil.which("promtool")
    if promtool:
        path = tmp_path / "rules.yml"
        path.write_text(shown)
        done = subprocess.run([promtool, "check", "rules", str(path)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_that_operations_shows_can_be_read(tmp_path: Path) -> None:
    (shown,) = blocks("operations.md", "ini")
    keys = [line.partition("=")[0] for line in shown.splitlines() if "=" in line]
    assert {"ExecStart", "User", "RestartPreventExitStatus", "TimeoutStopSec", "ReadWritePaths"} <= set(keys)
    analyze = shutil.which("systemd-analyze")
    if analyze:
        path = tmp_path / "warroom.service"
        path.write_text(shown.replace("/usr/local/bin/warroom", "/bin/true").replace("User=warroom", "User=root"))
        done = subprocess.run([analyze, "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60)
        assert "warroom.service" not in done.stderr, done.stderr


def test_all_yaml_in_the_pages_can_be_read() -> None:
    for path in DOCS.glob("*.md"):
        for shown in blocks(path.name, "yaml"):
            yaml.safe_load(shown)
